"""A part of a recording by its frames or its time: ``1000-2000``, ``3.2s-4s``, ``250ms-``, ``-500``.  Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from lan.errors import UsageError
from lan.trace.frame import Frame

SECOND_NS = 1_000_000_000
UNITS_NS = {"ms": SECOND_NS // 1000, "s": SECOND_NS}
DISORDER_NS = SECOND_NS
"""Frames of a capture of several ports are not quite in the order of time."""
_NUMBERS = re.compile(r"(?P<first>\d{1,15})?-(?P<last>\d{1,15})?", re.ASCII)
_TIME = r"(?:(?P<{0}>\d{{1,12}}(?:\.\d{{1,9}})?)(?P<{0}_unit>ms|s))?"
_TIMES = re.compile(f"{_TIME.format('first')}-{_TIME.format('last')}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """From `first` to `last`, both meant too: numbers of frames, or ns since the recording began; None is open."""

    first: int | None
    last: int | None
    is_time: bool

    def choose(self, frames: Iterable[Frame], begun_ns: int) -> list[Frame]:
        """Those of some frames that are meant; `begun_ns` is the time of the recording's first."""
        first, last = self.first, self.last
        places = ((self._place(frame, begun_ns), frame) for frame in frames)
        return [
            frame for place, frame in places if (first is None or first <= place) and (last is None or place <= last)
        ]

    def is_behind(self, frame: Frame, begun_ns: int) -> bool:
        """Whether what comes after a frame of the recording is not meant."""
        slack = DISORDER_NS if self.is_time else 0
        return self.last is not None and self._place(frame, begun_ns) > self.last + slack

    def _place(self, frame: Frame, begun_ns: int) -> int:
        return frame.time_ns - begun_ns if self.is_time else frame.number


def read_span(text: str) -> Span:
    """The part that a text means.  Raises UsageError."""
    if text != "-":
        if found := _NUMBERS.fullmatch(text):
            first, last = (int(each) if each else None for each in found.group("first", "last"))
            return _ordered(text, first, last, is_time=False)
        if found := _TIMES.fullmatch(text):
            first, last = (_ns(found[name], found[f"{name}_unit"]) for name in ("first", "last"))
            return _ordered(text, first, last, is_time=True)
    raise UsageError(
        f"--part {text} is no part of a recording", expected="frames, such as 1000-2000, or times, such as 3.2s-4s"
    )


def _ordered(text: str, first: int | None, last: int | None, *, is_time: bool) -> Span:
    if first is not None and last is not None and last < first:
        raise UsageError(f"--part {text} ends before it begins")
    return Span(first, last, is_time)


def _ns(number: str | None, unit: str | None) -> int | None:
    return None if number is None or unit is None else int(Decimal(number) * UNITS_NS[unit])
