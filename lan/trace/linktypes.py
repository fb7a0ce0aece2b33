"""Captures of other links than Ethernet, told as Ethernet frames: `tcpdump -i any`, raw IP, loopback.  Pure.

What a link lacks is made up plainly: MAC addresses of zeros where it has none.  The packet's bytes follow a made-up
Ethernet header of 14 bytes, and byte ranges count from there.  Files come in and go out by pieces, for foreign captures
are rewritten before they are read.
Source: https://www.tcpdump.org/linktypes.html, draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap.
"""

import struct
from collections.abc import Callable

from lan.trace.pcapng_format import (
    BYTE_ORDER_MAGIC,
    CLASSIC_HEADER_BYTES,
    CLASSIC_MAGIC,
    CLASSIC_PACKET_BYTES,
    ENHANCED_PACKET,
    INTERFACE,
    LARGEST_BLOCK_BYTES,
    LINKTYPE_ETHERNET,
    SECTION_HEADER,
)
from lan.wire import ethernet

NO_MAC = bytes(6)
IP_VERSIONS = {4: ethernet.IPV4, 6: ethernet.IPV6}
IPV6_FAMILIES = {10, 23, 24, 28, 30}
"""AF_INET6 of Linux, Windows and the BSDs; AF_INET is 2 everywhere."""
LEAST_BLOCK_BYTES = 12

Change = Callable[[bytes], bytes]


def _ethernet(dst: bytes, src: bytes, ethertype: int, packet: bytes) -> bytes:
    return dst + src + ethertype.to_bytes(2, "big") + packet


def _raw(data: bytes) -> bytes:
    return _ethernet(NO_MAC, NO_MAC, IP_VERSIONS.get(data[0] >> 4 if data else 0, 0xFFFF), data)


def _null(data: bytes) -> bytes:
    """A family in four bytes of the writer's order; the smaller reading is the one."""
    if len(data) < 4:
        return _raw(data)
    family = min(int.from_bytes(data[:4], "little"), int.from_bytes(data[:4], "big"))
    ethertype = ethernet.IPV4 if family == 2 else ethernet.IPV6 if family in IPV6_FAMILIES else 0xFFFF
    return _ethernet(NO_MAC, NO_MAC, ethertype, data[4:])


def _address(data: bytes, length: int) -> bytes:
    return data[:6] if length == 6 else NO_MAC


def _cooked(data: bytes) -> bytes:
    """LINKTYPE_LINUX_SLL: kind, hardware, address length, address, protocol; 16 bytes."""
    if len(data) < 16:
        return _raw(data)
    length, protocol = int.from_bytes(data[4:6], "big"), int.from_bytes(data[14:16], "big")
    return _ethernet(NO_MAC, _address(data[6:14], length), protocol, data[16:])


def _cooked_2(data: bytes) -> bytes:
    """LINKTYPE_LINUX_SLL2: protocol, interface, hardware, kind, address length, address; 20 bytes."""
    if len(data) < 20:
        return _raw(data)
    return _ethernet(NO_MAC, _address(data[12:20], data[11]), int.from_bytes(data[:2], "big"), data[20:])


CHANGES: dict[int, tuple[str, Change, int]] = {
    0: ("BSD loopback", _null, 10),
    12: ("raw IP", _raw, 14),
    14: ("raw IP", _raw, 14),
    101: ("raw IP", _raw, 14),
    108: ("OpenBSD loopback", _null, 10),
    113: ("Linux cooked", _cooked, -2),
    228: ("raw IPv4", _raw, 14),
    229: ("raw IPv6", _raw, 14),
    276: ("Linux cooked v2", _cooked_2, -6),
}
"""Link type → its name, what makes an Ethernet frame of its packet, and by how many bytes that is longer."""


class AsEthernet:
    """Takes a capture in pieces and gives the same with Ethernet frames; `links` are the names of what it was of.

    Bytes that make no sense are handed on: the reader says what is wrong with them.
    """

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._rest, self._order, self._is_lost = b"", "", False
        self._classic: tuple[str, Change, int] | None = None
        self._changes: list[tuple[str, Change, int] | None] = []

    @property
    def links(self) -> str:
        return ", ".join(self._names)

    def feed(self, data: bytes) -> bytes:
        """What is whole of the capture until now, changed."""
        data = self._rest + data
        if not self._order and len(data) < CLASSIC_HEADER_BYTES:
            self._rest = data
            return b""
        parts: list[bytes] = []
        at = 0 if self._order else self._begin(data, parts)
        step = self._record if self._classic is not None else self._block
        while not self._is_lost and (end := step(data, at, parts)):
            at = end
        self._rest = b"" if self._is_lost else data[at:]
        return b"".join([*parts, data[at:]]) if self._is_lost else b"".join(parts)

    def end(self) -> bytes:
        """What is left: a block that was cut off."""
        left, self._rest = self._rest, b""
        return left

    def _begin(self, data: bytes, parts: list[bytes]) -> int:
        """Look at the kind of file; how many bytes its header has."""
        self._order = "<"
        if data[:4] not in CLASSIC_MAGIC:
            self._is_lost = data[:4] != SECTION_HEADER.to_bytes(4, "little")
            return 0
        self._order, _ = CLASSIC_MAGIC[data[:4]]
        (linktype,) = struct.unpack_from(self._order + "I", data, 20)
        self._classic = CHANGES.get(linktype & 0xFFFF)
        if self._classic is None:
            self._is_lost = True
            return 0
        self._names[self._classic[0]] = None
        parts += [data[:20], struct.pack(self._order + "I", LINKTYPE_ETHERNET)]
        return CLASSIC_HEADER_BYTES

    def _record(self, data: bytes, at: int, parts: list[bytes]) -> int:
        """Change the classic record at `at`; where it ends, 0 where it is not whole."""
        assert self._classic is not None
        if at + CLASSIC_PACKET_BYTES > len(data):
            return 0
        seconds, ticks, kept, length = struct.unpack_from(self._order + "4I", data, at)
        end = at + CLASSIC_PACKET_BYTES + int(kept)
        self._is_lost = kept > LARGEST_BLOCK_BYTES
        if end > len(data) or self._is_lost:
            return 0
        _, change, longer = self._classic
        made = change(data[at + CLASSIC_PACKET_BYTES : end])
        parts += [struct.pack(self._order + "4I", seconds, ticks, len(made), max(length + longer, len(made))), made]
        return end

    def _block(self, data: bytes, at: int, parts: list[bytes]) -> int:
        """Change the block at `at`; where it ends, 0 where it is not whole."""
        if at + LEAST_BLOCK_BYTES > len(data):
            return 0
        if data[at : at + 4] == SECTION_HEADER.to_bytes(4, "little"):
            is_little = data[at + 8 : at + 12] == BYTE_ORDER_MAGIC.to_bytes(4, "little")
            self._order, self._changes = "<" if is_little else ">", []
        kind, total = struct.unpack_from(self._order + "II", data, at)
        self._is_lost = total < LEAST_BLOCK_BYTES or total & 3 != 0 or total > LARGEST_BLOCK_BYTES
        if self._is_lost or at + total > len(data):
            return 0
        block = data[at : at + total]
        if kind == INTERFACE and total >= 20:
            (linktype,) = struct.unpack_from(self._order + "H", block, 8)
            self._changes.append(CHANGES.get(linktype))
            if linktype in CHANGES:
                self._names[CHANGES[linktype][0]] = None
                block = block[:8] + struct.pack(self._order + "H", LINKTYPE_ETHERNET) + block[10:]
        elif kind == ENHANCED_PACKET and total >= 32:
            block = _packet(block, self._order, self._changes)
        parts.append(block)
        return at + int(total)


def as_ethernet(data: bytes) -> tuple[bytes, str]:
    """A whole capture so, and what link it was of; "" (and the capture as it is) where all is Ethernet."""
    changing = AsEthernet()
    made = changing.feed(data) + changing.end()
    return (made, changing.links) if changing.links else (data, "")


def made_up(links: str) -> str:
    """The note of a file that was of other links than Ethernet."""
    return f"packets of another link ({links}) are shown as Ethernet frames, with made-up headers"


def _packet(block: bytes, order: str, changes: list[tuple[str, Change, int] | None]) -> bytes:
    """An enhanced packet block with the frame in the place of the packet; its options stay."""
    number, high, low, kept, length = struct.unpack_from(order + "5I", block, 8)
    change = changes[number] if number < len(changes) else None
    if change is None or 28 + kept > len(block) - 4:
        return block
    made = change[1](block[28 : 28 + kept])
    options = block[28 + (kept + 3 & ~3) : -4]
    body = struct.pack(order + "5I", number, high, low, len(made), max(length + change[2], len(made)))
    body += made + bytes(-len(made) % 4) + options
    total = len(body) + LEAST_BLOCK_BYTES
    return b"".join([struct.pack(order + "II", ENHANCED_PACKET, total), body, struct.pack(order + "I", total)])
