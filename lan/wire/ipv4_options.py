"""IPv4's options: their names, and what their bytes say.  RFC 791 §3.1, RFC 2113, IANA's registry."""

import struct
from collections.abc import Callable, Iterator

from lan.wire.addresses import ipv4_text
from lan.wire.layer import Field, count, preview

END, NOP, RECORD_ROUTE, TIMESTAMP, SECURITY, LOOSE_ROUTE = 0, 1, 7, 68, 130, 131
STREAM_ID, STRICT_ROUTE, ROUTER_ALERT = 136, 137, 148
NAMES = {
    END: "end of options",
    NOP: "padding (no-operation)",
    RECORD_ROUTE: "record route",
    25: "quick start",
    TIMESTAMP: "timestamp",
    82: "traceroute",
    SECURITY: "security",
    LOOSE_ROUTE: "loose source route",
    133: "extended security",
    134: "commercial security (CIPSO)",
    STREAM_ID: "stream identifier",
    STRICT_ROUTE: "strict source route",
    ROUTER_ALERT: "router alert",
}
TIMESTAMPS_ALONE, WITH_ADDRESSES, OF_GIVEN_ADDRESSES = 0, 1, 3


def walk(data: bytes, at: int, end: int, problems: list[str]) -> Iterator[tuple[int, int, int]]:
    """(kind, start, end) of each option; stops at the end mark, or at the first that is damaged."""
    while at < end:
        kind = data[at]
        length = 1 if kind in (END, NOP) else data[at + 1] if at + 1 < end else 0
        if kind > NOP and (length < 2 or at + length > end):
            problems.append(f"IPv4 option {name_of(kind)} {'runs past the header' if length > 1 else 'has no length'}")
            return
        yield kind, at, at + length
        if kind == END:
            return
        at += length


def name_of(kind: int) -> str:
    """``record route``, or the number where it has no name here."""
    return NAMES.get(kind) or f"option {kind}"


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """One field for each option of a header, and one for the padding behind their end."""
    after = start
    for kind, at, after in walk(data, start, end, []):
        yield Field(name_of(kind), data[at:after], words(kind, data[at:after]), at, after)
    if after < end:
        yield Field("options' padding", data[after:end], preview(data[after:end]), after, end)


def words(kind: int, option: bytes) -> str:
    """What an option says, kind and length included; never raises."""
    if kind in (END, NOP):
        return ""
    reader = READERS.get(kind)
    return (reader(option) if reader else None) or preview(option[2:]) or "empty"


def _route(option: bytes) -> str | None:
    """Addresses; the pointer, which counts from 1, tells how many of them are done with.  RFC 791 §3.1."""
    if len(option) < 3 or len(option) % 4 != 3:
        return None
    pointer = option[2]
    slots = [ipv4_text(option[at : at + 4]) for at in range(3, len(option), 4)]
    done = min(max(pointer - 4, 0) // 4, len(slots))
    left = count(len(slots) - done, "slot") + " left"
    return f"{', '.join(slots[:done]) or 'nothing yet'}; {left}"


def _source_route(option: bytes) -> str | None:
    if len(option) < 3 or len(option) % 4 != 3:
        return None
    slots = [ipv4_text(option[at : at + 4]) for at in range(3, len(option), 4)]
    done = min(max(option[2] - 4, 0) // 4, len(slots))
    return f"by {', '.join(slots) or 'nobody'}; {done} of {len(slots)} passed"


def _timestamp(option: bytes) -> str | None:
    """Milliseconds since midnight UT, with or without the address of who noted them.  RFC 791 §3.1."""
    if len(option) < 4:
        return None
    pointer, overflow, flag = option[2], option[3] >> 4, option[3] & 15
    size = 4 if flag == TIMESTAMPS_ALONE else 8
    stamps = []
    for at in range(4, min(pointer - 1, len(option) - size + 1), size):
        who = f"{ipv4_text(option[at : at + 4])} " if size == 8 else ""
        stamps.append(f"{who}{int.from_bytes(option[at + size - 4 : at + size], 'big')} ms")
    missed = f"; {overflow} had no room" if overflow else ""
    return f"{', '.join(stamps) or 'nothing yet'}{missed}"


def _alert(option: bytes) -> str | None:
    if len(option) != 4:
        return None
    (value,) = struct.unpack_from("!H", option, 2)
    return "every router is to look" if value == 0 else f"value {value}"


READERS: dict[int, Callable[[bytes], str | None]] = {
    RECORD_ROUTE: _route,
    LOOSE_ROUTE: _source_route,
    STRICT_ROUTE: _source_route,
    TIMESTAMP: _timestamp,
    ROUTER_ALERT: _alert,
}
