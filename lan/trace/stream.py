"""One direction of a TCP connection, put together again.  RFC 9293 §3.4, §3.10.7.4.  Pure.

Segments come in any order, twice, and overlapping; bytes that were seen first stay, as a receiver has
read them.  What the receiver acknowledged and nobody saw is a gap: it is filled with zeros and told in `gaps`.
"""

from typing import Protocol

from lan.trace.frame import Frame
from lan.trace.reassembly import Added, Pieces

SEQUENCE_SPACE = 1 << 32
MOST_GAP_BYTES = 1 << 24
"""A gap that is longer is not filled: no receiver's window here is so large, the number is damaged."""


def distance(seq: int, other: int) -> int:
    """How far `seq` is after `other` in a space that wraps round; negative where it is before."""
    return (seq - other + SEQUENCE_SPACE // 2) % SEQUENCE_SPACE - SEQUENCE_SPACE // 2


class Readable(Protocol):
    """Bytes in their order, and who brought them: a TCP stream, or what TLS carried in one."""

    @property
    def data(self) -> bytearray: ...

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The ranges of offsets whose bytes were never seen: zeros stand there."""
        ...

    def frames_of(self, start: int, end: int) -> list[Frame]: ...


class Stream:
    """`data` holds the bytes from the first on, without a gap; offsets count from the first byte.

    `first_seq` is the sequence number of that byte (ISN + 1), None until it is known; `gaps` are the ranges of
    offsets whose bytes were never seen, `changed` the frames that brought other bytes again for the same place.
    `length` is known when the FIN is: what claims to stand behind it is let go (RFC 9293 §3.10.7.4).
    """

    def __init__(self) -> None:
        self.first_seq: int | None = None
        self.length: int | None = None
        self._gaps: list[tuple[int, int]] = []
        self.changed: list[Frame] = []
        self._pieces: Pieces[Frame] = Pieces()

    def __repr__(self) -> str:
        return f"<Stream {len(self.data)} bytes{', with a gap behind' if self.has_gap else ''}>"

    @property
    def data(self) -> bytearray:
        return self._pieces.data

    @property
    def gaps(self) -> list[tuple[int, int]]:
        return self._gaps

    @property
    def has_gap(self) -> bool:
        """Whether later bytes are here and those between are missing."""
        return self._pieces.has_hole

    def missing(self) -> list[tuple[int, int]]:
        """(start, end) offsets of what is missing before the last byte that is here."""
        return self._pieces.holes()

    def offset(self, seq: int) -> int:
        """Where a sequence number stands in the stream; near its end, as all that is not ancient."""
        assert self.first_seq is not None
        here = len(self.data)
        return here + distance(seq, self.first_seq + here)

    def add(self, seq: int, data: bytes, frame: Frame) -> int:
        """Take a segment's data; how many of its bytes were not here before."""
        return self.take(seq, data, frame).new

    def take(self, seq: int, data: bytes, frame: Frame) -> Added:
        """Take a segment's data; what of it is new, came again, and came again with other bytes."""
        if self.first_seq is None:
            self.first_seq = seq
        start = self.offset(seq)
        if self.length is not None:
            data = data[: max(self.length - start, 0)]
        added = self._pieces.add(start, data, frame)
        if added.changed:
            self.changed.append(frame)
        return added

    def finish(self, seq: int) -> None:
        """The sender's FIN has this sequence number: its data end there."""
        if self.first_seq is None:
            self.first_seq = seq
        if self.length is None:
            self.length = max(self.offset(seq), self._pieces.end)

    @property
    def is_complete(self) -> bool:
        """Whether all that was sent before the FIN is here."""
        return self.length is not None and len(self.data) >= self.length

    def acknowledged(self, seq: int, frame: Frame) -> None:
        """The receiver has all before `seq`: what is still missing of that was not captured, and is a gap.

        `frame`, the acknowledgment, stands for who brought the zeros that fill it.
        """
        if self.first_seq is None:
            return
        end = self.offset(seq)
        while (hole := self._pieces.first_hole) is not None and hole[1] <= end:
            if hole[1] - hole[0] > MOST_GAP_BYTES:
                return
            self._pieces.fill(frame)
            self._gaps.append(hole)

    def frames_of(self, start: int, end: int) -> list[Frame]:
        """The frames that first brought the bytes from offset `start` to `end`."""
        return self._pieces.sources(start, end)
