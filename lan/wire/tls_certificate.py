"""What an X.509 certificate says of itself, as far as a reader of packets wants it.  RFC 5280 §4, X.690.

Nothing is verified: that needs the chain and an authority.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lan.wire.addresses import ipv4_text, ipv6_text
from lan.wire.frozen import frozen
from lan.wire.layer import printable
from lan.wire.malformed import Malformed

SEQUENCE, SET, OID, UTC_TIME, INTEGER, OCTETS = 0x30, 0x31, 0x06, 0x17, 0x02, 0x04
NAME_PARTS = {
    "550403": "CN",
    "550406": "C",
    "550407": "L",
    "550408": "ST",
    "55040a": "O",
    "55040b": "OU",
    "2a864886f70d010901": "email",
}
SUBJECT_ALT_NAME = "551d11"
DNS_NAME, IP_ADDRESS = 0x82, 0x87


@frozen
class Certificate:
    """`subject` and `issuer` as ``CN=web.lan.test, O=lan``; times as they are written; `names` it is valid for."""

    subject: str
    issuer: str
    not_before: str
    not_after: str
    serial: str
    names: tuple[str, ...] = ()

    def words(self) -> str:
        """One line of what matters."""
        names = f", for {', '.join(self.names)}" if self.names else ""
        return f"{self.subject or 'no subject'}{names}; by {self.issuer}; {self.not_before} to {self.not_after}"


class Element(NamedTuple):
    """One element of DER: its tag, and where its content is."""

    tag: int
    start: int
    end: int


def read(data: bytes, start: int, end: int) -> Certificate:
    """The certificate at `start`; raises Malformed where it is none, or not whole."""
    outer = _expect(data, start, end, SEQUENCE)
    body = _expect(data, outer.start, outer.end, SEQUENCE)
    parts = list(_elements(data, body.start, body.end))
    if parts and parts[0].tag == 0xA0:  # the version, where it is not the first
        del parts[0]
    if len(parts) < 6:
        raise Malformed("a certificate lacks fields")
    serial, _, issuer, validity, subject, _, *others = parts
    times = [_time(data, element) for element in _elements(data, validity.start, validity.end)]
    if len(times) != 2:
        raise Malformed("a certificate's validity is not two times")
    names: tuple[str, ...] = ()
    for element in others:
        if element.tag == 0xA3:
            names = tuple(_alternative_names(data, element))
    return Certificate(
        _name(data, subject), _name(data, issuer), times[0], times[1], data[serial.start : serial.end].hex(), names
    )


def _element(data: bytes, at: int, end: int) -> Element:
    if at + 2 > end:
        raise Malformed("a DER element is cut")
    tag, length = data[at], data[at + 1]
    at += 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or at + size > end:
            raise Malformed("a DER length is none")
        length = int.from_bytes(data[at : at + size], "big")
        at += size
    if at + length > end:
        raise Malformed("a DER element runs past its container")
    return Element(tag, at, at + length)


def _expect(data: bytes, at: int, end: int, tag: int) -> Element:
    element = _element(data, at, end)
    if element.tag != tag:
        raise Malformed(f"DER tag 0x{element.tag:02x}, expected 0x{tag:02x}")
    return element


def _elements(data: bytes, at: int, end: int) -> Iterator[Element]:
    while at < end:
        element = _element(data, at, end)
        yield element
        at = element.end


def _name(data: bytes, name: Element) -> str:
    """A distinguished name, in the order in which it is written."""
    parts = []
    for each in _elements(data, name.start, name.end):
        for pair in _elements(data, each.start, each.end):
            values = list(_elements(data, pair.start, pair.end))
            if len(values) != 2 or values[0].tag != OID:
                raise Malformed("a part of a name is none")
            oid = data[values[0].start : values[0].end].hex()
            parts.append(f"{NAME_PARTS.get(oid, oid)}={_text(data[values[1].start : values[1].end])}")
    return ", ".join(parts)


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return printable(value)
    return text if text.isprintable() else printable(value)


def _time(data: bytes, element: Element) -> str:
    """``2026-01-31 12:00:00``, from two digits of the year or four.  RFC 5280 §4.1.2.5."""
    text = printable(data[element.start : element.end])
    if element.tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    if len(text) != 15 or not text[:14].isdigit():
        return text
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:14]}"


def _alternative_names(data: bytes, wrapper: Element) -> Iterator[str]:
    for extension in _elements(data, *_expect(data, wrapper.start, wrapper.end, SEQUENCE)[1:]):
        parts = list(_elements(data, extension.start, extension.end))
        if len(parts) < 2 or data[parts[0].start : parts[0].end].hex() != SUBJECT_ALT_NAME:
            continue
        for name in _elements(data, *_expect(data, parts[-1].start, parts[-1].end, SEQUENCE)[1:]):
            value = data[name.start : name.end]
            if name.tag == IP_ADDRESS and len(value) in (4, 16):
                yield ipv4_text(value) if len(value) == 4 else ipv6_text(value)
            elif name.tag == DNS_NAME:
                yield _text(value)
