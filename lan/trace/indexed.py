"""A capture file of any size, whose frames are read when they are looked at.

What is kept is one number a frame, where its block stands; the bytes stay on disk.  The file is walked
only as far as somebody wants to see, from block header to block header.
"""

import mmap
import struct
from array import array
from bisect import bisect_right
from pathlib import Path
from types import TracebackType

from lan.trace.frame import Frame
from lan.trace.pcapng import (
    CLASSIC_HEADER_BYTES,
    CLASSIC_MAGIC,
    CLASSIC_PACKET_BYTES,
    ENHANCED_PACKET,
    INTERFACE,
    LARGEST_BLOCK_BYTES,
    LINKTYPE_ETHERNET,
    OLD_PACKET,
    SECTION_HEADER,
    SIMPLE_PACKET,
    Reader,
)
from lan.wire.malformed import Malformed

LEAST_BLOCK_BYTES = 12
STEP_FRAMES = 8192
"""Frames after which a walk lets the file's pages go, so that a large file takes no memory."""


class IndexedCapture:
    """Frames by their place, from 0; the same ones, with the same numbers, as a `Reader` gives."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and Malformed where the file is no capture."""
        self.damage = ""
        """Why nothing after a certain place is read, in words; "" while all is well."""
        self._places = array("Q")
        self._sections: list[tuple[int, int, Reader]] = []
        """(place of the first frame, frames before it by number, who reads its blocks)."""
        self._at, self._is_walked = 0, False
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise Malformed("it is empty")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._is_classic = self._map[:4] in CLASSIC_MAGIC
        self._order = "<"
        self._begin(self._map[: CLASSIC_HEADER_BYTES if self._is_classic else 4096])

    def __enter__(self) -> "IndexedCapture":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._map.close()

    def __len__(self) -> int:
        """How many there are: walks to the end of the file."""
        self._walk()
        return len(self._places)

    def frames(self, start: int, stop: int) -> list[Frame]:
        """The frames from place `start` to `stop`, as far as there are any."""
        self._walk(stop)
        return [self._frame(place) for place in range(start, min(stop, len(self._places)))]

    def last(self, count: int) -> list[Frame]:
        """The last frames of the file."""
        return self.frames(max(len(self) - count, 0), len(self))

    def _begin(self, head: bytes) -> None:
        """Look at the file's first bytes, as the reader of its first section does."""
        reader = Reader()
        reader.feed(head)
        if self._is_classic:
            self._order = CLASSIC_MAGIC[head[:4]][0]
            self._sections.append((0, 0, reader))
            self._at = CLASSIC_HEADER_BYTES

    def _frame(self, place: int) -> Frame:
        """Read one frame."""
        at = self._places[place]
        first, before, reader = self._sections[bisect_right(self._sections, place, key=lambda each: each[0]) - 1]
        block = self._map[at : at + self._size(at, reader.order)]
        frame = reader.look(block, before + place - first + 1)
        if frame is None:
            raise Malformed(f"the block at byte {at} is damaged")
        return frame

    def _size(self, at: int, order: str) -> int:
        """The length of the block, or classic record, at `at`."""
        (length,) = struct.unpack_from(order + "I", self._map, at + (8 if self._is_classic else 4))
        return int(length) + (CLASSIC_PACKET_BYTES if self._is_classic else 0)

    def _walk(self, wanted: int | None = None) -> None:
        """Go on until so many frames are known, or to the end."""
        if self._is_walked or (wanted is not None and len(self._places) >= wanted):
            return
        step = self._walk_classic if self._is_classic else self._walk_blocks
        wanted = len(self._map) if wanted is None else wanted
        while not self._is_walked and len(self._places) < wanted:
            begun = self._at - self._at % mmap.PAGESIZE
            step(min(len(self._places) + STEP_FRAMES, wanted))
            self._map.madvise(mmap.MADV_DONTNEED, begun, self._at - begun)  # the pages are the disk's again

    def _walk_classic(self, wanted: int) -> None:
        data, places, at, end = self._map, self._places, self._at, len(self._map)
        unpack = struct.Struct(self._order + "I").unpack_from
        while len(places) < wanted and at + CLASSIC_PACKET_BYTES <= end:
            (kept,) = unpack(data, at + 8)
            if kept > LARGEST_BLOCK_BYTES or at + CLASSIC_PACKET_BYTES + kept > end:
                break
            places.append(at)
            at += CLASSIC_PACKET_BYTES + kept
        self._at = at
        self._is_walked = len(places) < wanted

    def _walk_blocks(self, wanted: int) -> None:
        data, places, at, end = self._map, self._places, self._at, len(self._map)
        unpack = struct.Struct(self._order + "III").unpack_from
        interfaces = self._sections[-1][2].interfaces if self._sections else []
        while len(places) < wanted and at + LEAST_BLOCK_BYTES <= end:
            kind, total, number = unpack(data, at)
            if kind == SECTION_HEADER:
                self._order = self._section(at)
                unpack, interfaces = struct.Struct(self._order + "III").unpack_from, self._sections[-1][2].interfaces
                kind, total, number = unpack(data, at)
            if total < LEAST_BLOCK_BYTES or total & 3 or total > LARGEST_BLOCK_BYTES:
                self.damage = f"a block {total} bytes long after frame {len(places)}"
                break
            if at + total > end:
                break
            if kind == INTERFACE:
                self._sections[-1][2].feed(data[at : at + total])
            elif kind in (ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET):
                if kind != ENHANCED_PACKET:
                    number = _first_half(data, at, self._order) if kind == OLD_PACKET else 0
                if number >= len(interfaces):
                    self.damage = f"a packet of interface {number}, which is not described, after frame {len(places)}"
                    break
                if interfaces[number].linktype == LINKTYPE_ETHERNET:
                    places.append(at)
            at += total
        self._at = at
        self._is_walked = len(places) < wanted

    def _section(self, at: int) -> str:
        """Begin the section at `at`; its byte order."""
        reader = Reader()
        (total,) = struct.unpack_from("<I", self._map, at + 4)
        if self._map[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d":
            (total,) = struct.unpack_from(">I", self._map, at + 4)
        reader.feed(self._map[at : at + min(total, LARGEST_BLOCK_BYTES)])
        before = self._sections[-1][1] + len(self._places) - self._sections[-1][0] if self._sections else 0
        self._sections.append((len(self._places), max(before, reader.frames), reader))
        return reader.order


def _first_half(data: mmap.mmap, at: int, order: str) -> int:
    """The interface of an old packet block has 16 bits."""
    (number,) = struct.unpack_from(order + "H", data, at + 8)
    return int(number)
