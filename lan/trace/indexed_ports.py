"""The ports of a capture whose frames are read by index: their cables and links, and whose frames are first sightings.

Each interface of a file is looked at once, however many there are.  Pure.
"""

from lan.trace.frame import Direction, device_of_port
from lan.trace.pcapng import Reader
from lan.trace.pcapng_format import LINKTYPE_ETHERNET


class IndexedPorts:
    """`cables` and `linktypes` are of all sections; `firsts` and `is_ethernet`, by interface, of the last one.

    `firsts` says of each direction whether a frame that went so is a first sighting: those that no switch sent.  It has
    the interfaces that a frame was met of since the last switch was marked; `first_ways_of` has any.
    """

    def __init__(self, switches: frozenset[str] | None) -> None:
        self.cables: dict[tuple[str, str], None] = {}
        """The two ends of each, in the order of the file."""
        self.linktypes: set[int] = set()
        self.firsts: dict[int, dict[Direction, bool]] = {}
        self.is_ethernet: list[bool] = []
        self._given, self._marked = switches, set[str]()
        self._marks_read = self._peers_read = 0
        """Of the section: how many marks of switches, and ends of cables told later, were read of its interfaces."""

    @property
    def switches(self) -> frozenset[str] | None:
        """The devices that hand frames on, given or marked; None where nobody says."""
        return self._given if self._given is not None else frozenset(self._marked) or None

    def begin_section(self) -> None:
        """What was known of interfaces is of a section before."""
        self.firsts, self.is_ethernet, self._marks_read, self._peers_read = {}, [], 0, 0

    def learn(self, reader: Reader) -> list[bool]:
        """Take up what the section's reader has of interfaces by now; `is_ethernet`."""
        if marked := reader.marked[self._marks_read :]:  # which may say more of interfaces that are known
            self._marks_read += len(marked)
            self._marked.update(marked)
            if self._given is None:
                self.firsts = {}
        for at in reader.given_peers[self._peers_read :]:
            each = reader.interfaces[at]
            self.cables.pop((each.port, ""), None)
            self.cables[each.port, each.peer] = None
            self.firsts.pop(at, None)
        self._peers_read = len(reader.given_peers)
        for each in reader.interfaces[len(self.is_ethernet) :]:
            self.is_ethernet.append(each.linktype == LINKTYPE_ETHERNET)
            self.linktypes.add(each.linktype)
            self.cables[each.port, each.peer] = None
        return self.is_ethernet

    def first_ways_of(self, number: int, reader: Reader) -> dict[Direction, bool]:
        """Which directions are first sightings at an interface of the section: looked at when a frame of it is met."""
        ends = reader.interfaces[number]
        found = self.firsts[number] = self.first_ways(ends.port, ends.peer)
        return found

    def first_ways(self, port: str, peer: str) -> dict[Direction, bool]:
        """Which directions are first sightings at a port."""
        switches = self._given if self._given is not None else self._marked or None
        own, other = device_of_port(port), device_of_port(peer)
        is_switch = [port.startswith(f"{each}:") if switches is None else each in switches for each in (own, other)]
        return {Direction.OUT: not is_switch[0], Direction.IN: not is_switch[1], Direction.UNKNOWN: True}
