"""The agent's hold on what writes down how the devices' kernels change: `kernel_watch.py`, in a process of its own.

One socket of a family hears all devices: it lies in a namespace that nothing else uses, where each device's has a
number (NETLINK_LISTEN_ALL_NSID, netlink(7)).  So an idle device costs its number and no descriptor.
"""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from lan.control import kernel_watch
from lan.control.kernel_watch import Ports
from lan.control.segment_trigger import open_trigger
from lan.engine import netns, programs
from lan.engine.fabric import Fabric
from lan.engine.netlink import Netlink
from lan.errors import RunError
from lan.topo.spec import Link
from lan.wire import rtnetlink

Answer = Callable[[], None]


class KernelLog:
    """Writes into `path` what the kernels of all hosts tell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.control, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._names: dict[str, int] = {}
        self._waiting: dict[int, Answer] = {}
        self._next = 0
        self._is_gone = False
        self._numbering: Netlink | None = None

    def start(self, fabric: Fabric, links: Iterable[Link]) -> None:
        """Listen to every host from now on: before it has its addresses, so that nothing is missed.

        Where the kernel does not let us, there is no record: nobody fails for the lack of it.
        """
        try:
            self._start(fabric, list(links))
        except (OSError, RunError) as error:
            print(f"the devices' kernels are not listened to: {error}", file=sys.stderr)  # in agent.log
            self._is_gone = True
            self._theirs.close()

    def _start(self, fabric: Fabric, links: list[Link]) -> None:
        own = netns.new()
        try:
            self._numbering = Netlink()
            hearing = kernel_watch.listen()
        finally:
            netns.enter(fabric.home)
            os.close(own)
        names = list(fabric.namespaces)
        self._number(fabric, names)
        spaces = {self._names[name]: (name, fabric.namespaces[name]) for name in names}
        at_switches, between = _cables(fabric, links)
        bridges = (kernel_watch.listen_to_bridges(), _switch_ports(fabric, links))
        triggers = [(open_trigger(), at_switches), *(_between(fabric, host, ports) for host, ports in between)]
        theirs, path, home = self._theirs, str(self.path), fabric.home
        ours = [theirs, *hearing, bridges[0], *(trigger for trigger, _ in triggers)]
        keep = [sock.fileno() for sock in ours] + [home] + [held for _, held in spaces.values()]
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

        def watch() -> None:
            kernel_watch.main(hearing, path, theirs, spaces, home, triggers, bridges)

        programs.call(watch, programs.Start([], dict(os.environ), "/", (nothing, 1, 2), keep=keep), "lan-kernel")
        os.close(nothing)
        for sock in ours:
            sock.close()

    def add(self, fabric: Fabric, links: Iterable[Link]) -> None:
        """Listen to hosts that came later, and to new cables."""
        if self._is_gone:
            return
        links = list(links)
        for name in dict.fromkeys(port.device for link in links for port in (link.a, link.b)):
            self.listen_to(fabric, name)
        at_switches, between = _cables(fabric, links)
        with contextlib.suppress(ConnectionError):
            more = [[index, *port] for index, port in _switch_ports(fabric, links).items()]
            self.control.send(json.dumps({"ports": at_switches, "switch_ports": more}).encode())
            for host, ports in between:
                trigger, _ = _between(fabric, host, ports)
                with trigger:
                    socket.send_fds(self.control, [json.dumps({"ports": ports}).encode()], [trigger.fileno()])

    def listen_to(self, fabric: Fabric, name: str) -> None:
        """Listen to a device from now on, if it is a host and is not listened to yet."""
        if self._is_gone or name not in fabric.namespaces or name in self._names:
            return
        self._number(fabric, [name])
        told = json.dumps({"add": name, "nsid": self._names[name]}).encode()
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self.control, [told], [fabric.namespaces[name]])

    def forget(self, name: str) -> None:
        """A host is gone; another of its name is another."""
        if (nsid := self._names.pop(name, None)) is not None:
            with contextlib.suppress(ConnectionError):
                self.control.send(json.dumps({"remove": nsid}).encode())

    def sync(self, answer: Answer) -> None:
        """`answer` comes once all that was told until now is in the file, or nobody writes there any more."""
        self._next += 1
        self._waiting[self._next] = answer
        with contextlib.suppress(ConnectionError):
            self.control.send(json.dumps({"sync": self._next}).encode())
        if self._is_gone:
            self._answer_all()

    def hear(self) -> bool:
        """Pass one word on to whoever waits for it; False when the process is gone."""
        try:
            data = self.control.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            self._is_gone = True
            with contextlib.suppress(OSError), self.path.open("ab", buffering=0) as file:
                file.write(b"\n" + kernel_watch.gap("all"))
            self._answer_all()
            return False
        if (waiter := self._waiting.pop(json.loads(data)["sync"], None)) is not None:
            waiter()
        return True

    def close(self) -> None:
        """Have the rest written; returns when it is."""
        with contextlib.suppress(ConnectionError):
            self.control.shutdown(socket.SHUT_WR)
            while self.control.recv(4096):
                pass

    def _number(self, fabric: Fabric, names: Iterable[str]) -> None:
        assert self._numbering is not None
        numbers = {name: self._next + at for at, name in enumerate(names, 1)}
        self._next += len(numbers)
        self._names |= numbers
        self._numbering.do(
            [rtnetlink.number_namespace(fabric.namespaces[name], nsid) for name, nsid in numbers.items()]
        )

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            answer()


def _cables(fabric: Fabric, links: Iterable[Link]) -> tuple[Ports, list[tuple[str, Ports]]]:
    """The hosts at the cables of each switch's interface; and, of cables without a switch, one end's host and both."""
    at_switches: Ports = {}
    between: list[tuple[str, Ports]] = []
    for link in links:
        hosts = [port.device for port in (link.a, link.b) if port.device in fabric.namespaces]
        if len(hosts) > 1:
            between.append((link.a.device, {link.a.interface: hosts}))
        at_switches |= {port.interface: hosts for port in (link.a, link.b) if port.device not in fabric.namespaces}
    return at_switches, between


def _switch_ports(fabric: Fabric, links: Iterable[Link]) -> dict[int, tuple[str, str]]:
    """An interface's index in the bubble → the switch and its port."""
    ports = [port for link in links for port in (link.a, link.b) if port.device not in fabric.namespaces]
    return {fabric.index[port]: (port.device, str(port)) for port in ports}


def _between(fabric: Fabric, host: str, ports: Ports) -> tuple[socket.socket, Ports]:
    with netns.inside(fabric.namespaces[host], fabric.home):
        return open_trigger(), ports
