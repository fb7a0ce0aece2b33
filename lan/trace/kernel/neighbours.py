"""The neighbour tables of devices, as their kernels told of every change (the ARP cache, for IPv4).  Pure.

A kernel tells of a row when it gets an address or another state; that it begins to ask (INCOMPLETE) and that it is
about to ask again (DELAY) it keeps to itself.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from lan.trace.kernel.gaps import Gaps
from lan.wire.rtnetlink_events import Neighbour

LATE_NS = 2_000_000_000
"""How much later than a frame the change that let it go may have been heard."""
VALID = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT"})
"""States in which a row's address is used."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was at a moment: `since_ns` is when it got this address and state."""

    since_ns: int
    neighbour: Neighbour

    @property
    def is_valid(self) -> bool:
        """Whether packets go to its address."""
        return not self.neighbour.is_gone and self.neighbour.state in VALID


class Neighbours:
    """Of all devices; `take` events in the order in which they came."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._rows: dict[str, dict[str, dict[int, list[Row]]]] = {}
        """By device, address and interface: each port of a device has its own row of an address."""

    def take(self, time_ns: int, device: str, neighbour: Neighbour) -> None:
        """One more change."""
        of_ip = self._rows.setdefault(device, {}).setdefault(neighbour.ip, {})
        of_ip.setdefault(neighbour.index, []).append(Row(time_ns, neighbour))

    def begin(self, device: str, time_ns: int) -> None:
        """A device begins; what another of its name had is not its own."""
        for ip, of_ip in self._rows.get(device, {}).items():
            for index, rows in of_ip.items():
                rows.append(Row(time_ns, Neighbour(index, ip, "", "", is_gone=True)))

    def used(self, device: str, ip: str, mac: str, at_ns: int) -> Row | None:
        """The row by which a frame went out to `mac`: the one then, or one that came to be then and was heard late."""
        found = [
            row for rows in self._of(device, ip) if (row := self._used_at_a_port(device, rows, mac, at_ns)) is not None
        ]
        return min(found, key=lambda row: (row.since_ns > at_ns, abs(row.since_ns - at_ns)), default=None)

    def _used_at_a_port(self, device: str, rows: list[Row], mac: str, at_ns: int) -> Row | None:
        at = bisect_right(rows, at_ns, key=lambda row: row.since_ns)
        for place in (at - 1, *range(at, len(rows))):
            if place >= 0 and rows[place].since_ns - at_ns > LATE_NS:
                break
            row = self._certain(device, rows, place, at_ns)
            if row is not None and row.is_valid and row.neighbour.mac == mac:
                return row
        return None

    def is_missing(self, device: str, ip: str, at_ns: int) -> bool:
        """Whether it is certain that no row had an address for it then."""
        ports = self._ports(device, ip, at_ns)
        if not ports:
            return self._gaps.is_whole(device, "tables", at_ns)
        then = self._rows_then(device, ip, at_ns)
        return len(then) == len(ports) and not any(row.is_valid for row in then)

    def asks(self, device: str, ip: str, at_ns: int) -> bool:
        """Whether a frame that asked everyone for it was sent as no row had an address: `is_missing` then.

        Or soon after: a kernel asks nobody while it has one, so that the row went was heard late.
        """
        told = (row.since_ns for rows in self._of(device, ip) for row in rows)
        soon = (since_ns for since_ns in told if 0 < since_ns - at_ns <= LATE_NS)
        return any(self.is_missing(device, ip, each_ns) for each_ns in (at_ns, *soon))

    def came(self, device: str, ip: str, mac: str, at_ns: int) -> bool | None:
        """Whether the table has (`ip`, `mac`) because of a frame that came then, or had it; None where nobody knows."""
        if self.used(device, ip, mac, at_ns) is not None:
            return True
        has_changed = any(0 <= row.since_ns - at_ns <= LATE_NS for rows in self._of(device, ip) for row in rows)
        return False if not has_changed and self._gaps.is_whole(device, "tables", at_ns + LATE_NS) else None

    def has_failed(self, device: str, ip: str, at_ns: int) -> bool:
        """Whether the device was told that nobody answered for `ip`, near that moment."""
        return any(
            row.neighbour.state == "FAILED" and abs(row.since_ns - at_ns) <= LATE_NS and not row.neighbour.is_gone
            for rows in self._of(device, ip)
            for row in rows
        )

    def table(self, device: str, at_ns: int) -> list[Row] | None:
        """All rows then, in the order in which their addresses were first told of; None where nobody knows."""
        if not self._gaps.is_whole(device, "tables", at_ns):
            return None
        found = [row for ip in self._rows.get(device, {}) for row in self._rows_then(device, ip, at_ns)]
        return [row for row in found if not row.neighbour.is_gone]

    def _of(self, device: str, ip: str) -> Iterable[list[Row]]:
        """The rows of an address at each port of a device."""
        return self._rows.get(device, {}).get(ip, {}).values()

    def _ports(self, device: str, ip: str, at_ns: int) -> list[list[Row]]:
        """The rows of an address at each port that had one until then."""
        return [rows for rows in self._of(device, ip) if rows[0].since_ns <= at_ns]

    def _rows_then(self, device: str, ip: str, at_ns: int) -> list[Row]:
        """The last row of an address at each port, though it be gone."""
        found = []
        for rows in self._of(device, ip):
            at = bisect_right(rows, at_ns, key=lambda row: row.since_ns)
            if (row := self._certain(device, rows, at - 1, at_ns)) is not None:
                found.append(row)
        return found

    def _certain(self, device: str, rows: list[Row], at: int, until_ns: int) -> Row | None:
        if not 0 <= at < len(rows):
            return None
        row = rows[at]
        is_whole = self._gaps.is_whole(device, "tables", max(until_ns, row.since_ns), since_ns=row.since_ns)
        return row if is_whole else None
