"""A capture file of any size, whose frames are read when they are looked at.

What is kept is two numbers a frame: where its block stands, and its place among first sightings if it is one.  The
bytes stay on disk, and are read, not mapped: a file that is cut off meanwhile is an error, not the end of the
process.  The file is walked from block header to block header, only as far as somebody wants to see.  A capture that
was kept in several files is read from the oldest on (`rotation`).
"""

import os
import struct
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lan.trace.frame import Direction, Frame, device_of_port
from lan.trace.indexed_ports import IndexedPorts
from lan.trace.notes import cut_to_bytes
from lan.trace.pcapng import Reader
from lan.trace.pcapng_format import (
    CLASSIC_HEADER_BYTES,
    CLASSIC_MAGIC,
    CLASSIC_PACKET_BYTES,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    INTERFACE,
    LARGEST_BLOCK_BYTES,
    OLD_PACKET,
    ONLY_FLAGS,
    SECTION_HEADER,
    SIMPLE_PACKET,
)
from lan.trace.rotation import earlier, following
from lan.trace.unreadable import changed, deleted
from lan.wire.malformed import Malformed

LEAST_BLOCK_BYTES = 12
PACKET_HEADER_BYTES = 28
PIECE_BYTES, LOOK_BYTES = 1 << 20, 1 << 16
"""How much is read at once where a file is walked, and where frames are looked at."""
MAGIC_BYTES = 4


@dataclass(slots=True, eq=False)
class _Section:
    """Frames of one section (or classic file): `reader` reads its blocks, `file` has them.

    `first` is the place of its first frame, `before` how many frames were before it by number.
    """

    first: int
    before: int
    reader: Reader
    file: BinaryIO
    is_classic: bool = False


class IndexedCapture:
    """Frames by their place, from 0; the same ones, with the same numbers, as a `Reader` gives.

    `switches` are the devices that hand frames on; without them those that the file marks.  With `is_growing` the
    capture goes on, in this file or another.
    """

    def __init__(self, path: Path, *, switches: frozenset[str] | None = None, is_growing: bool = False) -> None:
        """Raises OSError, and Malformed where the file is no capture."""
        self.path = path
        self.damage = ""
        """Why nothing after a certain place is read, in words; "" while all is well."""
        self.is_at_end = False
        """Whether all there was when it was last walked is known."""
        self.secret_parts: list[str] = []
        """The TLS key logs that the file holds, as far as it was walked, a block each."""
        self.cut_to_bytes = 0
        """How many bytes were kept of those frames known that the capture cut, at most; 0 while all are whole."""
        self.start = 0
        """The first place that can still be read: the oldest files of a capture may go."""
        self.first_sightings = array("I")
        """Their places, of those that can be read: the rule is `Timeline.is_first_sighting`."""
        self.first_sightings_gone = 0
        """So many were before them, and can be read no more."""
        self._ports, self._is_growing = IndexedPorts(switches), is_growing
        self._places = array("Q")
        self._sections: list[_Section] = []
        self._files: list[BinaryIO] = []
        self._at = 0
        older = earlier(path)
        self._later = [] if is_growing else [*older, path][1:]
        """Files that are not walked yet, of a capture that is over."""
        self._open([*older, path][0].open("rb"))

    def __enter__(self) -> "IndexedCapture":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for file in self._files:
            file.close()

    # ---- what is known

    @property
    def known(self) -> int:
        """How many frames there are, as far as the file was walked."""
        return len(self._places)

    def __len__(self) -> int:
        """How many there are until now: walks to the end of the file."""
        self.walk()
        return self.known

    @property
    def switches(self) -> frozenset[str] | None:
        """The devices that hand frames on; None where nobody says (see `Timeline`)."""
        return self._ports.switches

    @property
    def secrets(self) -> str:
        """All of `secret_parts` together."""
        return "".join(self.secret_parts)

    def cables(self) -> dict[tuple[str, str], None]:
        """The two ends of each cable at which the file has a port, in the order of the file."""
        return dict(self._ports.cables)

    @property
    def linktypes(self) -> set[int]:
        """Of the interfaces met; frames of Ethernet's alone are read."""
        return set(self._ports.linktypes)

    @property
    def pending_bytes(self) -> int:
        """Bytes behind the last whole block: of a finished file, its cut-off tail."""
        return max(os.fstat(self._files[-1].fileno()).st_size - self._at, 0)

    @property
    def share(self) -> float:
        """How much of the newest file was walked, 0 to 1."""
        size = os.fstat(self._files[-1].fileno()).st_size
        return min(self._at / size, 1.0) if size else 1.0

    @property
    def last_number(self) -> int:
        """Of the last frame known; 0 before the first."""
        return self.number(self.known - 1) if self.known else 0

    def number(self, place: int) -> int:
        """The number of the frame at a place."""
        section = self._section_of(place)
        return section.before + place - section.first + 1

    def place(self, number: int) -> int | None:
        """Where the frame of a number stands, among those known; None where none has it."""
        at = bisect_left(self._sections, number, key=attrgetter("before")) - 1
        if at < 0:
            return None
        section = self._sections[at]
        place = section.first + number - section.before - 1
        end = self._sections[at + 1].first if at + 1 < len(self._sections) else self.known
        return place if self.start <= place < end else None

    def before(self, place: int, count: int, size_bytes: int) -> int:
        """A place that is at most so many frames, and about so many bytes of file, before another."""
        earliest = max(place - count, self.start)
        if place >= self.known:
            return earliest
        own = self._section_of(place).file
        while earliest < place and (
            self._section_of(earliest).file is not own or self._places[place] - self._places[earliest] > size_bytes
        ):
            earliest += (place - earliest + 1) // 2
        return earliest

    # ---- frames

    def frames(self, start: int, stop: int) -> list[Frame]:
        """The frames from place `start` to `stop`, as far as there are any.  Raises Malformed where they are gone."""
        self.walk(stop)
        return list(self.frames_at(range(max(start, self.start), min(stop, self.known))))

    def frame(self, place: int) -> Frame:
        """The frame at a place that is known.  Raises Malformed where it is gone."""
        return next(self.frames_at([place]))

    def last(self, count: int) -> list[Frame]:
        """The last frames until now."""
        return self.frames(max(len(self) - count, 0), len(self))

    def raw(self, places: Iterable[int]) -> Iterator[tuple[int, bytes, int, str]]:
        """Of frames at places known, in their order: place, bytes, length on the cable, and the device that sent it.

        A tenth of the work of making frames.  Raises Malformed where one is gone.
        """
        piece, begin, file = b"", 0, None
        unpack = struct.Struct("<IIIIIII").unpack_from
        senders: dict[tuple[int, int, Direction], str] = {}
        for place in places:
            section, at = self._section_of(place), self._places[place]
            here = at - begin
            if file is not section.file or not 0 <= here <= len(piece) - LEAST_BLOCK_BYTES:
                piece, begin, here, file = self._look(section, at, PIECE_BYTES), at, 0, section.file
            if here + (size := self._size(piece, here, section)) > len(piece):
                piece, begin, here = self._look(section, at, max(size, PIECE_BYTES)), at, 0
                if size > len(piece):
                    raise changed(at)
            block = piece[here : here + size]
            if not section.is_classic and section.reader.order == "<" and size >= PACKET_HEADER_BYTES:
                kind, _, number, _, _, kept, length = unpack(block)
                way = ONLY_FLAGS.get(block[PACKET_HEADER_BYTES + (kept + 3 & ~3) : -4])
                if kind == ENHANCED_PACKET and way is not None and number < len(section.reader.interfaces):
                    sender = senders.get(key := (section.first, number, way))
                    if sender is None:
                        ends = section.reader.interfaces[number]
                        sender = senders[key] = device_of_port(ends.port if way is Direction.OUT else ends.peer)
                    yield place, block[PACKET_HEADER_BYTES : PACKET_HEADER_BYTES + kept], max(length, kept), sender
                    continue
            frame = section.reader.look(block, section.before + place - section.first + 1) if size else None
            if frame is None:
                raise changed(at)
            yield place, frame.data, frame.length, frame.from_device

    @staticmethod
    def _look(section: _Section, at: int, size: int) -> bytes:
        """The bytes from a place of a section's file on.  Raises Malformed where the file is gone."""
        if section.file.closed:
            raise deleted()
        return os.pread(section.file.fileno(), size, at)

    def _section_of(self, place: int) -> _Section:
        return self._sections[bisect_right(self._sections, place, key=attrgetter("first")) - 1]

    def frames_at(self, places: Iterable[int]) -> Iterator[Frame]:
        """The frames at places that are known.  Raises Malformed where one is gone."""
        piece, begin, file = b"", 0, None
        for place in places:
            section, at = self._section_of(place), self._places[place]
            here = at - begin
            if file is not section.file or not 0 <= here <= len(piece) - PACKET_HEADER_BYTES:
                piece, begin, here, file = self._look(section, at, LOOK_BYTES), at, 0, section.file
            size = self._size(piece, here, section)
            if here + size > len(piece):
                piece, begin, here = self._look(section, at, max(size, LOOK_BYTES)), at, 0
            frame = None
            if here + size <= len(piece):
                frame = section.reader.look(piece[here : here + size], section.before + place - section.first + 1)
            if frame is None:
                raise changed(at)
            yield frame

    @staticmethod
    def _size(piece: bytes, at: int, section: _Section) -> int:
        """The length of the block, or classic record, at `at`; more than there is where its header is cut off."""
        where = at + (8 if section.is_classic else 4)
        if where + 4 > len(piece):
            return LARGEST_BLOCK_BYTES
        (length,) = struct.unpack_from(section.reader.order + "I", piece, where)
        return min(int(length) + (CLASSIC_PACKET_BYTES if section.is_classic else 0), LARGEST_BLOCK_BYTES)

    # ---- walking

    def walk(self, wanted: int | None = None) -> bool:
        """Go on until so many frames are known, or to the end; whether more may be there already."""
        while not self.damage and (wanted is None or self.known < wanted):
            piece = self._piece()
            used = self._walk_piece(piece, self.known + PIECE_BYTES if wanted is None else wanted)
            if not used and not self.damage and (needed := self._needed(piece)) > len(piece):
                used = self._walk_piece(self._piece(needed), self.known + 1)
            if not used and not self.damage and not self._go_on():
                self.is_at_end = True
                return False
        self.is_at_end = bool(self.damage)
        return not self.damage

    def _piece(self, size: int = PIECE_BYTES) -> bytes:
        return os.pread(self._files[-1].fileno(), size, self._at)

    def _needed(self, piece: bytes) -> int:
        """How many bytes the block at the beginning of `piece` has; 0 where that is not known."""
        if len(piece) < PACKET_HEADER_BYTES or not self._sections:
            return 0
        section = self._sections[-1]
        if piece[:4] == b"\x0a\x0d\x0d\x0a":
            return int.from_bytes(piece[4:8], "little" if piece[8:12] == b"\x4d\x3c\x2b\x1a" else "big")
        return self._size(piece, 0, section)

    def _go_on(self) -> bool:
        """Begin the next file of the capture, if there is one."""
        if self._is_growing:
            there = following(self.path, self._files[-1])
        else:
            there = self._later.pop(0).open("rb") if self._later else None
        if there is None:
            return False
        if os.fstat(there.fileno()).st_size < LEAST_BLOCK_BYTES:  # its writer has just begun it, or found no room
            there.close()
            return bool(self._later)
        if self._is_growing and self._walk_piece(self._piece(), self.known + PIECE_BYTES):
            there.close()  # the writer's last word came between the two looks
            return True
        try:
            self._open(there)
        except Malformed as fault:
            self.damage = f"the file after frame {self.last_number} is {fault}"
            return False
        return True

    def _open(self, file: BinaryIO) -> None:
        """Walk this file from now on, and let those go that are deleted.  Raises Malformed where it is no capture."""
        self._files.append(file)
        head, reader = os.pread(file.fileno(), LOOK_BYTES, 0), Reader()
        is_classic = head[:MAGIC_BYTES] in CLASSIC_MAGIC
        reader.feed(head[:CLASSIC_HEADER_BYTES] if is_classic else head)
        if len(head) < LEAST_BLOCK_BYTES:
            raise Malformed("it ends before it says what it is" if head else "it is empty")
        self._at = 0
        self._ports.begin_section()
        if is_classic:
            self._sections.append(_Section(self.known, self.last_number, reader, file, is_classic=True))
            self._at = CLASSIC_HEADER_BYTES
            self._ethernet()
        for old in self._files[:-1]:
            if not old.closed and not os.fstat(old.fileno()).st_nlink:
                old.close()
        self.start = next((each.first for each in self._sections if not each.file.closed), self.known)
        gone = bisect_left(self.first_sightings, self.start)
        self.first_sightings_gone += gone
        del self.first_sightings[:gone]

    def _walk_piece(self, piece: bytes, wanted: int) -> int:
        """Take up the whole blocks of a piece that stands at `_at`; how many bytes they have."""
        if self._sections and self._sections[-1].file is self._files[-1] and self._sections[-1].is_classic:
            used = self._walk_classic(piece, wanted)
        else:
            used = self._walk_blocks(piece, wanted)
        self._at += used
        return used

    def _walk_classic(self, piece: bytes, wanted: int) -> int:
        places, firsts, base, at, end = self._places, self.first_sightings, self._at, 0, len(piece)
        unpack = struct.Struct(self._sections[-1].reader.order + "II").unpack_from
        while len(places) < wanted and at + CLASSIC_PACKET_BYTES <= end:
            kept, length = unpack(piece, at + 8)
            if kept + CLASSIC_PACKET_BYTES > LARGEST_BLOCK_BYTES:
                self.damage = f"a block {kept + CLASSIC_PACKET_BYTES} bytes long after frame {len(places)}"
                break
            if at + CLASSIC_PACKET_BYTES + kept > end:
                break
            if length > kept > self.cut_to_bytes:
                self.cut_to_bytes = kept
            firsts.append(len(places))
            places.append(base + at)
            at += CLASSIC_PACKET_BYTES + kept
        return at

    def _walk_blocks(self, piece: bytes, wanted: int) -> int:
        places, base, at, end = self._places, self._at, 0, len(piece)
        add, add_first, ways, ports = places.append, self.first_sightings.append, ONLY_FLAGS, self._ports
        section = self._sections[-1] if self._sections else None
        order = section.reader.order if section and section.file is self._files[-1] else "<"
        unpack = struct.Struct(order + "IIIIIII").unpack_from
        is_ethernet = self._ethernet()
        while len(places) < wanted and at + LEAST_BLOCK_BYTES <= end:
            if at + PACKET_HEADER_BYTES > end:
                kind, total, number = struct.unpack_from(order + "III", piece, at)
                size = length = 0
            else:
                kind, total, number, _, _, size, length = unpack(piece, at)
            if kind == SECTION_HEADER:
                if (total := self._begin_section(piece, at)) == 0:
                    break
                order = self._sections[-1].reader.order
                unpack, is_ethernet = struct.Struct(order + "IIIIIII").unpack_from, []
                at += total
                continue
            if total < LEAST_BLOCK_BYTES or total & 3 or total > LARGEST_BLOCK_BYTES:
                self.damage = f"a block {total} bytes long after frame {len(places)}"
                break
            if at + total > end:
                break
            stop = at + total
            if piece[stop - 4 : stop] != piece[at + 4 : at + 8]:
                self._give_up(piece[at:stop])
                break
            if kind == ENHANCED_PACKET and number < len(is_ethernet):
                if at + PACKET_HEADER_BYTES + size > stop - 4:
                    self._give_up(piece[at:stop])
                    break
                if is_ethernet[number]:
                    way = ways.get(piece[at + PACKET_HEADER_BYTES + (size + 3 & ~3) : stop - 4])
                    if length > size > self.cut_to_bytes:
                        self.cut_to_bytes = size
                    first = ports.firsts.get(number) or ports.first_ways_of(number, self._sections[-1].reader)
                    if first[self._way(piece[at:stop]) if way is None else way]:
                        add_first(len(places))
                    add(base + at)
            elif kind in (INTERFACE, DECRYPTION_SECRETS):
                reader = self._sections[-1].reader
                secrets = len(reader.secret_parts)
                reader.feed(piece[at:stop])
                if reader.damage:
                    self.damage = reader.damage
                    break
                self.secret_parts += reader.secret_parts[secrets:]
                is_ethernet = self._ethernet()
            elif kind in (ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET) and not self._odd(piece[at:stop], at):
                break
            at = stop
        return at

    def _ethernet(self) -> list[bool]:
        """Of the interfaces of the section that is walked."""
        if not self._sections or self._sections[-1].file is not self._files[-1]:
            return []
        return self._ports.learn(self._sections[-1].reader)

    def _way(self, block: bytes) -> Direction:
        """Of a packet with other options than its direction."""
        frame = self._sections[-1].reader.look(block, 1)
        return frame.direction if frame is not None else Direction.UNKNOWN

    def _odd(self, block: bytes, at: int) -> bool:
        """Take up a packet block of another kind; False where it is damaged."""
        reader = self._sections[-1].reader
        frame = reader.look(block, self.last_number + 1)
        if reader.damage:
            self.damage = reader.damage
            return False
        if frame is not None:
            self.cut_to_bytes = max(self.cut_to_bytes, cut_to_bytes([frame]))
            if self._ports.first_ways(frame.port, frame.peer)[frame.direction]:
                self.first_sightings.append(len(self._places))
            self._places.append(self._at + at)
        return True

    def _give_up(self, block: bytes) -> None:
        """A block makes no sense: let the reader say why."""
        reader = self._sections[-1].reader
        reader.look(block, self.last_number + 1)
        self.damage = reader.damage

    def _begin_section(self, piece: bytes, at: int) -> int:
        """Begin the section at `at`; its length, 0 where it is not whole or makes no sense."""
        is_big = piece[at + 8 : at + 12] == b"\x1a\x2b\x3c\x4d"
        total = int.from_bytes(piece[at + 4 : at + 8], "big" if is_big else "little")
        if total > LARGEST_BLOCK_BYTES or total < LEAST_BLOCK_BYTES or total & 3:
            self.damage = f"a block {total} bytes long after frame {len(self._places)}"
            return 0
        if at + total > len(piece):
            return 0
        reader = Reader()
        try:
            reader.feed(piece[at : at + total])
        except Malformed as fault:
            self.damage = f"{fault} after frame {len(self._places)}"
            return 0
        if reader.damage:
            self.damage = reader.damage
            return 0
        before = max(self.last_number, reader.frames)
        self._sections.append(_Section(self.known, before, reader, self._files[-1]))
        self._ports.begin_section()
        return total
