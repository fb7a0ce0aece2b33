"""What an 802.3 frame carries: the LLC header, and SNAP behind it.  IEEE 802.2, IEEE 802 §9 (SNAP)."""

from collections.abc import Iterator
from typing import ClassVar

from lan.wire.ethernet import ethertype_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

LEAST_BYTES, SNAP_BYTES = 3, 5
STP, SNAP = 0x42, 0xAA
UNNUMBERED = 3
SAP_NAMES = {0x00: "null", 0x06: "IPv4", STP: "spanning tree", SNAP: "SNAP", 0xE0: "IPX", 0xF0: "NetBIOS", 0xFE: "ISO"}
CONTROL_NAMES = {
    0x03: "unnumbered information",
    0x0F: "set asynchronous balanced mode, version 1",
    0x43: "disconnect",
    0x63: "unnumbered acknowledgment",
    0x6F: "set asynchronous balanced mode",
    0x87: "frame reject",
    0xAF: "exchange identification",
    0xE3: "test",
}
POLL_FINAL = 0x10
ETHERNET_OUIS = {0x000000, 0x0000F8}
"""Whose SNAP protocol number is an ethertype: RFC 1042 and 802.1H."""


@frozen
class Llc:
    """An 802.2 header, with SNAP's where it has one: `oui` and `pid` are None where it has none."""

    dsap: int
    ssap: int
    control: int
    oui: int | None = None
    pid: int | None = None
    header_length: int = LEAST_BYTES
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "LLC"

    @property
    def ethertype(self) -> int | None:
        """The ethertype that SNAP carries; None where it carries a protocol of some company's own."""
        return self.pid if self.oui in ETHERNET_OUIS else None

    def summary(self) -> str:
        return f"LLC, {self._carried()}"

    def title(self) -> str:
        return self.summary()

    def _carried(self) -> str:
        if self.ethertype is not None:
            return f"SNAP, {ethertype_text(self.ethertype)}"
        if self.oui is not None:
            return f"SNAP, 0x{self.pid:04x} of {self.oui:06x}"
        return _sap_text(self.dsap)

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("DSAP", self.dsap, _sap_text(self.dsap), start, start + 1)
        words = _sap_text(self.ssap & 0xFE) + (", response" if self.ssap & 1 else "")
        yield Field("SSAP", self.ssap, words, start + 1, start + 2)
        after = start + self.header_length - (SNAP_BYTES if self.oui is not None else 0)
        yield Field("control", self.control, _control_words(self.control), start + 2, after)
        if self.oui is not None and self.pid is not None:
            yield Field("organization", self.oui, f"{self.oui:06x}", after, after + 3)
            words = ethertype_text(self.pid) if self.ethertype is not None else f"0x{self.pid:04x}"
            yield Field("protocol id", self.pid, words, after + 3, after + 5)


def _sap_text(sap: int) -> str:
    return SAP_NAMES.get(sap) or f"0x{sap:02x}"


def _control_words(control: int) -> str:
    """IEEE 802.2 §5.2: the low bits tell which of three formats it is."""
    if control & 3 == UNNUMBERED:
        return CONTROL_NAMES.get(control & ~POLL_FINAL) or f"unnumbered 0x{control:02x}"
    if control & 1:
        return f"supervisory {control >> 2 & 3}, N(R)={control >> 9}"
    return f"information, N(S)={control >> 1 & 127}, N(R)={control >> 9}"


def read(data: bytes, start: int, end: int) -> Llc:
    """The header of an 802.3 frame's content; raises Malformed where it is not whole."""
    if end - start < LEAST_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an LLC header has at least {LEAST_BYTES}")
    dsap, ssap, control = data[start : start + LEAST_BYTES]
    length = LEAST_BYTES
    if control & 3 != UNNUMBERED:  # sequence numbers: the control field has two bytes, the low one first
        length += 1
        if end - start < length:
            raise Malformed("the LLC control field's second byte is missing")
        control |= data[start + 3] << 8
    if (dsap, ssap & 0xFE) != (SNAP, SNAP) or control & 3 != UNNUMBERED:
        return Llc(dsap, ssap, control, header_length=length)
    at = start + length
    if at + SNAP_BYTES > end:
        raise Malformed(f"{count(end - at, 'byte')}, a SNAP header has {SNAP_BYTES}")
    oui, pid = int.from_bytes(data[at : at + 3], "big"), int.from_bytes(data[at + 3 : at + 5], "big")
    return Llc(dsap, ssap, control, oui, pid, length + SNAP_BYTES)


def build_snap(ethertype: int, payload: bytes) -> bytes:
    """The content of an 802.3 frame that carries an ethertype's protocol.  RFC 1042."""
    return bytes((SNAP, SNAP, UNNUMBERED, 0, 0, 0)) + ethertype.to_bytes(2, "big") + payload
