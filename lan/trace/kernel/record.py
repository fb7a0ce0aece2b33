"""The record of what the devices' kernels told, by device and time: `lan.control.kernel_watch` writes it.  Pure.

An event's time is when it was heard, a little after it happened; the order of events of one device is their own.
"""

import json
from collections.abc import Iterable
from typing import Any

from lan.trace.kernel.firewall import Firewall
from lan.trace.kernel.gaps import Gaps
from lan.trace.kernel.neighbours import Neighbours
from lan.trace.kernel.routes import Begin, Routes
from lan.trace.kernel.sockets import Sockets
from lan.trace.kernel.stations import Stations
from lan.wire.rtnetlink_events import Neighbour, from_record

FILE = "kernel.jsonl"
"""Beside the capture, in the LAN's folder."""


class KernelRecord:
    """Of one LAN; `add` lines as they come."""

    def __init__(self) -> None:
        self.gaps = Gaps()
        self.neighbours, self.routes = Neighbours(self.gaps), Routes(self.gaps)
        self.firewall, self.sockets, self.stations = Firewall(), Sockets(), Stations(self.gaps)

    def add(self, lines: Iterable[str]) -> None:
        """Take lines; one that makes no sense is passed over."""
        for line in lines:
            try:
                record = json.loads(line)
                self._take(round(record["time_s"] * 1e9), str(record["device"]), record)
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
                continue

    def _begin(self, device: str, time_ns: int) -> None:
        """A device begins: what is here of another that had its name is over."""
        self.gaps.begin(device, time_ns)
        self.neighbours.begin(device, time_ns)
        self.routes.take(time_ns, device, Begin())
        self.sockets.begin(device, time_ns)
        self.firewall.begin(device)

    def _take(self, time_ns: int, device: str, record: dict[str, Any]) -> None:
        what = record["what"]
        if what == "watched":
            for name in record["devices"]:
                self._begin(name, time_ns)
        elif what == "gap":
            self.gaps.lose(record["of"], round(record.get("since_s", record["time_s"]) * 1e9), time_ns)
        elif what == "station":
            self.stations.take(time_ns, device, record)
        elif what == "sockets":
            self.sockets.take(time_ns, device, record)
        elif (event := from_record(record)) is None:
            self.firewall.take(time_ns, device, record)
        elif isinstance(event, Neighbour):
            self.neighbours.take(time_ns, device, event)
        else:
            self.routes.take(time_ns, device, event)
