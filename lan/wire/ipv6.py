"""IPv6 headers, to look at; the extension headers behind them are in `ipv6_extensions`.  RFC 8200."""

import struct
from collections.abc import Iterator
from dataclasses import field
from typing import ClassVar

from lan.wire import ipv6_extensions as extensions
from lan.wire.addresses import ipv6_text
from lan.wire.frozen import frozen
from lan.wire.ipv4 import ECN_NAMES, protocol_text
from lan.wire.ipv6_extensions import Extension, Fragment
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

HEADER_BYTES = 40
NO_NEXT_HEADER = 59


@frozen
class Ipv6:
    """A packet's header.

    `next_header` is the protocol behind the extension headers; `header_length` counts those too,
    `payload_length` is as sent, in bytes.
    """

    src: str
    dst: str
    hop_limit: int
    next_header: int
    payload_length: int
    traffic_class: int = 0
    flow_label: int = 0
    header_length: int = HEADER_BYTES
    fragment: Fragment | None = None
    problems: tuple[str, ...] = ()
    extensions: tuple[Extension, ...] = field(default=(), compare=False, repr=False)
    protocol_name: ClassVar[str] = "IPv6"

    def is_fragment(self) -> bool:
        """Whether it is a part of a packet; one that is the whole is none.  RFC 6946."""
        return self.fragment is not None and (self.fragment.more or self.fragment.offset > 0)

    def summary(self) -> str:
        if self.fragment is not None and self.is_fragment():
            carried = next_header_text(self.next_header)
            return f"IPv6 {self.src} → {self.dst}, {carried}, fragment at {self.fragment.offset}"
        return f"IPv6 {self.src} → {self.dst}, {next_header_text(self.next_header)}"

    def title(self) -> str:
        return f"IPv6, {self.src} → {self.dst}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("version", data[start] >> 4, str(data[start] >> 4), start, start + 1)
        dscp, ecn = self.traffic_class >> 2, self.traffic_class & 3
        yield Field("traffic class", self.traffic_class, str(self.traffic_class), start, start + 2)
        yield Field("DSCP", dscp, str(dscp), start, start + 2)
        yield Field("ECN", ecn, ECN_NAMES[ecn], start + 1, start + 2)
        yield Field("flow label", self.flow_label, f"0x{self.flow_label:05x}", start + 1, start + 4)
        yield Field("payload length", self.payload_length, count(self.payload_length, "byte"), start + 4, start + 6)
        first = data[start + 6]
        yield Field("next header", first, f"{next_header_text(first)} ({first})", start + 6, start + 7)
        yield Field("hop limit", self.hop_limit, count(self.hop_limit, "hop"), start + 7, start + 8)
        yield Field("source", self.src, self.src, start + 8, start + 24)
        yield Field("destination", self.dst, self.dst, start + 24, start + 40)
        for extension in self.extensions:
            yield from extensions.fields(data, extension, next_header_text)


def next_header_text(number: int) -> str:
    """``TCP``, ``fragment``, or the number where it has no name here."""
    if number == NO_NEXT_HEADER:
        return "nothing"
    return extensions.NAMES.get(number) or protocol_text(number)


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Ipv6:
    """The header at `start`; raises Malformed where its 40 bytes are not whole."""
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an IPv6 header has {HEADER_BYTES}")
    word, length, following, hop_limit = struct.unpack_from("!LHBB", data, start)
    problems = [] if word >> 28 == 6 else [f"IP version {word >> 28} under the ethertype of IPv6"]
    if length > end - start - HEADER_BYTES and whole:
        problems.append(f"IPv6 payload length {length}, but {count(end - start - HEADER_BYTES, 'byte')} here")
    at, part = start + HEADER_BYTES, None
    found: tuple[Extension, ...] = ()
    if following in extensions.NAMES:
        faults: list[str] = []
        found = tuple(extensions.walk(data, following, at, min(at + length, end), faults))
        problems += faults if whole else []
        if found:
            at, following = found[-1].end, found[-1].next_header
        fragments = (extensions.fragment(data, each.start) for each in found if each.number == extensions.FRAGMENT)
        part = next(fragments, None)
    return Ipv6(
        ipv6_text(data[start + 8 : start + 24]),
        ipv6_text(data[start + 24 : start + 40]),
        hop_limit,
        following,
        length,
        word >> 20 & 255,
        word & 0xFFFFF,
        at - start,
        part,
        tuple(problems),
        found,
    )
