"""The datagram that an ICMP error is about, as far as the error quotes it.  RFC 792, RFC 4443 §2.4."""

import struct
from collections.abc import Iterator
from dataclasses import replace

from lan.wire.ipv4 import ICMP, ICMPV6, TCP, UDP, Ipv4, protocol_text
from lan.wire.ipv6 import Ipv6
from lan.wire.layer import Field, preview
from lan.wire.ports import port_words

Quoted = Ipv4 | Ipv6


def carried(quoted: Quoted) -> int:
    """The protocol number of what the quoted header carries."""
    return quoted.protocol if isinstance(quoted, Ipv4) else quoted.next_header


def is_later_fragment(quoted: Quoted) -> bool:
    """Whether it is a fragment without the header of what it carries."""
    if isinstance(quoted, Ipv4):
        return quoted.fragment_offset > 0
    return quoted.fragment is not None and quoted.fragment.offset > 0


def ports(quoted: Quoted | None, content: bytes) -> tuple[int, int] | None:
    """(source, destination) of the TCP or UDP header quoted in `content`, where one is."""
    if quoted is None or carried(quoted) not in (TCP, UDP) or is_later_fragment(quoted):
        return None
    at = quoted.header_length
    return struct.unpack_from("!HH", content, at) if len(content) >= at + 4 else None


def words(quoted: Quoted, content: bytes) -> str:
    """``UDP 10.0.0.1:40000 → 10.0.0.2:9``."""
    pair = ports(quoted, content)
    src, dst = (f":{port}" for port in pair) if pair else ("", "")
    left, right = ("[", "]") if pair and ":" in quoted.src else ("", "")
    ends = f"{left}{quoted.src}{right}{src} → {left}{quoted.dst}{right}{dst}"
    return f"{protocol_text(carried(quoted))} {ends}"


def fields(quoted: Quoted, data: bytes, start: int, end: int) -> Iterator[Field]:
    """The quoted header's fields, and those of the TCP, UDP or ICMP header behind it, as far as they are here."""
    after = min(start + quoted.header_length, end)
    yield Field("quoted datagram", data[start:end], words(quoted, data[start:end]), start, end)
    for field in quoted.fields(data, start, after):
        yield replace(field, name=f"quoted {field.name}")
    if not is_later_fragment(quoted):
        for field in _transport_fields(carried(quoted), data, after, end):
            yield field
            after = field.end
    if after < end:
        yield Field("quoted data", data[after:end], preview(data[after:end]), after, end)


def _transport_fields(protocol: int, data: bytes, at: int, end: int) -> Iterator[Field]:
    layout = LAYOUTS.get(protocol, ())
    for name, size in layout:
        if at + size > end:
            return
        number = int.from_bytes(data[at : at + size], "big")
        is_sum = name.endswith("checksum")
        text = port_words(number) if name.endswith("port") else f"0x{number:04x}" if is_sum else str(number)
        yield Field(f"quoted {name}", number, text, at, at + size)
        at += size


PORTS = (("source port", 2), ("destination port", 2))
ECHO = (("ICMP type", 1), ("ICMP code", 1), ("ICMP checksum", 2), ("identifier", 2), ("sequence", 2))
LAYOUTS: dict[int, tuple[tuple[str, int], ...]] = {
    TCP: (*PORTS, ("sequence number", 4)),
    UDP: (*PORTS, ("UDP length", 2), ("UDP checksum", 2)),
    ICMP: ECHO,
    ICMPV6: ECHO,
}
"""What the eight bytes hold that every error quotes: (name, bytes)."""
