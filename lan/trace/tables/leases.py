"""A DHCP server's leases at an instant: from its own log, or from ACKs and RELEASEs that passed.  RFC 2131.  Pure."""

from dataclasses import dataclass

from lan.reasons import Sentence
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.table import Table
from lan.wire import dhcp

COLUMNS = ["address", "mac", "hostname", "state", "seconds left"]
STATES = {"bound", "released", "expired", "declined"}


@dataclass(frozen=True, slots=True)
class _Lease:
    mac: str
    state: str
    until_ns: int | None


def table(history: History, server: str, at_ns: int) -> Table:
    """The leases of one server, by address."""
    log = [one for one in history.logs.get(server, []) if one.service == "dhcp"]
    leases = _logged(history, server, at_ns) if log else _seen(history, server, at_ns)
    names = _hostnames(history, at_ns)
    rows = [
        [address, lease.mac, names.get(lease.mac, "—"), _state(lease, at_ns), _left(lease, at_ns)]
        for address, lease in sorted(leases.items(), key=lambda pair: tuple(map(int, pair[0].split("."))))
    ]
    made_from = Sentence("the server's own log") if log else Sentence("DHCP messages that passed")
    return Table(COLUMNS, rows, made_from, is_derived=not log)


def _logged(history: History, server: str, at_ns: int) -> dict[str, _Lease]:
    found: dict[str, _Lease] = {}
    for one in history.logs[server]:
        if one.service == "dhcp" and one.time_ns <= at_ns and one.what in STATES:
            until_s = one.record.get("until_s")
            until_ns = None if until_s is None else round(until_s * SECOND_NS)
            found[one.get("ip")] = _Lease(one.get("client"), one.what.upper(), until_ns)
    return found


def _seen(history: History, server: str, at_ns: int) -> dict[str, _Lease]:
    found: dict[str, _Lease] = {}
    for frame in history.of_device(server, at_ns):
        message = frame.packet.dhcp
        if message is None:
            continue
        if message.type is dhcp.ACK and message.yiaddr != dhcp.ANY and frame.from_device == server:
            until_ns = frame.time_ns + (message.lease_s or 0) * SECOND_NS
            found[str(message.yiaddr)] = _Lease(message.chaddr, "BOUND", until_ns)
        elif message.type is dhcp.RELEASE and str(message.ciaddr) in found:
            found[str(message.ciaddr)] = _Lease(message.chaddr, "RELEASED", frame.time_ns)
    return found


def _state(lease: _Lease, at_ns: int) -> str:
    is_over = lease.until_ns is not None and at_ns >= lease.until_ns
    return "EXPIRED" if lease.state == "BOUND" and is_over else lease.state


def _left(lease: _Lease, at_ns: int) -> str:
    return "—" if lease.until_ns is None else str(max(0, round((lease.until_ns - at_ns) / SECOND_NS)))


def _hostnames(history: History, at_ns: int) -> dict[str, str]:
    """What clients called themselves (option 12), by their MAC addresses."""
    found: dict[str, str] = {}
    for frame in history.until(at_ns):
        if frame.packet.dhcp is not None and frame.packet.dhcp.hostname:
            found[frame.packet.dhcp.chaddr] = frame.packet.dhcp.hostname
    return found
