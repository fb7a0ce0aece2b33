"""Which client each of a proxy's connections to servers is used for, by the proxy's own log.  Pure but for `ProxyLogs`.

A proxy logs ``connection`` (a smart one, for each request) or ``connected`` (a dumb one) before it writes the first
byte to the server, with the client's address and port, the server's, and its own on that connection (`local`).  A
cache logs ``refresh`` likewise, where it asks of its own accord, once it has answered what that client asked.
"""

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from lan.trace.growing import GrowingLogs
from lan.trace.trackers.flow import endpoint

FILE = "decisions.jsonl"
REFRESH = "refresh"
PAIRED = ("connection", "connected", REFRESH)
ROUNDING_NS = 1000
"""A log's times are seconds since 1970 as a double: a quarter of a microsecond."""


class Use(NamedTuple):
    """What a proxy uses its own end of a connection for: `client` is ``ADDRESS:PORT``.

    `is_refresh`: the client has been answered from the store, and waits for nothing that comes of this.
    """

    client: str
    is_refresh: bool


class ProxyLog:
    """The pairs of all proxies of a recording; `add` as their logs grow."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str], tuple[list[int], list[Use]]] = {}

    def __len__(self) -> int:
        """How many of the proxies' own ends are known."""
        return len(self._clients)

    def add(self, device: str, lines: Iterable[str]) -> None:
        """Take lines of a device's log; one that pairs nothing is passed over."""
        for line in lines:
            if '"local"' not in line:
                continue
            try:
                record = json.loads(line)
                if record["service"] != "proxy" or record["what"] not in PAIRED:
                    continue
                local, client, time_ns = str(record["local"]), str(record["client"]), round(record["time_s"] * 1e9)
            except (ValueError, KeyError, TypeError, OverflowError):
                continue
            times, uses = self._clients.setdefault((device, local), ([], []))
            times.append(time_ns)
            uses.append(Use(client, record["what"] == REFRESH))

    def use_of(self, device: str, ip: str, port: int, time_ns: int) -> Use | None:
        """What a device used its own end for then; None where no log says."""
        times, uses = self._clients.get((device, endpoint(ip, port)), ([], []))
        at = bisect_right(times, time_ns + ROUNDING_NS)
        return uses[at - 1] if at else None


class ProxyLogs:
    """The logs of a LAN's devices, by its state folder; they grow while it runs."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._logs = GrowingLogs()

    def fresh(self) -> Iterator[tuple[str, list[str]]]:
        """(device, whole lines that have come since the last call)."""
        for path in sorted(self._state.glob(f"devices/*/{FILE}")):
            if lines := self._logs.fresh(path):
                yield path.parent.name, lines
