"""TCP's options: names, values, and back.  RFC 9293 §3.2, RFC 7323, RFC 2018, RFC 7413, RFC 2385, RFC 8684."""

import struct
from collections.abc import Iterator

from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview
from lan.wire.malformed import Malformed

END, NOP, MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS = 0, 1, 2, 3, 4, 5, 8
MD5, USER_TIMEOUT, MPTCP, FAST_OPEN, EXPERIMENT, EXPERIMENT_2 = 19, 28, 30, 34, 253, 254
OPTION_NAMES = {
    END: "end of options",
    NOP: "padding (no-operation)",
    MSS: "maximum segment size",
    WINDOW_SCALE: "window scale",
    SACK_PERMITTED: "SACK permitted",
    SACK: "SACK",
    TIMESTAMPS: "timestamps",
    MD5: "MD5 signature",
    27: "quick start",
    USER_TIMEOUT: "user timeout",
    29: "TCP-AO",
    MPTCP: "Multipath TCP",
    FAST_OPEN: "Fast Open cookie",
    69: "encryption negotiation",
    EXPERIMENT: "experiment",
    EXPERIMENT_2: "experiment",
}
OPTION_LENGTHS = {MSS: 4, WINDOW_SCALE: 3, SACK_PERMITTED: 2, TIMESTAMPS: 10, MD5: 18, USER_TIMEOUT: 4}
MPTCP_NAMES = (
    *("MP_CAPABLE", "MP_JOIN", "DSS", "ADD_ADDR", "REMOVE_ADDR"),
    *("MP_PRIO", "MP_FAIL", "MP_FASTCLOSE", "MP_TCPRST"),
)


@frozen
class TcpOptions:
    """The options that a segment carries; None, False or () where it doesn't.

    `mss` in bytes, `wscale` the shift count, `timestamps` (value, echo reply), `sack` the received
    blocks as (left edge, right edge) of sequence numbers, `fast_open` the cookie (b"" asks for one),
    `mptcp` the subtype's name, `others` the kinds that have no name of their own here.
    """

    mss: int | None = None
    wscale: int | None = None
    sack_ok: bool = False
    timestamps: tuple[int, int] | None = None
    sack: tuple[tuple[int, int], ...] = ()
    fast_open: bytes | None = None
    mptcp: str | None = None
    md5: bytes | None = None
    others: tuple[int, ...] = ()

    def words(self) -> str:
        """``mss=1460 sack_ok wscale=7``, without the timestamps."""
        words = [f"mss={self.mss}"] if self.mss is not None else []
        words += ["sack_ok"] if self.sack_ok else []
        words += [f"wscale={self.wscale}"] if self.wscale is not None else []
        words += [f"sack={left}-{right}" for left, right in self.sack]
        words += [f"tfo={self.fast_open.hex() or 'asked'}"] if self.fast_open is not None else []
        words += [self.mptcp] if self.mptcp is not None else []
        words += ["md5"] if self.md5 is not None else []
        return " ".join(words)


NO_OPTIONS = TcpOptions()


def name_of(kind: int) -> str:
    """``window scale``, or the number where it has no name here."""
    return OPTION_NAMES.get(kind) or f"option {kind}"


def mptcp_name(value: bytes) -> str:
    """The subtype of Multipath TCP's option.  RFC 8684 §3."""
    number = value[0] >> 4 if value else -1
    return MPTCP_NAMES[number] if 0 <= number < len(MPTCP_NAMES) else f"MPTCP subtype {number}"


def words(kind: int, value: bytes) -> str:
    """An option's value, without kind and length, in words."""
    if kind == MSS and len(value) == 2:
        return count(int.from_bytes(value, "big"), "byte")
    if kind == WINDOW_SCALE and len(value) == 1:
        return f"{value[0]} (window × {1 << min(value[0], 14)})"
    if kind == TIMESTAMPS and len(value) == 8:
        return "value {}, echo reply {}".format(*struct.unpack("!LL", value))
    if kind == SACK:
        return ", ".join(f"{left}-{right}" for left, right in sack_blocks(value)) or "empty"
    if kind == USER_TIMEOUT and len(value) == 2:
        number = int.from_bytes(value, "big")
        return f"{number & 0x7FFF} {'min' if number >> 15 else 's'}"
    if kind == MPTCP and value:
        return f"{mptcp_name(value)}: {value.hex(' ')}"
    if kind == FAST_OPEN:
        return value.hex(" ") or "asks for one"
    return preview(value) if value else "yes"


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """One field for each option, and one for the padding behind their end."""
    after = start
    for kind, at, after in walk(data, start, end, []):
        value = data[at + 2 : after]
        yield Field(name_of(kind), _value(kind, value), words(kind, value), at, after)
    if after < end:
        yield Field("options' padding", data[after:end], preview(data[after:end]), after, end)


def _value(kind: int, value: bytes) -> object:
    if OPTION_LENGTHS.get(kind, len(value) + 2) != len(value) + 2:
        return value
    if kind in (MSS, WINDOW_SCALE):
        return int.from_bytes(value, "big")
    if kind == TIMESTAMPS:
        return struct.unpack("!LL", value)
    return sack_blocks(value) if kind == SACK else value


def walk(data: bytes, at: int, end: int, problems: list[str]) -> Iterator[tuple[int, int, int]]:
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


def read(data: bytes, start: int, end: int, problems: list[str]) -> TcpOptions:
    """The options from `start` on; what is wrong with them goes to `problems`."""
    if end - start == 12 and data[start : start + 4] == b"\1\1\x08\x0a":  # nearly every segment on Linux
        return TcpOptions(timestamps=struct.unpack_from("!LL", data, start + 4))
    found: dict[str, object] = {}
    others = []
    for kind, at, after in walk(data, start, end, problems):
        value = data[at + 2 : after]
        if OPTION_LENGTHS.get(kind, after - at) != after - at:
            problems.append(f"TCP option {name_of(kind)} has length {after - at}, expected {OPTION_LENGTHS[kind]}")
        elif kind == MSS:
            found["mss"] = int.from_bytes(value, "big")
        elif kind == WINDOW_SCALE:
            found["wscale"] = value[0]
        elif kind == SACK_PERMITTED:
            found["sack_ok"] = True
        elif kind == TIMESTAMPS:
            found["timestamps"] = struct.unpack("!LL", value)
        elif kind == SACK:
            found["sack"] = sack_blocks(value)
            if len(value) % 8:
                problems.append(f"TCP option SACK has length {after - at}, expected 8 for each block and 2")
        elif kind == FAST_OPEN:
            found["fast_open"] = value
        elif kind == MPTCP:
            found["mptcp"] = mptcp_name(value)
        elif kind == MD5:
            found["md5"] = value
        elif kind > NOP:
            others.append(kind)
    return TcpOptions(**found, others=tuple(others))  # type: ignore[arg-type]


def sack_blocks(value: bytes) -> tuple[tuple[int, int], ...]:
    """(left edge, right edge) of each whole block.  RFC 2018 §3."""
    return tuple(struct.unpack_from("!LL", value, at) for at in range(0, len(value) - 7, 8))


def build(options: TcpOptions) -> bytes:
    """The options, padded to whole words in front; raises Malformed.  `others` are not made."""
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
        if options.fast_open is not None:
            made += bytes((FAST_OPEN, 2 + len(options.fast_open))) + options.fast_open
    except (struct.error, ValueError) as fault:
        raise Malformed(f"TCP options: {fault}") from fault
    return bytes((NOP,)) * (-len(made) % 4) + made
