"""The book's five ways to fetch many objects, each as four numbers.  The book, 4.3.2 to 4.6.

Pure.  `pool.py` obeys the numbers and knows no strategy by name.
"""

from dataclasses import dataclass

from lan.errors import UsageError, nearest
from lan.reasons import Reason


@dataclass(frozen=True, slots=True)
class Strategy:
    """`per_host` connections at once to one host and `in_all` to all; `is_kept`: a connection serves again;
    `depth` requests may be under way on one connection."""

    name: str
    per_host: int
    in_all: int
    is_kept: bool
    depth: int
    why: Reason


MANY = 32
"""Connections in all, where a strategy does not say."""

STRATEGIES = {
    made.name: made
    for made in (
        Strategy(
            "serial", 1, 1, False, 1,
            Reason("book 4.3.2", "one object after the other, each on a connection of its own: all delays add up"),
        ),
        Strategy(
            "parallel", 4, MANY, False, 1,
            Reason("book 4.4", "several connections side by side, each for one object: their delays overlap"),
        ),
        Strategy(
            "persistent", 1, MANY, True, 1,
            Reason("book 4.5", "one connection a host, used again: one handshake, and a window that has opened"),
        ),
        Strategy(
            "persistent+parallel", 2, MANY, True, 1,
            Reason("book 4.5.1", "a few persistent connections side by side, as browsers do"),
        ),
        Strategy(
            "pipelined", 1, MANY, True, 8,
            Reason("book 4.6", "requests leave before the last response has come; responses come in their order"),
        ),
    )
}  # fmt: skip


def strategy(name: str, *, connections: int | None = None, depth: int | None = None) -> Strategy:
    """A strategy by its name, with numbers of one's own.  Raises UsageError."""
    known = STRATEGIES.get(name)
    if known is None:
        like = nearest(name, STRATEGIES)
        raise UsageError(
            f"--strategy {name}: no such strategy",
            expected=", ".join(STRATEGIES),
            todo=f"--strategy {like}" if like else None,
        )
    per_host = _number("--connections", connections, known.per_host, name != "serial", name)
    deep = _number("--depth", depth, known.depth, name == "pipelined", name)
    return Strategy(known.name, per_host, known.in_all, known.is_kept, deep, known.why)


def _number(word: str, given: int | None, own: int, is_free: bool, name: str) -> int:
    if given is None:
        return own
    if not 1 <= given <= MANY:
        raise UsageError(f"{word} {given}: out of range", expected=f"1 to {MANY}")
    if given != own and not is_free:
        raise UsageError(f"{word} {given}: {name} has {own}", todo=f"leave {word} out, or choose another strategy")
    return given
