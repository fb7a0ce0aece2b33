"""The MAC address tables of kernel bridges, as the kernel told of every row that came, moved or went.  Pure."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

from lan.trace.kernel.gaps import Gaps

LATE_NS = 2_000_000_000
"""How much later than a frame the row that it made may have been heard."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where a station was from a moment on; `port` "" for nowhere any more."""

    since_ns: int
    port: str


class Stations:
    """Of all bridges; `take` records in the order in which they came."""

    def __init__(self, gaps: Gaps) -> None:
        self._gaps = gaps
        self._known: dict[str, dict[str, list[Known]]] = {}

    def take(self, time_ns: int, switch: str, record: dict[str, Any]) -> None:
        """One more change."""
        port = "" if record["is_gone"] else str(record["port"])
        self._known.setdefault(switch, {}).setdefault(record["mac"], []).append(Known(time_ns, port))

    def is_told(self, switch: str, at_ns: int) -> bool:
        """Whether it is a bridge that tells, and nothing of it was lost until then."""
        return switch in self._known and self._gaps.is_unbroken("tables", at_ns)

    def last(self, switch: str, mac: str, at_ns: int) -> Known | None:
        """What was told last of a station until then; None for nothing."""
        known = self._known.get(switch, {}).get(mac, [])
        at = bisect_right(known, at_ns, key=lambda one: one.since_ns)
        return known[at - 1] if at else None

    def table(self, switch: str, at_ns: int) -> dict[str, Known] | None:
        """Where all stations were then; None where the switch does not tell."""
        if not self.is_told(switch, at_ns):
            return None
        found = {mac: last for mac in self._known[switch] if (last := self.last(switch, mac, at_ns)) is not None}
        return {mac: last for mac, last in found.items() if last.port}

    def gone(self, switch: str, mac: str, at_ns: int) -> Known | None:
        """What said that the table has a station no longer: last until then, or next and heard late."""
        last = self.last(switch, mac, at_ns)
        if last is None or not last.port:
            return last
        known = self._known[switch][mac]
        at = bisect_right(known, at_ns, key=lambda one: one.since_ns)
        is_late = at < len(known) and not known[at].port and known[at].since_ns - at_ns <= LATE_NS
        return known[at] if is_late else None

    def former_port(self, switch: str, mac: str, at_ns: int) -> str | None:
        """The last port that a station was at until then."""
        known = self._known.get(switch, {}).get(mac, [])
        return next((one.port for one in reversed(known) if one.port and one.since_ns <= at_ns), None)

    def has(self, switch: str, mac: str, port: str, at_ns: int) -> bool:
        """Whether the table had a station at a port then, or came to have it then and that was heard late."""
        last = self.last(switch, mac, at_ns)
        if last is not None and last.port == port:
            return True
        known = self._known.get(switch, {}).get(mac, [])
        at = bisect_right(known, at_ns, key=lambda one: one.since_ns)
        return at < len(known) and known[at].port == port and known[at].since_ns - at_ns <= LATE_NS
