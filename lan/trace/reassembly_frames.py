"""Frames whose IP packet came in fragments, as one frame each, for the trackers.  RFC 791 §3.2, RFC 8200 §4.5.  Pure.

Fragments are put together by the device that sent them: a router that hands them on makes a packet of its own.
"""

from lan.trace.frame import Frame
from lan.trace.reassembly_ip import Fragments, Lost, Whole

MOST_LOST = 1000
"""Of packets that never became whole so many are kept, the last ones."""


class FragmentedFrames:
    """Takes the frames that hold a fragment; `lost` are the packets that were given up, each with its reason."""

    def __init__(self) -> None:
        self.lost: list[Lost[Frame]] = []
        self._by_device: dict[str, Fragments[Frame]] = {}
        self._sources: dict[int, tuple[Frame, ...]] = {}

    def add(self, frame: Frame) -> Frame | None:
        """The whole packet, with number and time of the fragment that completed it; None while parts are missing."""
        if (whole := self.join(frame)) is None:
            return None
        self._sources[frame.number] = whole.sources
        return Frame(frame.number, frame.time_ns, frame.port, frame.peer, frame.direction, whole.frame)

    def join(self, frame: Frame) -> Whole[Frame] | None:
        """As `add`, for those who remember themselves what came of it."""
        fragments = self._by_device.setdefault(frame.from_device, Fragments())
        ended = [*fragments.expire(frame.time_ns), *fragments.add(frame.packet, frame, frame.time_ns)]
        whole = None
        for each in ended:
            if isinstance(each, Whole):
                whole = each
            else:
                self.lost.append(each)
        del self.lost[:-MOST_LOST]
        return whole

    def sources_of(self, frame: Frame) -> tuple[Frame, ...]:
        """The fragments of the packet that this frame completed, in the order they came; () for any other frame."""
        return self._sources.get(frame.number, ())
