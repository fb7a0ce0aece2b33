"""ICMP: echo, and the errors that quote what they are about.  RFC 792."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire import ipv4
from lan.wire.addresses import ipv4_bytes, ipv4_text
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

HEADER_BYTES = 8
ECHO_REPLY, UNREACHABLE, REDIRECT, ECHO, TIME_EXCEEDED, PARAMETER_PROBLEM = 0, 3, 5, 8, 11, 12
ERRORS = {UNREACHABLE, 4, REDIRECT, TIME_EXCEEDED, PARAMETER_PROBLEM}
TYPE_NAMES = {
    ECHO_REPLY: "echo reply",
    UNREACHABLE: "destination unreachable",
    4: "source quench",
    REDIRECT: "redirect",
    ECHO: "echo request",
    9: "router advertisement",
    10: "router solicitation",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
    13: "timestamp request",
    14: "timestamp reply",
}
CODE_NAMES = {
    (UNREACHABLE, 0): "network unreachable",
    (UNREACHABLE, 1): "host unreachable",
    (UNREACHABLE, 2): "protocol unreachable",
    (UNREACHABLE, 3): "port unreachable",
    (UNREACHABLE, 4): "fragmentation needed",
    (UNREACHABLE, 9): "network forbidden",
    (UNREACHABLE, 10): "host forbidden",
    (UNREACHABLE, 13): "forbidden by filter",
    (REDIRECT, 0): "for the network",
    (REDIRECT, 1): "for the host",
    (TIME_EXCEEDED, 0): "TTL ran out on the way",
    (TIME_EXCEEDED, 1): "fragments did not all come in time",
}


@dataclass(frozen=True, slots=True)
class Icmp:
    """One message.

    `identifier` and `sequence` are None unless it is an echo or its reply; `data` is what follows
    the eight bytes of header, in errors the quoted datagram, whose header is `quoted`.
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
            return f"ICMP {words} for {ipv4.protocol_text(self.quoted.protocol)} {self._quoted_ends()}"
        return f"ICMP {words}"

    def title(self) -> str:
        return f"ICMP, {self._words()}"

    def next_hop_mtu(self) -> int | None:
        """The MTU, in bytes, that a "fragmentation needed" asks for.  RFC 1191 §4."""
        return self.rest & 0xFFFF if (self.type, self.code) == (UNREACHABLE, 4) else None

    def quoted_ports(self) -> tuple[int, int] | None:
        """(source, destination) of the quoted TCP or UDP header, where one was quoted."""
        if self.quoted is None or self.quoted.protocol not in (ipv4.TCP, ipv4.UDP) or self.quoted.fragment_offset:
            return None
        at = self.quoted.header_length
        return struct.unpack_from("!HH", self.data, at) if len(self.data) >= at + 4 else None

    def _words(self) -> str:
        name = TYPE_NAMES.get(self.type, f"type {self.type}")
        code = CODE_NAMES.get((self.type, self.code))
        if code is None and self.code:
            code = f"code {self.code}"
        return f"{name} ({code})" if code else name

    def _quoted_ends(self) -> str:
        assert self.quoted is not None
        ports = self.quoted_ports()
        src, dst = (f":{port}" for port in ports) if ports else ("", "")
        return f"{self.quoted.src}{src} → {self.quoted.dst}{dst}"

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
        else:
            yield Field("rest of header", self.rest, f"0x{self.rest:08x}", start + 4, start + 8)
        if self.quoted is not None:
            words = f"{ipv4.protocol_text(self.quoted.protocol)} {self._quoted_ends()}"
            yield Field("quoted datagram", self.data, words, start + HEADER_BYTES, end)
        elif self.data:
            words = f"{count(len(self.data), 'byte')}: {preview(self.data)}"
            yield Field("data", self.data, words, start + HEADER_BYTES, end)


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
    if kind in (ECHO, ECHO_REPLY):
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
