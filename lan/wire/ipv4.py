"""IPv4 headers.  RFC 791; DSCP and ECN by RFC 2474 and RFC 3168."""

import struct
from collections.abc import Iterator
from enum import IntFlag
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire import ipv4_options
from lan.wire.addresses import ipv4_bytes, ipv4_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES = 20
ICMP, IGMP, IN_IPV4, TCP, UDP, IN_IPV6, GRE, ICMPV6 = 1, 2, 4, 6, 17, 41, 47, 58
PROTOCOL_NAMES = {
    ICMP: "ICMP",
    IGMP: "IGMP",
    IN_IPV4: "IPv4",
    TCP: "TCP",
    UDP: "UDP",
    33: "DCCP",
    IN_IPV6: "IPv6",
    GRE: "GRE",
    50: "ESP",
    51: "AH",
    ICMPV6: "ICMPv6",
    88: "EIGRP",
    89: "OSPF",
    103: "PIM",
    112: "VRRP",
    132: "SCTP",
}
ECN_NAMES = ("not ECN-capable", "ECT(1)", "ECT(0)", "congestion experienced")


class Ipv4Flags(IntFlag):
    """The three bits before the fragment offset."""

    MF = 1
    DF = 2
    RESERVED = 4


FLAG_NAMES = {Ipv4Flags.DF: "don't fragment", Ipv4Flags.MF: "more fragments", Ipv4Flags.RESERVED: "reserved bit"}
FLAGS = tuple(Ipv4Flags(bits) for bits in range(8))
_MORE_FRAGMENTS = frozenset(flags for flags in FLAGS if flags & Ipv4Flags.MF)


@frozen
class Ipv4:
    """A datagram's header.  `fragment_offset`, `header_length` and `total_length` count bytes.

    `checksum_ok` is None where the header is not whole.
    """

    src: str
    dst: str
    ttl: int
    protocol: int
    total_length: int
    identification: int
    flags: Ipv4Flags
    fragment_offset: int
    checksum_ok: bool | None
    header_length: int = HEADER_BYTES
    tos: int = 0
    checksum: int = 0
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "IPv4"

    def is_fragment(self) -> bool:
        return self.fragment_offset > 0 or self.flags in _MORE_FRAGMENTS

    def summary(self) -> str:
        carried = protocol_text(self.protocol)
        if self.is_fragment():
            return f"IPv4 {self.src} → {self.dst}, {carried}, fragment at {self.fragment_offset}"
        return f"IPv4 {self.src} → {self.dst}, {carried}"

    def title(self) -> str:
        return f"IPv4, {self.src} → {self.dst}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        dscp, ecn = self.tos >> 2, self.tos & 3
        set_flags = [name for bit, name in FLAG_NAMES.items() if self.flags & bit]
        yield Field("version", data[start] >> 4, str(data[start] >> 4), start, start + 1)
        yield Field("header length", self.header_length, count(self.header_length, "byte"), start, start + 1)
        yield Field("DSCP", dscp, str(dscp), start + 1, start + 2)
        yield Field("ECN", ecn, ECN_NAMES[ecn], start + 1, start + 2)
        yield Field("total length", self.total_length, count(self.total_length, "byte"), start + 2, start + 4)
        yield Field("identification", self.identification, f"0x{self.identification:04x}", start + 4, start + 6)
        yield Field("flags", int(self.flags), ", ".join(set_flags) or "none", start + 6, start + 7)
        yield Field("fragment offset", self.fragment_offset, f"{self.fragment_offset}", start + 6, start + 8)
        yield Field("TTL", self.ttl, count(self.ttl, "hop"), start + 8, start + 9)
        words = protocol_text(self.protocol)
        yield Field("protocol", self.protocol, f"{words} ({self.protocol})", start + 9, start + 10)
        words = sums.words(self.checksum, self.checksum_ok)
        yield Field("header checksum", self.checksum, words, start + 10, start + 12)
        yield Field("source", self.src, self.src, start + 12, start + 16)
        yield Field("destination", self.dst, self.dst, start + 16, start + 20)
        if end > start + HEADER_BYTES:
            yield from ipv4_options.fields(data, start + HEADER_BYTES, end)


def protocol_text(number: int) -> str:
    """``TCP``, or the number where it has no name here."""
    return PROTOCOL_NAMES.get(number) or f"protocol {number}"


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Ipv4:
    """The header at `start`; raises Malformed where its fixed part is not whole.

    `whole` is False where the capture (or an ICMP error's quote) has cut bytes off behind `end`.
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an IPv4 header has at least {HEADER_BYTES}")
    first, tos, total, identification, offset, ttl, protocol, field = struct.unpack_from("!BBHHHBBH", data, start)
    header = (first & 15) * 4
    problems: tuple[str, ...] = ()
    good: bool | None = None
    if start + header <= end and header >= HEADER_BYTES:
        good = sums.is_good(data[start : start + header])
    if first >> 4 != 4 or header < HEADER_BYTES or not good or total < header or total > end - start:
        problems = tuple(_problems(first >> 4, header, total, end - start, good=good, whole=whole))
    if header > HEADER_BYTES:
        faults: list[str] = []
        for _ in ipv4_options.walk(data, start + HEADER_BYTES, min(start + header, end), faults):
            pass
        problems += tuple(faults) if whole else ()
    return Ipv4(
        ipv4_text(data[start + 12 : start + 16]),
        ipv4_text(data[start + 16 : start + 20]),
        ttl,
        protocol,
        total,
        identification,
        FLAGS[offset >> 13],
        (offset & 0x1FFF) * 8,
        good,
        header,
        tos,
        field,
        problems,
    )


def _problems(version: int, header: int, total: int, here: int, *, good: bool | None, whole: bool) -> Iterator[str]:
    if version != 4:
        yield f"IP version {version} under the ethertype of IPv4"
    if header < HEADER_BYTES:
        yield f"IPv4 header length {header} is below {HEADER_BYTES}"
    if header > here and whole:
        yield f"IPv4 header length {header}, but {count(here, 'byte')} here"
    if good is False:
        yield "IPv4 header checksum is wrong"
    if total < header:
        yield f"IPv4 total length {total} is shorter than its header ({header})"
    elif total > here and whole:
        yield f"IPv4 total length {total}, but {count(here, 'byte')} here"


def build(
    src: str | IPv4Address,
    dst: str | IPv4Address,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
    identification: int = 0,
    tos: int = 0,
    dont_fragment: bool = False,
) -> bytes:
    """A datagram without options, checksum filled in; raises Malformed."""
    total = HEADER_BYTES + len(payload)
    if total > 0xFFFF:
        raise Malformed(f"{total} bytes do not fit an IPv4 datagram (65535)")
    try:
        head = struct.pack("!BBHHHBB", 0x45, tos, total, identification, dont_fragment << 14, ttl, protocol)
    except struct.error as fault:
        raise Malformed(f"IPv4 header: {fault}") from fault
    addresses = ipv4_bytes(src) + ipv4_bytes(dst)
    return head + sums.checksum(head + addresses).to_bytes(2, "big") + addresses + payload
