"""The namespaces and cables of one LAN, made in batches.

Hosts get a network namespace each.  Switches live in the bubble's own, so that the switch-side ends
of all cables lie side by side there, where one packet socket sees every port.  A descriptor holds a
namespace, one netlink message makes a cable, one more datagram dresses a host.
"""

import contextlib
import ipaddress
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lan.engine import ageing, netns, offloads, settings
from lan.engine.netlink import MOST_WATCHED, LinkWatch, Netlink
from lan.errors import RunError
from lan.topo.spec import Device, Link, Port
from lan.wire import rtnetlink
from lan.wire.rtnetlink import End, Request

_FIRST_HOST_INDEX = 11
"""Below it lie lo and the fallback tunnels that a kernel may put into every namespace."""
_FIRST_SWITCH_INDEX, _FIRST_PORT_INDEX = 100, 10_000
CARRIER_DEADLINE_S = 5.0
"""For both ends of a cable to find their carrier; the kernel takes milliseconds."""
LOOK_S = 0.1
"""For a look at ends whose turn comes when others have used up the deadline."""


@dataclass(frozen=True, slots=True)
class Dress:
    """What a host's namespace is given once its cables are in."""

    address: str | None = None
    gateway: str | None = None
    device_route: str | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[Port, str] = field(default_factory=dict)
    """Addresses of other ports than the first."""


class Fabric:
    """All namespaces and cables of one LAN, in the process that is the bubble's PID 1."""

    def __init__(self, *, offload: bool = False) -> None:
        self.home = netns.current()
        self.offload = offload
        self.namespaces: dict[str, int] = {}
        self.index: dict[Port, int] = {}
        self.true_sized: set[Port] = set()
        """Ports without any offload, whatever the LAN's are: those of cables that do something to frames."""
        self.netlink = Netlink()
        self._ioctl = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._bridges: dict[str, int] = {}
        self._next_port = _FIRST_PORT_INDEX
        self._plugged: dict[str, int] = {}
        self._baseline = settings.Establishing()
        self._born_up: set[Port] = set()
        """Ends that came up before their peers."""
        self.netlink.do([rtnetlink.set_link(1, up=True)])
        settings.establish()

    def add_hosts(self, names: Iterable[str]) -> None:
        """A namespace for each name, with the baseline settings."""
        try:
            for name in names:
                self.namespaces[name] = netns.new()
                self._baseline.establish()
        finally:
            netns.enter(self.home)
            self._baseline.release()

    def add_bridges(self, switches: Iterable[Device], mac: Mapping[str, str]) -> None:
        """A kernel bridge for each switch."""
        requests = []
        for switch in switches:
            self._bridges[switch.name] = max(self._bridges.values(), default=_FIRST_SWITCH_INDEX - 1) + 1
            name, index = switch.name, self._bridges[switch.name]
            requests.append(rtnetlink.new_bridge(name, mac[name], index, ageing_s=ageing.of(switch)))
        self.netlink.do(requests)
        for switch_name in self._bridges:
            offloads.switch_off(self._ioctl, switch_name, offloads.CHECKSUM if self.offload else offloads.ALL)

    def set_ageing(self, switch: Device) -> None:
        """Have a kernel bridge remember silent stations for as long as its device says from now on."""
        index = self._bridges[switch.name]
        self.netlink.do([rtnetlink.set_bridge(switch.name, index, ageing_s=ageing.of(switch))])

    def number(self, links: Iterable[Link]) -> None:
        """Fix the interface index of both ends of cables to be, so that others can know them before they lie."""
        for link in links:
            for port in (link.a, link.b):
                if port in self.index:
                    continue
                if port.device in self.namespaces:
                    count = self._plugged.get(port.device, 0)
                    self.index[port] = _FIRST_HOST_INDEX + count
                    self._plugged[port.device] = count + 1
                else:
                    self.index[port] = self._next_port
                    self._next_port += 1

    def add_cables(self, links: Iterable[Link]) -> None:
        """A veth pair for each cable; switch ends come up at once, host ends by the time they are dressed."""
        links = list(links)
        self.number(links)
        self.netlink.do([self._cable(link) for link in links])
        self.plug_in(port for link in links for port in (link.a, link.b))

    def plug_in(self, ports: Iterable[Port]) -> None:
        """Bring up the ends at switches, in their bridges; a host's come up when it is dressed."""
        at_switches = [port for port in ports if port.device not in self.namespaces]
        for port in at_switches:
            self._trim(self._ioctl, port)
        self.netlink.do([self._plug(port) for port in at_switches])

    def dress(self, device: str, ports: Iterable[Port], clothes: Dress) -> None:
        """Bring a host's interfaces up, give the first one its address and routes, and others what they have."""
        ports = list(ports)
        requests = [rtnetlink.set_link(1, up=True)]
        requests += [rtnetlink.set_link(self.index[port], up=True) for port in ports if port not in self._born_up]
        if ports:
            requests += [
                rtnetlink.new_address(self.index[port], ipaddress.ip_interface(address))
                for port, address in clothes.more.items()
            ]
            requests += self._addressing(self.index[ports[0]], clothes)
        with netns.inside(self.namespaces[device], self.home), Netlink() as there:
            sock = there.socket
            for port in ports:
                self._trim(sock, port)
            there.do(requests)
            if clothes.sysctls:
                settings.apply(clothes.sysctls, device=device)

    def set_cable(self, link: Link, *, up: bool) -> None:
        """Pull a cable, or plug it: then frames pass when this returns.

        The switch's end goes down, so that the host loses its carrier and keeps its settings, as when
        a cable is pulled; between two hosts it is the second's end.
        """
        with self.plugging(link) if up else contextlib.nullcontext():
            self.set_end(link, up=up)

    def set_end(self, link: Link, *, up: bool) -> None:
        """The end of a cable that stands for its plug, up or down."""
        port = link.a if link.a.device not in self.namespaces else link.b
        with self.netlink_of(port.device) as there:
            there.do([rtnetlink.set_link(self.index[port], up=up)])

    @contextlib.contextmanager
    def plugging(self, link: Link) -> Iterator[None]:
        """Within it a cable is plugged; at its end frames pass."""
        watches = [self._watch(end) for end in (link.a, link.b)]
        yield
        for watch in watches:
            watch.wait_carrying(CARRIER_DEADLINE_S)
        for end in (link.a, link.b):
            self._forget_unresolved(end)

    def _forget_unresolved(self, port: Port) -> None:
        """Forget whom a host asked for in vain while its cable was out: it asks again at once, not in a second."""
        if port.device in self.namespaces:
            with netns.inside(self.namespaces[port.device], self.home):
                words = ["ip", "neighbour", "flush", "dev", port.interface, "nud", "incomplete", "nud", "failed"]
                subprocess.run(words, check=False, capture_output=True)

    def _watch(self, port: Port) -> LinkWatch:
        with netns.inside(self.namespaces.get(port.device, self.home), self.home):
            return LinkWatch([self.index[port]])

    def wait_carrying(self, ports: Iterable[Port], more: Mapping[int, Iterable[int]]) -> None:
        """Have ends of cables carry frames that came up before their peers, and `more` such.

        Those are a namespace's descriptor → indexes of links there.  An end that comes up last does it by itself.
        """
        sought = {namespace: set(indexes) for namespace, indexes in more.items()}
        for port in self._born_up.intersection(ports):
            sought.setdefault(self.namespaces.get(port.device, self.home), set()).add(self.index[port])
        until_s, silent = time.monotonic() + CARRIER_DEADLINE_S, 0
        for namespace, found in sought.items():
            indexes = sorted(found)
            for at in range(0, len(indexes), MOST_WATCHED):
                with netns.inside(namespace, self.home):
                    watch = LinkWatch(indexes[at : at + MOST_WATCHED])
                silent += len(watch.wait_carrying(max(LOOK_S, until_s - time.monotonic())))
        if silent:
            print(f"{silent} ends of cables have no carrier after {CARRIER_DEADLINE_S:g} s", file=sys.stderr)

    def remove_cable(self, link: Link) -> None:
        """Take a cable away for good."""
        with self.netlink_of(link.a.device) as there:
            there.do([rtnetlink.delete_link(self.index.pop(link.a))])
        self.index.pop(link.b, None)
        self._born_up -= {link.a, link.b}

    def remove_pairs(self, link: Link) -> None:
        """Take a cable of two pairs away for good: each outer end, and its inner one with it."""
        for port in (link.a, link.b):
            with self.netlink_of(port.device) as there:
                there.do([rtnetlink.delete_link(self.index.pop(port))])
        self._born_up -= {link.a, link.b}

    def remove(self, device: str) -> None:
        """Take a host's namespace or a bridge away, once its cables are gone."""
        if device in self.namespaces:
            os.close(self.namespaces.pop(device))
        elif device in self._bridges:
            self.netlink.do([rtnetlink.delete_link(self._bridges.pop(device))])

    def readdress(self, device: str, port: Port, old: str | None, new: str | None, gateway: str | None) -> None:
        """Change the address of a host's port while it runs."""
        index = self.index[port]
        with self.netlink_of(device) as there:
            if old is not None:
                with contextlib.suppress(RunError):  # the user may have taken it off already
                    there.do([rtnetlink.delete_address(index, ipaddress.ip_interface(old))])
            there.do(self._addressing(index, Dress(address=new, gateway=gateway)))

    def bring_up(self, port: Port) -> None:
        """Bring up a host's end of a cable laid while the LAN runs."""
        with netns.inside(self.namespaces[port.device], self.home), Netlink() as there:
            self._trim(there.socket, port)
            there.do([rtnetlink.set_link(self.index[port], up=True)])

    def flush(self, device: str, port: Port) -> None:
        """Take every address off a host's port, whoever gave it: down and up again clears routes too."""
        with netns.inside(self.namespaces[device], self.home):
            subprocess.run(["ip", "address", "flush", "dev", port.interface], check=False, capture_output=True)

    @contextlib.contextmanager
    def netlink_of(self, device: str) -> Iterator[Netlink]:
        """A netlink socket where the device's ends lie."""
        if device not in self.namespaces:
            yield self.netlink
            return
        with netns.inside(self.namespaces[device], self.home), Netlink() as there:
            yield there

    def _cable(self, link: Link) -> Request:
        """One end is born up, a host's where there is one: then the switch's is all that changes once it comes up."""
        near, far = (link.b, link.a) if link.b.device in self.namespaces else (link.a, link.b)
        self._born_up.add(near)
        return rtnetlink.new_veth(self.end(near), self.end(far))

    def _plug(self, port: Port) -> Request:
        """A switch's end comes up in its bridge: a cable's far end can't be born there, the kernel ignores it.

        Open vSwitch's take all frames, as it would set them itself: then it has nothing to change.
        """
        if port.device in self._bridges:
            return rtnetlink.set_link(self.index[port], up=True, master=self._bridges[port.device])
        return rtnetlink.listen_up(self.index[port])

    def end(self, port: Port) -> End:
        """An end of a cable as it is to be made."""
        namespace, master = self.namespaces.get(port.device), self._bridges.get(port.device)
        return End(port.interface, port.mac, self.index[port], netns=namespace, master=master)

    @staticmethod
    def _addressing(index: int, clothes: Dress) -> list[Request]:
        requests = []
        if clothes.address is not None:
            requests.append(rtnetlink.new_address(index, ipaddress.ip_interface(clothes.address)))
        if clothes.gateway is not None:
            requests.append(rtnetlink.new_default_route(ipaddress.IPv4Address(clothes.gateway)))
        elif clothes.device_route is not None:
            requests.append(rtnetlink.device_route(index))
        return requests

    def _trim(self, sock: socket.socket, port: Port) -> None:
        keeps = self.offload and port not in self.true_sized
        offloads.switch_off(sock, port.interface, offloads.CHECKSUM if keeps else offloads.ALL)
