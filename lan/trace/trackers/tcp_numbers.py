"""Which connection a segment belongs to, by number, and no more: for recordings of which nobody holds all.  Pure.

The numbers are those of `tcp.Tracker`, whose rules these are: four values and the initial sequence number name a
connection, and a router's forwarding of a segment is none of it.  Of a connection is kept what tells whether a SYN
opens another one: states, initial sequence numbers, FINs.  RFC 9293 §3.3.2, §3.10.7.
"""

from typing import NamedTuple

from lan.trace.stream import SEQUENCE_SPACE, distance
from lan.trace.trackers import tcp_states as states
from lan.trace.trackers.tcp_states import State

FIN, SYN, RST, ACK = 1, 2, 4, 16


class Segment(NamedTuple):
    """What is read of a segment: its ends (address and port in network order), numbers, flags, bytes of data.

    `device` put it on this cable; "" where nobody knows.
    """

    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    seq: int
    ack: int
    flags: int
    length: int
    device: str


class _Side:
    """One end, as far as it matters here."""

    __slots__ = ("device", "fin_seq", "first_seq", "is_fin_acked", "isn", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.device = ""
        self.isn: int | None = None
        self.first_seq: int | None = None
        """Of the first segment seen of it."""
        self.fin_seq: int | None = None
        self.is_fin_acked = False


class _Connection:
    __slots__ = ("client", "end", "number", "server", "syn_ack_ack")

    def __init__(self, number: int, end: bytes, client: _Side, server: _Side) -> None:
        self.number, self.end, self.client, self.server = number, end, client, server
        self.syn_ack_ack: int | None = None

    def is_closed(self) -> bool:
        return self.client.state in states.ENDED and self.server.state in states.ENDED


class Numbers:
    """Takes the segments of a recording in their order.

    `count` connections were met so far.  It remembers `most` pairs of ends; where there are more, `is_full` says so,
    and nothing is told any more.
    """

    def __init__(self, most: int) -> None:
        self.count, self.is_full = 0, False
        self._most = most
        self._latest: dict[bytes, _Connection] = {}

    def take(self, segment: Segment) -> int | None:
        """The number of the segment's connection; None of what a router forwards, and where it is full."""
        source, destination = segment.source, segment.destination
        key = source + destination if source <= destination else destination + source
        connection = self._latest.get(key)
        if connection is None or (segment.flags & (SYN | ACK) == SYN and _begins_anew(connection, segment)):
            if self.is_full or (connection is None and len(self._latest) >= self._most):
                self.is_full = True
                return None
            connection = self._latest[key] = self._begin(segment)
        side, peer = connection.client, connection.server
        if source != connection.end:
            side, peer = peer, side
        device = segment.device
        if device:
            if side.first_seq is None and not side.device:
                side.device = device
            elif side.device != device:
                return None
        if side.first_seq is None:
            side.first_seq = segment.seq
        _receive(connection, side, peer, segment)
        return None if self.is_full else connection.number

    def _begin(self, segment: Segment) -> _Connection:
        has_syn = bool(segment.flags & SYN)
        is_from_server = bool(segment.flags & ACK) if has_syn else segment.source_port < segment.destination_port
        client, server = _Side(State.ESTABLISHED), _Side(State.ESTABLISHED)
        if has_syn:
            client.state, server.state = State.SYN_SENT if is_from_server else State.CLOSED, State.LISTEN
        end = segment.destination if is_from_server else segment.source
        self.count += 1
        return _Connection(self.count - 1, end, client, server)


def _begins_anew(connection: _Connection, syn: Segment) -> bool:
    if connection.is_closed():
        return True
    client, isn = connection.client, connection.server.isn
    if syn.source != connection.end:
        return isn is not None and isn != syn.seq
    if client.isn is None:
        after = (syn.seq + syn.length + 1 + (syn.flags & FIN)) % SEQUENCE_SPACE
        return after not in (client.first_seq, connection.syn_ack_ack)  # else it was overtaken
    return client.isn != syn.seq


def _receive(connection: _Connection, side: _Side, peer: _Side, segment: Segment) -> None:
    flags = segment.flags
    if flags & RST:
        if not connection.is_closed():
            side.state = peer.state = State.CLOSED
        return
    if flags & SYN:
        _open(connection, side, segment)
    if flags & ACK:
        _acknowledge(side, peer, segment.ack)
    if flags & FIN and side.fin_seq is None:
        side.fin_seq = (segment.seq + segment.length) % SEQUENCE_SPACE
        side.state = states.SENT_FIN.get(side.state, side.state)


def _open(connection: _Connection, side: _Side, segment: Segment) -> None:
    is_crossing = segment.flags & ACK and side.state is State.SYN_SENT
    if side.isn == segment.seq and not is_crossing:
        return
    side.isn = segment.seq
    if segment.flags & ACK:
        if connection.syn_ack_ack is None:
            connection.syn_ack_ack = segment.ack
        side.state = states.SENT_SYN_ACK.get(side.state, side.state)
    else:
        side.state = states.SENT_SYN.get(side.state, side.state)


def _acknowledge(side: _Side, peer: _Side, ack: int) -> None:
    if (
        (side.state is not State.ESTABLISHED or peer.state is not State.ESTABLISHED)
        and peer.isn is not None
        and distance(ack, peer.isn) > 0
    ):
        side.state = states.ACKNOWLEDGED_SYN.get(side.state, side.state)
        peer.state = states.SYN_ACKNOWLEDGED.get(peer.state, peer.state)
    if peer.fin_seq is not None and not peer.is_fin_acked and distance(ack, peer.fin_seq) > 0:
        peer.is_fin_acked = True
        side.state = states.ACKNOWLEDGED_FIN.get(side.state, side.state)
        peer.state = states.FIN_ACKNOWLEDGED.get(peer.state, peer.state)
