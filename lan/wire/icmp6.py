"""ICMPv6, to look at: echo, errors and what they quote.  RFC 4443; neighbours are in `nd`, groups in `mld`."""

import struct
from collections.abc import Callable, Iterator
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire import ipv6, mld, nd, quote
from lan.wire.addresses import ipv6_text
from lan.wire.frozen import frozen
from lan.wire.ipv4 import ICMPV6
from lan.wire.ipv6 import Ipv6
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

HEADER_BYTES = 8
UNREACHABLE, TOO_BIG, TIME_EXCEEDED, PARAMETER_PROBLEM = 1, 2, 3, 4
ERRORS = {UNREACHABLE, TOO_BIG, TIME_EXCEEDED, PARAMETER_PROBLEM}
ECHO, ECHO_REPLY, SOLICITATION, ADVERTISEMENT = 128, 129, nd.SOLICITATION, nd.ADVERTISEMENT
TYPE_NAMES = {
    UNREACHABLE: "destination unreachable",
    TOO_BIG: "packet too big",
    TIME_EXCEEDED: "time exceeded",
    PARAMETER_PROBLEM: "parameter problem",
    ECHO: "echo request",
    ECHO_REPLY: "echo reply",
    mld.QUERY: "multicast listener query",
    mld.REPORT: "multicast listener report",
    mld.DONE: "multicast listener done",
    nd.ROUTER_SOLICITATION: "router solicitation",
    nd.ROUTER_ADVERTISEMENT: "router advertisement",
    nd.SOLICITATION: "neighbor solicitation",
    nd.ADVERTISEMENT: "neighbor advertisement",
    nd.REDIRECT: "redirect",
    mld.REPORT_2: "multicast listener report, version 2",
}
CODE_NAMES = {
    (UNREACHABLE, 0): "no route",
    (UNREACHABLE, 1): "forbidden",
    (UNREACHABLE, 2): "beyond the source address's scope",
    (UNREACHABLE, 3): "address unreachable",
    (UNREACHABLE, 4): "port unreachable",
    (UNREACHABLE, 5): "the source address failed the policy",
    (UNREACHABLE, 6): "route rejected",
    (TIME_EXCEEDED, 0): "hop limit ran out on the way",
    (TIME_EXCEEDED, 1): "fragments did not all come in time",
    (PARAMETER_PROBLEM, 0): "erroneous header field",
    (PARAMETER_PROBLEM, 1): "unknown next header",
    (PARAMETER_PROBLEM, 2): "unknown option",
    (PARAMETER_PROBLEM, 3): "a first fragment without all headers",
}


@frozen
class Icmp6:
    """One message; `target` is the address a neighbour message is about, `quoted` what an error is about, else None.

    `data` is what follows the first eight bytes; `rest` the last four of these.
    """

    type: int
    code: int
    identifier: int | None
    sequence: int | None
    target: str | None
    checksum_ok: bool | None
    checksum: int = 0
    problems: tuple[str, ...] = ()
    data: bytes = b""
    rest: int = 0
    quoted: Ipv6 | None = None
    protocol_name: ClassVar[str] = "ICMPv6"

    def summary(self) -> str:
        words = f"ICMPv6 {self._words()}"
        if self.identifier is not None:
            return f"{words} id={self.identifier} seq={self.sequence}"
        if self.quoted is not None:
            return f"{words} for {quote.words(self.quoted, self.data)}"
        return f"{words} for {self.target}" if self.target else words

    def title(self) -> str:
        return f"ICMPv6, {self._words()}"

    def next_hop_mtu(self) -> int | None:
        """The MTU, in bytes, that a "packet too big" asks for.  RFC 4443 §3.2."""
        return self.rest if self.type == TOO_BIG else None

    def quoted_ports(self) -> tuple[int, int] | None:
        """(source, destination) of the quoted TCP or UDP header, where one was quoted."""
        return quote.ports(self.quoted, self.data)

    def _words(self) -> str:
        name, code = TYPE_NAMES.get(self.type, f"type {self.type}"), CODE_NAMES.get((self.type, self.code))
        return f"{name} ({code})" if code else name

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        words = f"{self.type} ({TYPE_NAMES.get(self.type, 'unknown')})"
        yield Field("type", self.type, words, start, start + 1)
        code = CODE_NAMES.get((self.type, self.code))
        yield Field("code", self.code, f"{self.code} ({code})" if code else str(self.code), start + 1, start + 2)
        yield Field("checksum", self.checksum, sums.words(self.checksum, self.checksum_ok), start + 2, start + 4)
        after = start + 4
        for field in CONTENTS.get(self.type, _rest_fields)(self, data, start, end):
            yield field
            after = max(after, field.end)
        if after < end:
            rest = data[after:end]
            yield Field("data", rest, f"{count(len(rest), 'byte')}: {preview(rest)}", after, end)


def _echo_fields(message: Icmp6, data: bytes, start: int, end: int) -> Iterator[Field]:
    yield Field("identifier", message.identifier, str(message.identifier), start + 4, start + 6)
    yield Field("sequence number", message.sequence, str(message.sequence), start + 6, start + 8)


def _error_fields(message: Icmp6, data: bytes, start: int, end: int) -> Iterator[Field]:
    if message.type == TOO_BIG:
        yield Field("MTU", message.rest, count(message.rest, "byte"), start + 4, start + 8)
    elif message.type == PARAMETER_PROBLEM:
        yield Field("pointer", message.rest, f"byte {message.rest}", start + 4, start + 8)
    else:
        yield Field("unused", message.rest, f"0x{message.rest:08x}", start + 4, start + 8)
    if message.quoted is not None:
        yield from quote.fields(message.quoted, data, start + HEADER_BYTES, end)


def _neighbor_fields(message: Icmp6, data: bytes, start: int, end: int) -> Iterator[Field]:
    yield from nd.fields(message.type, data, start, end)


def _group_fields(message: Icmp6, data: bytes, start: int, end: int) -> Iterator[Field]:
    yield from mld.fields(message.type, data, start, end)


def _rest_fields(message: Icmp6, data: bytes, start: int, end: int) -> Iterator[Field]:
    yield Field("rest of header", message.rest, f"0x{message.rest:08x}", start + 4, start + 8)


CONTENTS: dict[int, Callable[[Icmp6, bytes, int, int], Iterator[Field]]] = {
    ECHO: _echo_fields,
    ECHO_REPLY: _echo_fields,
    **dict.fromkeys(ERRORS, _error_fields),
    **dict.fromkeys(nd.TYPES, _neighbor_fields),
    **dict.fromkeys(mld.TYPES, _group_fields),
}


def read(data: bytes, start: int, end: int, addresses: bytes, *, whole: bool = True) -> Icmp6:
    """The message at `start`; raises Malformed where its first eight bytes are not whole.

    `addresses` are the IPv6 header's source and destination, for the checksum.
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an ICMPv6 message has at least {HEADER_BYTES}")
    kind, code, field, rest = struct.unpack_from("!BBHL", data, start)
    problems, good = [], None
    if whole:
        good = sums.verify(sums.pseudo_header(addresses, ICMPV6, end - start), data[start:end], field)
        if good is False:
            problems.append("ICMPv6 checksum is wrong")
    is_echo = kind in (ECHO, ECHO_REPLY)
    has_target = kind in (SOLICITATION, ADVERTISEMENT, nd.REDIRECT) and end - start >= 24
    content, quoted, faults = data[start + HEADER_BYTES : end], None, []
    if kind in ERRORS:
        try:
            quoted = ipv6.read(data, start + HEADER_BYTES, end, whole=False)
        except Malformed as fault:
            faults.append(f"ICMPv6 error quotes too little: {fault}")
    elif kind in nd.TYPES:
        faults += nd.problems(kind, data, start, end)
    elif kind in mld.TYPES:
        faults += mld.problems(kind, data, start, end)
    return Icmp6(
        kind,
        code,
        rest >> 16 if is_echo else None,
        rest & 0xFFFF if is_echo else None,
        ipv6_text(data[start + 8 : start + 24]) if has_target else None,
        good,
        field,
        tuple(problems + faults) if whole else (),
        content,
        rest,
        quoted,
    )
