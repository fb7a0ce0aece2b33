"""A capture file of any size, of which a timeline has the part that is looked at.

In memory are the index (12 bytes a frame at most; 4 more where connections are numbered) and one timeline, of
`most_frames` at most, or fewer where they are long (`FRAME_BYTES` is the mean that they may have).  It goes on as one
goes forward, and begins anew, an eighth of that earlier, where one looks elsewhere: what a frame means is told by what
was before it, and how far that goes back is the one thing that such a timeline does not know.
"""

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path

from lan.trace.frame import Frame
from lan.trace.indexed import IndexedCapture
from lan.trace.keylog import LanKeys
from lan.trace.numbering import Numbering
from lan.trace.places import Places
from lan.trace.proxy_log import ProxyLogs
from lan.trace.timeline import Timeline
from lan.trace.unreadable import gone

MOST_FRAMES = 32_768
FRAME_BYTES = 2048
BEFORE, BEYOND = 8, 32
"""One part in so many a timeline has before, and behind, the frame that it was begun for."""
PIECE_FRAMES, AHEAD_FRAMES = 64, 16
"""So many are taken up at once; so many at least are there behind the frame that is looked at."""


class Excerpts:
    """A `Recorded` of a file; `folder` is that of the LAN's state, with the logs of its programs."""

    def __init__(
        self,
        index: IndexedCapture,
        timeline: Timeline,
        folder: Path,
        *,
        most_frames: int = MOST_FRAMES,
        numbering: Numbering | None = None,
    ) -> None:
        """`timeline` is empty: it says which names are known."""
        self.most_frames = most_frames
        self._before, self._beyond = most_frames // BEFORE, most_frames // BEYOND
        self._most_bytes, self._bytes = most_frames * FRAME_BYTES, 0
        self.index, self._folder = index, folder
        self._keys, self._proxies = LanKeys(folder), ProxyLogs(folder)
        self.numbering = Numbering(index) if numbering is None else numbering
        timeline.numbering = self.numbering.of
        self._timeline, self._begin = timeline, 0
        self._secrets = 0
        self.sightings = _Sightings(self)
        self.first_sightings = _FirstSightings(self)

    @property
    def timeline(self) -> Timeline:
        return self._timeline

    @property
    def end(self) -> int:
        """The place behind the last frame that the timeline has."""
        return self._begin + len(self._timeline.all_frames)

    def timeline_of(self, frame: Frame) -> Timeline:
        """The timeline, moved to a frame if it must be.  Raises Unreadable where the file has the frame no more."""
        place = self.index.place(frame.number)
        if place is None:
            raise gone(frame.number)
        begin, end = self._begin, self.end
        is_first = begin <= self.index.start
        earliest = begin if is_first else begin + self._before // 4
        is_near = end >= self.index.start and (is_first or place < end + self._before)
        is_inside = is_near and earliest <= place < begin + self.most_frames - 2 * self._beyond
        is_full = self._bytes > self._most_bytes
        if not is_inside or (is_full and place + AHEAD_FRAMES >= end < self.index.known):
            self._begin_at(self.index.before(place, self._before, self._most_bytes // BEFORE))
            is_full = False
        if not is_full and place + self._beyond > self.end:
            self._feed(place)
        return self._timeline

    def frame(self, place: int) -> Frame:
        """The frame at a place: the timeline's own, where it has it."""
        if self._begin <= place < self.end:
            return self._timeline.all_frames[place - self._begin]
        return self.index.frame(place)

    def begin(self) -> None:
        """Take up the logs, and the first frames: they tell when the recording began, and names."""
        self.read_logs()
        if self.index.frames(self.index.start, self.index.start + 1):
            self.timeline_of(self.sightings[0])

    def know(self, count: int | None = None) -> bool:
        return self.index.walk(None if count is None else self.index.start + count)

    @property
    def share(self) -> float:
        return self.index.share

    @property
    def gone(self) -> int:
        return self.index.start

    def cables(self) -> Iterable[tuple[str, str]]:
        return self.index.cables()

    def another(self) -> "Excerpts":
        timeline = self._timeline.excerpt(self._begun_ns(), is_whole=self.index.start == 0)
        made = Excerpts(self.index, timeline, self._folder, most_frames=self.most_frames, numbering=self.numbering)
        made._begin = self.index.start  # and it reads no logs: the timelines share what they say
        return made

    def read_logs(self) -> None:
        """Take what programs have written into key logs, and proxies into theirs, since the last call."""
        self._timeline.learn_secrets(self._keys.fresh())
        for device, log in self._proxies.fresh():
            self._timeline.learn_proxies(device, log)

    def _begun_ns(self) -> int:
        return self._timeline.begun_ns or (self.index.frame(self.index.start).time_ns if self.index.known else 0)

    def _begin_at(self, place: int) -> None:
        self._timeline = self._timeline.excerpt(self._begun_ns(), is_whole=place == 0)
        self._begin, self._bytes = place, 0

    def _feed(self, place: int) -> None:
        """Take up what is between the timeline's last frame and one, and some of what comes behind that."""
        beyond_bytes = self._most_bytes // BEYOND
        while self.end <= place or (self.end < place + 2 * self._beyond and beyond_bytes > 0):
            fresh = self.index.frames(self.end, min(self.end + PIECE_FRAMES, place + 2 * self._beyond))
            if not fresh:
                break
            self._timeline.switches = self.index.switches
            if secrets := self.index.secret_parts[self._secrets :]:
                self._timeline.learn_secrets("".join(secrets))
                self._secrets += len(secrets)
            self._timeline.feed(fresh)
            taken_bytes = sum(len(frame.data) for frame in fresh)
            self._bytes += taken_bytes
            beyond_bytes -= taken_bytes if self.end > place else 0


class _Places(Places):
    """Frames read when they are asked for."""

    def __init__(self, excerpts: Excerpts) -> None:
        self._excerpts, self._index = excerpts, excerpts.index

    @abstractmethod
    def _place(self, at: int) -> int:
        """The place in the index of the frame that stands here."""

    def frame(self, at: int) -> Frame:
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        return self._excerpts.frame(self._place(at % len(self)))


class _Sightings(_Places):
    def __len__(self) -> int:
        return self._index.known - self._index.start

    def _place(self, at: int) -> int:
        return self._index.start + at


class _FirstSightings(_Places):
    def __len__(self) -> int:
        return len(self._index.first_sightings)

    def _place(self, at: int) -> int:
        return self._index.first_sightings[at]
