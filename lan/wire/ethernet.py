"""Ethernet II and 802.3 frames, with 802.1Q tags and the LLC header.  IEEE 802.3, 802.1Q, 802.2."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lan.wire.addresses import BROADCAST_MAC, mac_bytes, mac_text
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES, TAG_BYTES, LLC_BYTES = 14, 4, 3
IPV4, ARP, VLAN, IPV6, QINQ, LLDP = 0x0800, 0x0806, 0x8100, 0x86DD, 0x88A8, 0x88CC
LOWEST_ETHERTYPE = 0x0600
"""Below it the field is the length of an 802.3 frame, whose LLC header tells the protocol."""
LLC_STP = 0x42

ETHERTYPE_NAMES = {IPV4: "IPv4", ARP: "ARP", VLAN: "802.1Q tag", IPV6: "IPv6", QINQ: "802.1ad tag", LLDP: "LLDP"}
LLC_NAMES = {LLC_STP: "spanning tree", 0xAA: "SNAP", 0xE0: "IPX", 0xF0: "NetBIOS"}


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Tag:
    """An 802.1Q tag: priority, drop-eligible bit, VLAN id, and what follows it."""

    priority: int
    drop_eligible: bool
    vlan: int
    ethertype: int
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "802.1Q"

    def summary(self) -> str:
        return f"802.1Q VLAN {self.vlan}, {ethertype_text(self.ethertype)}"

    def title(self) -> str:
        return f"802.1Q tag, VLAN {self.vlan}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("priority", self.priority, str(self.priority), start, start + 1)
        yield Field("drop eligible", self.drop_eligible, "yes" if self.drop_eligible else "no", start, start + 1)
        yield Field("VLAN id", self.vlan, str(self.vlan), start, start + 2)
        yield Field("ethertype", self.ethertype, ethertype_text(self.ethertype), start + 2, start + 4)


@dataclass(frozen=True, slots=True)
class Llc:
    """An 802.2 header: which protocol an 802.3 frame carries."""

    dsap: int
    ssap: int
    control: int
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "LLC"

    def summary(self) -> str:
        return f"LLC, {LLC_NAMES.get(self.dsap, f'0x{self.dsap:02x}')}"

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("DSAP", self.dsap, LLC_NAMES.get(self.dsap, f"0x{self.dsap:02x}"), start, start + 1)
        yield Field("SSAP", self.ssap, LLC_NAMES.get(self.ssap, f"0x{self.ssap:02x}"), start + 1, start + 2)
        yield Field("control", self.control, f"0x{self.control:02x}", start + 2, start + 3)


def ethertype_text(ethertype: int) -> str:
    """``IPv4``, or the number where it has no name here."""
    return ETHERTYPE_NAMES.get(ethertype) or f"ethertype 0x{ethertype:04x}"


def mac_words(mac: str) -> str:
    """The address, with what makes it special."""
    if mac == BROADCAST_MAC:
        return f"{mac} (broadcast)"
    return f"{mac} (multicast)" if int(mac[1], 16) & 1 else mac


def read(data: bytes) -> Ethernet:
    """The header at the start of a frame; raises Malformed where it is not whole."""
    if len(data) < HEADER_BYTES:
        raise Malformed(f"{count(len(data), 'byte')}, an Ethernet header has {HEADER_BYTES}")
    code = data[12] << 8 | data[13]
    dst, src = mac_text(data[:6]), mac_text(data[6:12])
    if code < LOWEST_ETHERTYPE:
        return Ethernet(dst, src, 0, length=code)
    vlan = None
    for at in range(HEADER_BYTES, len(data) - TAG_BYTES + 1, TAG_BYTES):
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


def read_llc(data: bytes, start: int, end: int) -> Llc:
    """The header of an 802.3 frame's content; raises Malformed where it is not whole."""
    if end - start < LLC_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an LLC header has {LLC_BYTES}")
    return Llc(*data[start : start + LLC_BYTES])


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
