"""One question's facts, as the checks ask them: who has an address, which cables lie between, what passed.  Pure."""

from collections import deque
from collections.abc import Iterable
from ipaddress import ip_interface, ip_network

from lan.reasons import Sentence
from lan.whynot.facts import Cable, Device, Facts, Interface, Neighbour, Seen
from lan.whynot.nftables import Packet

MOST_SHOWN = 3
"""Frames that a step names as its evidence."""


class Case:
    """One question's facts."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.question, self.attempt = facts, facts.question, facts.attempt
        self.client = facts.devices[facts.question.client]

    def device(self, name: str) -> Device | None:
        """A host by name."""
        return self.facts.devices.get(name)

    def hosts(self) -> list[str]:
        """The names of all devices but switches; of many, those that were not asked too."""
        ends = [end.device for cable in self.facts.cables for end in (cable.a, cable.b)]
        return [name for name in dict.fromkeys([*self.facts.devices, *ends]) if name not in self.facts.switches]

    # ---- addresses

    def owners(self, address: str) -> list[Device]:
        """The devices that have an address, those first that have it on a cable that carries."""
        return [device for device in self.facts.devices.values() if address in device.addresses]

    def meant(self, address: str) -> Device | None:
        """The device whose address it should be."""
        return next((it for it in self.facts.devices.values() if _plain(it.static_address) == address), None)

    def interface_with(self, device: Device, address: str) -> Interface | None:
        """The interface of a device that has an address."""
        return next((it for it in device.interfaces if address in map(_plain, it.addresses)), None)

    def subnet_of(self, address: str) -> str:
        """ADDRESS/PREFIX of whoever has it, "" where nobody does."""
        held = [one for device in self.owners(address) for it in device.interfaces for one in it.addresses]
        return next((one for one in held if _plain(one) == address), "")

    def is_local(self, device: Device, address: str) -> bool:
        """Whether an address lies in a network that the device is on."""
        held = [one for it in device.interfaces if it.name != "lo" for one in it.addresses]
        return any(ip_interface(address).ip in ip_network(one, strict=False) for one in held)

    def neighbour(self, device: Device, address: str) -> Neighbour | None:
        """The row of its ARP table for an address."""
        return next((row for row in device.neighbours if row.address == address), None)

    # ---- cables

    def cables_at(self, device: str, interface: str | None = None) -> list[Cable]:
        """The cables of a device, or that of one of its interfaces."""
        ends = [cable for cable in self.facts.cables if device in (cable.a.device, cable.b.device)]
        return [cable for cable in ends if interface in (None, cable.end(device).interface)]

    def path(self, device: str, interface: str, to: str) -> list[tuple[str, Cable]]:
        """The cables from an interface to a device through switches alone: (sender, cable), in order; [] where none."""
        first = self.cables_at(device, interface)
        waiting = deque([(device, cable)] for cable in first)
        known = {device}
        while waiting:
            way = waiting.popleft()
            sender, cable = way[-1]
            here = cable.other(sender).device
            if here == to:
                return way
            if here in known or here not in self.facts.switches:
                continue
            known.add(here)
            waiting.extend([*way, (here, more)] for more in self.cables_at(here) if more is not cable)
        return []

    def neighbours_of(self, device: str, interface: str) -> list[str]:
        """The hosts that an interface reaches through switches alone."""
        return [name for name in self.facts.devices if name != device and self.path(device, interface, name)]

    # ---- frames

    def frames(
        self, packet: Packet, *, sender: str | None = None, receiver: str | None = None, way: str | None = None
    ) -> list[Seen]:
        """The sightings of a packet, on the cable from a device or to one.  `way` is what `Seen.what` holds."""
        return [
            seen
            for seen in self.facts.seen
            if _is(seen, packet)
            and sender in (None, seen.sender)
            and receiver in (None, seen.receiver)
            and (way is None or way in seen.what)
        ]

    def arp(self, address: str, what: str, *, receiver: str | None = None) -> list[Seen]:
        """ARP: requests for an address, or replies of it."""
        return [
            seen
            for seen in self.facts.seen
            if seen.protocol == "arp"
            and seen.what == what
            and (seen.dst if what == "request" else seen.src) == address
            and receiver in (None, seen.receiver)
        ]


def _is(seen: Seen, packet: Packet) -> bool:
    if (seen.protocol, seen.src, seen.dst) != (packet.protocol, packet.src, packet.dst):
        return False
    if packet.protocol == "icmp":
        return seen.what.replace(" ", "-") == packet.icmp_type
    return all(want in (0, have) for want, have in ((packet.sport, seen.sport), (packet.dport, seen.dport)))


def _plain(address: str) -> str:
    return address.partition("/")[0]


def told(frames: Iterable[Seen]) -> tuple[str, ...]:
    """Frames as lines of evidence, each frame once, a few at most."""
    lines: dict[str, str] = {}
    for seen in frames:
        facts = {"number": seen.number, "sender": seen.sender, "receiver": seen.receiver, "text": seen.text}
        lines.setdefault(seen.text, Sentence("frame {number}  {sender} → {receiver}  {text}", **facts))
    return tuple(list(lines.values())[:MOST_SHOWN])


def numbers(frames: Iterable[Seen]) -> tuple[int, ...]:
    """Their numbers."""
    return tuple(seen.number for seen in frames)[:12]
