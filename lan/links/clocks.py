"""How far the clock of a cable is ahead of the one that frames are stamped by.  clock_gettime(2).

Whoever is not run for a moment between two readings would take that moment for a difference of the clocks, and a
decision would stand in the log before the frame that it is about.  Pure: whoever has the clocks hands them in.
"""

from collections.abc import Callable

CLOSE_NS = 500
"""Readings so close together are good enough: the log's own numbers are no better."""
TRIES = 20
"""On a machine that is too slow for it the closest of so many is taken."""

Clock = Callable[[], int]


def ahead_ns(monotonic_ns: Clock, real_ns: Clock) -> int:
    """CLOCK_MONOTONIC less CLOCK_REALTIME, in ns."""
    closest_ns, ahead = None, 0
    for _ in range(TRIES):
        before, real, after = monotonic_ns(), real_ns(), monotonic_ns()
        if closest_ns is None or after - before < closest_ns:
            closest_ns, ahead = after - before, (before + after) // 2 - real
        if closest_ns <= CLOSE_NS:
            break
    return ahead
