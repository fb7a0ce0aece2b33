"""One direction of a TCP connection, put together again.  RFC 9293 §3.4, §3.10.7.4.  Pure.

Segments come in any order, twice, and overlapping; bytes that were seen first stay.
"""

from bisect import bisect_left, bisect_right

from lan.trace.frame import Frame

SEQUENCE_SPACE = 1 << 32


def distance(seq: int, other: int) -> int:
    """How far `seq` is after `other` in a space that wraps round; negative where it is before."""
    return (seq - other + SEQUENCE_SPACE // 2) % SEQUENCE_SPACE - SEQUENCE_SPACE // 2


class Stream:
    """`data` holds the bytes from the first on, without a gap; offsets count from the first byte.

    `first_seq` is the sequence number of that byte (ISN + 1), None until it is known.
    """

    def __init__(self) -> None:
        self.data = bytearray()
        self.first_seq: int | None = None
        self._ahead: list[tuple[int, bytes, Frame]] = []
        self._ends: list[int] = []
        self._frames: list[Frame] = []

    def __repr__(self) -> str:
        return f"<Stream {len(self.data)} bytes{', with a gap behind' if self.has_gap else ''}>"

    @property
    def has_gap(self) -> bool:
        """Whether later bytes are here and those between are missing."""
        return bool(self._ahead)

    def offset(self, seq: int) -> int:
        """Where a sequence number stands in the stream; near its end, as all that is not ancient."""
        assert self.first_seq is not None
        here = len(self.data)
        return here + distance(seq, self.first_seq + here)

    def add(self, seq: int, data: bytes, frame: Frame) -> int:
        """Take a segment's data; how many of its bytes were not here before."""
        if self.first_seq is None:
            self.first_seq = seq
        start = self.offset(seq)
        new = self._count_new(start, data)
        if new and start > len(self.data):
            self._ahead.append((start, data, frame))
            self._ahead.sort(key=lambda piece: piece[0])
        elif new:
            self._append(start, data, frame)
            self._take_ahead()
        return new

    def frames_of(self, start: int, end: int) -> list[Frame]:
        """The frames that first brought the bytes from offset `start` to `end`."""
        if start >= end:
            return []
        return self._frames[bisect_right(self._ends, start) : bisect_left(self._ends, end) + 1]

    def _count_new(self, start: int, data: bytes) -> int:
        """Bytes of a piece that are neither in `data` nor waiting."""
        end, at, new = start + len(data), max(start, len(self.data)), 0
        for first, piece, _ in self._ahead:
            if at >= end:
                break
            new += max(0, min(first, end) - at)
            at = max(at, first + len(piece))
        return new + max(0, end - at)

    def _append(self, start: int, data: bytes, frame: Frame) -> None:
        fresh = data[len(self.data) - start :]
        if fresh:
            self.data += fresh
            self._ends.append(len(self.data))
            self._frames.append(frame)

    def _take_ahead(self) -> None:
        while self._ahead and self._ahead[0][0] <= len(self.data):
            start, data, frame = self._ahead.pop(0)
            self._append(start, data, frame)
