"""A connection's segments with what the rules of waiting ask of them: positions, edges, what was known when.  Pure.

A position counts a side's bytes from its initial sequence number (the SYN is byte 0) and does not wrap round.
Times are those of the tap, which stands somewhere between the two; `paths` says what lies beyond it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from lan.trace.frame import Frame
from lan.trace.stream import SEQUENCE_SPACE, distance
from lan.trace.trackers.tcp import Connection, Side
from lan.wire.tcp import TcpFlags

SYN, ACK, FIN, RST = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST
DEFAULT_MSS, LARGEST_SCALE = 1460, 14
TIMESTAMP_BYTES = 12
"""What the timestamps option takes of each segment's room (RFC 7323 appendix A)."""


@dataclass(slots=True, eq=False)
class Segment:
    """One frame of a connection.  `length` counts data bytes; `edge` is the last position that its window allows."""

    frame: Frame
    is_client: bool
    start: int
    end: int
    length: int
    ack: int | None
    edge: int | None
    flags: TcpFlags
    is_new: bool
    """Whether it brings what its sender had not sent before."""
    is_again: bool
    """Whether it brings again what nobody had acknowledged yet, and had not come."""
    sack: tuple[tuple[int, int], ...]
    """Blocks that it says it has, as positions of the other side."""
    is_by_the_way: bool = False
    """Whether its data answers nothing, and it is as good as an ACK alone."""

    @property
    def time_ns(self) -> int:
        return self.frame.time_ns

    @property
    def asks_again(self) -> bool:
        """Whether it tells of bytes behind a hole, not only of what came twice (RFC 2883)."""
        return self.ack is not None and any(right > self.ack for _, right in self.sack)

    @property
    def is_progress(self) -> bool:
        """Whether something went on with it, as a pure ACK or a probe does not let it."""
        return (self.is_new or self.is_again) and not self.is_by_the_way


@dataclass(slots=True)
class Sent:
    """What one side sent, in order, for questions about a moment."""

    side: Side
    is_client: bool
    mss: int = DEFAULT_MSS
    all: list[Segment] = field(default_factory=list)
    acks: list[Segment] = field(default_factory=list)
    """Those that acknowledge more than any before, or move the window's edge."""
    times_ns: list[int] = field(default_factory=list)
    ack_times_ns: list[int] = field(default_factory=list)
    end: int = 0
    ack: int = -1
    edge: int = -1
    highest_acks: list[int] = field(default_factory=list)
    highest_edges: list[int] = field(default_factory=list)
    highest_ends: list[int] = field(default_factory=list)
    has_sent_again: bool = False

    def news_until(self, time_ns: int) -> int:
        """How many of `acks` were sent by then."""
        return bisect_right(self.ack_times_ns, time_ns)

    def ack_at(self, time_ns: int) -> int:
        """The highest position that it had acknowledged by then; -1 for none."""
        count = self.news_until(time_ns)
        return self.highest_acks[count - 1] if count else -1

    def edge_at(self, time_ns: int) -> int | None:
        """The furthest position that its windows allowed by then."""
        count = self.news_until(time_ns)
        return self.highest_edges[count - 1] if count and self.highest_edges[count - 1] >= 0 else None

    def since(self, time_ns: int) -> Iterator[Segment]:
        """What it sent after a moment, in order."""
        for at in range(bisect_right(self.times_ns, time_ns), len(self.all)):
            yield self.all[at]

    def until(self, time_ns: int) -> Iterator[Segment]:
        """What it had sent by a moment, the newest first."""
        for at in range(bisect_right(self.times_ns, time_ns) - 1, -1, -1):
            yield self.all[at]

    def first_beyond(self, position: int) -> Segment:
        """The first that brought bytes behind a position; there is one."""
        return self.all[bisect_right(self.highest_ends, position)]

    def in_flight(self, at_ns: int, acked: int) -> list[Segment]:
        """What it had sent by then and was not acknowledged: its newest segments behind `acked`."""
        found = []
        for segment in self.until(at_ns):
            if segment.end <= acked and segment.is_new:
                break
            if segment.end > acked and segment.is_new:
                found.append(segment)
        return found[::-1]


@dataclass(slots=True)
class Dialogue:
    """Both sides of a connection, and all segments in order."""

    connection: Connection
    client: Sent
    server: Sent
    segments: list[Segment]
    by_number: dict[int, Segment] = field(default_factory=dict)
    """By the numbers of their frames."""
    again: list[Segment] = field(default_factory=list)
    """Those that bring again what was lost."""

    def of(self, segment: Segment) -> tuple[Sent, Sent]:
        """Who sent a segment, and the other."""
        return (self.client, self.server) if segment.is_client else (self.server, self.client)


def dialogue(connection: Connection) -> Dialogue:
    """Read a connection's frames."""
    made = Dialogue(connection, Sent(connection.client, True), Sent(connection.server, False), [])
    for sent, other in ((made.client, made.server), (made.server, made.client)):
        sent.mss = _mss(sent.side, other.side)
    first: dict[bool, int] = {}
    scales = _scales(connection)
    for frame in connection.frames:
        header = frame.packet.tcp
        if header is None:
            continue
        is_client = connection.sender(frame) is connection.client
        sent, other = (made.client, made.server) if is_client else (made.server, made.client)
        base = first.setdefault(is_client, _base(sent.side, header.seq))
        start = sent.end + distance(header.seq, (base + sent.end) % SEQUENCE_SPACE)
        end = start + header.length + bool(header.flags & SYN) + bool(header.flags & FIN)
        ack = edge = None
        sack: tuple[tuple[int, int], ...] = ()
        if header.flags & ACK and not header.flags & RST:
            their_base = first.setdefault(not is_client, _base(other.side, (header.ack - 1) % SEQUENCE_SPACE))
            ack = other.end + distance(header.ack, (their_base + other.end) % SEQUENCE_SPACE)
            scale = 0 if header.flags & SYN else scales[is_client]
            edge = None if scale is None else ack + (header.window << scale)
            sack = tuple((ack + distance(a, header.ack), ack + distance(b, header.ack)) for a, b in header.options.sack)
        is_new = end > sent.end
        is_again = not is_new and end > start and end > other.ack
        segment = Segment(frame, is_client, start, end, header.length, ack, edge, header.flags, is_new, is_again, sack)
        _note(sent, segment)
        made.segments.append(segment)
        made.by_number[frame.number] = segment
    _forgive(made)
    made.again = [each for each in made.segments if each.is_again]
    return made


def _forgive(talk: Dialogue) -> None:
    """What was sent again and had come before, as the receiver says of it, was no loss: RFC 2883 §4."""
    twice: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    for segment in reversed(talk.segments):
        if segment.ack is not None and segment.sack and segment.sack[0][1] <= segment.ack:
            twice[not segment.is_client].append(segment.sack[0])
        if segment.is_again:
            block = next((each for each in twice[segment.is_client] if each[0] <= segment.start < each[1]), None)
            if block is not None:
                twice[segment.is_client].remove(block)
                segment.is_again = False
    for sent in (talk.client, talk.server):
        sent.has_sent_again = any(each.is_again for each in sent.all)


def _note(sent: Sent, segment: Segment) -> None:
    sent.all.append(segment)
    sent.times_ns.append(segment.time_ns)
    sent.end = max(sent.end, segment.end)
    sent.highest_ends.append(sent.end)
    sent.has_sent_again |= segment.is_again
    ack = -1 if segment.ack is None else segment.ack
    edge = -1 if segment.edge is None else segment.edge
    if ack > sent.ack or edge > sent.edge:
        sent.ack, sent.edge = max(sent.ack, ack), max(sent.edge, edge)
        sent.acks.append(segment)
        sent.ack_times_ns.append(segment.time_ns)
        sent.highest_acks.append(sent.ack)
        sent.highest_edges.append(sent.edge)


def _base(side: Side, seq: int) -> int:
    return side.isn if side.isn is not None else seq


def _mss(sender: Side, receiver: Side) -> int:
    """The most data that the sender puts into a segment: what both SYNs allow, or the most that was seen."""
    asked = [syn.options for each in (sender, receiver) if each.syn is not None and (syn := each.syn.packet.tcp)]
    largest = max((frame.packet.tcp.length for frame in sender.segments if frame.packet.tcp), default=0)
    offers = [options.mss for options in asked if options.mss is not None]
    if not offers:
        return largest or DEFAULT_MSS
    room = min(offers) - (TIMESTAMP_BYTES if len(asked) == 2 and all(each.timestamps for each in asked) else 0)
    return max(room, 1)


def _scales(connection: Connection) -> dict[bool, int | None]:
    """Is-client → its window's shift; None where its SYN was not seen.  RFC 7323 §2.2."""
    syns = [side.syn.packet.tcp if side.syn else None for side in (connection.client, connection.server)]
    if None in syns:
        return {True: None, False: None}
    shifts = [syn.options.wscale for syn in syns if syn is not None]
    both = None not in shifts
    return {
        is_client: min(shift or 0, 14) if both else 0 for is_client, shift in zip((True, False), shifts, strict=True)
    }
