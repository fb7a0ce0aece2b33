"""Captures of other links than Ethernet, told as Ethernet frames: `tcpdump -i any`, raw IP, loopback.  Pure.

What a link lacks is made up plainly: MAC addresses of zeros where it has none.  The packet's bytes follow a made-up
Ethernet header of 14 bytes, and byte ranges count from there.  Whole files come in and go out, for foreign captures are
rewritten before they are read.
Source: https://www.tcpdump.org/linktypes.html, draft-ietf-opsawg-pcapng, draft-ietf-opsawg-pcap.
"""

import struct
from collections.abc import Callable

from lan.trace.pcapng import (
    BYTE_ORDER_MAGIC,
    CLASSIC_HEADER_BYTES,
    CLASSIC_MAGIC,
    CLASSIC_PACKET_BYTES,
    ENHANCED_PACKET,
    INTERFACE,
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


def as_ethernet(data: bytes) -> tuple[bytes, str]:
    """The same capture with Ethernet frames, and what link it was of; "" (and the file as it is) where all is Ethernet.

    Bytes that make no sense are handed on: the reader says what is wrong with them.
    """
    if data[:4] in CLASSIC_MAGIC:
        return _classic(data)
    if data[:4] == SECTION_HEADER.to_bytes(4, "little"):
        return _blocks(data)
    return data, ""


def _classic(data: bytes) -> tuple[bytes, str]:
    order, _ = CLASSIC_MAGIC[data[:4]]
    if len(data) < CLASSIC_HEADER_BYTES:
        return data, ""
    (linktype,) = struct.unpack_from(order + "I", data, 20)
    if linktype & 0xFFFF not in CHANGES:
        return data, ""
    name, change, longer = CHANGES[linktype & 0xFFFF]
    parts = [data[:20], struct.pack(order + "I", LINKTYPE_ETHERNET)]
    at = CLASSIC_HEADER_BYTES
    while at + CLASSIC_PACKET_BYTES <= len(data):
        seconds, ticks, kept, length = struct.unpack_from(order + "4I", data, at)
        end = at + CLASSIC_PACKET_BYTES + kept
        if end > len(data):
            break
        made = change(data[at + CLASSIC_PACKET_BYTES : end])
        parts += [struct.pack(order + "4I", seconds, ticks, len(made), max(length + longer, len(made))), made]
        at = end
    return b"".join([*parts, data[at:]]), name


def _blocks(data: bytes) -> tuple[bytes, str]:
    order, at, names = "<", 0, dict[str, None]()
    parts: list[bytes] = []
    changes: list[tuple[str, Change, int] | None] = []
    while at + LEAST_BLOCK_BYTES <= len(data):
        if data[at : at + 4] == SECTION_HEADER.to_bytes(4, "little"):
            order, changes = ("<" if data[at + 8 : at + 12] == BYTE_ORDER_MAGIC.to_bytes(4, "little") else ">"), []
        kind, total = struct.unpack_from(order + "II", data, at)
        if total < LEAST_BLOCK_BYTES or total & 3 or at + total > len(data):
            break
        block = data[at : at + total]
        if kind == INTERFACE and total >= 20:
            (linktype,) = struct.unpack_from(order + "H", block, 8)
            changes.append(CHANGES.get(linktype))
            if linktype in CHANGES:
                names[CHANGES[linktype][0]] = None
                block = block[:8] + struct.pack(order + "H", LINKTYPE_ETHERNET) + block[10:]
        elif kind == ENHANCED_PACKET and total >= 32:
            block = _packet(block, order, changes)
        parts.append(block)
        at += total
    return (b"".join([*parts, data[at:]]), ", ".join(names)) if names else (data, "")


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
