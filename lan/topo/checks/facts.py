"""What the rules look at: a LAN with its kinds, and what follows from it, worked out once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from lan.topo.problem import Speller
from lan.topo.schema import KindSchema
from lan.topo.segments import segments
from lan.topo.spec import Device, Lan, Link, Port, Where


@dataclass(frozen=True, slots=True)
class Address:
    """``ADDRESS/PREFIX``, read.  All addresses of one subnet share its `network`."""

    ip: IPv4Address
    network: IPv4Network

    def __str__(self) -> str:
        return f"{self.ip}/{self.network.prefixlen}"


@dataclass(frozen=True, slots=True)
class Interface:
    """A host's port with the address written for it.  `address` is None where there is none, or none that can be read.

    `segment` is a number of `lan.topo.segments`; a port without cable is alone.
    """

    device: Device
    port: Port | None
    text: Any
    address: Address | None
    where: Where | None
    segment: int | str


@dataclass
class Facts:
    """A LAN under judgement."""

    lan: Lan
    kinds: Mapping[str, KindSchema]
    speller: Speller = field(default_factory=Speller)

    def takes(self, device: Device, option: str) -> bool:
        """Whether the device's kind declares an option: what has a `pool` is a DHCP server."""
        schema = self.kinds.get(device.kind) if isinstance(device.kind, str) else None
        return schema is not None and option in schema.options

    def taking(self, option: str) -> list[Device]:
        """The devices whose kind declares an option."""
        return [device for device in self.lan.devices.values() if self.takes(device, option)]

    @cached_property
    def ends(self) -> dict[str, list[tuple[Port, Link]]]:
        """Device → its ports and their cables; Mininet's first port first."""
        found: dict[str, list[tuple[Port, Link]]] = {name: [] for name in self.lan.devices}
        for link in self.lan.links:
            found.setdefault(link.a.device, []).append((link.a, link))
            found.setdefault(link.b.device, []).append((link.b, link))
        return found

    @cached_property
    def segment_of(self) -> dict[tuple[str, str], int]:
        """(device, interface) → segment."""
        return segments(self.lan)

    @cached_property
    def interfaces(self) -> list[Interface]:
        """The ports of all hosts that have an address written, and what was written."""
        found = []
        for host in self.lan.hosts:
            ends = self.ends[host.name]
            if not ends:
                found.append(self._interface(host, None, host.options.get("ip"), host.where))
            for number, (port, link) in enumerate(ends):
                text, where = host.options.get("ip") if number == 0 else None, host.where
                if text is None:
                    text, where = _link_ip(link, port), link.where
                found.append(self._interface(host, port, text, where))
        return [interface for interface in found if interface.text is not None]

    def _interface(self, host: Device, port: Port | None, text: Any, where: Where | None) -> Interface:
        segment = self.segment_of[port.device, port.interface] if port else host.name
        return Interface(host, port, text, parse_address(text), where, segment)

    @cached_property
    def static(self) -> list[tuple[Interface, Address]]:
        """The interfaces whose address is fixed: a DHCP client's own is only stock Mininet's."""
        return [
            (each, each.address)
            for each in self.interfaces
            if each.address is not None and not each.device.options.get("dhcp")
        ]

    @cached_property
    def fixed(self) -> dict[str, str]:
        """Fixed address → its device."""
        return {str(address.ip): each.device.name for each, address in self.static}

    @cached_property
    def address_of(self) -> dict[str, list[Address]]:
        """Device → its fixed addresses."""
        found: dict[str, list[Address]] = {}
        for interface, address in self.static:
            found.setdefault(interface.device.name, []).append(address)
        return found

    def segments_of(self, device: Device) -> set[int]:
        """The segments that a device has a port on."""
        return {self.segment_of[port.device, port.interface] for port, _ in self.ends[device.name]}


def parse_address(text: Any) -> Address | None:
    """``ADDRESS/PREFIX``, or None for anything else; a netmask is not what Mininet takes."""
    ip, slash, prefix = text.partition("/") if isinstance(text, str) else ("", "", "")
    if not slash or not (prefix.isascii() and prefix.isdigit()) or len(prefix) > 2 or int(prefix) > 32:
        return None
    address = parse_ip(ip)
    return None if address is None else Address(address, _network(int(address) >> (32 - int(prefix)), int(prefix)))


def parse_ip(text: Any) -> IPv4Address | None:
    """An address, or None for anything else."""
    try:
        return IPv4Address(text) if isinstance(text, str) else None
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _network(number: int, prefix: int) -> IPv4Network:
    """One object for each subnet: making them is slow."""
    return IPv4Network((number << (32 - prefix), prefix))


def _link_ip(link: Link, port: Port) -> Any:
    """An address in Mininet's `params1` or `params2`."""
    params = link.options.get("params1" if port == link.a else "params2")
    return params.get("ip") if isinstance(params, dict) else None
