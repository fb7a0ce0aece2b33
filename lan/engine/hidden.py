"""The hidden namespace of a LAN: there lie the inner ends of cables that do something to frames.

    device A ⇄ a  [hidden]  b ⇄ device B

Two veth pairs.  The outer ends lie where a plain cable's ends lie, under the same names, so a device,
a switch and a tap see nothing new; whoever carries the frames sits between a and b.  No device is in
this namespace, and it has no addresses, so its kernel sends nothing.
"""

import socket
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

from lan.engine import netns, offloads, settings
from lan.engine.fabric import Fabric
from lan.engine.netlink import Netlink
from lan.topo.spec import Link, Port, mac_address
from lan.wire import rtnetlink
from lan.wire.rtnetlink import End

_FIRST_INDEX = 1_000_000
"""Above every outer end's: the kernel tells a carrier's change at once only where peers' numbers differ."""
MTU_MAX = 65535
"""An inner end takes what its outer end sends, whatever MTU a device has been given."""
Ends = frozenset[Port]


@dataclass(frozen=True, slots=True)
class Inner:
    """The inner ends of one cable, by name: `a` is joined to the first end of the cable, `b` to its second."""

    a: str
    b: str


class Hidden:
    """The inner ends of all cables of one LAN.  The namespace is made with the first."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._inner: dict[Ends, Inner] = {}
        self._next = 0
        self._namespace: int | None = None
        self._netlink: Netlink | None = None

    @property
    def namespace(self) -> int:
        """Its descriptor."""
        if self._namespace is None:
            self._namespace = netns.new()
            try:
                settings.establish()
                self._netlink = Netlink()
            finally:
                netns.enter(self._fabric.home)
        return self._namespace

    @property
    def netlink(self) -> Netlink:
        """A socket in it."""
        assert self.namespace and self._netlink is not None
        return self._netlink

    def inner(self, link: Link) -> Inner | None:
        """A cable's inner ends; None for a plain one."""
        return self._inner.get(frozenset((link.a, link.b)))

    def lay(self, links: Iterable[Link]) -> None:
        """Two pairs for each cable; switch ends come up at once, host ends when dressed."""
        links = list(links)
        self._fabric.number(links)
        ends = [(port, name) for link in links for port, name in self._take(link)]
        self._fabric.netlink.do([rtnetlink.new_veth(self._end(name), self._fabric.end(port)) for port, name in ends])
        for _, name in ends:
            self._trim(name)
        self._fabric.plug_in(port for port, _ in ends)

    def relay(self, link: Link) -> None:
        """Make a plain cable one of two pairs, while devices use it.

        The end at `kept_end` stays as it is and loses its carrier for a moment; its peer becomes an
        inner end, and a new end with the same name, MAC address and index takes the peer's place.
        Both inner ends stay down: `set` brings them up.
        """
        fabric = self._fabric
        kept = kept_end(link, fabric)
        replaced = link.other(kept)
        names = dict(self._take(link))
        saved = _Saved(fabric, replaced)
        index = fabric.index[replaced]
        with fabric.netlink_of(replaced.device) as there:
            there.do([rtnetlink.move_link(index, self.namespace, names[kept], mac_address("hidden", names[kept]))])
        fabric.netlink.do([rtnetlink.new_veth(self._end(names[replaced]), fabric.end(replaced))])
        for name in names.values():
            self._trim(name)
        self.set(link, up=False)
        if replaced.device in fabric.namespaces:
            fabric.bring_up(replaced)
        else:
            fabric.plug_in([replaced])
        saved.restore()
        with netns.inside(fabric.namespaces.get(kept.device, fabric.home), fabric.home), Netlink() as there:
            offloads.switch_off(there.socket, kept.interface)

    def set(self, link: Link, *, up: bool) -> None:
        """Both inner ends up, or down: then neither outer end has a carrier."""
        inner = self.inner(link)
        assert inner is not None
        self.netlink.do([rtnetlink.set_link(index, up=up) for index in self._indexes(inner)])

    def forget(self, link: Link) -> None:
        """A cable is gone for good: one pair went with each outer end."""
        self._inner.pop(frozenset((link.a, link.b)), None)

    def _take(self, link: Link) -> list[tuple[Port, str]]:
        """Names for the inner ends of one more cable."""
        self._next += 1
        inner = Inner(f"c{self._next}a", f"c{self._next}b")
        self._inner[frozenset((link.a, link.b))] = inner
        self._fabric.true_sized |= {link.a, link.b}
        return [(link.a, inner.a), (link.b, inner.b)]

    def _end(self, name: str) -> End:
        number = _FIRST_INDEX + 2 * int(name[1:-1]) + (name[-1] == "b")
        return End(name, mac_address("hidden", name), number, netns=self.namespace, mtu=MTU_MAX)

    def indexes(self, link: Link) -> list[int]:
        """The numbers of a cable's inner ends; none of a plain one."""
        return [] if (inner := self.inner(link)) is None else self._indexes(inner)

    def _indexes(self, inner: Inner) -> list[int]:
        with netns.inside(self.namespace, self._fabric.home):
            return [socket.if_nametoindex(name) for name in (inner.a, inner.b)]

    def _trim(self, name: str) -> None:
        offloads.switch_off(self.netlink.socket, name)


def kept_end(link: Link, fabric: Fabric) -> Port:
    """The end that stays when a cable is laid anew: a host's, which has addresses and sockets; of two, the first."""
    return link.b if link.b.device in fabric.namespaces and link.a.device not in fabric.namespaces else link.a


class _Saved:
    """What a host's interface was given, to be given to the one that takes its place."""

    def __init__(self, fabric: Fabric, port: Port) -> None:
        self._fabric, self._words = fabric, list[tuple[list[str], bytes]]()
        if port.device in fabric.namespaces:
            self._namespace = fabric.namespaces[port.device]
            for words in (["-4", "address"], ["-4", "route"], ["-6", "address"], ["-6", "route"]):
                self._words.append((words, self._ip([*words, "save", "dev", port.interface])))

    def restore(self) -> None:
        for words, saved in self._words:
            self._ip([*words, "restore"], saved)

    def _ip(self, words: list[str], given: bytes = b"") -> bytes:
        """What ip(8) prints; it wants to seek in what it reads."""
        with tempfile.TemporaryFile() as file, netns.inside(self._namespace, self._fabric.home):
            file.write(given)
            file.seek(0)
            return subprocess.run(["ip", *words], stdin=file, check=False, capture_output=True).stdout
