"""DNS: each question with its answer, over UDP or TCP, and what a resolver asks because of it.

RFC 1035 §4, RFC 5452 §9, RFC 7766.  Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lan.trace.frame import Frame
from lan.trace.reassembly_messages import Cutter, dns_messages
from lan.trace.trackers.flow import Flow, flow_of
from lan.trace.trackers.tcp import Connection, Side
from lan.wire import dns
from lan.wire.dns import Dns, Record
from lan.wire.malformed import Malformed

ADDRESS_TYPES = {"A", "AAAA"}
PATIENCE_NS = 30 * 10**9
"""So long a resolver may go on asking for a client that waits."""
MOST_OPEN = 256
"""Questions to one server that wait for their answer; the oldest give way."""


@dataclass(slots=True, eq=False, repr=False)
class Query:
    """A question, its repetitions, and the first answer to it."""

    client: str
    flow: Flow
    id: int
    name: str
    type: str
    over_tcp: bool
    requests: list[Frame]
    answer: Frame | None = None
    message: Dns | None = field(default=None)
    cause: "Query | None" = None
    """The client's question that made a resolver ask this one."""
    below: "list[Query]" = field(default_factory=list)
    """What the server asked others before it answered, in order."""

    @property
    def frames(self) -> list[Frame]:
        return [*self.requests, *([self.answer] if self.answer else [])]

    @property
    def server_ip(self) -> str:
        return self.flow.dst_ip

    @property
    def answers(self) -> tuple[Record, ...]:
        """The records of the answer section; () while there is no answer."""
        return self.message.answers if self.message else ()

    @property
    def addresses(self) -> list[str]:
        """The addresses that the answer holds, CNAMEs followed."""
        return [record.data for record in self.answers if record.type in ADDRESS_TYPES]

    @property
    def rcode(self) -> str | None:
        """``NOERROR``, ``NXDOMAIN``…; None while there is no answer."""
        return self.message.rcode_name if self.message else None

    @property
    def rtt_ms(self) -> float | None:
        """From the first asking to the answer; None while there is none."""
        return None if self.answer is None else (self.answer.time_ns - self.requests[0].time_ns) / 1e6

    def __repr__(self) -> str:
        found = ", ".join(self.addresses) or ", ".join(record.data for record in self.answers) or "no such record"
        outcome = "no answer" if self.message is None else found if self.rcode == "NOERROR" else str(self.rcode)
        time = "" if self.rtt_ms is None else f" {self.rtt_ms:.2f} ms"
        return f"DNS {self.client} → {self.server_ip}: {self.type} {self.name}? {outcome}{time}"


class Tracker:
    """Pairs answers with questions: same addresses and ports, same id, same question."""

    def __init__(self) -> None:
        self.queries: list[Query] = []
        self._asked: dict[tuple[Flow, int, str, str], Query] = {}
        self._open: dict[str, list[Query]] = {}
        """By the server's address, what it has not answered yet."""
        self._addresses: dict[str, list[str]] = {}
        self._readers: dict[Connection, tuple[Cutter, Cutter]] = {}

    def add(self, frame: Frame) -> Query | None:
        """The query that the frame belongs to; None where it is no DNS, or an answer nobody asked for."""
        message, flow = frame.packet.dns, flow_of(frame.packet)
        return None if message is None or flow is None else self._take(message, frame, flow)

    def add_stream(self, connection: Connection) -> None:
        """A segment of a connection to port 53 came in: take the messages that are whole now, in any segments."""
        if connection not in self._readers:
            self._readers[connection] = dns_messages(connection.client.stream), dns_messages(connection.server.stream)
        for side, cutter in zip((connection.client, connection.server), self._readers[connection], strict=True):
            other = connection.other(side)
            for message, frame in _messages(side, cutter):
                self._take(message, frame, Flow(side.ip, side.port, other.ip, other.port))

    def _take(self, message: Dns, frame: Frame, flow: Flow) -> Query | None:
        self._see(flow.src_ip, frame.from_device)
        name, kind = (message.questions[0].name, message.questions[0].type) if message.questions else ("", "")
        if not message.is_response:
            return self._ask(message, frame, flow, name, kind)
        query = self._asked.get((flow.back(), message.id, name.lower(), kind))
        if query is not None and query.answer is None:
            query.answer, query.message = frame, message
            if query in (waiting := self._open.get(flow.src_ip, [])):
                waiting.remove(query)
        return query

    def _ask(self, message: Dns, frame: Frame, flow: Flow, name: str, kind: str) -> Query:
        key = flow, message.id, name.lower(), kind
        query = self._asked.get(key)
        if query is not None and query.answer is None:
            query.requests.append(frame)
            return query
        client = frame.from_device or flow.src_ip
        query = self._asked[key] = Query(client, flow, message.id, name, kind, message.over_tcp, [frame])
        self.queries.append(query)
        query.cause = self._cause_of(query)
        if query.cause is not None:
            query.cause.below.append(query)
        self._open.setdefault(flow.dst_ip, []).append(query)
        del self._open[flow.dst_ip][:-MOST_OPEN]
        return query

    def _see(self, ip: str, device: str) -> None:
        """A device may have several addresses: it is asked at one, and asks from another."""
        known = self._addresses.setdefault(device or ip, [])
        if ip not in known:
            known.append(ip)

    def _cause_of(self, query: Query) -> Query | None:
        """Which open question its client, a resolver, asks this for: one of the same name, else the only one.

        Else the one asked last: on its way to an answer a resolver asks for other names (of servers, of aliases).
        """
        device = query.requests[0].from_device or query.flow.src_ip
        since_ns = query.requests[0].time_ns - PATIENCE_NS
        open_here = [
            each
            for ip in self._addresses.get(device, ())
            for each in self._open.get(ip, ())
            if each.requests[-1].time_ns >= since_ns
        ]
        same = [each for each in open_here if each.name.lower() == query.name.lower()]
        return next(iter(same or open_here[-1:]), None)


def _messages(side: Side, cutter: Cutter) -> Iterator[tuple[Dns, Frame]]:
    """The messages of one direction of a connection, each with the frame that completed it."""
    for data, start, end in cutter.take():
        try:
            message = dns.read(data, dns.PREFIX_BYTES, len(data))
        except Malformed:
            continue
        yield replace(message, over_tcp=True), side.stream.frames_of(start, end)[-1]
