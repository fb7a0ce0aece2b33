"""A switch's MAC address table at an instant: from its own decisions, or, for a kernel's bridge, as the kernel told.

Where neither is there, it is concluded from frames.

IEEE 802.1D-2004 §7.8 and §7.9.  Pure.
"""

from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.kernel.stations import Known
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.table import Table

COLUMNS = ["mac", "port", "type", "age_s"]
AGE_S = 300
RESERVED = bytes.fromhex("0180c20000")
"""What begins so is for the switch itself, 802.1D §7.12.6."""
GROUP = 1
"""The I/G bit of an address's first byte: no station sends from such a one.  IEEE 802 §8.2."""


@dataclass(slots=True)
class _Row:
    port: str
    """The interface."""
    heard_ns: int


def table(history: History, switch: str, at_ns: int) -> Table:
    """The rows of one switch."""
    own = [it for it in history.decisions if it.service == "switch" and it.get("switch") == switch]
    heard = [frame for frame in history.until(at_ns) if frame.to_device == switch]
    told = history.kernel.stations.table(switch, at_ns)
    if own:
        rows, made_from = _decided(history, switch, at_ns, heard), Sentence("the switch's own decisions")
    elif told is not None:
        rows, made_from = _told(history, told, heard), Sentence("what its kernel told")
    else:
        rows, made_from = _learned(history, switch, at_ns, heard), Sentence("frames that came in, by IEEE 802.1D")
    order = {port.interface: number for number, port in enumerate(history.ports_of(switch))}
    lines = [
        [mac, row.port, "learned", f"{(at_ns - row.heard_ns) / SECOND_NS:.0f}"]
        for mac, row in sorted(rows.items(), key=lambda pair: (order.get(pair[1].port, 0), pair[0]))
    ]
    return Table(COLUMNS, lines, made_from, is_derived=not own and told is None)


def _told(history: History, told: dict[str, Known], heard: list[Frame]) -> dict[str, _Row]:
    rows = {mac: _Row(history.interface(known.port), known.since_ns) for mac, known in told.items()}
    _hear(rows, heard)
    return rows


def _hear(rows: dict[str, _Row], heard: list[Frame]) -> None:
    for frame in heard:
        if (row := rows.get(_source(frame))) is not None:
            row.heard_ns = max(row.heard_ns, frame.time_ns)


def _decided(history: History, switch: str, at_ns: int, heard: list[Frame]) -> dict[str, _Row]:
    rows: dict[str, _Row] = {}
    ports = history.ports_of(switch)
    for one in history.decisions:
        if one.time_ns > at_ns or one.service != "switch" or one.get("switch") != switch:
            continue
        mac = one.get("src")
        if one.what in ("learned", "moved"):
            number = int(one.record["in_port"])
            name = ports[number - 1].interface if number <= len(ports) else str(number)
            rows[mac] = _Row(name, one.time_ns)
        elif one.what in ("aged", "forgotten"):
            rows.pop(mac, None)
    _hear(rows, heard)
    return rows


def _learned(history: History, switch: str, at_ns: int, heard: list[Frame]) -> dict[str, _Row]:
    """What a bridge learns: each frame's source, at the port where it came in, until that port's cable goes."""
    rows: dict[str, _Row] = {}
    for frame in heard:
        mac = _source(frame)
        if mac and not frame.data[6] & GROUP and not frame.data.startswith(RESERVED):
            rows[mac] = _Row(frame.receiver, frame.time_ns)
    age_ns = int(history.options(switch, at_ns).get("ageing_s", AGE_S)) * SECOND_NS
    pulled = {port.name: history.pulls(port.name, at_ns) for port in history.ports_of(switch)}
    return {
        mac: _Row(history.interface(row.port), row.heard_ns)
        for mac, row in rows.items()
        if at_ns - row.heard_ns < age_ns
        and not any(time_ns > row.heard_ns for time_ns, is_up in pulled.get(row.port, []) if not is_up)
    }


def _source(frame: Frame) -> str:
    return frame.data[6:12].hex(":")
