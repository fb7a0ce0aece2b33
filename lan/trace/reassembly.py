"""Pieces of bytes put together: what is here, what is missing, who brought it.  Pure.

Pieces come in any order, twice, and overlapping.  What overlaps is stated, and whether its bytes are the same: a
receiver and its watcher that choose differently are how intrusions hide (RFC 1858, RFC 5722).
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Overlap(StrEnum):
    """Whose bytes stay where two pieces overlap."""

    FIRST_WINS = "the first"
    LAST_WINS = "the last"


@dataclass(frozen=True, slots=True)
class Added:
    """What a piece brought, in bytes: `new` were not here before, `repeated` were.

    Of the repeated ones, `changed` tells whether some were others than before.
    """

    new: int
    repeated: int
    changed: bool = False


class Pieces(Generic[T]):
    """`data` holds the bytes from offset 0 on, without a hole; what lies ahead waits until those between are here."""

    def __init__(self, overlap: Overlap = Overlap.FIRST_WINS) -> None:
        self.overlap = overlap
        self.data = bytearray()
        self._starts: list[int] = []
        self._waiting: list[bytearray] = []
        self._from: list[T] = []
        self._ends: list[int] = []
        self._brought_by: list[T] = []

    def __repr__(self) -> str:
        holes = f", {len(self.holes())} holes" if self.has_hole else ""
        return f"<Pieces {len(self.data)} bytes{holes}>"

    @property
    def has_hole(self) -> bool:
        """Whether later bytes are here and some before them are missing."""
        return bool(self._starts)

    @property
    def end(self) -> int:
        """The offset behind the last byte that is here."""
        return self._starts[-1] + len(self._waiting[-1]) if self._starts else len(self.data)

    @property
    def first_hole(self) -> tuple[int, int] | None:
        """(start, end) of what is missing first; None where nothing is."""
        return (len(self.data), self._starts[0]) if self._starts else None

    def holes(self) -> list[tuple[int, int]]:
        """(start, end) of what is missing before the last byte that is here."""
        found, at = [], len(self.data)
        for start, piece in zip(self._starts, self._waiting, strict=True):
            if start > at:
                found.append((at, start))
            at = start + len(piece)
        return found

    def sources(self, start: int, end: int) -> list[T]:
        """Who first brought the bytes of `data` from one offset to another, in their order, each once."""
        if start >= end:
            return []
        found = self._brought_by[bisect_right(self._ends, start) : bisect_left(self._ends, end) + 1]
        return list({id(source): source for source in found}.values())

    def add(self, start: int, data: bytes, source: T) -> Added:
        """Take a piece; what stands before offset 0 is let go."""
        if start < 0:
            start, data = 0, data[-start:] if -start < len(data) else b""
        if start == len(self.data) and not self._starts:  # the common case: the next bytes, and nothing waits
            if data:
                self._append(data, source)
            return Added(len(data), 0)
        changed, at, new = self._repeat(start, data), max(start, len(self.data)), 0
        end = start + len(data)
        index = bisect_right(self._starts, at) - 1
        if index >= 0:
            changed |= self._meet(index, start, data)
            at = max(at, self._starts[index] + len(self._waiting[index]))
        index += 1
        while at < end:
            stop = min(end, self._starts[index]) if index < len(self._starts) else end
            if at < stop:
                new += stop - at
                self._starts.insert(index, at)
                self._waiting.insert(index, bytearray(data[at - start : stop - start]))
                self._from.insert(index, source)
                index += 1
            if index < len(self._starts) and stop < end:
                changed |= self._meet(index, start, data)
                at = self._starts[index] + len(self._waiting[index])
                index += 1
            else:
                at = stop
        self._take_waiting()
        return Added(new, len(data) - new, changed)

    def fill(self, source: T) -> tuple[int, int] | None:
        """Put zeros where the first hole is, so that what waits behind it can be read; (start, end) of the hole."""
        hole = self.first_hole
        if hole is not None:
            self._append(bytes(hole[1] - hole[0]), source)
            self._take_waiting()
        return hole

    def _repeat(self, start: int, data: bytes) -> bool:
        """Bytes that `data` has already; whether they were others."""
        stop = min(start + len(data), len(self.data))
        if start >= stop:
            return False
        again = data[: stop - start]
        if self.data[start:stop] == again:
            return False
        if self.overlap is Overlap.LAST_WINS:
            self.data[start:stop] = again
        return True

    def _meet(self, index: int, start: int, data: bytes) -> bool:
        """Bytes that a waiting piece has already; whether they were others."""
        first, piece = self._starts[index], self._waiting[index]
        begin, stop = max(first, start), min(first + len(piece), start + len(data))
        if begin >= stop or piece[begin - first : stop - first] == data[begin - start : stop - start]:
            return False
        if self.overlap is Overlap.LAST_WINS:
            piece[begin - first : stop - first] = data[begin - start : stop - start]
        return True

    def _append(self, data: bytes | bytearray, source: T) -> None:
        self.data += data
        self._ends.append(len(self.data))
        self._brought_by.append(source)

    def _take_waiting(self) -> None:
        taken = 0
        for start, piece, source in zip(self._starts, self._waiting, self._from, strict=True):
            if start != len(self.data):
                break
            self._append(piece, source)
            taken += 1
        if taken:
            del self._starts[:taken], self._waiting[:taken], self._from[:taken]
