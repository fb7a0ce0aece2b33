"""ICMP: echo, and the errors that quote what they are about.  RFC 792."""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire import ipv4, quote
from lan.wire.addresses import ipv4_bytes, ipv4_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview, time_of_day
from lan.wire.malformed import Malformed

HEADER_BYTES = 8
ECHO_REPLY, UNREACHABLE, REDIRECT, ECHO, ROUTER, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 5, 8, 9, 11, 12
TIMESTAMP, TIMESTAMP_REPLY, MASK, MASK_REPLY = 13, 14, 17, 18
WITH_IDENTIFIER = {ECHO, ECHO_REPLY, TIMESTAMP, TIMESTAMP_REPLY, 15, 16, MASK, MASK_REPLY}
ERRORS = {UNREACHABLE, 4, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM}
TYPE_NAMES = {
    ECHO_REPLY: "echo reply",
    UNREACHABLE: "destination unreachable",
    4: "source quench",
    REDIRECT: "redirect",
    ECHO: "echo request",
    ROUTER: "router advertisement",
    10: "router solicitation",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
    TIMESTAMP: "timestamp request",
    TIMESTAMP_REPLY: "timestamp reply",
    15: "information request",
    16: "information reply",
    MASK: "address mask request",
    MASK_REPLY: "address mask reply",
    42: "extended echo request",
    43: "extended echo reply",
}
CODE_NAMES = {
    (UNREACHABLE, 0): "network unreachable",
    (UNREACHABLE, 1): "host unreachable",
    (UNREACHABLE, 2): "protocol unreachable",
    (UNREACHABLE, 3): "port unreachable",
    (UNREACHABLE, 4): "fragmentation needed",
    (UNREACHABLE, 5): "source route failed",
    (UNREACHABLE, 6): "network unknown",
    (UNREACHABLE, 7): "host unknown",
    (UNREACHABLE, 9): "network forbidden",
    (UNREACHABLE, 10): "host forbidden",
    (UNREACHABLE, 11): "network unreachable for this type of service",
    (UNREACHABLE, 12): "host unreachable for this type of service",
    (UNREACHABLE, 13): "forbidden by filter",
    (REDIRECT, 0): "for the network",
    (REDIRECT, 1): "for the host",
    (REDIRECT, 2): "for the network and type of service",
    (REDIRECT, 3): "for the host and type of service",
    (TIME_EXCEEDED, 0): "TTL ran out on the way",
    (TIME_EXCEEDED, 1): "fragments did not all come in time",
    (PARAMETER_PROBLEM, 0): "the pointer tells where",
    (PARAMETER_PROBLEM, 1): "an option is missing",
    (PARAMETER_PROBLEM, 2): "bad length",
}


@frozen
class Icmp:
    """One message.

    `identifier` and `sequence` are None unless it is a question or its reply (echo, timestamp, mask);
    `data` is what follows the eight bytes of header, in errors the quoted datagram, whose header is `quoted`.
    """

    type: int
    code: int
    identifier: int | None
    sequence: int | None
    data: bytes
    checksum_ok: bool | None
    checksum: int = 0
    rest: int = 0
    quoted: ipv4.Ipv4 | None = None
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "ICMP"

    def summary(self) -> str:
        words = self._words()
        if self.identifier is not None:
            return f"ICMP {words} id={self.identifier} seq={self.sequence}, {count(len(self.data), 'byte')}"
        if self.quoted is not None:
            return f"ICMP {words} for {quote.words(self.quoted, self.data)}"
        return f"ICMP {words}"

    def title(self) -> str:
        return f"ICMP, {self._words()}"

    def next_hop_mtu(self) -> int | None:
        """The MTU, in bytes, that a "fragmentation needed" asks for.  RFC 1191 §4."""
        return self.rest & 0xFFFF if (self.type, self.code) == (UNREACHABLE, 4) else None

    def quoted_ports(self) -> tuple[int, int] | None:
        """(source, destination) of the quoted TCP or UDP header, where one was quoted."""
        return quote.ports(self.quoted, self.data)

    def _words(self) -> str:
        name = TYPE_NAMES.get(self.type, f"type {self.type}")
        code = CODE_NAMES.get((self.type, self.code))
        if code is None and self.code:
            code = f"code {self.code}"
        return f"{name} ({code})" if code else name

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        name = TYPE_NAMES.get(self.type, "unknown")
        yield Field("type", self.type, f"{self.type} ({name})", start, start + 1)
        code = CODE_NAMES.get((self.type, self.code))
        yield Field("code", self.code, f"{self.code} ({code})" if code else str(self.code), start + 1, start + 2)
        words = sums.words(self.checksum, self.checksum_ok)
        yield Field("checksum", self.checksum, words, start + 2, start + 4)
        if self.identifier is not None:
            yield Field("identifier", self.identifier, str(self.identifier), start + 4, start + 6)
            yield Field("sequence number", self.sequence, str(self.sequence), start + 6, start + 8)
        elif (mtu := self.next_hop_mtu()) is not None:
            yield Field("next-hop MTU", mtu, count(mtu, "byte"), start + 6, start + 8)
        elif self.type == REDIRECT:
            gateway = ipv4_text(data[start + 4 : start + 8])
            yield Field("gateway", gateway, gateway, start + 4, start + 8)
        elif self.type == PARAMETER_PROBLEM:
            yield Field("pointer", data[start + 4], f"byte {data[start + 4]}", start + 4, start + 5)
        elif self.type == ROUTER:
            yield from _router_fields(data, start, end)
        else:
            yield Field("rest of header", self.rest, f"0x{self.rest:08x}", start + 4, start + 8)
        after = start + HEADER_BYTES
        if self.quoted is not None:
            yield from quote.fields(self.quoted, data, after, end)
            return
        for field in _content_fields(self.type, data, after, end):
            yield field
            after = field.end
        if after < end and self.type != ROUTER:
            rest = data[after:end]
            yield Field("data", rest, f"{count(len(rest), 'byte')}: {preview(rest)}", after, end)


def _content_fields(kind: int, data: bytes, at: int, end: int) -> Iterator[Field]:
    """What timestamp and mask messages hold behind identifier and sequence number.  RFC 792, RFC 950."""
    if kind in (TIMESTAMP, TIMESTAMP_REPLY) and end - at >= 12:
        for name in ("originate timestamp", "receive timestamp", "transmit timestamp"):
            stamp = int.from_bytes(data[at : at + 4], "big")
            yield Field(name, stamp, time_of_day(stamp), at, at + 4)
            at += 4
    elif kind in (MASK, MASK_REPLY) and end - at >= 4:
        mask = ipv4_text(data[at : at + 4])
        yield Field("address mask", mask, mask, at, at + 4)


def _router_fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """A router advertisement: who routes, and which of them is preferred.  RFC 1256."""
    number, size = data[start + 4], data[start + 5] * 4
    lifetime_s = data[start + 6] << 8 | data[start + 7]
    yield Field("address count", number, str(number), start + 4, start + 5)
    yield Field("address entry size", size // 4, count(size, "byte"), start + 5, start + 6)
    yield Field("lifetime", lifetime_s, f"{lifetime_s} s", start + 6, start + 8)
    for at in range(start + HEADER_BYTES, end - 7, 8) if size == 8 else ():
        address, preference = ipv4_text(data[at : at + 4]), int.from_bytes(data[at + 4 : at + 8], "big", signed=True)
        yield Field("router", address, f"{address}, preference {preference}", at, at + 8)


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Icmp:
    """The message at `start`; raises Malformed where its header is not whole."""
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an ICMP header has {HEADER_BYTES}")
    kind, code, field, rest = struct.unpack_from("!BBHL", data, start)
    problems = []
    good = sums.is_good(data[start:end]) if whole else None
    if good is False:
        problems.append("ICMP checksum is wrong")
    if kind not in TYPE_NAMES:
        problems.append(f"ICMP type {kind} is unknown")
    content = data[start + HEADER_BYTES : end]
    identifier = sequence = quoted = None
    if kind in WITH_IDENTIFIER:
        identifier, sequence = rest >> 16, rest & 0xFFFF
    elif kind in ERRORS:
        try:
            quoted = ipv4.read(content, 0, len(content), whole=False)
        except Malformed as fault:
            problems += [f"ICMP error quotes too little: {fault}"] if whole else []
    return Icmp(kind, code, identifier, sequence, content, good, field, rest, quoted, tuple(problems))


def build_echo(identifier: int, sequence: int, data: bytes, *, reply: bool = False) -> bytes:
    """An echo request, or its reply; raises Malformed."""
    if not (0 <= identifier <= 0xFFFF and 0 <= sequence <= 0xFFFF):
        raise Malformed(f"echo identifier {identifier}, sequence {sequence}: 16 bits each")
    return _build(ECHO_REPLY if reply else ECHO, 0, identifier << 16 | sequence, data)


def build_error(kind: int, code: int, datagram: bytes, *, rest: int = 0) -> bytes:
    """An error about `datagram`, of which it quotes the header and eight bytes.  Raises Malformed."""
    quoted = ipv4.read(datagram, 0, len(datagram), whole=False)
    if kind not in ERRORS:
        raise Malformed(f"ICMP type {kind} is no error")
    return _build(kind, code, rest, datagram[: quoted.header_length + 8])


def build_redirect(code: int, gateway: str | IPv4Address, datagram: bytes) -> bytes:
    """A redirect: for what `datagram` wants, `gateway` is the nearer router.  Raises Malformed."""
    return build_error(REDIRECT, code, datagram, rest=int.from_bytes(ipv4_bytes(gateway), "big"))


def _build(kind: int, code: int, rest: int, content: bytes) -> bytes:
    try:
        tail = struct.pack("!L", rest) + content
        return struct.pack("!BBH", kind, code, sums.checksum(bytes((kind, code)) + tail)) + tail
    except (struct.error, ValueError) as fault:
        raise Malformed(f"ICMP header: {fault}") from fault
