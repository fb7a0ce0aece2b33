"""Stepping through a recording: forward, back, to an event, until a breakpoint.  Pure: waiting is the face's.

An event is one sighting: a frame on one cable, on its way from the last device to the next.  The stepper stands at an
event, or before the first; what is recorded meanwhile comes after the last, and is told by `news`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lan.errors import UsageError
from lan.reasons import Sentence
from lan.trace.filter import Filter
from lan.trace.frame import Frame
from lan.trace.recorded import Recorded, place_of

SLOWEST, FASTEST = 0.001, 10_000.0
LONGEST_PAUSE_S = 2.0
"""Longer silence of a recording is not waited out while it plays."""
BEFORE_THE_FIRST = -1


class Halt(StrEnum):
    """Why a movement ended where it did."""

    DONE = "done"
    BREAKPOINT = "breakpoint"
    BEGINNING = "the recording begins here"
    END = "the recording ends here"
    NOT_FOUND = "no such event"


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """Where `run` and `play` halt; `number` names it, from 1."""

    number: int
    text: str
    is_hit: Filter = field(compare=False, repr=False)

    @property
    def said(self) -> Sentence:
        """What a face tells of it."""
        return Sentence("breakpoint {number}: {filter}", number=self.number, filter=self.text)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where a movement led, over which events, and why it ended; `hit` is the breakpoint, if it was one."""

    frame: Frame | None
    halt: Halt
    over: int = 0
    hit: Breakpoint | None = None


class Stepper:
    """One reader's place in a recording, its breakpoints and its speed."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.at = BEFORE_THE_FIRST
        self.speed = 1.0
        self.breakpoints: list[Breakpoint] = []
        self._next_number = 1
        self._here: int | None = None
        """The number of the event that it stands at."""
        self._told = self._last_number()

    @property
    def events(self) -> Sequence[Frame]:
        """All that are known until now."""
        return self.recorded.sightings

    @property
    def frame(self) -> Frame | None:
        """The event that it stands at; None before the first."""
        return self.events[self.at] if self.at >= 0 else None

    @property
    def is_at_end(self) -> bool:
        return not self._has(self.at + 1)

    def news(self) -> int:
        """How many events were recorded since it was last asked (or made); it stands at the same event still.

        A capture that is kept in few files loses its first ones: where its event is gone, it stands before the first.
        """
        if self._here is not None and (self.at >= len(self.events) or self.events[self.at].number != self._here):
            place = place_of(self.recorded, self._here)
            self.at = BEFORE_THE_FIRST if place is None else place
        before, self._told = self._told, self._last_number()
        return self._told - before

    def _last_number(self) -> int:
        return self.events[-1].number if self.events else 0

    def _has(self, place: int) -> bool:
        """Whether an event is at a place."""
        return place < len(self.events) or (self.recorded.know(place + 1) and place < len(self.events))

    # ---- moving

    def forward(self, count: int = 1) -> Moved:
        """So many events on, or as far as there are some."""
        return self._go(self.at + count)

    def back(self, count: int = 1) -> Moved:
        """So many events back, or before the first."""
        return self._go(self.at - count)

    def first(self) -> Moved:
        return self._go(min(0, len(self.events) - 1))

    def last(self) -> Moved:
        self.recorded.know()
        return self._go(len(self.events) - 1)

    def go(self, number: int) -> Moved:
        """To the frame of a number.  Raises UsageError where there is none."""
        place = place_of(self.recorded, number)
        if place is None:
            known = f"{self.events[0].number} to {self.events[-1].number}" if self.events else "none is there yet"
            raise UsageError(f"there is no frame {number}", expected=known)
        return self._go(place)

    def find(self, wanted: Filter, *, backward: bool = False) -> Moved:
        """To the next event that a filter means, or the one before; stays where there is none."""
        place, step = self.at, -1 if backward else 1
        while (place := place + step) >= 0 and self._has(place):
            if self._is_meant(wanted, self.events[place]):
                return self._go(place)
        return Moved(self.frame, Halt.NOT_FOUND)

    def run(self, passed: Callable[[Frame], None] = lambda frame: None) -> Moved:
        """On to the next breakpoint, or to the end; `passed` is told each event on the way, that at the halt too."""
        begun = self.at
        while self._has(self.at + 1):
            self._go(self.at + 1)
            passed(self.events[self.at])
            if (hit := self.hit()) is not None:
                return Moved(self.frame, Halt.BREAKPOINT, self.at - begun, hit)
        return Moved(self.frame, Halt.END, self.at - begun)

    def hit(self) -> Breakpoint | None:
        """The breakpoint that the event it stands at meets."""
        frame = self.frame
        if frame is None:
            return None
        return next((each for each in self.breakpoints if self._is_meant(each.is_hit, frame)), None)

    def _is_meant(self, wanted: Filter, frame: Frame) -> bool:
        return wanted(frame, self.recorded.timeline_of(frame))

    def pause_s(self) -> float | None:
        """At this speed, seconds until the next event; None where there is none (yet)."""
        if self.is_at_end:
            return None
        if self.at < 0:
            return 0.0
        gap_s = (self.events[self.at + 1].time_ns - self.events[self.at].time_ns) / 1e9
        return min(max(gap_s, 0.0) / self.speed, LONGEST_PAUSE_S)

    def _go(self, place: int) -> Moved:
        last = place if self._has(place) else len(self.events) - 1
        begun, self.at = self.at, max(min(place, last), BEFORE_THE_FIRST)
        self._here = self.frame.number if self.frame else None
        halt = Halt.END if place > last else Halt.BEGINNING if place < 0 else Halt.DONE
        return Moved(self.frame, halt, abs(self.at - begun))

    # ---- breakpoints and speed

    def add_breakpoint(self, text: str, is_hit: Filter) -> Breakpoint:
        made = Breakpoint(self._next_number, text, is_hit)
        self._next_number += 1
        self.breakpoints.append(made)
        return made

    def clear(self, number: int | None = None) -> int:
        """Take one breakpoint away, or all; how many.  Raises UsageError where there is none of that number."""
        before = len(self.breakpoints)
        if number is not None and number not in {each.number for each in self.breakpoints}:
            known = ", ".join(str(each.number) for each in self.breakpoints) or "none is set"
            raise UsageError(f"there is no breakpoint {number}", expected=known)
        self.breakpoints = [each for each in self.breakpoints if number is not None and each.number != number]
        return before - len(self.breakpoints)

    def set_speed(self, speed: float) -> None:
        """1 is as it was, 10 ten times as fast.  Raises UsageError."""
        if not SLOWEST <= speed <= FASTEST:
            raise UsageError(f"a speed of {speed:g}", expected=f"{SLOWEST:g} to {FASTEST:g}; 1 is as it was")
        self.speed = speed
