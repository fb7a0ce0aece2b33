"""TCP headers; their options are in `tcp_options`.  RFC 9293."""

import struct
from collections.abc import Iterator
from enum import IntFlag
from functools import cache
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire import tcp_options
from lan.wire.addresses import ipv4_bytes
from lan.wire.frozen import frozen
from lan.wire.ipv4 import TCP
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed
from lan.wire.ports import port_words
from lan.wire.tcp_options import NO_OPTIONS, TcpOptions

__all__ = ["NO_OPTIONS", "Malformed", "Tcp", "TcpFlags", "TcpOptions", "build", "read"]

HEADER_BYTES = 20


class TcpFlags(IntFlag):
    """The control bits.  RFC 9293 §3.1, RFC 3168."""

    FIN = 1
    SYN = 2
    RST = 4
    PSH = 8
    ACK = 16
    URG = 32
    ECE = 64
    CWR = 128
    AE = 256

    def __and__(self, other: int) -> "TcpFlags":
        """As any flags', but remembered: it is asked several times for each segment."""
        return _flags(int.__and__(self, other))

    def words(self) -> str:
        """``SYN, ACK``; what opens, closes or breaks a connection comes first."""
        return _flag_words(self)


FLAG_ORDER = (
    TcpFlags.SYN,
    TcpFlags.FIN,
    TcpFlags.RST,
    TcpFlags.PSH,
    TcpFlags.ACK,
    TcpFlags.URG,
    TcpFlags.ECE,
    TcpFlags.CWR,
    TcpFlags.AE,
)


@cache
def _flags(bits: int) -> TcpFlags:
    return TcpFlags(bits)


@cache
def _flag_words(flags: TcpFlags) -> str:
    return ", ".join(str(bit.name) for bit in FLAG_ORDER if flags & bit)


@frozen
class Tcp:
    """A segment's header; `length` counts its data bytes, those that a capture cut off too, `window` is not scaled.

    `checksum_ok` is None where nothing can be said: the segment is not whole, or its sender left
    the sum to the network card.
    """

    src_port: int
    dst_port: int
    seq: int
    ack: int
    flags: TcpFlags
    window: int
    options: TcpOptions
    checksum_ok: bool | None
    length: int = 0
    header_length: int = HEADER_BYTES
    checksum: int = 0
    urgent: int = 0
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "TCP"

    def next_seq(self) -> int:
        """The sequence number after this segment: SYN and FIN count as one byte each."""
        bits = int(self.flags)
        return (self.seq + self.length + (bits >> 1 & 1) + (bits & 1)) & 0xFFFFFFFF

    def summary(self) -> str:
        words = [f"TCP {self.src_port} → {self.dst_port} [{self.flags.words()}] seq={self.seq}"]
        words += [f"ack={self.ack}"] if self.flags & TcpFlags.ACK else []
        words += [f"win={self.window}"]
        words += [self.options.words()] if self.options.words() else []
        words += [f"len={self.length}"] if self.length else []
        return " ".join(words)

    def title(self) -> str:
        return f"TCP, {port_words(self.src_port)} → {port_words(self.dst_port)}, {self.flags.words() or 'no flags'}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("source port", self.src_port, port_words(self.src_port), start, start + 2)
        yield Field("destination port", self.dst_port, port_words(self.dst_port), start + 2, start + 4)
        yield Field("sequence number", self.seq, str(self.seq), start + 4, start + 8)
        words = str(self.ack) if self.flags & TcpFlags.ACK else f"{self.ack} (not in use)"
        yield Field("acknowledgment number", self.ack, words, start + 8, start + 12)
        yield Field("header length", self.header_length, count(self.header_length, "byte"), start + 12, start + 13)
        yield Field("flags", int(self.flags), self.flags.words() or "none", start + 12, start + 14)
        yield Field("window", self.window, count(self.window, "byte"), start + 14, start + 16)
        yield Field("checksum", self.checksum, sums.words(self.checksum, self.checksum_ok), start + 16, start + 18)
        yield Field("urgent pointer", self.urgent, str(self.urgent), start + 18, start + 20)
        yield from tcp_options.fields(data, start + HEADER_BYTES, end)


def read(data: bytes, start: int, end: int, addresses: bytes = b"", *, whole: bool = True) -> Tcp:
    """The header at `start`; raises Malformed where its fixed part is not whole.

    `addresses` are the IP header's source and destination, 8 or 32 bytes, for the checksum;
    `whole` is False where bytes behind `end` are not here (capture cut, fragment).
    """
    if end - start < HEADER_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a TCP header has at least {HEADER_BYTES}")
    src_port, dst_port, seq, ack, bits, window, field, urgent = struct.unpack_from("!HHLLHHHH", data, start)
    header, problems = (bits >> 12) * 4, []
    if header < HEADER_BYTES:
        problems.append(f"TCP header length {header} is below {HEADER_BYTES}")
    elif start + header > end and whole:
        problems.append(f"TCP header length {header}, but {count(end - start, 'byte')} here")
    good = None
    if whole and addresses:
        good = sums.verify(sums.pseudo_header(addresses, TCP, end - start), data[start:end], field)
        if good is False:
            problems.append("TCP checksum is wrong")
    options = NO_OPTIONS
    if header > HEADER_BYTES:
        faults: list[str] = []
        options = tcp_options.read(data, start + HEADER_BYTES, min(start + header, end), faults)
        problems += faults if whole else []
    length = max(end - start - max(header, HEADER_BYTES), 0)
    return Tcp(
        src_port,
        dst_port,
        seq,
        ack,
        _flags(bits & 511),
        window,
        options,
        good,
        length,
        header,
        field,
        urgent,
        tuple(problems),
    )


def build(
    src: str | IPv4Address,
    dst: str | IPv4Address,
    src_port: int,
    dst_port: int,
    *,
    seq: int,
    ack: int = 0,
    flags: TcpFlags,
    window: int = 64240,
    options: TcpOptions = NO_OPTIONS,
    payload: bytes = b"",
) -> bytes:
    """A segment, checksum filled in; raises Malformed."""
    extra = tcp_options.build(options)
    bits = (HEADER_BYTES + len(extra)) // 4 << 12 | flags
    try:
        if len(extra) > 40:
            raise Malformed(f"TCP options take {len(extra)} bytes, 40 fit")
        head = struct.pack("!HHLLHH", src_port, dst_port, seq, ack, bits, window)
    except struct.error as fault:
        raise Malformed(f"TCP header: {fault}") from fault
    tail = b"\0\0" + extra + payload
    pseudo = sums.pseudo_header(ipv4_bytes(src) + ipv4_bytes(dst), TCP, len(head) + 2 + len(tail))
    return head + sums.checksum(pseudo + head + b"\0\0" + tail).to_bytes(2, "big") + tail
