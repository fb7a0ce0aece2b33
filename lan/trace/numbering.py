"""TCP connections of a capture of any size by number, as `lan flow --list` has them of one that is held.

Frames are gone over once, in their order, as far as somebody asks.  What is kept is a number for each first sighting
(4 bytes), and of each pair of ends what `tcp_numbers` needs.
"""

from array import array
from bisect import bisect_left
from contextlib import suppress
from threading import Lock

from lan.trace.frame import Frame
from lan.trace.indexed import IndexedCapture
from lan.trace.reassembly_frames import FragmentedFrames
from lan.trace.segment import ODD, segment_in, segment_of
from lan.trace.trackers.tcp_numbers import Numbers, Segment
from lan.wire.frame import decode
from lan.wire.packet import Packet

MOST_ENDS = 1 << 18
"""Pairs of addresses and ports that are remembered; some 600 bytes each."""
PIECE_FRAMES = 1 << 14
NONE = 0


class Numbering:
    """Of an index; `count` connections were met so far, in `known` of its first sightings."""

    def __init__(self, index: IndexedCapture, *, most_ends: int = MOST_ENDS) -> None:
        self._index, self._numbers = index, Numbers(most_ends)
        self._of = array("I")
        """By place among the first sightings: the connection's number + 1, or NONE."""
        self._gone = index.first_sightings_gone
        self._fragments = FragmentedFrames()
        self._lock = Lock()

    @property
    def count(self) -> int:
        return self._numbers.count

    @property
    def known(self) -> int:
        return len(self._of)

    @property
    def is_full(self) -> bool:
        """Whether there were more pairs of ends than are remembered: what comes then has no number."""
        return self._numbers.is_full

    def go_on(self, count: int = PIECE_FRAMES) -> bool:
        """Go over so many more of the frames that the index knows; whether there are more.

        Raises Malformed where they can't be read.
        """
        with self._lock:
            return self._go_on(count)

    def of(self, frame: Frame) -> int | None:
        """The number of the connection that a first sighting belongs to; None where it has none, or it is not told."""
        with self._lock:
            place = self._index.place(frame.number)
            if place is None:
                return None
            self._let_go()
            at = bisect_left(self._index.first_sightings, place)
            while at >= len(self._of) and self._go_on(min(at + 1 - len(self._of), PIECE_FRAMES)):
                pass
            number = self._of[at] if at < len(self._of) else NONE
            return number - 1 if number else None

    def places(self, number: int) -> list[int]:
        """Where the frames of a connection stand in the index, of those that were gone over."""
        found, at = list[int](), -1
        with suppress(ValueError):  # there are no more
            while True:
                at = self._of.index(number + 1, at + 1)
                found.append(self._index.first_sightings[at])
        return found

    def _go_on(self, count: int) -> bool:
        self._let_go()
        firsts, begin = self._index.first_sightings, len(self._of)
        stop = min(begin + count, len(firsts))
        while stop > begin and firsts[stop - 1] >= self._index.known:  # it is just being written down
            stop -= 1
        for place, data, length, device in self._index.raw(firsts[begin:stop]):
            if self.is_full:
                break
            segment = segment_of(data, length, device)
            self._of.append(NONE)
            if segment is ODD:
                self._take_odd(place, decode(data, wire_length=length), device)
            elif segment is not None:
                self._note(len(self._of) - 1, segment)
        return begin < len(self._of) < len(firsts) and not self.is_full

    def _take_odd(self, place: int, packet: Packet, device: str) -> None:
        """A frame that must be decoded; one that completes a packet in fragments, of which all are then noted."""
        parts = list[int]()
        network = packet.ipv4 or packet.ipv6
        if network is not None and network.is_fragment():
            whole = self._fragments.join(self._index.frame(place))
            if whole is None:
                return
            packet = decode(whole.frame)
            places = (self._index.place(each.number) for each in whole.sources)
            parts = [bisect_left(self._index.first_sightings, each) for each in places if each is not None]
        segment = segment_in(packet, device)
        if segment is not None:
            self._note(len(self._of) - 1, segment)
            for at in parts:
                self._of[at] = self._of[-1]

    def _note(self, at: int, segment: Segment) -> None:
        if (number := self._numbers.take(segment)) is not None:
            self._of[at] = number + 1

    def _let_go(self) -> None:
        """Forget the first sightings that the index has no more."""
        gone = self._index.first_sightings_gone
        del self._of[: gone - self._gone]
        self._gone = gone
