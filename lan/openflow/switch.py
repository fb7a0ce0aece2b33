"""One switch's brain: what its MAC address table means in flows.  OpenFlow 1.3, IEEE 802.1D §7.

Two flow tables do what 802.1D calls two processes.  Table 0 learns: a frame whose (port, source) is
known goes on to table 1, any other comes to `receive`.  Table 1 forwards by destination and floods
the rest.  A station costs two flows, whoever it talks to.  Its flow in table 0 ages in the datapath,
which sees every frame: when that flow is removed for idleness, the station is forgotten, and not
before.  So a station that is active only through flows stays known.

Pure: frames and time come in, actions come out.  `ryu.py` carries them to a datapath.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lan.openflow.mac_table import (
    AGE_S,
    CAPACITY,
    RESERVED_PREFIX,
    Decision,
    Entry,
    Learning,
    MacTable,
    Verdict,
    is_group,
)
from lan.reasons import Reason

LEARNING, FORWARDING = 0, 1
"""The two flow tables."""
MISS, STATION, GROUP, FIXED = 0, 10, 50, 100
"""Priorities of flows, lowest first."""
REFUSED_S = 10
"""How long frames of a station that could not be learned pass without asking again."""
HEADER_BYTES = 14


class Port(enum.Enum):
    """Ports that stand for more than one, or for none (OpenFlow 1.3 §4.5)."""

    CONTROLLER = "controller"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class Match:
    """What a flow applies to; None matches anything, an address may carry a ``/mask``."""

    in_port: int | None = None
    eth_src: str | None = None
    eth_dst: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A row of a flow table: frames that `match` go to `output`, then on to table `goto`.

    Timeouts are in seconds, 0 for none.  All flows of one station carry its `cookie`.
    """

    table: int
    priority: int
    match: Match
    output: int | Port | None = None
    goto: int | None = None
    cookie: int = 0
    idle_timeout_s: int = 0
    hard_timeout_s: int = 0
    tell_removal: bool = False


@dataclass(frozen=True, slots=True)
class Install:
    """Put a flow in, in place of one with the same match."""

    flow: Flow


@dataclass(frozen=True, slots=True)
class Remove:
    """Take every flow with this cookie out of both tables; all flows for None."""

    cookie: int | None


@dataclass(frozen=True, slots=True)
class Send:
    """Send the frame that was asked about out of `output`."""

    data: bytes
    in_port: int
    output: int | Port


@dataclass(frozen=True, slots=True)
class Note:
    """A decision for the log; `keys` tie it to frames."""

    what: str
    why: Reason
    keys: Mapping[str, object] = field(default_factory=dict)


Action = Install | Remove | Send | Note

FIXED_FLOWS = (
    Flow(LEARNING, FIXED, Match(eth_dst="01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0")),
    Flow(LEARNING, FIXED, Match(eth_src="01:00:00:00:00:00/01:00:00:00:00:00")),
    Flow(LEARNING, MISS, Match(), output=Port.CONTROLLER),
    Flow(FORWARDING, GROUP, Match(eth_dst="01:00:00:00:00:00/01:00:00:00:00:00"), output=Port.FLOOD),
    Flow(FORWARDING, MISS, Match(), output=Port.FLOOD),
)
"""What every switch starts with: drop the reserved, ask about unknown sources, flood what has no row."""


class Switch:
    """A learning switch.  Ports are OpenFlow numbers, `name` and `ports` are for people."""

    def __init__(self, name: str, *, age_s: int = AGE_S, capacity: int = CAPACITY) -> None:
        self.name, self.ports, self.down = name, dict[int, str](), set[int]()
        self.table = MacTable(age_s=age_s, capacity=capacity)
        self._cookie = 0
        self._cookies: dict[str, int] = {}
        self._macs: dict[int, str] = {}
        self._packets: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<Switch {self.name} {self.table!r}>"

    def connect(self, ports: Mapping[int, str]) -> list[Action]:
        """Start from nothing: what an earlier controller left in the datapath can't be trusted."""
        self.ports = dict(ports)
        self.table.clear()
        for mac in list(self._cookies):
            self._retire(mac)
        static = [action for entry in self.table for action in self._install(entry)]
        return [Remove(None), *(Install(flow) for flow in FIXED_FLOWS), *static]

    def add_static(self, mac: str, port: int, now_s: float) -> list[Action]:
        """Pin a station to a port: its frames are taken there alone, and the row never ages."""
        self.table.add_static(mac, port, now_s)
        return self._place(self.table.get(mac))

    def receive(self, data: bytes, in_port: int, now_s: float) -> list[Action]:
        """Decide about a frame that table 0 did not know: learn its source, send it on."""
        if len(data) < HEADER_BYTES:
            return [Note("dropped", Reason("IEEE 802.3 §3", "shorter than an Ethernet header"), {"in_port": in_port})]
        dst, src = data[:6].hex(":"), data[6:12].hex(":")
        learned = [] if _is_fixed_drop(src, dst) else self._learn(src, in_port, now_s)
        decision = _FROM_GROUP if is_group(src) else self.table.decide(dst, in_port)
        output: int | Port | None = Port.FLOOD if decision.verdict is Verdict.FLOOD else decision.port
        keys = {"in_port": in_port, "src": src, "dst": dst, "out": output.value if isinstance(output, Port) else output}
        note = Note(decision.verdict.value, decision.why, keys)
        return [*learned, note, *([] if output is None else [Send(data, in_port, output)])]

    def _learn(self, src: str, in_port: int, now_s: float) -> list[Action]:
        lesson = self.table.learn(src, in_port, now_s)
        if lesson.learning is Learning.REFRESHED:  # frames that were under way while the flow was put in
            return []
        note = Note(lesson.learning.value, lesson.why, {"in_port": in_port, "src": src})
        if lesson.learning is Learning.REFUSED:
            match = Match(in_port=in_port, eth_src=src)
            return [note, Install(Flow(LEARNING, STATION, match, goto=FORWARDING, hard_timeout_s=REFUSED_S))]
        return [note, *self._place(self.table.get(src))]

    def _place(self, entry: Entry | None) -> list[Action]:
        """Flows for a row that is new or has changed; those of its former place go."""
        assert entry is not None
        former = self._retire(entry.mac)
        return [*self._install(entry), *([] if former is None else [Remove(former)])]

    def _install(self, entry: Entry) -> list[Action]:
        self._cookie += 1
        self._cookies[entry.mac], self._macs[self._cookie] = self._cookie, entry.mac
        match = Match(in_port=entry.port, eth_src=entry.mac)
        idle_s = 0 if entry.static else int(self.table.age_s)
        return [
            Install(Flow(LEARNING, STATION, match, None, FORWARDING, self._cookie, idle_s, 0, not entry.static)),
            Install(Flow(FORWARDING, STATION, Match(eth_dst=entry.mac), entry.port, None, self._cookie)),
        ]

    def _retire(self, mac: str) -> int | None:
        cookie = self._cookies.pop(mac, None)
        if cookie is not None:
            del self._macs[cookie]
            self._packets.pop(cookie, None)
        return cookie

    def flow_removed(self, cookie: int, *, idle: bool, now_s: float) -> list[Action]:
        """Forget the station whose flow in table 0 is gone; one that has moved on keeps its row."""
        mac = self._macs.get(cookie)
        if mac is None:
            return []
        return self._drop_rows([mac], "aged" if idle else "forgotten", self._silent() if idle else _DELETED)

    def port_up(self, port: int, name: str) -> list[Action]:
        """A cable was plugged in, or a port added; nobody is known behind it yet."""
        was_up = port in self.ports and port not in self.down
        self.ports[port] = name
        self.down.discard(port)
        return [] if was_up else [Note("port up", Reason("802.1D §7.4", f"port {port} came up"), {"in_port": port})]

    def port_down(self, port: int) -> list[Action]:
        """Forget the stations behind a port whose cable was pulled."""
        why = Reason("802.1D §7.4", f"port {port} went down")
        notes = [] if port in self.down else [Note("port down", why, {"in_port": port})]
        self.down.add(port)
        rows = [entry.mac for entry in self.table if entry.port == port]
        return [*notes, *self._drop_rows(rows, "forgotten", why)]

    def count(self, packets: Mapping[int, int], now_s: float) -> list[Action]:
        """Take the packet counters of all of table 0, by cookie: whose counter grew has been heard.

        What has then been silent too long lost its flow without our being told: forget it.
        """
        for cookie, number in packets.items():
            if cookie in self._macs and number != self._packets.get(cookie, 0):
                self._packets[cookie] = number
                self.table.touch(self._macs[cookie], now_s)
        silent = [entry.mac for entry in self.table if now_s - entry.seen_s > self.table.age_s]
        return self._drop_rows(silent, "aged", self._silent())

    def _silent(self) -> Reason:
        return Reason("802.1D §7.9.2", f"aged out: silent for {self.table.age_s:g} s")

    def _drop_rows(self, macs: Iterable[str], what: str, why: Reason) -> list[Action]:
        actions: list[Action] = []
        for mac in macs:
            entry = self.table.forget(mac)
            if entry is not None:
                cookie = self._retire(mac)
                actions += [Note(what, why, {"in_port": entry.port, "src": mac}), Remove(cookie)]
        return actions


_FROM_GROUP = Decision(Verdict.DROP, None, Reason("IEEE 802 §8.2", "a group address can't be a source"))
_DELETED = Reason("OpenFlow 1.3 §6.5", "its flow was deleted by hand")


def _is_fixed_drop(src: str, dst: str) -> bool:
    """Whether `FIXED_FLOWS` drop the frame before its source can be learned."""
    return is_group(src) or dst.startswith(RESERVED_PREFIX)
