"""ICMPv6, to look at: echo, neighbours and routers by name.  RFC 4443, RFC 4861."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire.addresses import ipv6_text
from lan.wire.ipv4 import ICMPV6
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

HEADER_BYTES = 8
ECHO, ECHO_REPLY, SOLICITATION, ADVERTISEMENT = 128, 129, 135, 136
TYPE_NAMES = {
    1: "destination unreachable",
    2: "packet too big",
    3: "time exceeded",
    4: "parameter problem",
    ECHO: "echo request",
    ECHO_REPLY: "echo reply",
    130: "multicast listener query",
    131: "multicast listener report",
    132: "multicast listener done",
    133: "router solicitation",
    134: "router advertisement",
    SOLICITATION: "neighbor solicitation",
    ADVERTISEMENT: "neighbor advertisement",
    137: "redirect",
    143: "multicast listener report, version 2",
}


@dataclass(frozen=True, slots=True)
class Icmp6:
    """One message; `target` is the address a neighbour message is about, else None."""

    type: int
    code: int
    identifier: int | None
    sequence: int | None
    target: str | None
    checksum_ok: bool | None
    checksum: int = 0
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "ICMPv6"

    def summary(self) -> str:
        words = f"ICMPv6 {TYPE_NAMES.get(self.type, f'type {self.type}')}"
        if self.identifier is not None:
            return f"{words} id={self.identifier} seq={self.sequence}"
        return f"{words} for {self.target}" if self.target else words

    def title(self) -> str:
        return f"ICMPv6, {TYPE_NAMES.get(self.type, f'type {self.type}')}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        words = f"{self.type} ({TYPE_NAMES.get(self.type, 'unknown')})"
        yield Field("type", self.type, words, start, start + 1)
        yield Field("code", self.code, str(self.code), start + 1, start + 2)
        yield Field("checksum", self.checksum, sums.words(self.checksum, self.checksum_ok), start + 2, start + 4)
        at = start + 4
        if self.identifier is not None:
            yield Field("identifier", self.identifier, str(self.identifier), start + 4, start + 6)
            yield Field("sequence number", self.sequence, str(self.sequence), start + 6, start + 8)
            at = start + 8
        elif self.target is not None:
            yield Field("target", self.target, self.target, start + 8, start + 24)
            at = start + 24
        if at < end:
            yield Field("data", data[at:end], f"{count(end - at, 'byte')}: {preview(data[at:end])}", at, end)


def read(data: bytes, start: int, end: int, addresses: bytes, *, whole: bool = True) -> Icmp6:
    """The message at `start`; raises Malformed where its first eight bytes are not whole.

    `addresses` are the IPv6 header's source and destination, for the checksum.
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an ICMPv6 message has at least {HEADER_BYTES}")
    kind, code, field, identifier, sequence = struct.unpack_from("!BBHHH", data, start)
    good = None
    if whole:
        good = sums.verify(sums.pseudo_header(addresses, ICMPV6, end - start), data[start:end], field)
    is_echo = kind in (ECHO, ECHO_REPLY)
    has_target = kind in (SOLICITATION, ADVERTISEMENT) and end - start >= 24
    return Icmp6(
        kind,
        code,
        identifier if is_echo else None,
        sequence if is_echo else None,
        ipv6_text(data[start + 8 : start + 24]) if has_target else None,
        good,
        field,
        ("ICMPv6 checksum is wrong",) if good is False else (),
    )
