"""What chance does to the frames of one direction: loss, duplicates, damage, overtaking, jitter.  tc-netem(8).

Pure: asked by a frame's number, it answers the same each time; only bursts and gaps remember.
"""

from collections.abc import Callable

from lan.links.chance import Stream
from lan.links.jitter import PLACES, table
from lan.links.options import Direction, GilbertElliott

Streams = Callable[[str], Stream]
"""A purpose → its stream."""

NS = 1_000_000_000
AGAIN = "of the second"
"""Added to the purpose where a duplicate draws for itself."""


class Impairments:
    """The faults of one `Direction`."""

    __slots__ = (
        "_again_bit",
        "_again_corrupt",
        "_again_jitter",
        "_bit",
        "_burst",
        "_corrupt",
        "_duplicate",
        "_in_burst",
        "_jitter",
        "_loss",
        "_offsets_ns",
        "_reorder",
        "_since_overtaking",
        "delay_ns",
        "way",
    )

    def __init__(self, way: Direction, streams: Streams) -> None:
        self.way = way
        self._loss, self._burst = streams("loss"), streams("burst")
        self._duplicate, self._reorder = streams("duplicate"), streams("reorder")
        self._corrupt, self._again_corrupt = streams("corrupt"), streams(f"corrupt {AGAIN}")
        self._bit, self._again_bit = streams("bit"), streams(f"bit {AGAIN}")
        self._jitter, self._again_jitter = streams("jitter"), streams(f"jitter {AGAIN}")
        self._in_burst, self._since_overtaking = False, 0
        self.delay_ns = round(way.delay_s * NS)
        self._offsets_ns = [round(jitters * way.jitter_s * NS) for jitters in table(way.distribution)]

    def loses(self, frame: int) -> bool:
        """True where the frame is lost.  Asked once for each frame: a burst goes on from frame to frame."""
        model = self.way.loss
        if isinstance(model, GilbertElliott):
            was_bad = self._in_burst
            turns = self._burst.at(frame) < (model.r if was_bad else model.p)
            self._in_burst = was_bad != turns
            return self._loss.at(frame) < (model.bad_loss if was_bad else model.good_loss)
        return model > 0 and self._loss.at(frame) < model

    def duplicates(self, frame: int) -> bool:
        """True where a second one follows."""
        share = self.way.duplicate
        return share > 0 and self._duplicate.at(frame) < share

    def damages(self, frame: int, bits: int, *, again: bool) -> int | None:
        """The bit that is turned, counted from the first byte's lowest; None for a whole frame.

        `again`: it is the second of a duplicated frame.
        """
        share = self.way.corrupt
        if not share or (self._again_corrupt if again else self._corrupt).at(frame) >= share:
            return None
        return int((self._again_bit if again else self._bit).at(frame) * bits)

    def overtakes(self, frame: int) -> bool:
        """True where the frame doesn't fly but is there at once.  Asked once for each that flies: the gap counts."""
        share = self.way.reorder
        if not share:
            return False
        self._since_overtaking += 1
        if self._since_overtaking < self.way.gap or self._reorder.at(frame) >= share:
            return False
        self._since_overtaking = 0
        return True

    def flight_ns(self, frame: int, *, again: bool) -> int:
        """How long it flies, never less than nothing."""
        if not self.way.jitter_s:
            return self.delay_ns
        stream = self._again_jitter if again else self._jitter
        return max(0, self.delay_ns + self._offsets_ns[int(stream.at(frame) * PLACES)])
