"""Which ports hear each other's broadcasts: the LAN's layer-2 segments.  IEEE 802.1D, without VLANs."""

from collections.abc import Hashable
from typing import Any

from lan.topo.spec import Lan, Port


class Groups:
    """Things joined two by two, as a union-find forest; nearly constant time each."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def find(self, thing: Hashable) -> Hashable:
        """The one that stands for the group of `thing`."""
        parents = self._parents
        root = thing
        while (parent := parents.get(root, root)) != root:
            root = parent
        while (parent := parents.get(thing, root)) != root:
            parents[thing], thing = root, parent
        return root

    def join(self, one: Hashable, other: Hashable) -> bool:
        """Put both in one group; False where they were already."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return False
        self._parents[other] = one
        return True


def segments(lan: Lan) -> dict[tuple[str, str], int]:
    """(device, interface) → the number of its segment; a switch joins its ports, a host does not."""
    groups = Groups()

    def place(port: Port) -> Any:
        device = lan.devices.get(port.device)
        return port.device if device is not None and device.is_switch else (port.device, port.interface)

    for link in lan.links:
        groups.join(place(link.a), place(link.b))
    numbers: dict[Hashable, int] = {}
    found = {}
    for link in lan.links:
        for port in (link.a, link.b):
            root = groups.find(place(port))
            found[port.device, port.interface] = numbers.setdefault(root, len(numbers))
    return found
