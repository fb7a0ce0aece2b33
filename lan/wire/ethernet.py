"""Ethernet II and 802.3 frames, with 802.1Q tags.  IEEE 802.3, 802.1Q; what 802.3 frames carry is in `llc`."""

import struct
from collections.abc import Iterator
from typing import ClassVar

from lan.wire.addresses import BROADCAST_MAC, mac_bytes, mac_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES, TAG_BYTES = 14, 4
IPV4, ARP, VLAN, IPV6, QINQ, LLDP = 0x0800, 0x0806, 0x8100, 0x86DD, 0x88A8, 0x88CC
BRIDGED = 0x6558
"""A whole Ethernet frame, as GRE carries it.  RFC 7637 §3.2."""
LOWEST_ETHERTYPE = 0x0600
"""Below it the field is the length of an 802.3 frame, whose LLC header tells the protocol, as Linux takes it."""
LARGEST_LENGTH = 1500
"""What stands between is neither length nor ethertype.  IEEE 802.3 §3.2.6."""

ETHERTYPE_NAMES = {
    IPV4: "IPv4",
    ARP: "ARP",
    BRIDGED: "Ethernet",
    VLAN: "802.1Q tag",
    IPV6: "IPv6",
    0x8847: "MPLS",
    0x8863: "PPPoE discovery",
    0x8864: "PPPoE",
    0x888E: "802.1X",
    QINQ: "802.1ad tag",
    LLDP: "LLDP",
    0x8809: "slow protocols (LACP)",
}


@frozen
class Ethernet:
    """A frame's header.

    `ethertype` is that of what the frame carries (behind the tags, if any); `length` is set
    instead of it in an 802.3 frame, whose `ethertype` is 0.  `vlan` is the VLAN id of the outer tag.
    """

    dst: str
    src: str
    ethertype: int
    vlan: int | None = None
    length: int | None = None
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "Ethernet"

    def is_broadcast(self) -> bool:
        return self.dst == BROADCAST_MAC

    def is_multicast(self) -> bool:
        """Whether the group bit is set (it is in the broadcast address too).  IEEE 802 §8.2."""
        return bool(int(self.dst[1], 16) & 1)

    def summary(self) -> str:
        carries = f"802.3, {count(self.length, 'byte')}" if self.length is not None else ethertype_text(self.ethertype)
        return f"Ethernet {self.src} → {'everyone' if self.is_broadcast() else self.dst}, {carries}"

    def title(self) -> str:
        return f"Ethernet, {self.src} → {self.dst}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("destination", self.dst, mac_words(self.dst), start, start + 6)
        yield Field("source", self.src, mac_words(self.src), start + 6, start + 12)
        (code,) = struct.unpack_from("!H", data, start + 12)
        if code < LOWEST_ETHERTYPE:
            yield Field("length", code, count(code, "byte"), start + 12, start + 14)
        else:
            yield Field("ethertype", code, ethertype_text(code), start + 12, start + 14)


@frozen
class Tag:
    """An 802.1Q tag: priority, drop-eligible bit, VLAN id, and what follows it."""

    priority: int
    drop_eligible: bool
    vlan: int
    ethertype: int
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "802.1Q"

    def summary(self) -> str:
        is_length = self.ethertype < LOWEST_ETHERTYPE
        return f"802.1Q VLAN {self.vlan}, {'802.3' if is_length else ethertype_text(self.ethertype)}"

    def title(self) -> str:
        return f"802.1Q tag, VLAN {self.vlan}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("priority", self.priority, str(self.priority), start, start + 1)
        yield Field("drop eligible", self.drop_eligible, "yes" if self.drop_eligible else "no", start, start + 1)
        yield Field("VLAN id", self.vlan, str(self.vlan), start, start + 2)
        if self.ethertype < LOWEST_ETHERTYPE:
            yield Field("length", self.ethertype, count(self.ethertype, "byte"), start + 2, start + 4)
        else:
            yield Field("ethertype", self.ethertype, ethertype_text(self.ethertype), start + 2, start + 4)


def ethertype_text(ethertype: int) -> str:
    """``IPv4``, or the number where it has no name here."""
    return ETHERTYPE_NAMES.get(ethertype) or f"ethertype 0x{ethertype:04x}"


def mac_words(mac: str) -> str:
    """The address, with what makes it special."""
    if mac == BROADCAST_MAC:
        return f"{mac} (broadcast)"
    return f"{mac} (multicast)" if int(mac[1], 16) & 1 else mac


def read(data: bytes, start: int = 0, end: int | None = None) -> Ethernet:
    """The header at `start`; raises Malformed where it is not whole."""
    end = len(data) if end is None else end
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an Ethernet header has {HEADER_BYTES}")
    code = data[start + 12] << 8 | data[start + 13]
    dst, src = mac_text(data[start : start + 6]), mac_text(data[start + 6 : start + 12])
    if code < LOWEST_ETHERTYPE:
        problems = (f"Ethernet length {code} is above {LARGEST_LENGTH}",) if code > LARGEST_LENGTH else ()
        return Ethernet(dst, src, 0, length=code, problems=problems)
    vlan = None
    for at in range(start + HEADER_BYTES, end - TAG_BYTES + 1, TAG_BYTES):
        if code not in (VLAN, QINQ):
            break
        if vlan is None:
            vlan = (data[at] << 8 | data[at + 1]) & 0x0FFF
        code = data[at + 2] << 8 | data[at + 3]
    return Ethernet(dst, src, code, vlan)


def read_tag(data: bytes, start: int, end: int) -> Tag:
    """The four bytes after an 802.1Q ethertype; raises Malformed where they are not whole."""
    if end - start < TAG_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an 802.1Q tag has {TAG_BYTES}")
    control, ethertype = struct.unpack_from("!HH", data, start)
    return Tag(control >> 13, bool(control & 0x1000), control & 0x0FFF, ethertype)


def build(dst: str, src: str, ethertype: int, payload: bytes, *, vlan: int | None = None, priority: int = 0) -> bytes:
    """A frame without padding (the network card's work) and checksum; raises Malformed."""
    if not LOWEST_ETHERTYPE <= ethertype <= 0xFFFF:
        raise Malformed(f"ethertype {ethertype:#x} is not in 0x0600…0xffff")
    tag = b""
    if vlan is not None:
        if not (0 <= vlan <= 4095 and 0 <= priority <= 7):
            raise Malformed(f"VLAN {vlan} priority {priority}: at most 4095 and 7 fit a tag")
        tag = struct.pack("!HH", VLAN, priority << 13 | vlan)
    return mac_bytes(dst) + mac_bytes(src) + tag + ethertype.to_bytes(2, "big") + payload


def build_802_3(dst: str, src: str, content: bytes) -> bytes:
    """An 802.3 frame: `content` begins with its LLC header, its length stands where else the ethertype is."""
    if len(content) >= LOWEST_ETHERTYPE:
        raise Malformed(f"{len(content)} bytes do not fit an 802.3 frame")
    return mac_bytes(dst) + mac_bytes(src) + len(content).to_bytes(2, "big") + content
