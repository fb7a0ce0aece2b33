"""By what a packet is known again behind a router: RFC 1812 §5.2.1 leaves all as it was but the TTL; NAT not even that.

Pure.  A router changes MAC addresses, TTL and header checksum (a source route apart).  NAT changes addresses and
ports too, or an ICMP identifier, and the checksums over them (RFC 3022 §4.1); the rest stays.
"""

from dataclasses import dataclass
from functools import cached_property

from lan.trace.frame import Frame
from lan.wire.icmp import ERRORS
from lan.wire.ipv4 import ICMP, ICMPV6, TCP, UDP, Ipv4
from lan.wire.ipv6 import Ipv6
from lan.wire.quote import carried

QUOTED_BYTES = 8
"""Of what an IP header carries, every ICMP error quotes so much.  RFC 792."""


@dataclass(frozen=True)
class IpPacket:
    """The outermost IP header of a frame, and `content`, what it carries."""

    header: Ipv4 | Ipv6
    content: bytes

    @property
    def ttl(self) -> int:
        return self.header.ttl if isinstance(self.header, Ipv4) else self.header.hop_limit

    @property
    def fragment_offset(self) -> int:
        """In bytes; 0 for a whole datagram too."""
        if isinstance(self.header, Ipv4):
            return self.header.fragment_offset
        return self.header.fragment.offset if self.header.fragment else 0

    @property
    def datagram(self) -> tuple[str, str, int, int]:
        """What all fragments of one datagram have in common: addresses, protocol, identification."""
        return self.header.src, self.header.dst, carried(self.header), identification(self.header)

    @cached_property
    def quotable(self) -> tuple[str, str, int, int, int, bytes]:
        """What an ICMP error tells of it."""
        return *self.datagram, self.fragment_offset, self.content[:QUOTED_BYTES]

    @cached_property
    def rest(self) -> tuple[int, int, int, int]:
        """What even NAT leaves as it was, short enough to look up by."""
        rest = _beside_ports(carried(self.header), self.content, is_first=self.fragment_offset == 0)
        return carried(self.header), identification(self.header), self.fragment_offset, hash(rest)

    def went_on_as(self, later: "IpPacket") -> bool:
        """Whether one router made `later` of it, by TTL and addresses alone."""
        mine, its = self.header, later.header
        return later.ttl == self.ttl - 1 and (mine.src, mine.dst) != (its.dst, its.src)

    def is_rewritten_as(self, later: "IpPacket") -> bool:
        """Whether addresses or ports differ."""
        return self._ends() != later._ends()

    def _ends(self) -> tuple[str, str, bytes]:
        has_ports = carried(self.header) in (TCP, UDP) and self.fragment_offset == 0
        return self.header.src, self.header.dst, self.content[:4] if has_ports else b""


def ip_packet(frame: Frame) -> IpPacket | None:
    """The packet of a frame; None where it carries none."""
    packet = frame.packet
    if packet.ipv4 is None and packet.ipv6 is None:
        return None
    for header, _, end in packet.headers:
        if isinstance(header, Ipv4 | Ipv6):
            return IpPacket(header, frame.data[end : max(end, packet.stop)])
    return None


def identification(header: Ipv4 | Ipv6) -> int:
    """Of IPv6 a fragment's, or the flow label."""
    if isinstance(header, Ipv4):
        return header.identification
    return header.fragment.identification if header.fragment else header.flow_label


def quoted(frame: Frame) -> tuple[str, str, int, int, int, bytes] | None:
    """What an ICMP error is about, as `IpPacket.quotable`; None for any other frame."""
    packet = frame.packet
    message = packet.icmp or packet.icmp6
    header = message.quoted if message is not None else None
    if message is None or header is None:
        return None
    at = header.header_length
    offset = header.fragment_offset if isinstance(header, Ipv4) else header.fragment.offset if header.fragment else 0
    content = message.data[at : at + QUOTED_BYTES]
    return header.src, header.dst, carried(header), identification(header), offset, content


def _beside_ports(protocol: int, content: bytes, *, is_first: bool) -> bytes:
    """What NAT has no reason to touch: without ports, identifier, checksum, and what an error quotes."""
    if not is_first:
        return content
    if protocol == TCP:
        return content[4:16] + content[18:]
    if protocol == UDP:
        return content[4:6] + content[8:]
    if protocol == ICMP:
        if content[:1] and content[0] in ERRORS:
            return content[:2] + content[4:8] + content[12:14]
        return content[:2] + content[6:]
    if protocol == ICMPV6:
        return content[:2] + content[6:]
    return content
