"""The frames of a recording that a filter means, found a piece at a time; what is kept is their places."""

from array import array
from bisect import bisect_left
from operator import attrgetter

from lan.trace.filter import Filter
from lan.trace.frame import Frame
from lan.trace.places import Places
from lan.trace.recorded import Recorded


class Listing(Places):
    """Frames by their place in the list.  With `is_hops` those of every cable, else each frame once.

    `looked_at` counts the frames that were held against the filter; without one, all that are known are in the list.
    """

    def __init__(self, recorded: Recorded, wanted: Filter | None = None, *, is_hops: bool = False) -> None:
        self.recorded, self.wanted, self.is_hops = recorded, wanted, is_hops
        self._frames = recorded.sightings if is_hops else recorded.first_sightings
        self._meant = array("Q")
        self._looked_at = 0
        self._looking = recorded.another() if wanted is not None else recorded
        """Its timeline goes over the frames, while the user looks at others."""

    @property
    def looked_at(self) -> int:
        return len(self._frames) if self.wanted is None else self._looked_at

    @property
    def is_complete(self) -> bool:
        """Whether all frames known were looked at."""
        return self.wanted is None or self._looked_at >= len(self._frames)

    def look_on(self, count: int) -> None:
        """Hold so many more frames against the filter.  Raises UsageError where it can't be told of one."""
        if self.wanted is None:
            return
        looking = self._looking
        frames = looking.sightings if self.is_hops else looking.first_sightings
        for at in range(self._looked_at, min(self._looked_at + count, len(frames))):
            timeline = looking.timeline_of(frames[at])
            self._looked_at = at + 1
            if self.wanted(frames[at], timeline):
                self._meant.append(at)

    def place(self, number: int) -> int:
        """Where the first frame stands whose number is not below this; behind the last where there is none."""
        return bisect_left(self, number, key=attrgetter("number"))

    def __len__(self) -> int:
        return len(self._frames) if self.wanted is None else len(self._meant)

    def frame(self, at: int) -> Frame:
        return self._frames[at if self.wanted is None else self._meant[at]]
