"""A LAN as data: what a topology file says, checked and complete, before anything is made.

The engine builds from it, the faces draw from it, a running LAN answers with it.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

INTERFACE_NAME_MAX = 15
"""Bytes of an interface's name in Linux (IFNAMSIZ - 1)."""


@dataclass(frozen=True, slots=True)
class Where:
    """The place in a topology file that says a thing; `file` as the user named it."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Port:
    """One end of a cable: `interface` is its name inside the device, Mininet's ``pc1-eth0``."""

    device: str
    interface: str
    mac: str

    def __str__(self) -> str:
        return f"{self.device}:{self.interface.removeprefix(self.device + '-')}"


@dataclass(frozen=True, slots=True)
class Device:
    """A device as written: its kind's name and the options given, values unchecked by this class."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    where: Where | None = None
    is_switch: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two ports; `options` are Mininet's link parameters as written."""

    a: Port
    b: Port
    options: dict[str, Any] = field(default_factory=dict)
    where: Where | None = None

    def end(self, device: str) -> Port:
        """The port at `device`; KeyError where the cable does not end there."""
        for port in (self.a, self.b):
            if port.device == device:
                return port
        raise KeyError(device)

    def other(self, port: Port) -> Port:
        """The port at the far end."""
        return self.b if port == self.a else self.a


@dataclass(frozen=True, slots=True)
class Lan:
    """A whole LAN.  `devices` keeps the file's order; names are unique."""

    name: str
    devices: dict[str, Device]
    links: tuple[Link, ...]
    source: str
    """What the user named: ``office``, ``single:400``, ``path/to/file.py``."""
    warnings: tuple[str, ...] = ()
    _links_of: dict[str, list[Link]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[str, list[Link]] = {}
        for link in self.links:
            for device in dict.fromkeys((link.a.device, link.b.device)):
                found.setdefault(device, []).append(link)
        object.__setattr__(self, "_links_of", found)

    @property
    def hosts(self) -> list[Device]:
        """Everything that is not a switch, in the file's order."""
        return [device for device in self.devices.values() if not device.is_switch]

    @property
    def switches(self) -> list[Device]:
        """The switches, in the file's order."""
        return [device for device in self.devices.values() if device.is_switch]

    def links_of(self, device: str) -> list[Link]:
        """The cables of one device, in the order they were plugged."""
        return list(self._links_of.get(device, ()))

    def ports(self, device: str) -> list[Port]:
        """The ports of one device, in the order its cables were plugged."""
        return [port for link in self.links_of(device) for port in (link.a, link.b) if port.device == device]

    def renamed(self, name: str) -> "Lan":
        """The same LAN under another name."""
        return replace(self, name=name)

    def as_json(self) -> dict[str, Any]:
        """``{"name", "source", "devices": [...], "links": [...], "warnings"}``; `from_json` reads it."""
        return {
            "name": self.name,
            "source": self.source,
            "devices": [
                {
                    "name": device.name,
                    "kind": device.kind,
                    "options": device.options,
                    "where": str(device.where) if device.where else None,
                    "is_switch": device.is_switch,
                }
                for device in self.devices.values()
            ],
            "links": [
                {
                    "a": {"device": link.a.device, "interface": link.a.interface, "mac": link.a.mac},
                    "b": {"device": link.b.device, "interface": link.b.interface, "mac": link.b.mac},
                    "options": link.options,
                    "where": str(link.where) if link.where else None,
                }
                for link in self.links
            ],
            "warnings": list(self.warnings),
        }


def lan_from_json(data: dict[str, Any]) -> Lan:
    """The LAN that `Lan.as_json` wrote."""

    def where(text: str | None) -> Where | None:
        if text is None:
            return None
        file, _, line = text.rpartition(":")
        return Where(file, int(line)) if file and line.isdigit() else Where(text)

    devices = {
        item["name"]: Device(item["name"], item["kind"], item["options"], where(item["where"]), item["is_switch"])
        for item in data["devices"]
    }
    links = tuple(
        Link(Port(**item["a"]), Port(**item["b"]), item["options"], where(item["where"])) for item in data["links"]
    )
    return Lan(data["name"], devices, links, data["source"], tuple(data["warnings"]))


def mac_address(device: str, interface: str) -> str:
    """The address of a port: the same in every run, locally administered (IEEE 802, bit 2 of the first byte)."""
    digest = hashlib.blake2b(f"{device}/{interface}".encode(), digest_size=5).digest()
    return ":".join(f"{byte:02x}" for byte in (0x02, *digest))
