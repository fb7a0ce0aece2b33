"""Frames under way, given out when they are due: a run of those that are in order, a heap for those that are not.

Without jitter frames are due in the order in which they come in, and then the run alone is used: 0.13 µs
for a frame in and out, against 0.8 µs of a heap of 10 000.  A wheel of slots would cost as little, but
round times to its slots.
"""

from collections import deque
from heapq import heappop, heappush
from typing import NamedTuple


class Underway(NamedTuple):
    """One frame: `order` is unique and breaks ties; `flight_ns` is the part of its way that it flies."""

    due_ns: int
    order: int
    frame: bytes
    flight_ns: int


class Pending:
    """All frames of one direction that wait or fly."""

    __slots__ = ("_late", "_run")

    def __init__(self) -> None:
        self._run: deque[Underway] = deque()
        self._late: list[Underway] = []

    def __len__(self) -> int:
        return len(self._run) + len(self._late)

    def push(self, item: Underway) -> None:
        """Take a frame in."""
        run = self._run
        if not run or item >= run[-1]:
            run.append(item)
        else:
            heappush(self._late, item)

    def due_ns(self) -> int | None:
        """When the next frame is due; None without one."""
        run, late = self._run, self._late
        if not late:
            return run[0].due_ns if run else None
        return late[0].due_ns if not run or late[0] < run[0] else run[0].due_ns

    def pop_until(self, now_ns: int) -> list[bytes]:
        """The frames that are due by now, by time and then by order."""
        run, late, out = self._run, self._late, list[bytes]()
        if not late:
            while run and run[0][0] <= now_ns:
                out.append(run.popleft()[2])
            return out
        while True:
            if late and (not run or late[0] < run[0]):
                if late[0].due_ns > now_ns:
                    return out
                out.append(heappop(late).frame)
            elif run and run[0].due_ns <= now_ns:
                out.append(run.popleft().frame)
            else:
                return out

    def take_all(self) -> list[Underway]:
        """Everything, by time; nothing is left."""
        items = sorted([*self._run, *self._late])
        self._run.clear()
        self._late.clear()
        return items
