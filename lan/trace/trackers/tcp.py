"""TCP connections: opening, data in order, closing, and what was sent again.  RFC 9293.  Pure.

A connection is a pair of addresses and ports *and* its initial sequence number: the same four
values may come again.  Which side is the client is told by the SYN; without one, by the ports.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from lan.trace.frame import Frame
from lan.trace.stream import Stream, distance
from lan.trace.trackers import tcp_states as states
from lan.trace.trackers.flow import Flow, endpoint, flow_of
from lan.trace.trackers.tcp_analysis import Analysis, Event
from lan.trace.trackers.tcp_states import State
from lan.wire.tcp import Tcp, TcpFlags

SYN, ACK, FIN, RST = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST
SYN_ACK, SYN_FIN_RST = SYN | ACK, SYN | FIN | RST
SYN_BIT, ACK_BIT, FIN_BIT, RST_BIT = int(SYN), int(ACK), int(FIN), int(RST)
"""For where each segment is asked: between plain numbers & costs a quarter."""


class CloseKind(StrEnum):
    """How a connection ended, as the segments show it."""

    FOUR_SEGMENTS = "four segments"
    """FIN, ACK, FIN, ACK: the other side's ACK left before its own FIN."""
    THREE_SEGMENTS = "three segments"
    """FIN, FIN+ACK, ACK: the other side closed at once, and its FIN carried the ACK."""
    SIMULTANEOUS = "simultaneous"
    """FIN, FIN, ACK, ACK: each sent its FIN before it had the other's.  RFC 9293 §3.6, figure 13."""
    RESET = "RST"


@dataclass(slots=True, eq=False, repr=False)
class Side:
    """One end: what it sent.  `device` is its name, or its address where nobody knows the name."""

    device: str
    ip: str
    port: int
    state: State
    isn: int | None = None
    stream: Stream = field(default_factory=Stream)
    next_seq: int | None = None
    """The sequence number after the highest that it sent."""
    acked_seq: int | None = None
    """The highest acknowledgment that the other side sent for it."""
    syn: Frame | None = None
    fin: Frame | None = None
    fin_seq: int | None = None
    fin_acked_by: Frame | None = None
    """The other side's first segment that acknowledged the FIN."""
    rst: Frame | None = None
    segments: list[Frame] = field(default_factory=list)
    retransmits: list[Frame] = field(default_factory=list)
    out_of_order: list[Frame] = field(default_factory=list)
    probes: list[Frame] = field(default_factory=list)
    """Keep-alive and zero-window probes."""

    @property
    def data(self) -> bytes:
        """What it sent, in order, as far as there is no gap."""
        return bytes(self.stream.data)

    @property
    def data_bytes(self) -> int:
        return len(self.stream.data)

    def is_finished(self) -> bool:
        """Whether all it sent before its FIN is here."""
        if self.fin_seq is None or self.stream.first_seq is None:
            return self.fin is not None
        return self.stream.offset(self.fin_seq) <= len(self.stream.data)

    @property
    def named(self) -> str:
        """Its device and end; the end alone where nobody knows more of the device than its address."""
        return str(self) if self.device == self.ip else f"{self.device} {self}"

    def __str__(self) -> str:
        return endpoint(self.ip, self.port)

    def __repr__(self) -> str:
        return f"<Side {self.device} {self} {self.state} {self.data_bytes} bytes>"


@dataclass(slots=True, eq=False, repr=False)
class Connection:
    """A connection from its first segment seen to its last."""

    client: Side
    server: Side
    frames: list[Frame] = field(default_factory=list)
    states: list[tuple[State, State]] = field(default_factory=list)
    """Client's and server's state after each of the frames."""
    syn: Frame | None = None
    syn_ack: Frame | None = None
    ack: Frame | None = None
    """The handshake's three frames."""
    _analysis: Analysis = field(default_factory=Analysis)
    _analysed: int = 0

    @property
    def analysis(self) -> Analysis:
        """Events, round trips, bytes in flight: of all frames so far, looked at when first asked for."""
        while self._analysed < len(self.frames):
            frame = self.frames[self._analysed]
            self._analysis.take(frame, is_client=self.sender(frame) is self.client)
            self._analysed += 1
        return self._analysis

    @property
    def events(self) -> list[Event]:
        """What is remarkable about its frames (sent again, late, window full…), in their order."""
        return self.analysis.events

    def events_of(self, frame: Frame) -> tuple[Event, ...]:
        """What is remarkable about one of its frames."""
        return self.analysis.by_frame.get(frame.number, ())

    def side(self, device: str) -> Side:
        """The end at a device; KeyError where it has none."""
        for side in (self.client, self.server):
            if side.device == device:
                return side
        raise KeyError(device)

    def sender(self, frame: Frame) -> Side:
        """The side that sent one of the connection's frames."""
        flow = flow_of(frame.packet)
        is_client = flow is not None and flow[:2] == (self.client.ip, self.client.port)
        return self.client if is_client else self.server

    def other(self, side: Side) -> Side:
        return self.server if side is self.client else self.client

    @property
    def handshake(self) -> list[Frame]:
        """SYN, SYN-ACK and ACK, as far as they were seen."""
        return [frame for frame in (self.syn, self.syn_ack, self.ack) if frame is not None]

    @property
    def connect_ms(self) -> float | None:
        """From the SYN to the client's ACK of the SYN-ACK."""
        return None if self.syn is None or self.ack is None else (self.ack.time_ns - self.syn.time_ns) / 1e6

    @property
    def retransmits(self) -> list[Frame]:
        """What either side sent again."""
        return sorted([*self.client.retransmits, *self.server.retransmits], key=lambda frame: frame.number)

    def is_open(self) -> bool:
        """Whether it was established and did not end yet (half closed counts as open)."""
        return not self.is_closed() and self.client.state not in (State.CLOSED, State.SYN_SENT)

    def is_closed(self) -> bool:
        """Whether it ended: each FIN acknowledged, or reset."""
        sides = (self.client, self.server)
        return bool(self.frames) and all(side.state in states.ENDED for side in sides)

    def is_refused(self) -> bool:
        """Whether the SYN was answered by RST: nobody listens there.  RFC 9293 §3.10.7.1."""
        return self.server.rst is not None and self.syn_ack is None and self.syn is not None

    @property
    def closer(self) -> Side | None:
        """The side that sent the first FIN, or the RST where there was no FIN before it."""
        return self._first("fin") or self._first("rst")

    @property
    def closed_by(self) -> str | None:
        """The device of `closer`."""
        return self.closer.device if self.closer else None

    @property
    def reset_by(self) -> str | None:
        """The device that sent the RST."""
        side = self._first("rst")
        return side.device if side else None

    @property
    def close_kind(self) -> CloseKind | None:
        """How it ended; None while it has not."""
        first, was_reset = self._first("fin"), self._first("rst")
        acked = [side.fin_acked_by for side in (self.client, self.server)]
        if None in acked or first is None:
            return CloseKind.RESET if was_reset else None
        second = self.other(first)
        assert first.fin_acked_by is not None and second.fin is not None
        if first.fin_acked_by is second.fin:
            return CloseKind.THREE_SEGMENTS
        is_answer = first.fin_acked_by.number < second.fin.number
        return CloseKind.FOUR_SEGMENTS if is_answer else CloseKind.SIMULTANEOUS

    @property
    def close_frames(self) -> list[Frame]:
        """The frames with FIN, those that acknowledged them, and RST, in order, each once."""
        sides = (self.client, self.server)
        found = [frame for side in sides for frame in (side.fin, side.fin_acked_by, side.rst) if frame is not None]
        return sorted({frame.number: frame for frame in found}.values(), key=lambda frame: frame.number)

    @property
    def time_wait_holders(self) -> tuple[str, ...]:
        """Devices whose side is in TIME-WAIT: the one that closed first; both after a simultaneous close."""
        return tuple(side.device for side in (self.client, self.server) if side.state is State.TIME_WAIT)

    @property
    def time_wait_holder(self) -> str | None:
        """The one of `time_wait_holders` that closed first."""
        return self.closed_by if self.closed_by in self.time_wait_holders else None

    def _first(self, attribute: str) -> Side | None:
        """The side whose frame of that name came first."""
        sides = [side for side in (self.client, self.server) if getattr(side, attribute) is not None]
        return min(sides, key=lambda side: getattr(side, attribute).number, default=None)

    def __repr__(self) -> str:
        if self.is_closed():
            state = (
                f"refused by {self.reset_by}" if self.is_refused() else f"closed by {self.closed_by}, {self.close_kind}"
            )
        else:
            state = f"{self.client.state}/{self.server.state}"
        counts = f"{self.client.data_bytes} bytes →, {self.server.data_bytes} bytes ←"
        ends = f"{self.client.named} → {self.server.named}"
        return f"TCP {ends}: {counts}, {state}"


class Tracker:
    """Finds a frame's connection and tells it what the segment shows."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self._latest: dict[Flow, Connection] = {}

    def add(self, frame: Frame) -> Connection | None:
        """The connection that the frame belongs to; None where it is no TCP, or a router's forwarding of it."""
        segment, flow = frame.packet.tcp, flow_of(frame.packet)
        if segment is None or flow is None:
            return None
        connection = self._latest.get(flow)
        if connection is None or _begins_anew(connection, segment, flow):
            connection = self._begin(segment, flow, frame)
        client, device = connection.client, frame.from_device
        side = client if flow.src_port == client.port and flow.src_ip == client.ip else connection.server
        if device and not side.segments and side.device == side.ip:
            side.device = device
        if device and side.device != device:
            return None
        connection.frames.append(frame)
        _receive(connection, side, segment, frame)
        connection.states.append((connection.client.state, connection.server.state))
        return connection

    def _begin(self, segment: Tcp, flow: Flow, frame: Frame) -> Connection:
        """A connection whose client is not known by a SYN has the higher port there."""
        has_syn = bool(segment.flags & SYN)
        from_server = segment.flags & ACK if has_syn else flow.src_port < flow.dst_port
        client, server = (flow.back(), flow) if from_server else (flow, flow.back())
        before = (State.CLOSED, State.LISTEN) if has_syn else (State.ESTABLISHED, State.ESTABLISHED)
        if has_syn and from_server:
            before = (State.SYN_SENT, State.LISTEN)
        client_side = Side(client.src_ip, client.src_ip, client.src_port, before[0])
        server_side = Side(server.src_ip, server.src_ip, server.src_port, before[1])
        connection = Connection(client_side, server_side)
        self._latest[flow] = self._latest[flow.back()] = connection
        self.connections.append(connection)
        return connection


def _begins_anew(connection: Connection, segment: Tcp, flow: Flow) -> bool:
    """Whether a SYN opens another connection with the same addresses and ports."""
    if segment.flags & SYN_ACK != SYN:
        return False
    if connection.is_closed():
        return True
    is_client = flow[:2] == (connection.client.ip, connection.client.port)
    if is_client and connection.client.isn is None:
        return not _was_overtaken(connection, segment)
    if is_client:
        return connection.client.isn != segment.seq
    return connection.server.isn not in (None, segment.seq)


def _was_overtaken(connection: Connection, syn: Tcp) -> bool:
    """Whether this is the connection's own SYN, captured after its answer or after what its sender sent next."""
    after = [frame.packet.tcp for frame in connection.client.segments[:1]]
    answer = connection.syn_ack.packet.tcp if connection.syn_ack is not None else None
    begins = [each.seq for each in after if each is not None] + ([answer.ack] if answer is not None else [])
    return syn.next_seq() in begins


def _receive(connection: Connection, side: Side, segment: Tcp, frame: Frame) -> None:
    """What one segment shows of both sides, in the order of RFC 9293 §3.10.7: RST, SYN, ACK, data, FIN."""
    peer, flags = connection.other(side), int(segment.flags)
    side.segments.append(frame)
    if flags & RST_BIT:
        _reset(connection, side, frame)
        return
    if flags & SYN_BIT:
        _open(connection, side, segment, frame)
    if flags & ACK_BIT:
        _acknowledge(connection, side, peer, segment, frame)
    if _is_probe(side, segment):
        side.probes.append(frame)
    elif segment.length:
        _carry(side, segment, frame)
    if flags & FIN_BIT:
        _finish(side, segment, frame)
    next_seq = segment.next_seq()
    if side.next_seq is None or distance(next_seq, side.next_seq) > 0:
        side.next_seq = next_seq


def _reset(connection: Connection, side: Side, frame: Frame) -> None:
    if not connection.is_closed():
        side.rst = frame
        connection.client.state = connection.server.state = State.CLOSED


def _open(connection: Connection, side: Side, segment: Tcp, frame: Frame) -> None:
    is_crossing = bool(segment.flags & ACK) and side.state is State.SYN_SENT  # both opened: figure 7
    if side.isn == segment.seq and not is_crossing:
        side.retransmits.append(frame)
        return
    side.isn, side.syn = segment.seq, frame
    side.stream.first_seq = (segment.seq + 1) % (1 << 32)
    if segment.flags & ACK:
        connection.syn_ack = connection.syn_ack or frame
        side.state = states.SENT_SYN_ACK.get(side.state, side.state)
    else:
        connection.syn = connection.syn or frame
        side.state = states.SENT_SYN.get(side.state, side.state)


def _acknowledge(connection: Connection, side: Side, peer: Side, segment: Tcp, frame: Frame) -> None:
    if peer.isn is not None and distance(segment.ack, peer.isn) > 0:
        if connection.ack is None and side is connection.client and not segment.flags & SYN:
            connection.ack = frame
        if side.state is not State.ESTABLISHED or peer.state is not State.ESTABLISHED:
            side.state = states.ACKNOWLEDGED_SYN.get(side.state, side.state)
            peer.state = states.SYN_ACKNOWLEDGED.get(peer.state, peer.state)
    if peer.fin_seq is not None and peer.fin_acked_by is None and distance(segment.ack, peer.fin_seq) > 0:
        peer.fin_acked_by = frame
        side.state = states.ACKNOWLEDGED_FIN.get(side.state, side.state)
        peer.state = states.FIN_ACKNOWLEDGED.get(peer.state, peer.state)
    if peer.stream.has_gap:
        peer.stream.acknowledged(segment.ack, frame)
    if peer.acked_seq is None or distance(segment.ack, peer.acked_seq) > 0:
        peer.acked_seq = segment.ack


def _is_probe(side: Side, segment: Tcp) -> bool:
    """Whether a segment asks for a sign of life, or for a window, by a byte long acknowledged.

    RFC 9293 §3.8.4 and §3.8.6.1; Linux sends no byte with it.
    """
    if segment.length > 1 or side.next_seq is None or segment.flags & SYN_FIN_RST:
        return False
    return side.acked_seq == side.next_seq and distance(segment.seq, side.next_seq) == -1


def _carry(side: Side, segment: Tcp, frame: Frame) -> None:
    """Take data; name what was sent again, and what comes after its successors."""
    data = frame.packet.payload
    is_behind = side.next_seq is not None and distance(segment.seq, side.next_seq) < 0
    seq = segment.seq + bool(segment.flags & SYN)
    if side.stream.add(seq % (1 << 32), data, frame) < len(data):
        side.retransmits.append(frame)
    elif is_behind:
        side.out_of_order.append(frame)


def _finish(side: Side, segment: Tcp, frame: Frame) -> None:
    if side.fin is None:
        side.fin, side.fin_seq = frame, (segment.seq + segment.length) % (1 << 32)
        side.stream.finish(side.fin_seq)
        side.state = states.SENT_FIN.get(side.state, side.state)
    elif not any(other is frame for other in side.retransmits[-1:]):
        side.retransmits.append(frame)
