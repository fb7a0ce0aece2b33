"""Mininet's Mininet: collects devices and cables, `start` brings them up as one LAN, `stop` drops it.

What an option means in Mininet it means here; one that can't be had is refused by name.
"""

import ipaddress
import shutil
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from mininet.topo import Topo

from lan.control import launch, messages
from lan.control.client import RunningLan
from lan.control.launch import Launch
from lan.devices.kinds import schemas
from lan.errors import MachineError, RunError, UsageError, nearest
from lan.links import schedule, words
from lan.mininet.node import Intf, Link, Node
from lan.topo import spec
from lan.topo.problem import raise_problems
from lan.topo.validate import validate

_REFUSED = ("xterms", "inNamespace", "autoPinCpus", "listenPort", "intf", "host", "link")
_OPTIONS = words.FILE_NAMES | {"at"}
_SWITCHES = {
    "LinuxBridge": "bridge",
    "OVSBridge": "ovs",
    "OVSSwitch": "ovs",
    "OVSKernelSwitch": "ovs",
    "UserSwitch": "ovs",
}


class Mininet:
    """A network to be, then a network that runs."""

    def __init__(
        self,
        topo: Topo | None = None,
        switch: Any = None,
        host: Any = None,
        controller: Any = None,
        link: Any = None,
        intf: Any = None,
        build: bool = True,
        xterms: bool = False,
        cleanup: bool = False,
        ipBase: str = "10.0.0.0/8",  # noqa: N803 - Mininet's names, here and below
        inNamespace: bool = False,  # noqa: N803
        autoSetMacs: bool = False,  # noqa: N803
        autoStaticArp: bool = False,  # noqa: N803
        autoPinCpus: bool = False,  # noqa: N803
        listenPort: int | None = None,  # noqa: N803
        waitConnected: bool = False,  # noqa: N803
    ) -> None:
        given = {"xterms": xterms, "inNamespace": inNamespace, "autoPinCpus": autoPinCpus, "listenPort": listenPort}
        kinds = {"intf": intf, "host": host, "link": link if _link_word(link) is None else None}
        for name, value in {**given, **kinds}.items():
            if value:
                raise UsageError(f"Mininet({name}=…) can't be had", expected=f"without {', '.join(_REFUSED)}")
        self.topo, self.ipBase, self.autoSetMacs, self.autoStaticArp = topo, ipBase, autoSetMacs, autoStaticArp
        self._switch = _switch_word(switch)
        self.hosts: list[Node] = []
        self.switches: list[Node] = []
        self.links: list[Link] = []
        self.controllers: list[Any] = []
        self.nameToNode: dict[str, Node] = {}
        self._running: RunningLan | None = None
        self._next_ip = 1
        if topo is not None and build:
            self.build()

    # ---- its life

    def build(self) -> None:
        """Take over the Topo's nodes and links, in Mininet's order."""
        if self.topo is None:
            return
        for name in self.topo.hosts():
            self.addHost(name, **self.topo.nodeInfo(name))
        for name in self.topo.switches():
            self.addSwitch(name, **self.topo.nodeInfo(name))
        for _, _, params in self.topo.links(sort=True, withInfo=True):
            self.addLink(**params)
        self.topo = None

    def start(self) -> None:
        """Bring it up; returns when all answers."""
        self.build()
        if threading.active_count() > 1:
            raise UsageError("a LAN can't be started from a process with several threads", todo="start it first")
        lan = self._spec()
        raise_problems(validate(lan, schemas()), "the Mininet object")
        self._running = launch.up(lan, Launch(another=True, switch=self._switch)).lan
        if self.autoStaticArp:
            self.staticArp()

    def stop(self) -> None:
        """Drop the bubble, and everything in it."""
        for node in self.values():
            node.terminate()
        if self._running is not None:
            self._running.down()
            self._running = None

    @property
    def is_running(self) -> bool:
        """Whether it is up."""
        return self._running is not None

    @property
    def running(self) -> RunningLan:
        """The running LAN.  Raises UsageError before `start` and after `stop`."""
        if self._running is None:
            raise UsageError("the network is not up", todo="net.start()")
        return self._running

    def __enter__(self) -> "Mininet":
        if not self.is_running:
            self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.stop()

    # ---- nodes and links

    def addHost(self, name: str, cls: Any = None, **params: Any) -> Node:  # noqa: N802
        """One more host; while the network runs, too."""
        if cls is not None:
            raise UsageError(f"{name}: cls= can't be had", todo="kind='dns-server' and the like")
        params.setdefault("ip", self._address())
        node = self._add(Node(self, name, params, is_switch=False), self.hosts)
        if self.is_running:
            kind, options = _kind_and_options(params, "pc")
            self.running.ask(messages.AddHost(name, kind, options))
        return node

    def addSwitch(self, name: str, cls: Any = None, **params: Any) -> Node:  # noqa: N802
        """One more switch, before `start`."""
        if self.is_running:
            raise UsageError(f"{name}: a switch can't be added while the network runs", todo="add it before start()")
        params.pop("isSwitch", None)
        params.pop("batch", None)
        if word := _switch_word(cls):
            params["switch"] = word
        return self._add(Node(self, name, params, is_switch=True), self.switches)

    def addController(self, name: str = "c0", controller: Any = None, **params: Any) -> str:  # noqa: N802
        """Accepted and not needed: every network has its own; a remote one is refused."""
        if "Remote" in getattr(controller, "__name__", ""):
            raise UsageError(f"{name}: a remote controller can't be had: a LAN has no way out")
        self.controllers.append(name)
        return name

    def addLink(  # noqa: N802
        self, node1: Any, node2: Any, port1: int | None = None, port2: int | None = None, cls: Any = None, **params: Any
    ) -> Link:
        """A cable between two nodes (or names), as long, narrow and lossy as `params` say; while it runs, too."""
        strange = [name for name in params if name not in _OPTIONS]
        if _link_word(cls) is None or strange:
            refused = ", ".join(["cls"] * (_link_word(cls) is None) + strange)
            raise UsageError(f"addLink: {refused} can't be had", expected="one of " + ", ".join(sorted(_OPTIONS)))
        params = {name: value for name, value in params.items() if value is not None}
        if faults := words.read_file(params)[1] + schedule.read(params)[1]:
            raise faults[0]
        one, other = self[str(node1)], self[str(node2)]
        ports = (one.newPort() if port1 is None else port1, other.newPort() if port2 is None else port2)
        intfs = [self._intf(node, port) for node, port in zip((one, other), ports, strict=True)]
        link = Link(intfs[0], intfs[1], params)
        self.links.append(link)
        if self.is_running:
            laid = self.running.add_link(one.name, other.name, options=params)
            for intf in intfs:
                end = laid.end(intf.node.name)
                intf.name, intf.mac = end.interface, end.mac
        return link

    def delLink(self, link: Link) -> None:  # noqa: N802
        """Take a cable away."""
        if self.is_running:
            self.running.ask(messages.RemoveLink(link.intf1.node.name, link.intf2.node.name))
        for intf in (link.intf1, link.intf2):
            intf.node.intfs = {port: other for port, other in intf.node.intfs.items() if other is not intf}
        self.links.remove(link)

    def linksBetween(self, node1: Node, node2: Node) -> list[Link]:  # noqa: N802
        """The cables between two nodes."""
        return [link for link in self.links if {link.intf1.node, link.intf2.node} == {node1, node2}]

    def get(self, *names: str) -> Any:
        """Nodes by name: one, or a list."""
        found = [self[name] for name in names]
        return found[0] if len(found) == 1 else found

    def __getitem__(self, name: str) -> Node:
        if name not in self.nameToNode:
            near = nearest(name, self.nameToNode)
            raise KeyError(f"{name}; did you mean {near}?" if near else name)
        return self.nameToNode[name]

    def __contains__(self, name: object) -> bool:
        return name in self.nameToNode

    def __iter__(self) -> Iterator[str]:
        return iter([node.name for node in self.values()])

    def __len__(self) -> int:
        return len(self.nameToNode)

    def keys(self) -> list[str]:
        """Names of all nodes."""
        return list(self)

    def values(self) -> list[Node]:
        """All nodes, hosts first."""
        return [*self.hosts, *self.switches]

    def items(self) -> list[tuple[str, Node]]:
        """Names and nodes."""
        return [(node.name, node) for node in self.values()]

    # ---- trying it

    def ping(self, hosts: list[Node] | None = None, timeout: Any = None) -> float:
        """Each host pings each other; prints as Mininet does; the share lost, in percent."""
        hosts = hosts or self.hosts
        print("*** Ping: testing ping reachability")
        pairs = [(one.name, other.name) for one in hosts for other in hosts if one is not other]
        wait_s = float(timeout) if timeout else 2.0
        answered = {(one, other) for one, other, rtt in self.running.ping_all(pairs, wait_s) if rtt is not None}
        for one in hosts:
            words = [o.name if (one.name, o.name) in answered else "X" for o in hosts if o is not one]
            print(f"{one.name} -> {' '.join(words)} ")
        lost = len(pairs) - len(answered)
        share = 100.0 * lost / len(pairs) if pairs else 0.0
        received = len(answered)
        print(
            f"*** Results: {share:.0f}% dropped ({received}/{len(pairs)} received)"
            if pairs
            else "*** Warning: No packets sent"
        )
        return share

    def pingAll(self, timeout: Any = None) -> float:  # noqa: N802
        """All hosts."""
        return self.ping(timeout=timeout)

    def pingPair(self) -> float:  # noqa: N802
        """The first two hosts."""
        return self.ping(self.hosts[:2])

    def iperf(
        self,
        hosts: list[Node] | None = None,
        l4Type: str = "TCP",  # noqa: N803
        udpBw: str = "10M",  # noqa: N803
        seconds: int = 5,
    ) -> list[str]:
        """Throughput between two hosts, measured by iperf3: both directions' words.  Raises MachineError without it."""
        if shutil.which("iperf3") is None:
            raise MachineError("iperf3 is not installed", todo="apt-get install iperf3")
        client, server = hosts or [self.hosts[0], self.hosts[-1]]
        print(f"*** Iperf: testing {l4Type} bandwidth between {client} and {server}")
        serving = server.popen("iperf3", "-s", "-1", "--forceflush", text=True)
        for line in serving.stdout or ():
            if "listening" in line:
                break
        words = ["iperf3", "-c", str(server.IP()), "-t", str(seconds), "-f", "m"]
        out, err, code = client.pexec(*words, *(["-u", "-b", udpBw] if l4Type == "UDP" else []))
        serving.wait()
        if code:
            raise RunError(f"iperf3 on {client}: {err.strip() or out.strip()}")
        rates = [
            " ".join(line.split()[6:8]) for line in out.splitlines() if line.rstrip().endswith(("sender", "receiver"))
        ]
        print(f"*** Results: {rates}")
        return rates

    def configLinkStatus(self, src: str, dst: str, status: str) -> None:  # noqa: N802
        """Pull (down) or plug (up) the cables between two nodes."""
        if status not in ("up", "down"):
            raise UsageError(f"configLinkStatus: {status!r} is neither up nor down")
        self.running.set_link(src, dst, up=status == "up")

    def staticArp(self) -> None:  # noqa: N802
        """Tell every host every other's hardware address."""
        for one in self.hosts:
            for other in self.hosts:
                if one is not other and other.IP():
                    one.setARP(str(other.IP()), str(other.MAC()))

    def waitConnected(self, timeout: Any = None, delay: float = 0.5) -> bool:  # noqa: N802
        """True: `start` returns only when all switches have their controller."""
        return self.is_running

    # ---- inside

    def _add(self, node: Node, nodes: list[Node]) -> Node:
        if node.name in self.nameToNode:
            raise UsageError(f"a node {node.name} is there already")
        nodes.append(node)
        self.nameToNode[node.name] = node
        return node

    def _address(self) -> str:
        base = ipaddress.ip_network(self.ipBase, strict=False)
        address = f"{base.network_address + self._next_ip}/{base.prefixlen}"
        self._next_ip += 1
        return address

    def _intf(self, node: Node, port: int) -> Intf:
        name = f"{node.name}-eth{port}"
        mac = str(node.params.get("mac") or "") if not node.intfs else ""
        if not mac and self.autoSetMacs and not node.is_switch and not node.intfs:
            mac = ":".join(f"{byte:02x}" for byte in (self.hosts.index(node) + 1).to_bytes(6, "big"))
        intf = node.intfs[port] = Intf(name, node, mac or spec.mac_address(node.name, name))
        return intf

    def _spec(self) -> spec.Lan:
        devices = {}
        for node in [*self.switches, *self.hosts]:
            kind, options = _kind_and_options(node.params, "switch" if node.is_switch else "pc")
            devices[node.name] = spec.Device(node.name, kind, options, is_switch=node.is_switch)

        def port(intf: Intf) -> spec.Port:
            return spec.Port(intf.node.name, intf.name, intf.mac)

        links = tuple(spec.Link(port(link.intf1), port(link.intf2), link.params) for link in self.links)
        return spec.Lan("mininet", devices, links, "a Mininet object")


def _kind_and_options(params: dict[str, Any], default: str) -> tuple[str, dict[str, Any]]:
    options = {key: value for key, value in params.items() if key != "kind" and value is not None}
    return str(params.get("kind", default)), options


def _link_word(cls: Any) -> str | None:
    """The name of a link class of Mininet's that every cable here is like; None for another."""
    name = "Link" if cls is None else getattr(getattr(cls, "func", cls), "__name__", str(cls))
    return name if name in ("Link", "TCLink", "TCULink") else None


def _switch_word(switch: Any) -> str | None:
    """ours for a switch class of Mininet's; UsageError for one that has no counterpart."""
    if switch is None:
        return None
    name = getattr(getattr(switch, "func", switch), "__name__", str(switch))
    if name in ("bridge", "ovs"):
        return name
    if name not in _SWITCHES:
        raise UsageError(f"a switch {name} can't be had", expected="one of " + ", ".join(_SWITCHES))
    return _SWITCHES[name]
