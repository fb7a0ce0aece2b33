"""Decisions on their way to the log: each by itself, and in a flood those beyond a number a second together.

A cable that loses half of 50 000 frames a second would write 6 MB of log each second, and carry fewer
frames for it.  So in each second the first decisions are told one by one; the others of its cable,
direction and kind in one line, which lists their frames: none is left out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lan.links.way import NS, Decision, What
from lan.reasons import Reason

ALONE_A_SECOND = 2000


@dataclass(frozen=True, slots=True)
class Course:
    """Which cable, and which way: from one device to the other."""

    cable: str
    sender: str
    receiver: str

    def keys(self) -> dict[str, Any]:
        """As a decision has them."""
        return {"cable": self.cable, "from": self.sender, "to": self.receiver}


Append = Callable[[int, What, Reason, dict[str, Any]], None]
"""Takes a decision's moment in ns, what, why, and its keys."""


class Teller:
    """Tells decisions of all cables; whoever has the clock calls `flush` when `due_ns` says."""

    def __init__(self, append: Append, *, alone_a_second: int = ALONE_A_SECOND) -> None:
        self._append, self._alone = append, alone_a_second
        self._second_ends_ns, self._told = 0, 0
        self._together: dict[tuple[Course, What, Reason], list[Decision]] = {}

    @property
    def due_ns(self) -> int | None:
        """When those that are told together are; None where there are none."""
        return self._second_ends_ns if self._together else None

    def record(self, course: Course, decision: Decision) -> None:
        """Tell a decision now, or with others at the end of the second."""
        if decision.at_ns >= self._second_ends_ns:
            self.flush()
            self._second_ends_ns, self._told = decision.at_ns + NS, 0
        self._told += 1
        if self._told > self._alone:
            self._together.setdefault((course, decision.what, decision.why), []).append(decision)
            return
        keys = course.keys() | {"frame": decision.frame, "bytes": decision.length, "crc": decision.crc}
        if decision.bit is not None:
            keys["bit"] = decision.bit
        self._append(decision.at_ns, decision.what, decision.why, keys)

    def flush(self) -> None:
        """Tell those that are told together."""
        for (course, what, why), decisions in self._together.items():
            numbers = [decision.frame for decision in decisions]
            keys = course.keys() | {"count": len(numbers), "frames": ranges(numbers)}
            self._append(decisions[-1].at_ns, what, why, keys)
        self._together.clear()


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as ``3-5,9``."""
    runs = list[list[int]]()
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)
