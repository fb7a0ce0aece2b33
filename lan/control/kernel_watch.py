"""Writes down what the kernels of a LAN's devices tell of themselves, a JSON object a line, as long as it is captured.

    {"time_s": …, "device": "pc1", "what": "neighbour", "ip": "10.0.0.2", "mac": "02:…", "state": "REACHABLE", …}

What they tell unasked: neighbours, routes and interfaces that change (rtnetlink(7)); rules of nftables, and what
became of each packet at them (`firewall_watch.py`).  What they tell when they are asked: sockets (`socket_watch.py`).
`lan.trace.kernel` reads it.  Its first line names the devices that are listened to; a line "gap" says that some was
lost between `since_s` and its own time.  A kernel whose reader was too slow says so once, before what it still has, and
loses more until its reader has taken all of that: so what was lost is known when a socket is empty again.

It is steered over a SOCK_SEQPACKET socket by JSON messages: ``{"sync": id}`` is answered once all that was told before
is in the file, ``{"add": device, "nsid": n}`` comes with the namespace, ``{"remove": n}``; ``{"ports": {interface:
[devices]}}`` tells whose sockets frames there may change, of the first trigger or of one that comes with it.  At its
end all is written.
"""

import contextlib
import errno
import json
import os
import selectors
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

from lan.control.firewall_watch import FirewallWatch
from lan.control.socket_watch import SocketWatch
from lan.trace import steering
from lan.wire import netlink, nftables, rtnetlink_events

BUFFER_BYTES = 8 << 20
"""For what is told while this process does not get a processor."""
DATAGRAM_BYTES = 1 << 16
REST_S = 0.002
"""Pause between two looks: batches instead of a wake-up an event."""
MOST_BYTES = 256 << 20
"""A longer record ends with a gap."""
NICE = -10
"""What is heard late is told as of a later moment: so it goes before the programs that it is about, as the tap does."""
MOST_LINES = 4096
"""So many are written at the latest, however much more is told."""
MOST_EARLY = 4096
"""What devices told before their number was said to be theirs; more is lost."""
_NSID = struct.Struct("=i")
Ports = dict[str, list[str]]
"""An interface of a trigger's namespace → the devices at the ends of its cable."""


def listen() -> list[socket.socket]:
    """Sockets that hear all namespaces that have a number in this one: of rtnetlink, and of nftables if it is there."""
    found = [_listening(socket.NETLINK_ROUTE, rtnetlink_events.GROUPS)]
    with contextlib.suppress(OSError):
        found.append(_listening(nftables.NETLINK_NETFILTER, (nftables.CHANGES, nftables.TRACES)))
    return found


def listen_to_bridges() -> socket.socket:
    """A socket that hears of the MAC address tables of bridges in this namespace."""
    return _listening(socket.NETLINK_ROUTE, (rtnetlink_events.NEIGHBOUR,), are_all=False)


def _listening(family: int, groups: tuple[int, ...], *, are_all: bool = True) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, family)
    try:
        sock.bind((0, 0))
        sock.setsockopt(netlink.SOL_NETLINK, netlink.LISTEN_ALL_NSID, int(are_all))
        for group in groups:
            sock.setsockopt(netlink.SOL_NETLINK, netlink.ADD_MEMBERSHIP, group)
        for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
            with contextlib.suppress(OSError):  # the first is for those who may go beyond the machine's limit
                sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
                break
    except OSError:
        sock.close()
        raise
    return sock


SO_RCVBUFFORCE = 33


class Watch:
    """Carries what is told from netlink sockets to the file."""

    def __init__(self, path: str, control: socket.socket, spaces: dict[int, tuple[str, int]], home: int) -> None:
        """`spaces`: the number of a device's namespace → its name and a descriptor of it; `home` is the bubble's."""
        self.control = control
        self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - as long as the process
        self._spaces, self._written = dict(spaces), 0
        self._lines: list[dict[str, Any]] = []
        self._cut_since_s: float | None = None
        self._empty_s: dict[socket.socket, float] = {}
        """When a socket had told all."""
        self._newest = max(spaces, default=0)
        self._early: list[tuple[socket.socket, int, bytes]] = []
        self.firewall = FirewallWatch(self._say, home)
        self.sockets = SocketWatch(self._say, home)
        self._triggers: list[tuple[socket.socket, Ports]] = []
        self._bridges: socket.socket | None = None
        self._bridge_ports: dict[int, tuple[str, str]] = {}
        self._interfaces: dict[tuple[str, int], rtnetlink_events.Interface] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._say("", "watched", devices=[name for name, _ in spaces.values()])
        self._flush()

    def hear(self, sock: socket.socket) -> None:
        """Listen to one more socket of `listen`."""
        self._empty_s[sock] = time.time()
        self._selector.register(sock, selectors.EVENT_READ, sock)

    def hear_bridges(self, sock: socket.socket, ports: dict[int, tuple[str, str]]) -> None:
        """Listen to the bubble's own bridges too; `ports`: an interface's index → switch and port."""
        self._bridges, self._bridge_ports = sock, ports
        self._empty_s[sock] = time.time()
        self._selector.register(sock, selectors.EVENT_READ, sock)

    def wake_by(self, trigger: socket.socket, ports: Ports) -> None:
        """Ask devices for their sockets when a frame comes in at a socket of `segment_trigger`."""
        self._triggers.append((trigger, ports))
        self._selector.register(trigger, selectors.EVENT_READ, trigger)

    def run(self) -> None:
        """Until the control socket ends."""
        going = True
        while going:
            ready = [key.data for key, _ in self._selector.select(self._patience_s())]
            if ready and None not in ready and any(sock.family is socket.AF_NETLINK for sock in ready):
                self._rest()
            self._take_all(at_once=None in ready)
            if None in ready:
                going = self._answer()
        self._take_all(at_once=True)
        self.firewall.close()

    def _patience_s(self) -> float | None:
        due_s, again_s = self.sockets.deadline_s(), self.firewall.patience_s()
        if due_s is None:
            return again_s
        left_s = max(0.0, due_s - time.monotonic())
        return left_s if again_s is None else min(left_s, again_s)

    def _take_all(self, *, at_once: bool) -> None:
        for trigger, ports in self._triggers:
            for device in _woken(trigger, ports):
                self.sockets.trigger(device, time.monotonic())
        self._hear()
        spaces = dict(self._spaces.values())
        self.firewall.settle(spaces, self._hear)
        self.sockets.settle(spaces, time.monotonic(), at_once=at_once)
        self._flush()

    def _hear(self) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data is not None and key.data.family is socket.AF_NETLINK:
                self._take(key.data)

    def _take(self, sock: socket.socket) -> None:
        """All that a socket has to tell."""
        is_lost = False
        while True:
            try:
                data, ancillary, _, _ = sock.recvmsg(DATAGRAM_BYTES, socket.CMSG_SPACE(_NSID.size))
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                is_lost = True
                continue
            if sock is self._bridges:
                self._tell_stations(data)
            else:
                nsid = next((_NSID.unpack(value)[0] for level, kind, value in ancillary
                             if (level, kind) == (netlink.SOL_NETLINK, netlink.LISTEN_ALL_NSID)), -1)  # fmt: skip
                self.told(sock, nsid, data)
            if len(self._lines) >= MOST_LINES:
                self._flush()
        if is_lost and sock.proto == nftables.NETLINK_NETFILTER:
            self._say("", "gap", of="firewall", since_s=self._empty_s[sock])
            self.firewall.recheck(name for name, _ in self._spaces.values())
        elif is_lost:
            self._say("", "gap", of="tables", since_s=self._empty_s[sock])
        self._empty_s[sock] = time.time()

    def told(self, sock: socket.socket, nsid: int, data: bytes) -> None:
        """A datagram of a device; of one whose number is yet to be said it waits for that."""
        if nsid in self._spaces:
            device, _ = self._spaces[nsid]
            if sock.proto == nftables.NETLINK_NETFILTER:
                self.firewall.take(device, data)
            else:
                for event in rtnetlink_events.events(data):
                    self._tell(device, event)
        elif nsid > self._newest and len(self._early) < MOST_EARLY:
            self._early.append((sock, nsid, data))

    def _tell_stations(self, data: bytes) -> None:
        for station in rtnetlink_events.stations(data):
            if station.index in self._bridge_ports:
                switch, port = self._bridge_ports[station.index]
                self._say(switch, "station", mac=station.mac, port=port, is_gone=station.is_gone)

    def _tell(self, device: str, event: rtnetlink_events.Event) -> None:
        if isinstance(event, rtnetlink_events.Interface):  # told of whenever anything about it changes
            if self._interfaces.get((device, event.index)) == event:
                return
            self._interfaces[device, event.index] = event
        self._say(device, **rtnetlink_events.as_record(event))

    def _say(self, device: str, what: str, **fields: Any) -> None:
        self._lines.append({"time_s": time.time(), "device": device, "what": what, **fields})

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if not lines or self._written >= MOST_BYTES:
            return
        data = b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)
        self._written += len(data)
        if self._written >= MOST_BYTES:
            data += gap("all")
        if self._cut_since_s is not None:  # what was not written is not known, and half a line may stand there
            data = b"\n" + gap("all", since_s=self._cut_since_s) + data
        try:
            is_whole = self._file.write(data) == len(data)
        except OSError:  # the disk is full
            is_whole = False
        if is_whole:
            self._cut_since_s = None
        elif self._cut_since_s is None:
            self._cut_since_s = lines[0]["time_s"]

    def _rest(self) -> None:
        """Let events gather, unless the control socket has something to say."""
        with selectors.SelectSelector() as only_control:
            only_control.register(self.control, selectors.EVENT_READ)
            only_control.select(REST_S)

    def _answer(self) -> bool:
        """Serve one message, all that was told before it being written; False at the control socket's end."""
        if (heard := steering.told(self.control)) is None:
            return False
        message, descriptors = heard
        if "add" in message:
            self._add(message["add"], message["nsid"], descriptors[0])
        elif "ports" in message and descriptors:
            self.wake_by(socket.socket(fileno=descriptors[0]), message["ports"])
        elif "ports" in message and self._triggers:
            self._triggers[0][1].update(message["ports"])
            self._bridge_ports |= {index: (switch, port) for index, switch, port in message["switch_ports"]}
        elif "remove" in message:
            self._remove(*self._spaces.pop(message["remove"]))
        else:
            with contextlib.suppress(ConnectionError):
                self.control.send(json.dumps(message).encode())
        return True

    def _add(self, name: str, nsid: int, held: int) -> None:
        """Listen to one more device, from its first word on."""
        self._spaces[nsid], self._newest = (name, held), max(self._newest, nsid)
        self._say("", "watched", devices=[name])
        early, self._early = self._early, []
        for one in early:
            self.told(*one)
        self._flush()

    def _remove(self, name: str, held: int) -> None:
        """A device is gone; another of its name tells all anew."""
        self.firewall.remove(name)
        self.sockets.forget(name)
        self._interfaces = {key: told for key, told in self._interfaces.items() if key[0] != name}
        os.close(held)


def gap(of: str, *, since_s: float | None = None) -> bytes:
    """The line that says that something is not in the record: of "tables", of "firewall", or of "all"."""
    now_s = time.time()
    told = {"time_s": now_s, "device": "", "what": "gap", "of": of, "since_s": now_s if since_s is None else since_s}
    return json.dumps(told).encode() + b"\n"


def _woken(trigger: socket.socket, ports: Ports) -> set[str]:
    """The devices of all frames that wait there."""
    found: set[str] = set()
    with contextlib.suppress(BlockingIOError):
        while True:
            _, (interface, *_) = trigger.recvfrom(1)
            found.update(ports.get(interface, ()))
    return found


def main(
    hearing: list[socket.socket],
    path: str,
    control: socket.socket,
    spaces: dict[int, tuple[str, int]],
    home: int,
    triggers: list[tuple[socket.socket, Ports]],
    bridges: tuple[socket.socket, dict[int, tuple[str, str]]],
) -> None:
    """Write what these sockets hear into the file at `path` until `control` ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program in front; the agent ends us
    with contextlib.suppress(OSError):  # not every user may
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    watch = Watch(path, control, spaces, home)
    for sock in hearing:
        watch.hear(sock)
    for trigger, ports in triggers:
        watch.wake_by(trigger, ports)
    watch.hear_bridges(*bridges)
    watch.run()
