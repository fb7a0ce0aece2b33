"""A device's ARP table at an instant: as its kernel told, else concluded from ARP frames.  RFC 826.  Pure.

Linux makes a row when it asks, and when somebody asks it; it believes an answer for some 30 s (its
base_reachable_time), calls the row STALE after that, and FAILED when three questions stayed without answer.
"""

from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.kernel.neighbours import Row
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.table import Table
from lan.wire.arp import REQUEST, Arp

COLUMNS = ["address", "mac", "interface", "state"]
REACHABLE_NS, PATIENCE_NS = 30 * SECOND_NS, 3 * SECOND_NS
ANYBODY = "0.0.0.0"


@dataclass(slots=True)
class _Row:
    mac: str
    port: str
    state: str
    since_ns: int


def table(history: History, device: str, at_ns: int) -> Table:
    """The rows of one device, in the order in which they came to be."""
    if (told := history.kernel.neighbours.table(device, at_ns)) is not None:
        return _told(history, device, told, at_ns)
    rows: dict[str, _Row] = {}
    spoken = [(frame, arp) for frame in history.of_device(device, at_ns) if (arp := frame.packet.arp) is not None]
    own = {arp.sender_ip for frame, arp in spoken if frame.from_device == device} - {ANYBODY}
    for frame, arp in spoken:
        if frame.from_device == device:
            _sent(rows, arp, frame)
        else:
            _got(rows, arp, frame, own)
    lines = [
        [address, row.mac, history.interface(row.port), _state(row, at_ns)]
        for address, row in rows.items()
        if not _is_forgotten(history, device, row, at_ns)
    ]
    return Table(COLUMNS, lines, Sentence("ARP frames that it sent and got"), is_derived=True)


def _told(history: History, device: str, rows: list[Row], at_ns: int) -> Table:
    lines = [
        [
            row.neighbour.ip,
            row.neighbour.mac or "—",
            history.kernel.routes.interface(device, row.neighbour.index, at_ns),
            row.neighbour.state,
        ]
        for row in rows
        if ":" not in row.neighbour.ip
    ]
    return Table(COLUMNS, lines, Sentence("what its kernel told"), is_derived=False)


def _sent(rows: dict[str, _Row], arp: Arp, frame: Frame) -> None:
    asks = arp.operation == REQUEST and not arp.is_probe() and not arp.is_gratuitous()
    row = rows.get(arp.target_ip)
    if asks and (row is None or row.state == "FAILED"):
        rows[arp.target_ip] = _Row("—", frame.sender, "INCOMPLETE", frame.time_ns)


def _got(rows: dict[str, _Row], arp: Arp, frame: Frame, own: set[str]) -> None:
    """An answer; a question, which tells who asks; or an announcement, which only changes what is known."""
    row = rows.get(arp.sender_ip)
    if arp.sender_ip == ANYBODY:
        return
    if arp.operation != REQUEST and row is not None:
        rows[arp.sender_ip] = _Row(arp.sender_mac, frame.receiver, "REACHABLE", frame.time_ns)
        return
    is_news = row is not None and (row.mac != arp.sender_mac or row.state == "INCOMPLETE")
    is_for_us = row is None and arp.operation == REQUEST and arp.target_ip in own
    if is_news or is_for_us:
        rows[arp.sender_ip] = _Row(arp.sender_mac, frame.receiver, "STALE", frame.time_ns)


def _is_forgotten(history: History, device: str, row: _Row, at_ns: int) -> bool:
    """Whether the kernel dropped the row since: its cable was pulled, or the device's address went."""
    pulled = [time_ns for time_ns, is_up in history.pulls(row.port, at_ns) if not is_up]
    return any(time_ns > row.since_ns for time_ns in (*pulled, *history.readdressed(device, at_ns)))


def _state(row: _Row, at_ns: int) -> str:
    if row.state == "INCOMPLETE" and at_ns - row.since_ns >= PATIENCE_NS:
        return "FAILED"
    if row.state == "REACHABLE" and at_ns - row.since_ns >= REACHABLE_NS:
        return "STALE"
    return row.state
