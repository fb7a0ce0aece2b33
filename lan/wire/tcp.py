"""TCP headers and their options.  RFC 9293, RFC 7323, RFC 2018."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire import checksum as sums
from lan.wire.addresses import ipv4_bytes
from lan.wire.ipv4 import TCP
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed
from lan.wire.ports import port_words

HEADER_BYTES = 20
END, NOP, MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = 0, 1, 2, 3, 4, 5, 8
OPTION_NAMES = {
    END: "end of options",
    NOP: "padding (no-operation)",
    MSS: "maximum segment size",
    WINDOW_SCALE: "window scale",
    SACK_PERMITTED: "SACK permitted",
    SACK: "SACK",
    TIMESTAMPS: "timestamps",
    28: "user timeout",
    29: "TCP-AO",
    30: "Multipath TCP",
    34: "Fast Open cookie",
}
OPTION_LENGTHS = {MSS: 4, WINDOW_SCALE: 3, SACK_PERMITTED: 2, TIMESTAMPS: 10}


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


@dataclass(frozen=True, slots=True)
class TcpOptions:
    """The options that a segment carries; None, False or () where it doesn't.

    `mss` in bytes, `wscale` the shift count, `timestamps` (value, echo reply), `sack` the received
    blocks as (left edge, right edge) of sequence numbers.
    """

    mss: int | None = None
    wscale: int | None = None
    sack_ok: bool = False
    timestamps: tuple[int, int] | None = None
    sack: tuple[tuple[int, int], ...] = ()

    def words(self) -> str:
        """``mss=1460 sack_ok wscale=7``, without the timestamps."""
        words = [f"mss={self.mss}"] if self.mss is not None else []
        words += ["sack_ok"] if self.sack_ok else []
        words += [f"wscale={self.wscale}"] if self.wscale is not None else []
        words += [f"sack={left}-{right}" for left, right in self.sack]
        return " ".join(words)


NO_OPTIONS = TcpOptions()


@dataclass(frozen=True, slots=True)
class Tcp:
    """A segment's header; `length` counts its data bytes, `window` is as sent, not scaled.

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
        taken = self.length + bool(self.flags & TcpFlags.SYN) + bool(self.flags & TcpFlags.FIN)
        return (self.seq + taken) & 0xFFFFFFFF

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
        for code, at, after in _options(data, start + HEADER_BYTES, end, []):
            yield Field(option_name(code), data[at:after], option_words(code, data[at + 2 : after]), at, after)


def option_name(code: int) -> str:
    """``window scale``, or the number where it has no name here."""
    return OPTION_NAMES.get(code) or f"option {code}"


def option_words(code: int, value: bytes) -> str:
    """An option's value, without kind and length, in words."""
    if code == MSS and len(value) == 2:
        return count(int.from_bytes(value, "big"), "byte")
    if code == WINDOW_SCALE and len(value) == 1:
        return f"{value[0]} (window × {1 << min(value[0], 14)})"
    if code == TIMESTAMPS and len(value) == 8:
        return "value {}, echo reply {}".format(*struct.unpack("!LL", value))
    if code == SACK:
        return ", ".join(f"{left}-{right}" for left, right in _sack_blocks(value)) or "empty"
    return preview(value) if value else "yes"


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
        options = _read_options(data, start + HEADER_BYTES, min(start + header, end), problems, whole=whole)
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


def _options(data: bytes, at: int, end: int, problems: list[str]) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of each option; stops at the end mark or at the first that is damaged."""
    while at < end:
        kind = data[at]
        length = 1 if kind in (END, NOP) else data[at + 1] if at + 1 < end else 0
        if length < 1 or (length < 2 and kind > NOP) or at + length > end:
            fault = "runs past the header" if length > 1 else "has no length"
            problems.append(f"TCP option {kind} {fault}")
            return
        yield kind, at, at + length
        if kind == END:
            return
        at += length


def _read_options(data: bytes, start: int, end: int, problems: list[str], *, whole: bool) -> TcpOptions:
    if end - start == 12 and data[start : start + 4] == b"\1\1\x08\x0a":  # nearly every segment on Linux
        return TcpOptions(timestamps=struct.unpack_from("!LL", data, start + 4))
    mss = wscale = timestamps = None
    sack_ok = False
    sack: tuple[tuple[int, int], ...] = ()
    faults: list[str] = []
    for kind, at, after in _options(data, start, end, faults):
        value = data[at + 2 : after]
        if OPTION_LENGTHS.get(kind, after - at) != after - at:
            faults.append(f"TCP option {option_name(kind)} has length {after - at}, expected {OPTION_LENGTHS[kind]}")
        elif kind == MSS:
            mss = int.from_bytes(value, "big")
        elif kind == WINDOW_SCALE:
            wscale = value[0]
        elif kind == SACK_PERMITTED:
            sack_ok = True
        elif kind == TIMESTAMPS:
            timestamps = struct.unpack("!LL", value)
        elif kind == SACK:
            sack = _sack_blocks(value)
    if whole:
        problems += faults
    return TcpOptions(mss, wscale, sack_ok, timestamps, sack)


def _sack_blocks(value: bytes) -> tuple[tuple[int, int], ...]:
    return tuple(struct.unpack_from("!LL", value, at) for at in range(0, len(value) - 7, 8))


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
    extra = _build_options(options)
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


def _build_options(options: TcpOptions) -> bytes:
    made = b""
    try:
        if options.mss is not None:
            made += struct.pack("!BBH", MSS, 4, options.mss)
        if options.sack_ok:
            made += bytes((SACK_PERMITTED, 2))
        if options.timestamps is not None:
            made += struct.pack("!BBLL", TIMESTAMPS, 10, *options.timestamps)
        if options.wscale is not None:
            made += bytes((WINDOW_SCALE, 3, options.wscale))
        if options.sack:
            blocks = b"".join(struct.pack("!LL", *block) for block in options.sack)
            made += bytes((SACK, 2 + len(blocks))) + blocks
    except (struct.error, ValueError) as fault:
        raise Malformed(f"TCP options: {fault}") from fault
    return bytes((NOP,)) * (-len(made) % 4) + made
