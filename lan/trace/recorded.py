"""A recording as who goes through it needs it: all sightings by their place, and what frames mean where one looks.

A `Held` one is a timeline in memory, whole.  `lan.trace.excerpts` has one of a capture file of any size, of which a
timeline takes up the part that is looked at.  Who looks asks `timeline_of` a frame before asking that timeline about
it, and keeps none: another place may need another.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Protocol

from lan.trace.frame import Frame
from lan.trace.timeline import Timeline

STRETCH_FRAMES = 65_536
"""So many more sightings are made known at once, where one is looked for."""


class Recorded(Protocol):
    """`sightings` are all frames known, at every cable; `first_sightings` each once, where its sender put it."""

    @property
    def sightings(self) -> Sequence[Frame]: ...

    @property
    def first_sightings(self) -> Sequence[Frame]: ...

    @property
    def timeline(self) -> Timeline:
        """What was last looked at, with what was around it."""
        ...

    def timeline_of(self, frame: Frame) -> Timeline:
        """A timeline that has one of the frames, what was before it, and what came of it."""
        ...

    def know(self, count: int | None = None) -> bool:
        """Have so many sightings known, or all there are until now; whether more may be there already."""
        ...

    @property
    def share(self) -> float:
        """How much of it is known, 0 to 1."""
        ...

    @property
    def gone(self) -> int:
        """How many sightings were there and are no more: places count from the first that is."""
        ...

    def cables(self) -> Iterable[tuple[str, str]]:
        """The two ends of each cable known, in the order they came to be known."""
        ...

    def another(self) -> "Recorded":
        """The same recording for somebody who looks elsewhere meanwhile."""
        ...


class Held:
    """A timeline that has all frames; it may grow."""

    share = 1.0

    def __init__(self, timeline: Timeline) -> None:
        self.timeline, self.gone = timeline, 0
        self._cables: dict[tuple[str, str], None] = {}
        self._mapped = 0

    @property
    def sightings(self) -> list[Frame]:
        return self.timeline.all_frames

    @property
    def first_sightings(self) -> list[Frame]:
        return self.timeline.all_first_sightings

    def timeline_of(self, frame: Frame) -> Timeline:
        return self.timeline

    def know(self, count: int | None = None) -> bool:
        return False

    def cables(self) -> Iterable[tuple[str, str]]:
        frames = self.timeline.all_frames
        self._cables |= {(frames[at].port, frames[at].peer): None for at in range(self._mapped, len(frames))}
        self._mapped = len(frames)
        return self._cables

    def another(self) -> "Held":
        return self


class Rolling(Held):
    """A timeline of frames that are nowhere else: of more than `most` the first are let go, and are gone."""

    def __init__(self, timeline: Timeline, most: int = 65_536) -> None:
        super().__init__(timeline)
        self.most = most

    def feed(self, frames: Sequence[Frame]) -> None:
        """Take frames in the order of their numbers; they, and an eighth of `most`, are there afterwards."""
        self.timeline.feed(frames)
        held = self.timeline.all_frames
        if len(held) <= self.most:
            return
        kept = held[-max(self.most // 8, len(frames)) :]
        self.gone += len(held) - len(kept)
        self.timeline = self.timeline.excerpt(self.timeline.begun_ns, is_whole=False)
        self.timeline.feed(kept)
        self._mapped = 0


def place_of(recorded: Recorded, number: int) -> int | None:
    """Where the sighting of a number stands among all of a recording; None where none has it."""
    frames = recorded.sightings
    while not frames or frames[-1].number < number:
        if not recorded.know(len(frames) + STRETCH_FRAMES):
            break
    place = bisect_left(frames, number, key=attrgetter("number"))
    return place if place < len(frames) and frames[place].number == number else None


def taken_up(recorded: Recorded, frame: Frame) -> tuple[Frame, Timeline]:
    """A frame as the timeline has it that knows about it, and that timeline."""
    timeline = recorded.timeline_of(frame)
    frames = timeline.all_frames
    return frames[bisect_left(frames, frame.number, key=attrgetter("number"))], timeline
