"""What devices and cables decided, by their own logs, to be found by the frame it was about.

One JSON object a line: ``{"time_s", "service", "what", "reason", …keys}``.  The LAN's own log holds switches and
cables, each device's those of its services.  What the devices' kernels told lies in one more, see `lan.trace.kernel`.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.reasons import Reason
from lan.trace.growing import GrowingLogs
from lan.trace.kernel.record import FILE as KERNEL
from lan.trace.kernel.record import KernelRecord

SLACK_NS = 2_000_000
"""How long after what it decided about a decision may stand in the log."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One line: who decided what, when (ns since 1970), and why; `keys` tie it to frames."""

    device: str
    service: str
    time_ns: int
    what: str
    reason: Reason
    keys: dict[str, Any]


class Decisions:
    """All decisions of a recording; `add` as they come.  `kernel` is what the devices' kernels told."""

    def __init__(self) -> None:
        self.kernel = KernelRecord()
        self._by_tie: dict[tuple[str, str, object], list[Decision]] = {}
        self._logs = GrowingLogs()
        self._logging: set[tuple[str, str]] = set()

    def add(self, device: str, lines: Iterable[str]) -> None:
        """Take lines of a device's log, or of the LAN's own ("").  A line that is none is passed over."""
        for line in lines:
            try:
                keys = json.loads(line)
                time_ns, reason = round(keys.pop("time_s") * 1e9), Reason.from_json(keys.pop("reason"))
                service, what = str(keys.pop("service")), str(keys.pop("what"))
                one = Decision(str(keys.get("switch", device)), service, time_ns, what, reason, keys)
                ties = dict.fromkeys(_ties(one))  # a TypeError where one is a list or an object
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
                continue
            self._logging.add((one.device, service))
            for tie in ties:
                self._by_tie.setdefault((one.device, service, tie), []).append(one)

    def read(self, logs: Iterable[Path]) -> None:
        """Take what log files got since the last call: ``…/devices/NAME/decisions.jsonl``, the LAN's own, its kernels'.

        One that is not there (yet) has nothing.
        """
        for log in logs:
            device = log.parent.name if log.parent.parent.name == "devices" else ""
            lines = self._logs.fresh(log)
            if log.name == KERNEL:
                self.kernel.add(lines)
            else:
                self.add(device, lines)

    def has_log(self, device: str, service: str) -> bool:
        """Whether a device's service has written anything: then what it did not write did not happen."""
        return (device, service) in self._logging

    def of(self, device: str, service: str, tie: object) -> list[Decision]:
        """All about one thing, in the order of time."""
        return self._by_tie.get((device, service, tie), [])

    def after(
        self, device: str, service: str, tie: object, time_ns: int, until_ns: int, what: Iterable[str] = ()
    ) -> Decision | None:
        """The first at or after a moment, up to another; of these kinds, or any."""
        return next(self.each_after(device, service, tie, time_ns, until_ns, what), None)

    def each_after(
        self, device: str, service: str, tie: object, time_ns: int, until_ns: int, what: Iterable[str] = ()
    ) -> Iterator[Decision]:
        """All from a moment to another, in the order of time; of these kinds, or any."""
        found, kinds = self.of(device, service, tie), set(what)
        for at in range(bisect_left(found, time_ns, key=lambda one: one.time_ns), len(found)):
            if (one := found[at]).time_ns > until_ns + SLACK_NS:
                return
            if not kinds or one.what in kinds:
                yield one

    def before(self, device: str, service: str, tie: object, time_ns: int, what: Iterable[str] = ()) -> Decision | None:
        """The last before a moment; of these kinds, or any."""
        found, kinds = self.of(device, service, tie), set(what)
        at = bisect_left(found, time_ns, key=lambda one: one.time_ns)
        return next((one for one in reversed(found[:at]) if not kinds or one.what in kinds), None)


def _ties(one: Decision) -> list[object]:
    """What it can be found by: each service's own keys."""
    keys = one.keys
    if one.service == "switch":
        src, dst = keys.get("src"), keys.get("dst")
        return [(src, dst) if dst else src]
    if one.service == "links":
        way = (keys.get("from"), keys.get("to"))
        if "crc" not in keys:
            return [frozenset(way)]
        return [(*way, keys["crc"])] if "bit" not in keys else [(*way, keys["crc"]), (*way, "bit")]
    if one.service == "dns":
        return [(keys.get("id"), keys.get("client"))]
    return [keys[name] for name in ("xid", "client", "local") if name in keys]
