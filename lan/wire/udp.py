"""UDP headers.  RFC 768."""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire.addresses import ipv4_bytes
from lan.wire.frozen import frozen
from lan.wire.ipv4 import UDP
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed
from lan.wire.ports import port_words

HEADER_BYTES = 8


@frozen
class Udp:
    """A datagram's header; `length` counts header and data.

    `checksum_ok` is None where nothing can be said: none was sent, the datagram is not whole,
    or its sender left the sum to the network card.
    """

    src_port: int
    dst_port: int
    length: int
    checksum_ok: bool | None
    checksum: int = 0
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "UDP"

    def summary(self) -> str:
        return f"UDP {self.src_port} → {self.dst_port}, {count(max(self.length - HEADER_BYTES, 0), 'byte')}"

    def title(self) -> str:
        return f"UDP, {port_words(self.src_port)} → {port_words(self.dst_port)}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("source port", self.src_port, port_words(self.src_port), start, start + 2)
        yield Field("destination port", self.dst_port, port_words(self.dst_port), start + 2, start + 4)
        yield Field("length", self.length, count(self.length, "byte"), start + 4, start + 6)
        words = sums.words(self.checksum, self.checksum_ok) if self.checksum else "0 (none sent)"
        yield Field("checksum", self.checksum, words, start + 6, start + 8)


def read(data: bytes, start: int, end: int, addresses: bytes = b"", *, whole: bool = True) -> Udp:
    """The header at `start`; raises Malformed where it is not whole.

    `addresses` are the IP header's source and destination, 8 or 32 bytes, for the checksum;
    `whole` is False where bytes behind `end` are not here (capture cut, fragment).
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a UDP header has {HEADER_BYTES}")
    src_port, dst_port, length, field = struct.unpack_from("!HHHH", data, start)
    problems: tuple[str, ...] = ()
    good: bool | None = None
    if not HEADER_BYTES <= length <= end - start:
        if length < HEADER_BYTES:
            problems = (f"UDP length {length} is below {HEADER_BYTES}",)
        elif whole:
            problems = (f"UDP length {length}, but {count(end - start, 'byte')} here",)
    elif field and addresses:
        good = sums.verify(sums.pseudo_header(addresses, UDP, length), data[start : start + length], field)
        if good is False:
            problems = ("UDP checksum is wrong",)
    return Udp(src_port, dst_port, length, good, field, problems)


def build(
    src: str | IPv4Address,
    dst: str | IPv4Address,
    src_port: int,
    dst_port: int,
    payload: bytes,
) -> bytes:
    """Header, checksum filled in, and payload; raises Malformed."""
    length = HEADER_BYTES + len(payload)
    try:
        head = struct.pack("!HHH", src_port, dst_port, length)
    except struct.error as fault:
        raise Malformed(f"UDP ports {src_port} → {dst_port}, length {length}: 16 bits each") from fault
    pseudo = sums.pseudo_header(ipv4_bytes(src) + ipv4_bytes(dst), UDP, length)
    field = sums.checksum(pseudo + head + b"\0\0" + payload) or 0xFFFF  # 0 would mean: none
    return head + field.to_bytes(2, "big") + payload
