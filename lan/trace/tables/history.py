"""What a LAN left behind: its frames, its logs of decisions, what its kernels told, and its description.  Pure.

Without a description (a foreign capture) devices and ports are those that the frames show.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lan.trace.frame import Frame
from lan.trace.kernel.record import KernelRecord
from lan.trace.timeline import Timeline

SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Port:
    """A device's port: `name` as traces have it (``pc1:eth0``), `cable` its peer's."""

    device: str
    interface: str
    name: str
    mac: str
    cable: str
    address: str = ""
    """ADDRESS/PREFIX that its cable's parameters gave it."""


@dataclass(slots=True)
class Decision:
    """One line of a log."""

    time_ns: int
    service: str
    what: str
    record: dict[str, Any] = field(repr=False)

    def get(self, key: str) -> str:
        """A key's value as text, "" where there is none."""
        return str(self.record.get(key, ""))


def read_log(lines: Iterable[str]) -> list[Decision]:
    """The decisions of whole lines, by time; a line that is none is passed over."""
    found = []
    for line in lines:
        try:
            record = json.loads(line)
            found.append(Decision(round(record["time_s"] * 1e9), record["service"], record["what"], record))
        except (ValueError, KeyError, TypeError, OverflowError):
            continue
    return sorted(found, key=lambda one: one.time_ns)


class History:
    """One LAN's record.  `logs` are the devices' own, `decisions` the LAN's; `described` is its description as JSON.

    `kernel` is what the devices' kernels told; nothing, where it is not here.
    """

    def __init__(
        self,
        timeline: Timeline,
        decisions: Iterable[str] = (),
        logs: Mapping[str, Iterable[str]] | None = None,
        described: Mapping[str, Any] | None = None,
        kernel: KernelRecord | None = None,
    ) -> None:
        self.timeline = timeline
        self.kernel = kernel if kernel is not None else KernelRecord()
        self.decisions = read_log(decisions)
        self.logs = {device: read_log(lines) for device, lines in (logs or {}).items()}
        self.described = dict(described or {})
        self._devices = {item["name"]: item for item in self.described.get("devices", [])}
        self.ports = _ports(self.described)

    @property
    def begun_ns(self) -> int:
        """The time of the recording's first frame."""
        return self.timeline.begun_ns

    @property
    def ended_ns(self) -> int:
        """The time of the last frame."""
        return self.timeline.all_frames[-1].time_ns if self.timeline.all_frames else 0

    def devices(self, *kinds: str) -> list[str]:
        """Devices by kind ("switch", "dhcp-server" …), or all that are no switches."""
        if not self._devices:
            switches = sorted(self.timeline.switches or ())
            hosts = sorted(set(self.timeline.devices.values()) - set(switches))
            return switches if kinds == ("switch",) else [] if kinds else hosts
        return [
            name
            for name, item in self._devices.items()
            if (item["kind"] in kinds if kinds else not item.get("is_switch"))
            or (kinds == ("switch",) and item.get("is_switch"))
        ]

    def options(self, device: str, at_ns: int) -> dict[str, Any]:
        """A device's settings as they were: those it came up with, and what `lan set` changed."""
        found: dict[str, Any] = dict(self._devices.get(device, {}).get("options", {}))
        for one in self.decisions:
            if one.time_ns <= at_ns and one.what == "set" and one.get("device") == device:
                found = dict(one.record["options"])
        return found

    def readdressed(self, device: str, at_ns: int) -> list[int]:
        """When a device lost its address, or got another, until then: the kernel forgets its neighbours with it."""
        found = []
        for one in self.decisions:
            if one.time_ns <= at_ns and one.what == "set" and one.get("device") == device:
                before, after = self.options(device, one.time_ns - 1), one.record["options"]
                if (before.get("ip"), before.get("dhcp")) != (after.get("ip"), after.get("dhcp")):
                    found.append(one.time_ns)
        gone = [one.time_ns for one in self.logs.get(device, []) if one.what == "unbound" and one.time_ns <= at_ns]
        return sorted(found + gone)

    def ports_of(self, device: str) -> list[Port]:
        """A device's ports, in the order its cables were plugged."""
        return [port for port in self.ports if port.device == device]

    def interface(self, port: str) -> str:
        """The interface of a port's name: ``s1:eth1`` → ``s1-eth1``."""
        return next((each.interface for each in self.ports if each.name == port), port.replace(":", "-"))

    def pulls(self, port: str, at_ns: int) -> list[tuple[int, bool]]:
        """When the cable of a port was pulled (False) and plugged (True), until then, in order."""
        own = next((each for each in self.ports if each.name == port), None)
        ends = {port, own.cable} if own else {port}
        return [
            (one.time_ns, one.what == "plugged")
            for one in self.decisions
            if one.time_ns <= at_ns
            and one.service == "links"
            and one.what in ("pulled", "plugged")
            and ends & set(one.get("cable").split())
        ]

    def until(self, at_ns: int) -> list[Frame]:
        """All frames until then."""
        frames = self.timeline.all_frames
        low, high = 0, len(frames)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if frames[middle].time_ns <= at_ns else (low, middle)
        return frames[:low]

    def of_device(self, device: str, at_ns: int) -> list[Frame]:
        """The frames that a device sent or got until then."""
        return [frame for frame in self.until(at_ns) if device in (frame.from_device, frame.to_device)]


def _ports(described: Mapping[str, Any]) -> list[Port]:
    found = []
    for link in described.get("links", []):
        ends = [(link["a"], link["options"].get("params1")), (link["b"], link["options"].get("params2"))]
        names = [_name(end["device"], end["interface"]) for end, _ in ends]
        for (end, given), name, other in zip(ends, names, reversed(names), strict=True):
            address = str(given.get("ip", "")) if isinstance(given, dict) else ""
            found.append(Port(end["device"], end["interface"], name, end["mac"], other, address))
    return found


def _name(device: str, interface: str) -> str:
    return f"{device}:{interface.removeprefix(f'{device}-')}"
