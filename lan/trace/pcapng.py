"""Capture files read: bytes in, frames out.  Ours, of other programs, and classic pcap.

Pure.  A file cut off by a crash, or still growing, gives the frames that are whole; bytes that make no sense end the
reading and are told by `Reader.damage`.  `pcapng_writing` makes such files.
Source: draft-ietf-opsawg-pcapng, whose section numbers stand below, and draft-ietf-opsawg-pcap.
"""

import re
import struct
from dataclasses import dataclass, replace

from lan.trace.frame import Direction, Frame, device_of_port
from lan.trace.pcapng_format import (
    BYTE_ORDER_MAGIC,
    CLASSIC_HEADER_BYTES,
    CLASSIC_MAGIC,
    CLASSIC_PACKET_BYTES,
    COMMENT,
    DECRYPTION_SECRETS,
    DIRECTIONS,
    END_OF_OPTIONS,
    ENHANCED_PACKET,
    FRAMES_BEFORE,
    INTERFACE,
    INTERFACE_DESCRIPTION,
    INTERFACE_HARDWARE,
    INTERFACE_NAME,
    INTERFACE_OFFSET,
    INTERFACE_RESOLUTION,
    LARGEST_BLOCK_BYTES,
    LINKTYPE_ETHERNET,
    OLD_PACKET,
    ONLY_FLAGS,
    PACKET_FLAGS,
    SECTION_HEADER,
    SIMPLE_PACKET,
    SWITCH,
    TLS_KEY_LOG,
)
from lan.trace.uncollected import uncollected
from lan.wire.malformed import Malformed

SHARED_FRAMES = 1024
"""Frames back to which the same bytes are looked for: a frame leaves a switch soon after it came in."""

_HEADER = struct.Struct("<IIIIIII")
_HEADER_BYTES, _TRAILER_BYTES = _HEADER.size, 4
_BEFORE = re.compile(rb"^(\d+)%b$" % FRAMES_BEFORE)


@dataclass(frozen=True, slots=True)
class Interface:
    """What the file says of one port; `hardware` is ``switch``, ``host`` or "" (a foreign capture).

    `peer` is the other end of its cable, as the file says of either: a device's own capture of its port does not know
    it, and the LAN's, with which it may have been merged, does.
    """

    port: str
    peer: str
    hardware: str = ""
    linktype: int = LINKTYPE_ETHERNET
    ticks_per_s: int = 1_000_000
    offset_s: int = 0
    snaplen_bytes: int = 0
    """So many bytes of a packet are there at most; 0 where there is no such limit."""

    def time_ns(self, ticks: int) -> int:
        """Since 1970, of a packet's time stamp."""
        if self.ticks_per_s == 1_000_000_000 and not self.offset_s:
            return ticks
        return ticks * 1_000_000_000 // self.ticks_per_s + self.offset_s * 1_000_000_000


class Reader:
    """Takes a capture in pieces of any size and gives its frames, numbered from 1."""

    def __init__(self) -> None:
        self.interfaces: list[Interface] = []
        """Of the current section."""
        self.given_peers: list[int] = []
        """Of those the ones, in order, whose other end was told by a later interface."""
        self._ports_by_peer: dict[str, str] = {}
        self._without_peer: dict[str, list[int]] = {}
        self.damage = ""
        """Why nothing after a certain place is read, in words; "" while all is well."""
        self.frames = 0
        self.secret_parts: list[str] = []
        """The TLS key logs that the file holds, a block each."""
        self.marked: list[str] = []
        """Devices that the file marks as switches, in the order of their first marks."""
        self._switches: set[str] = set()
        self._bytes = bytearray()
        self._wanted = 0
        self._order = ""
        self._here = b""
        self._classic_ticks_ns = 0
        self._shared: dict[bytes, Frame] = {}

    @property
    def secrets(self) -> str:
        """All of `secret_parts` together."""
        return "".join(self.secret_parts)

    @property
    def switches(self) -> frozenset[str]:
        """Devices that the file marks as switches."""
        return frozenset(self._switches)

    @property
    def pending_bytes(self) -> int:
        """Bytes of a block that is not whole yet; of a finished file, its cut-off tail."""
        return len(self._bytes)

    @property
    def order(self) -> str:
        """Byte order of the current section, as `struct` has it; "" while it is not known."""
        return self._order

    def look(self, block: bytes, number: int) -> Frame | None:
        """The frame that one whole block of the current section holds, as number `number`; None where it holds none.

        Nor does what is no block: the file may have been overwritten since it was walked.
        """
        before, self.frames = self.frames, number - 1
        try:
            return self._classic(block) if self._classic_ticks_ns else self._block(block)
        except struct.error:
            return None
        finally:
            self.frames = before

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now; raises Malformed where the file is no capture at all."""
        if self.damage:
            return []
        if self._bytes or not self._order:
            self._bytes += data
            if len(self._bytes) < self._wanted or (not self._order and not self._open()):
                return []
            data = bytes(self._bytes)
        self._here, self._wanted = data, 0
        found: list[Frame] = []
        with uncollected():
            at = self._read_plain(0, found)
            while (end := self._whole(at)) is not None:
                block = self._here[at:end]
                frame = self._classic(block) if self._classic_ticks_ns else self._block(block)
                if frame is not None:
                    found.append(frame)
                at = self._read_plain(end, found)
        self._bytes, self._here = bytearray(self._here[at:]), b""
        return found

    def _read_plain(self, at: int, found: list[Frame]) -> int:
        """Read packet blocks from `at` on as long as they are like those that `Writer` makes; where that ends.

        Nearly all blocks are; what is different in anything is left to `_block`.
        """
        here, add, interfaces, ways = self._here, found.append, self.interfaces, ONLY_FLAGS
        if self._order != "<" or self._classic_ticks_ns or self.damage:
            return at
        unpack, last, known = _HEADER.unpack_from, len(here) - _HEADER_BYTES - _TRAILER_BYTES, len(interfaces)
        while at <= last:
            kind, total, number, high, low, size, length = unpack(here, at)
            start, end = at + _HEADER_BYTES, at + total - _TRAILER_BYTES
            stop = start + size
            options = stop + (-size & 3)
            if (
                kind != ENHANCED_PACKET
                or number >= known
                or options > end
                or total & 3
                or total > LARGEST_BLOCK_BYTES
                or here[end : end + _TRAILER_BYTES] != here[at + 4 : at + 8]
                or (way := ways.get(here[options:end])) is None
                or (interface := interfaces[number]).linktype != LINKTYPE_ETHERNET
            ):
                break
            add(self._frame(interface.time_ns(high << 32 | low), interface, here[start:stop], length, way))
            at = end + 4
        return at

    def _give_up(self, why: str) -> None:
        self.damage = f"{why} after frame {self.frames}"

    def _open(self) -> bool:
        """Look at the first bytes; True once the kind of file is known."""
        head = bytes(self._bytes[:4])
        if len(head) < 4:
            known = (SECTION_HEADER.to_bytes(4, "little"), *CLASSIC_MAGIC)
            if not any(magic.startswith(head) for magic in known):
                raise Malformed(f"not a capture: it starts with {head.hex(' ')}")
            return False
        if head in CLASSIC_MAGIC:
            return self._open_classic(head)
        if head != SECTION_HEADER.to_bytes(4, "little"):  # the same in both byte orders
            raise Malformed(f"not a capture: it starts with {head.hex(' ')}")
        if len(self._bytes) < 12:
            return False
        self._here = bytes(self._bytes)
        self._section(0)
        return True

    def _open_classic(self, magic: bytes) -> bool:
        if len(self._bytes) < CLASSIC_HEADER_BYTES:
            return False
        self._order, self._classic_ticks_ns = CLASSIC_MAGIC[magic]
        (linktype,) = struct.unpack_from(self._order + "I", self._bytes, 20)
        if linktype & 0xFFFF != LINKTYPE_ETHERNET:
            raise Malformed(f"a capture of link type {linktype & 0xFFFF}; only Ethernet (1) is read")
        self.interfaces = [Interface("if0", "")]
        del self._bytes[:CLASSIC_HEADER_BYTES]
        return True

    def _section(self, at: int) -> None:
        """Learn the byte order of the section whose header is at `at` (§4.1)."""
        magic = self._here[at + 8 : at + 12]
        orders = {BYTE_ORDER_MAGIC.to_bytes(4, "little"): "<", BYTE_ORDER_MAGIC.to_bytes(4, "big"): ">"}
        if magic not in orders:
            raise Malformed(f"a pcapng section with byte order mark {magic.hex(' ')}")
        self._order, self.interfaces, self.given_peers = orders[magic], [], []
        self._ports_by_peer, self._without_peer = {}, {}

    def _whole(self, at: int) -> int | None:
        """Where the block (or classic record) at `at` ends; None while it is not whole."""
        if self.damage:
            return None
        here = len(self._here) - at
        if self._classic_ticks_ns:
            if here < CLASSIC_PACKET_BYTES:
                return None
            (size,) = struct.unpack_from(self._order + "I", self._here, at + 8)
            total: int = CLASSIC_PACKET_BYTES + size
        else:
            if here < 12:
                return None
            if self._here[at : at + 4] == b"\x0a\x0d\x0d\x0a" and not self._next_section(at):
                return None
            (total,) = struct.unpack_from(self._order + "I", self._here, at + 4)
            if total < 12 or total & 3:
                self._give_up(f"a block {total} bytes long")
                return None
        if total > LARGEST_BLOCK_BYTES:
            self._give_up(f"a block {total} bytes long")
            return None
        if total > here:
            self._wanted = total
            return None
        return at + total

    def _next_section(self, at: int) -> bool:
        try:
            self._section(at)
        except Malformed as fault:
            self._give_up(str(fault))
            return False
        return True

    def _classic(self, record: bytes) -> Frame:
        seconds, ticks, _, length = struct.unpack_from(self._order + "4I", record)
        time_ns = seconds * 1_000_000_000 + ticks * self._classic_ticks_ns
        return self._frame(time_ns, self.interfaces[0], record[CLASSIC_PACKET_BYTES:], length)

    def _frame(
        self,
        time_ns: int,
        interface: Interface,
        data: bytes,
        length: int,
        direction: Direction = Direction.UNKNOWN,
        comment: str = "",
    ) -> Frame:
        self.frames += 1
        if length < len(data):
            length = len(data)
        port, peer, shared = interface.port, interface.peer, self._shared
        like = shared.get(data)
        if like is not None and like.length == length:
            return Frame(self.frames, time_ns, port, peer, direction, like.data, length, comment, like.decoded)
        if len(shared) >= SHARED_FRAMES:
            shared.clear()
        frame = shared[data] = Frame(self.frames, time_ns, port, peer, direction, data, length, comment)
        return frame

    def _block(self, block: bytes) -> Frame | None:
        """Read one whole block; one of another kind than packets and interfaces is passed over."""
        kind, total = struct.unpack_from(self._order + "II", block)
        (again,) = struct.unpack_from(self._order + "I", block, total - 4)
        if again != total:
            self._give_up(f"a block whose two lengths differ ({total}, {again})")
            return None
        try:
            if kind == INTERFACE:
                self._interface(block[8:-4])
            elif kind == SECTION_HEADER:
                self._count_on(self._options(block[:-4], 24).get(COMMENT))
            elif kind == ENHANCED_PACKET:
                return self._packet(block[8:-4], "IIIII")
            elif kind == OLD_PACKET:
                return self._packet(block[8:-4], "HxxIIII")
            elif kind == DECRYPTION_SECRETS:
                self._secrets(block[8:-4])
            elif kind == SIMPLE_PACKET:
                return self._simple_packet(block[8:-4])
        except (struct.error, IndexError) as fault:
            self._give_up(f"a block too short for what it says ({fault})")
        return None

    def _count_on(self, comment: bytes | None) -> None:
        """A later file of a capture says how many frames were before it, of which some may be gone."""
        if (said := _BEFORE.match(comment or b"")) is not None:
            self.frames = max(self.frames, int(said[1][:18]))

    def _interface(self, body: bytes) -> None:
        linktype, _, snaplen_bytes = struct.unpack_from(self._order + "HHI", body)
        options = self._options(body, 8)
        port = _text(options.get(INTERFACE_NAME)) or f"if{len(self.interfaces)}"
        resolution = (options.get(INTERFACE_RESOLUTION) or b"\x06")[0]
        ticks_per_s = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        offset = options.get(INTERFACE_OFFSET, b"")
        offset_s = struct.unpack(self._order + "q", offset)[0] if len(offset) == 8 else 0
        peer = _text(options.get(INTERFACE_DESCRIPTION))
        peer = peer.removeprefix("to ") if peer.startswith("to ") else ""
        peer = peer or self._ports_by_peer.get(port, "")
        if peer:
            self._ports_by_peer.setdefault(peer, port)
            for at in self._without_peer.pop(peer, ()):
                self.interfaces[at] = replace(self.interfaces[at], peer=port)
                self._ports_by_peer.setdefault(port, peer)
                self.given_peers.append(at)
        else:
            self._without_peer.setdefault(port, []).append(len(self.interfaces))
        hardware = _text(options.get(INTERFACE_HARDWARE))
        if hardware == SWITCH and (device := device_of_port(port)) not in self._switches:
            self._switches.add(device)
            self.marked.append(device)
        self.interfaces.append(Interface(port, peer, hardware, linktype, ticks_per_s, offset_s, snaplen_bytes))

    def _secrets(self, body: bytes) -> None:
        kind, size = struct.unpack_from(self._order + "II", body)
        if kind == TLS_KEY_LOG:
            self.secret_parts.append(body[8 : 8 + size].decode(errors="replace") + "\n")

    def _packet(self, body: bytes, layout: str) -> Frame | None:
        number, high, low, size, length = struct.unpack_from(self._order + layout, body)
        interface, start = self.interfaces[number], 20
        if start + size > len(body):
            raise IndexError(f"{size} bytes captured, {len(body) - start} here")
        if interface.linktype != LINKTYPE_ETHERNET:
            return None
        options = self._options(body, start + (size + 3 & ~3))
        flags = options.get(PACKET_FLAGS, b"")
        bits = struct.unpack(self._order + "I", flags)[0] & 3 if len(flags) == 4 else 0
        direction, comment = DIRECTIONS.get(bits, Direction.UNKNOWN), _text(options.get(COMMENT))
        time_ns = interface.time_ns(high << 32 | low)
        return self._frame(time_ns, interface, body[start : start + size], length, direction, comment)

    def _simple_packet(self, body: bytes) -> Frame | None:
        """A packet of the first interface, without a time (§4.4)."""
        (length,) = struct.unpack_from(self._order + "I", body)
        if self.interfaces[0].linktype != LINKTYPE_ETHERNET:
            return None
        kept = min(length, self.interfaces[0].snaplen_bytes or length)  # what is behind is padding
        return self._frame(0, self.interfaces[0], body[4 : 4 + kept], length)

    def _options(self, body: bytes, at: int) -> dict[int, bytes]:
        """The options from `at`, as far as they make sense (§3.5); of a code met twice the first."""
        found: dict[int, bytes] = {}
        while at + 4 <= len(body):
            code, size = struct.unpack_from(self._order + "HH", body, at)
            if code == END_OF_OPTIONS or at + 4 + size > len(body):
                break
            found.setdefault(code, body[at + 4 : at + 4 + size])
            at += 4 + (size + 3 & ~3)
        return found


def load(data: bytes) -> list[Frame]:
    """The frames of a whole file; raises Malformed where it is no capture."""
    return Reader().feed(data)


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace")
