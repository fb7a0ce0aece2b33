"""What follows the header of each OpenFlow message that a learning switch needs.  OpenFlow 1.0.0 §5, 1.3.5 §7.

`LAYOUTS` is the table: the fixed fields of each message, by version; what may follow them is read by `TAILS`.
"""

from collections.abc import Callable, Iterator

from lan.wire.addresses import mac_text
from lan.wire.layer import Field, preview, printable
from lan.wire.openflow_match import actions, instructions, match_1_0, match_1_3, port_text

Part = tuple[str, int]
"""(name, bytes); an empty name is padding."""
NO_BUFFER = 0xFFFFFFFF
COMMANDS = ("add", "modify", "modify strictly", "delete", "delete strictly")
REASONS = {
    "PACKET_IN": ("no match", "action", "invalid TTL"),
    "FLOW_REMOVED": ("idle time-out", "hard time-out", "deleted", "group deleted"),
    "PORT_STATUS": ("added", "deleted", "modified"),
}
ERROR_TYPES = (
    *("hello failed", "bad request", "bad action", "bad instruction", "bad match", "flow mod failed"),
    *("group mod failed", "port mod failed", "table mod failed", "queue operation failed"),
    *("switch configuration failed", "role request failed", "meter mod failed", "table features failed"),
)
ERROR_TYPES_1_0 = (
    *("hello failed", "bad request", "bad action", "flow mod failed", "port mod failed"),
    *("queue operation failed",),
)
ROLES = ("no change", "equal", "master", "slave")
STATISTICS = (
    *("description", "flows", "aggregate", "tables", "ports", "queues", "groups", "group descriptions"),
    *("group features", "meters", "meter configuration", "meter features", "table features", "port descriptions"),
)
FLOW_FLAGS = ("tell when removed", "check overlap", "reset counts", "no packet counts", "no byte counts")

CONFIG: tuple[Part, ...] = (("flags", 2), ("miss send length", 2))
ERROR: tuple[Part, ...] = (("error type", 2), ("error code", 2))
STATS_1_0: tuple[Part, ...] = (("statistics", 2), ("statistics flags", 2))
STATS_1_3: tuple[Part, ...] = (*STATS_1_0, ("", 4))
PORT_1_0: tuple[Part, ...] = (
    *(("port", 2), ("port MAC", 6), ("port name", 16), ("port config", 4), ("port state", 4)),
    *(("current", 4), ("advertised", 4), ("supported", 4), ("peer", 4)),
)
PORT_1_3: tuple[Part, ...] = (
    *(("port", 4), ("", 4), ("port MAC", 6), ("", 2), ("port name", 16), ("port config", 4), ("port state", 4)),
    *(("current", 4), ("advertised", 4), ("supported", 4), ("peer", 4), ("current speed", 4), ("maximum speed", 4)),
)
ROLE: tuple[Part, ...] = (("role", 4), ("", 4), ("generation", 8))
LAYOUTS: dict[tuple[int, str], tuple[Part, ...]] = {
    (1, "ERROR"): ERROR,
    (1, "FEATURES_REPLY"): (
        *(("datapath id", 8), ("buffers", 4), ("tables", 1), ("", 3), ("capabilities", 4), ("supported actions", 4)),
    ),
    (1, "GET_CONFIG_REPLY"): CONFIG,
    (1, "SET_CONFIG"): CONFIG,
    (1, "PACKET_IN"): (("buffer", 4), ("total length", 2), ("in port", 2), ("reason", 1), ("", 1)),
    (1, "PACKET_OUT"): (("buffer", 4), ("in port", 2), ("actions' length", 2)),
    (1, "FLOW_MOD"): (
        *(("match", 40), ("cookie", 8), ("command", 2), ("idle time-out", 2), ("hard time-out", 2), ("priority", 2)),
        *(("buffer", 4), ("out port", 2), ("flow flags", 2)),
    ),
    (1, "FLOW_REMOVED"): (
        *(("match", 40), ("cookie", 8), ("priority", 2), ("reason", 1), ("", 1), ("duration", 4)),
        *(("duration's nanoseconds", 4), ("idle time-out", 2), ("", 2), ("packets", 8), ("bytes", 8)),
    ),
    (1, "PORT_STATUS"): (("reason", 1), ("", 7), *PORT_1_0),
    (1, "STATS_REQUEST"): STATS_1_0,
    (1, "STATS_REPLY"): STATS_1_0,
    (4, "ERROR"): ERROR,
    (4, "FEATURES_REPLY"): (
        *(("datapath id", 8), ("buffers", 4), ("tables", 1), ("auxiliary id", 1), ("", 2), ("capabilities", 4)),
        ("", 4),
    ),
    (4, "GET_CONFIG_REPLY"): CONFIG,
    (4, "SET_CONFIG"): CONFIG,
    (4, "PACKET_IN"): (("buffer", 4), ("total length", 2), ("reason", 1), ("table", 1), ("cookie", 8)),
    (4, "PACKET_OUT"): (("buffer", 4), ("in port", 4), ("actions' length", 2), ("", 6)),
    (4, "FLOW_MOD"): (
        *(("cookie", 8), ("cookie mask", 8), ("table", 1), ("command", 1), ("idle time-out", 2), ("hard time-out", 2)),
        *(("priority", 2), ("buffer", 4), ("out port", 4), ("out group", 4), ("flow flags", 2), ("", 2)),
    ),
    (4, "FLOW_REMOVED"): (
        *(("cookie", 8), ("priority", 2), ("reason", 1), ("table", 1), ("duration", 4), ("duration's nanoseconds", 4)),
        *(("idle time-out", 2), ("hard time-out", 2), ("packets", 8), ("bytes", 8)),
    ),
    (4, "PORT_STATUS"): (("reason", 1), ("", 7), *PORT_1_3),
    (4, "MULTIPART_REQUEST"): STATS_1_3,
    (4, "MULTIPART_REPLY"): STATS_1_3,
    (4, "ROLE_REQUEST"): ROLE,
    (4, "ROLE_REPLY"): ROLE,
}


def least_bytes(version: int, kind: str) -> int:
    """The bytes behind its header that a message has at least."""
    return sum(size for _, size in LAYOUTS.get((version, kind), ()))


def fields(version: int, kind: str, data: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of a message's body, as far as they are here."""
    at, length = start, 0
    for name, size in LAYOUTS.get((version, kind), ()):
        if at + size > end:
            break
        if name == "match":
            yield from match_1_0(data, at)
        elif name:
            field = _field(version, kind, name, data, at, size)
            length = int.from_bytes(data[at : at + size], "big") if name == "actions' length" else length
            yield field
        at += size
    else:
        for field in TAILS.get((version, kind), _data)(data, at, end, length):
            yield field
            at = max(at, field.end)
    if at < end:
        yield Field("data", data[at:end], preview(data[at:end]), at, end)


def _field(version: int, kind: str, name: str, data: bytes, at: int, size: int) -> Field:
    value = data[at : at + size]
    number = int.from_bytes(value, "big")
    if name == "port MAC":
        return Field(name, mac_text(value), mac_text(value), at, at + size)
    if name == "port name":
        text = printable(value.split(b"\0", 1)[0])
        return Field(name, text, text or "none", at, at + size)
    return Field(name, number, _words(version, kind, name, number, size), at, at + size)


def _words(version: int, kind: str, name: str, number: int, size: int) -> str:
    if name in ("port", "in port", "out port"):
        return port_text(number, size)
    if name == "reason":
        return _named(REASONS.get(kind, ()), number)
    if name == "command":
        return _named(COMMANDS, number)
    if name == "error type":
        return _named(ERROR_TYPES_1_0 if version == 1 else ERROR_TYPES, number)
    if name in ("role", "statistics"):
        return _named(ROLES if name == "role" else STATISTICS, number)
    if name == "buffer":
        return "not buffered" if number == NO_BUFFER else str(number)
    if name == "flow flags":
        return ", ".join(words for bit, words in enumerate(FLOW_FLAGS) if number >> bit & 1) or "none"
    if name in ("idle time-out", "hard time-out", "duration"):
        return f"{number} s" if number or name == "duration" else "none"
    if name in ("datapath id", "cookie", "cookie mask"):
        return f"0x{number:016x}"
    return f"0x{number:0{2 * size}x}" if name in HEXADECIMAL else str(number)


HEXADECIMAL = {
    *("capabilities", "supported actions", "flags", "port config", "port state", "current", "advertised"),
    *("supported", "peer", "out group", "statistics flags"),
}


def _named(names: tuple[str, ...], number: int) -> str:
    return f"{number} ({names[number]})" if number < len(names) else str(number)


Tail = Callable[[bytes, int, int, int], Iterator[Field]]
"""What follows the fixed fields: (bytes, start, end, the actions' length where one was told)."""


def _data(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    if at < end:
        yield Field("data", data[at:end], preview(data[at:end]), at, end)


def _ports_1_0(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    size = sum(size for _, size in PORT_1_0)
    while at + size <= end:
        for name, width in PORT_1_0:
            yield _field(1, "", name, data, at, width)
            at += width


def _actions_1_0(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    yield from actions(data, at, end, port_bytes=2)


def _packet_1_0(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    yield from _packet(data, at, end, length, port_bytes=2)


def _packet_1_3(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    yield from _packet(data, at, end, length, port_bytes=4)


def _packet(data: bytes, at: int, end: int, length: int, *, port_bytes: int) -> Iterator[Field]:
    after = min(at + length, end)
    yield from actions(data, at, after, port_bytes=port_bytes)
    if after < end:
        yield Field("packet", data[after:end], preview(data[after:end]), after, end)


def _packet_in_1_0(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    if at < end:
        yield Field("packet", data[at:end], preview(data[at:end]), at, end)


def _packet_in_1_3(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    after = at
    for field in match_1_3(data, at, end):
        yield field
        after = field.end
    if after + 2 < end:
        yield Field("packet", data[after + 2 : end], preview(data[after + 2 : end]), after + 2, end)


def _flow_1_3(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    after = at
    for field in match_1_3(data, at, end):
        yield field
        after = field.end
    yield from instructions(data, after, end)


def _match_alone(data: bytes, at: int, end: int, length: int) -> Iterator[Field]:
    yield from match_1_3(data, at, end)


TAILS: dict[tuple[int, str], Tail] = {
    (1, "FEATURES_REPLY"): _ports_1_0,
    (1, "FLOW_MOD"): _actions_1_0,
    (1, "PACKET_OUT"): _packet_1_0,
    (1, "PACKET_IN"): _packet_in_1_0,
    (4, "FLOW_MOD"): _flow_1_3,
    (4, "FLOW_REMOVED"): _match_alone,
    (4, "PACKET_OUT"): _packet_1_3,
    (4, "PACKET_IN"): _packet_in_1_3,
}
