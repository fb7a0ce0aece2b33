"""IPv6 headers, to look at, with the extension headers stepped over.  RFC 8200."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lan.wire.addresses import ipv6_text
from lan.wire.ipv4 import ICMPV6, protocol_text
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

HEADER_BYTES = 40
FRAGMENT, NO_NEXT_HEADER = 44, 59
EXTENSIONS = {0: "hop-by-hop options", 43: "routing", FRAGMENT: "fragment", 60: "destination options"}
SPECIAL_NAMES = {**EXTENSIONS, NO_NEXT_HEADER: "nothing", ICMPV6: "ICMPv6"}


@dataclass(frozen=True, slots=True)
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
    is_fragment: bool = False
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "IPv6"

    def summary(self) -> str:
        return f"IPv6 {self.src} → {self.dst}, {next_header_text(self.next_header)}"

    def title(self) -> str:
        return f"IPv6, {self.src} → {self.dst}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("version", data[start] >> 4, str(data[start] >> 4), start, start + 1)
        yield Field("traffic class", self.traffic_class, str(self.traffic_class), start, start + 2)
        yield Field("flow label", self.flow_label, f"0x{self.flow_label:05x}", start + 1, start + 4)
        yield Field("payload length", self.payload_length, count(self.payload_length, "byte"), start + 4, start + 6)
        first = data[start + 6]
        yield Field("next header", first, f"{next_header_text(first)} ({first})", start + 6, start + 7)
        yield Field("hop limit", self.hop_limit, count(self.hop_limit, "hop"), start + 7, start + 8)
        yield Field("source", self.src, self.src, start + 8, start + 24)
        yield Field("destination", self.dst, self.dst, start + 24, start + 40)
        if end > start + HEADER_BYTES:
            extensions = data[start + HEADER_BYTES : end]
            yield Field("extension headers", extensions, preview(extensions), start + HEADER_BYTES, end)


def next_header_text(number: int) -> str:
    """``TCP``, ``fragment``, or the number where it has no name here."""
    return SPECIAL_NAMES.get(number) or protocol_text(number)


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Ipv6:
    """The header at `start`; raises Malformed where its 40 bytes are not whole."""
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, an IPv6 header has {HEADER_BYTES}")
    word, length, following, hop_limit = struct.unpack_from("!LHBB", data, start)
    problems = [] if word >> 28 == 6 else [f"IP version {word >> 28} under the ethertype of IPv6"]
    if length > end - start - HEADER_BYTES and whole:
        problems.append(f"IPv6 payload length {length}, but {count(end - start - HEADER_BYTES, 'byte')} here")
    at, stop, is_fragment = start + HEADER_BYTES, min(start + HEADER_BYTES + length, end), False
    while following in EXTENSIONS and at + 8 <= stop:
        size = 8 if following == FRAGMENT else 8 * (data[at + 1] + 1)
        if at + size > stop:
            problems += [f"IPv6 {EXTENSIONS[following]} header runs past the packet"] if whole else []
            break
        is_fragment = is_fragment or following == FRAGMENT
        following, at = data[at], at + size
    return Ipv6(
        ipv6_text(data[start + 8 : start + 24]),
        ipv6_text(data[start + 24 : start + 40]),
        hop_limit,
        following,
        length,
        word >> 20 & 255,
        word & 0xFFFFF,
        at - start,
        is_fragment,
        tuple(problems),
    )
