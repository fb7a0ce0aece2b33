"""Fragments of IPv4 and IPv6 packets, put together again.  RFC 791 §3.2, RFC 815, RFC 8200 §4.5, RFC 5722.  Pure.

What comes out is a frame as if nobody had fragmented it, for `lan.wire.frame.decode`.  Time is an argument: a
packet that is not whole in time is given up by `expire`, and says what it lacks.
"""

import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from lan.trace.reassembly import Overlap, Pieces
from lan.wire import checksum, ipv6_extensions
from lan.wire.ipv4 import Ipv4, Ipv4Flags
from lan.wire.ipv6 import HEADER_BYTES, Ipv6
from lan.wire.packet import Packet

T = TypeVar("T")
TIME_OUT_NS = 30 * 10**9
"""Linux's for IPv4 (net.ipv4.ipfrag_time); RFC 8200 has 60 s for IPv6."""
MOST_OPEN = 1024
LONGEST_BYTES = 0xFFFF

Key = tuple[str, str, int, int]
"""Source, destination, protocol (-1 for IPv6, RFC 8200 §4.5), identification."""


class Loss(StrEnum):
    """Why a packet will never be whole."""

    TIME_OUT = "fragments are missing"
    OVERLAP = "fragments overlap"
    TOO_LONG = "longer than a packet can be"
    TWO_ENDS = "two fragments say they are the last"
    NO_EIGHTS = "a fragment before the last is no multiple of eight bytes"
    CROWDED = "too many packets in pieces"


@dataclass(frozen=True, slots=True)
class Whole(Generic[T]):
    """A packet whose fragments are all here: `frame` with the first one's link header, and who brought them."""

    frame: bytes
    sources: tuple[T, ...]
    duplicates: int = 0
    """Fragments that came again."""
    overlapping: int = 0
    """Fragments of which only a part was new."""


@dataclass(frozen=True, slots=True)
class Lost(Generic[T]):
    """A packet that was given up; `holes` are (start, end) of its content, the last one's end None where not known."""

    key: Key
    sources: tuple[T, ...]
    why: Loss
    holes: tuple[tuple[int, int | None], ...] = ()


@dataclass(slots=True)
class _Open(Generic[T]):
    since_ns: int
    pieces: Pieces[T]
    sources: list[T] = field(default_factory=list)
    total: int | None = None
    head: bytes = b""
    header_at: int = 0
    duplicates: int = 0
    overlapping: int = 0

    def holes(self) -> tuple[tuple[int, int | None], ...]:
        found: list[tuple[int, int | None]] = list(self.pieces.holes())
        if self.total is None or self.pieces.end < self.total:
            found.append((self.pieces.end, self.total))
        return tuple(found)


class Fragments(Generic[T]):
    """Packets in pieces.

    Where fragments overlap, the packet is lost, as in Linux and as RFC 5722 wants it for IPv6 (one that came
    twice is none); with an `overlap` policy, those bytes stay instead that it names.
    """

    def __init__(self, *, time_out_ns: int = TIME_OUT_NS, overlap: Overlap | None = None) -> None:
        self.time_out_ns, self.overlap = time_out_ns, overlap
        self._open: dict[Key, _Open[T]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def deadline_ns(self) -> int | None:
        """When `expire` has work to do; None while nothing is open."""
        return next((each.since_ns + self.time_out_ns for each in self._open.values()), None)

    def expire(self, now_ns: int) -> list[Lost[T]]:
        """Give up what began too long ago."""
        late = [key for key, each in self._open.items() if each.since_ns + self.time_out_ns <= now_ns]
        return [self._lose(key, Loss.TIME_OUT) for key in late]

    def add(self, packet: Packet, source: T, now_ns: int) -> list[Whole[T] | Lost[T]]:
        """Take a fragment; what became of packets by it: [] where others are missing, or where it is no fragment.

        A fragment of which the capture has cut bytes off is not taken.
        """
        part = _part_of(packet)
        if part is None:
            return []
        ended: list[Whole[T] | Lost[T]] = []
        if part.key not in self._open and len(self._open) >= MOST_OPEN:
            ended.append(self._lose(next(iter(self._open)), Loss.CROWDED))
        opened = self._open.setdefault(part.key, _Open(now_ns, Pieces(self.overlap or Overlap.FIRST_WINS)))
        opened.sources.append(source)
        if part.offset == 0 and not opened.head:
            opened.head, opened.header_at = part.head, part.header_at
        if (why := self._take(opened, part, source)) is not None:
            return [*ended, self._lose(part.key, why)]
        if opened.total is None or len(opened.pieces.data) < opened.total or not opened.head:
            return ended
        del self._open[part.key]
        frame = _joined(opened.head, opened.header_at, bytes(opened.pieces.data))
        return [*ended, Whole(frame, tuple(opened.sources), opened.duplicates, opened.overlapping)]

    def _take(self, opened: _Open[T], part: "_Part", source: T) -> Loss | None:
        end = part.offset + len(part.content)
        if end > LONGEST_BYTES:
            return Loss.TOO_LONG
        if part.more and len(part.content) % 8:
            return Loss.NO_EIGHTS
        if not part.more:
            if opened.total not in (None, end) or opened.pieces.end > end:
                return Loss.TWO_ENDS
            opened.total = end
        elif opened.total is not None and end > opened.total:
            return Loss.TWO_ENDS
        added = opened.pieces.add(part.offset, part.content, source)
        if added.new == 0 and not added.changed:
            opened.duplicates += 1
        elif added.repeated:
            opened.overlapping += 1
            if self.overlap is None:
                return Loss.OVERLAP
        return None

    def _lose(self, key: Key, why: Loss) -> Lost[T]:
        opened = self._open.pop(key)
        return Lost(key, tuple(opened.sources), why, opened.holes())


@dataclass(frozen=True, slots=True)
class _Part:
    """One fragment: where its content belongs, and the headers before it as they are without fragmentation."""

    key: Key
    offset: int
    more: bool
    content: bytes
    head: bytes
    header_at: int


def _part_of(packet: Packet) -> _Part | None:
    """The innermost fragment of a frame; None where there is none, or not all of it."""
    for header, at, end in reversed(packet.headers):
        if isinstance(header, Ipv4):
            if not header.is_fragment() or at + header.total_length > len(packet.data):
                return None
            key: Key = header.src, header.dst, header.protocol, header.identification
            more = bool(header.flags & Ipv4Flags.MF)
            content = packet.data[end : at + header.total_length]
            return _Part(key, header.fragment_offset, more, content, packet.data[:end], at)
        if isinstance(header, Ipv6):
            stop = at + HEADER_BYTES + header.payload_length
            if header.fragment is None or not header.is_fragment() or stop > len(packet.data):
                return None
            key = header.src, header.dst, -1, header.fragment.identification
            part = next(each for each in header.extensions if each.number == ipv6_extensions.FRAGMENT)
            head = _without_fragment(packet.data[: part.start], at, part.next_header)
            return _Part(key, header.fragment.offset, header.fragment.more, packet.data[part.end : stop], head, at)
    return None


def _without_fragment(head: bytes, at: int, following: int) -> bytes:
    """The link header and the headers before the fragment header, which point behind it.  RFC 8200 §4.5."""
    made = bytearray(head)
    place, number = at + 6, head[at + 6]
    where = at + HEADER_BYTES
    while number != ipv6_extensions.FRAGMENT and where + 2 <= len(head):
        place, number = where, head[where]
        where += 8 * (head[where + 1] + 1)
    made[place] = following
    return bytes(made)


def _joined(head: bytes, at: int, content: bytes) -> bytes:
    """A frame whose IP header says that it is whole."""
    made = bytearray(head)
    if head[at] >> 4 == 4:
        struct.pack_into("!H", made, at + 2, min(len(head) - at + len(content), LONGEST_BYTES))
        made[at + 6] &= 0x40  # the "don't fragment" of some senders; offset and "more" go
        made[at + 7] = 0
        made[at + 10 : at + 12] = b"\0\0"
        struct.pack_into("!H", made, at + 10, checksum.checksum(bytes(made[at:])))
    else:
        struct.pack_into("!H", made, at + 4, min(len(head) - at - HEADER_BYTES + len(content), LONGEST_BYTES))
    return bytes(made) + content
