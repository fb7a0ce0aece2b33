"""The TIME-WAIT ledger: who holds which pair of addresses and ports, since when, how long; which ports are left.  Pure.

From packets alone: the side that closed first holds the pair after its last ACK.  Linux holds it for 60 s
(TCP_TIMEWAIT_LEN; `tcp_fin_timeout` is about FIN-WAIT-2 and changes nothing here), begins anew when the other's FIN
comes again, and lets go early when a RST comes or the pair is opened again.  RFC 9293 §3.6.1, RFC 6191, RFC 1337.

A client needs a port that no connection of its to the same address and port has: those held and those open are taken.
When all of its range are, `connect` fails with EADDRNOTAVAIL before any packet leaves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lan.reasons import Reason, Sentence, because
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.trackers.tcp_states import State
from lan.wire.tcp import TcpFlags

TIME_WAIT_NS = 60_000_000_000
SECOND_NS = 1_000_000_000
FOREVER_NS = 1 << 63


@dataclass(frozen=True, slots=True)
class PortRange:
    """Ports a kernel chooses from for a client, first and last; Linux's net.ipv4.ip_local_port_range."""

    low: int = 32768
    high: int = 60999

    @property
    def size(self) -> int:
        return self.high - self.low + 1

    def __contains__(self, port: int) -> bool:
        return self.low <= port <= self.high


LINUX_RANGE = PortRange()


@dataclass(frozen=True, slots=True)
class Hold:
    """One pair in TIME-WAIT at `device`, from `since_ns` until `until_ns`; `frame` began it (or began it anew)."""

    device: str
    local: tuple[str, int]
    peer: tuple[str, int]
    since_ns: int
    until_ns: int
    frame: Frame = field(repr=False)

    def seconds_left(self, at_ns: int) -> float:
        """How long it lasts from this moment; 0 where it is over."""
        return max(self.until_ns - max(at_ns, self.since_ns), 0) / SECOND_NS

    def is_held(self, at_ns: int) -> bool:
        return self.since_ns <= at_ns < self.until_ns

    def __str__(self) -> str:
        return f"{self.device} holds {endpoint(*self.local)} → {endpoint(*self.peer)} in TIME-WAIT"


@dataclass(frozen=True, slots=True)
class Gauge:
    """How many of a client's ports towards one server are taken, at one moment.

    `rate_per_s` counts the connections that it opened in the minute before, over the time since the first of them;
    `exhausts_in_s` is when the range will be used up at that rate, None where it won't be: ports come back after 60 s.
    """

    device: str
    server: tuple[str, int]
    range: PortRange
    waiting: int
    open: int
    rate_per_s: float
    exhausts_in_s: float | None

    @property
    def taken(self) -> int:
        return self.waiting + self.open

    @property
    def left(self) -> int:
        return self.range.size - self.taken

    @property
    def is_exhausted(self) -> bool:
        return self.left <= 0


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """A time in which no port was left.

    `settled_ns` is when the connection that took the last one needed its client no more; `evidence` its SYN.
    """

    start_ns: int
    end_ns: int
    settled_ns: int
    evidence: list[Frame] = field(repr=False)
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Use:
    """A client's port in use: open until `closed_ns`, then held until `free_ns`."""

    connection: Connection
    port: int
    opened_ns: int
    closed_ns: int
    free_ns: int


class Ledger:
    """Of the connections that a timeline has now.  `ranges` are those of devices that have another than Linux's."""

    def __init__(self, timeline: Timeline, ranges: Mapping[str, PortRange] | None = None) -> None:
        self.ranges = dict(ranges or {})
        self.holds: list[Hold] = []
        self._uses: dict[tuple[str, str, int], list[_Use]] = {}
        latest: dict[Pair, _Latest] = {}
        for connection in timeline.tcp:
            self._take(connection, latest)
        self.holds.sort(key=lambda hold: hold.since_ns)

    def range_of(self, device: str) -> PortRange:
        return self.ranges.get(device, LINUX_RANGE)

    def held(self, at_ns: int, device: str | None = None) -> list[Hold]:
        """What is held at a moment, by all or by one; what ends first stands first."""
        found = [hold for hold in self.holds if hold.is_held(at_ns) and device in (None, hold.device)]
        return sorted(found, key=lambda hold: hold.until_ns)

    def gauges(self, at_ns: int) -> list[Gauge]:
        """Of each client and each server that it used a port for in the last minute, the fullest first."""
        found = [self.gauge(device, ip, port, at_ns) for device, ip, port in self._uses]
        return sorted((each for each in found if each.taken), key=lambda each: each.left / each.range.size)

    def gauge(self, device: str, server_ip: str, server_port: int, at_ns: int) -> Gauge:
        """Ports of one client towards one server."""
        ports = self.range_of(device)
        uses = [use for use in self._uses.get((device, server_ip, server_port), []) if use.port in ports]
        is_open = {use.port for use in uses if use.opened_ns <= at_ns < use.closed_ns}
        waiting = {use.port for use in uses if use.closed_ns <= at_ns < use.free_ns} - is_open
        recent = [use.opened_ns for use in uses if at_ns - TIME_WAIT_NS < use.opened_ns <= at_ns]
        span_ns = max(at_ns - min(recent, default=at_ns), SECOND_NS)
        rate = len(recent) / span_ns * SECOND_NS
        left = ports.size - len(is_open) - len(waiting)
        is_coming = rate * TIME_WAIT_NS / SECOND_NS > ports.size
        exhausts_in_s = max(left, 0) / rate if is_coming else None
        return Gauge(device, (server_ip, server_port), ports, len(waiting), len(is_open), rate, exhausts_in_s)

    def exhaustions(self, device: str, server_ip: str, server_port: int) -> list[Exhaustion]:
        """When this client had no port left for this server, in order."""
        ports = self.range_of(device)
        uses = [use for use in self._uses.get((device, server_ip, server_port), []) if use.port in ports]
        changes = [(use.opened_ns, 1, use) for use in uses] + [(use.free_ns, -1, use) for use in uses]
        found: list[Exhaustion] = []
        taken, last = 0, None
        for time_ns, change, use in sorted(changes, key=lambda each: each[:2]):
            if taken + change >= ports.size > taken:
                last = use
            elif taken >= ports.size > taken + change and last is not None:
                found.append(self._exhausted(device, (server_ip, server_port), last, time_ns))
            taken += change
        return found

    def _exhausted(self, device: str, server: tuple[str, int], last: _Use, end_ns: int) -> Exhaustion:
        ports, connection = self.range_of(device), last.connection
        words = Sentence(
            "{device} had no port of {low} to {high} left for {server}",
            device=device, low=ports.low, high=ports.high, server=endpoint(*server),
        )  # fmt: skip
        reason = because("ip(7) ip_local_port_range", words, ports=ports.size)
        is_over = last.closed_ns < min(last.free_ns, end_ns)
        settled = connection.frames[-1] if is_over else connection.ack or connection.frames[0]
        syn = [connection.syn] if connection.syn is not None else []
        return Exhaustion(last.opened_ns, end_ns, settled.time_ns, syn, reason)

    def _take(self, connection: Connection, latest: "dict[Pair, _Latest]") -> None:
        client, server = connection.client, connection.server
        pair = (client.ip, client.port, server.ip, server.port)
        if connection.syn is not None and pair in latest:
            self._reopen(latest[pair], connection.syn)
        holds = [hold for side in (client, server) if (hold := _hold(connection, side)) is not None]
        entry = latest[pair] = _Latest(list(range(len(self.holds), len(self.holds) + len(holds))))
        self.holds += holds
        if connection.syn is None:
            return
        closed_ns = _closed_ns(connection, client)
        own = next((hold for hold in holds if hold.local == (client.ip, client.port)), None)
        entry.uses = self._uses.setdefault((client.device, server.ip, server.port), [])
        entry.use = len(entry.uses)
        opened_ns = connection.syn.time_ns
        entry.uses.append(_Use(connection, client.port, opened_ns, closed_ns, own.until_ns if own else closed_ns))

    def _reopen(self, entry: "_Latest", syn: Frame) -> None:
        """A SYN for a pair that is held ends the hold (RFC 6191)."""
        for at in entry.holds:
            if self.holds[at].is_held(syn.time_ns):
                self.holds[at] = replace(self.holds[at], until_ns=syn.time_ns)
        if entry.uses is not None:  # a use whose end was not seen has ended too
            use, now_ns = entry.uses[entry.use], syn.time_ns
            ended = replace(use, closed_ns=min(use.closed_ns, now_ns), free_ns=min(use.free_ns, now_ns))
            entry.uses[entry.use] = ended


Pair = tuple[str, int, str, int]
"""Client's address and port, server's address and port."""


@dataclass(slots=True)
class _Latest:
    """What the last connection of a pair left behind: places in the ledger's lists."""

    holds: list[int]
    uses: list[_Use] | None = None
    use: int = 0


def _hold(connection: Connection, side: Side) -> Hold | None:
    """The TIME-WAIT of one side; None where it had none."""
    if side.state is not State.TIME_WAIT:
        return None
    peer, at = connection.other(side), 0 if side is connection.client else 1
    begun = next(number for number, states in enumerate(connection.states) if states[at] is State.TIME_WAIT)
    frame, until_ns = connection.frames[begun], connection.frames[begun].time_ns + TIME_WAIT_NS
    for later in connection.frames[begun + 1 :]:
        header = later.packet.tcp
        if header is None or later.time_ns >= until_ns or connection.sender(later) is side:
            continue
        if header.flags & TcpFlags.RST:
            until_ns = later.time_ns
            break
        if header.flags & TcpFlags.FIN:
            frame, until_ns = later, later.time_ns + TIME_WAIT_NS
    since_ns = connection.frames[begun].time_ns
    return Hold(side.device, (side.ip, side.port), (peer.ip, peer.port), since_ns, until_ns, frame)


def _closed_ns(connection: Connection, client: Side) -> int:
    """When the client's socket was closed: at its last frame, or never as far as is seen."""
    return connection.frames[-1].time_ns if connection.is_closed() else FOREVER_NS
