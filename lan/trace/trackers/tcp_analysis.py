"""What is remarkable about a TCP connection's segments: sent again, late, missing, held back by a window.  Pure.

The names are those that Wireshark made common (`tcp.analysis.*`); the rules are those of RFC 9293, RFC 5681 and
RFC 2018 as a watcher at the wire can apply them.  Two answers need a guess, and say so here: bytes that come late and
were not seen before are *out of order* when they come within the connection's round trip, else they were sent again
and their first copy was lost before it came here.  Bytes that were seen before are a retransmission, however soon.

`Analysis` takes the frames of one connection in their order; `Connection.events` runs it when first asked.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from lan.trace.frame import Frame
from lan.trace.stream import SEQUENCE_SPACE, distance
from lan.wire.tcp import Tcp, TcpFlags

SYN, ACK, FIN, RST = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST
SYN_FIN_RST = SYN | FIN | RST
REORDERING_NS = 3_000_000
"""What comes later than this, while no round trip is known, is not late but sent again."""
FAST_NS = 20_000_000
"""A retransmission this soon after the ACK that asked for it did not wait for the time-out."""
DUPLICATES_THAT_ASK = 2
"""Duplicate ACKs before a sender may retransmit at once (RFC 5681 §3.2 says three; two are enough with SACK)."""
LARGEST_SCALE = 14
MOST_WAITING = 10_000
"""Segments that wait for their ACK; the oldest give way (a capture of one direction alone)."""


class Kind(StrEnum):
    """What a segment is besides what it says.  A segment may be several."""

    RETRANSMISSION = "retransmission"
    """Sent again after a time-out, or for no reason that is seen here."""
    FAST_RETRANSMISSION = "fast retransmission"
    """Sent again because duplicate ACKs asked for it.  RFC 5681 §3.2."""
    SPURIOUS_RETRANSMISSION = "spurious retransmission"
    """Sent again although it had been acknowledged."""
    OUT_OF_ORDER = "out of order"
    """Its successors overtook it."""
    LOST_SEGMENT = "segment before it not seen"
    """It begins behind the end of all that was seen of its sender."""
    ACKED_UNSEEN = "ACK of a segment not seen"
    """The receiver has bytes that did not come by here."""
    DUPLICATE_ACK = "duplicate ACK"
    """The same ACK again without data: a later segment has come, this one is missing.  RFC 5681 §2."""
    ZERO_WINDOW = "zero window"
    """The receiver takes nothing more for now.  RFC 9293 §3.8.6."""
    ZERO_WINDOW_PROBE = "zero-window probe"
    """One byte beyond a window of 0, to hear of its opening.  RFC 9293 §3.8.6.1."""
    ZERO_WINDOW_PROBE_ACK = "ACK of a zero-window probe"
    WINDOW_UPDATE = "window update"
    """The same ACK with another window: the receiver has read."""
    WINDOW_FULL = "window full"
    """Its last byte is the last that the receiver's window takes."""
    KEEP_ALIVE = "keep-alive"
    """A byte long acknowledged (or none), to ask whether the other side lives.  RFC 9293 §3.8.4."""
    KEEP_ALIVE_ACK = "ACK of a keep-alive"


AGAIN = frozenset({Kind.RETRANSMISSION, Kind.FAST_RETRANSMISSION, Kind.SPURIOUS_RETRANSMISSION})
"""The kinds of segments that bring what was sent before."""


@dataclass(frozen=True, slots=True)
class Event:
    """One remarkable thing about a frame.

    `number` counts duplicate ACKs from 1; `of` is the frame that is repeated or answered: the first sending of what
    is sent again, the ACK that comes again, the probe.  None where that was not seen.
    """

    frame: Frame
    kind: Kind
    number: int = 0
    of: Frame | None = None

    def __str__(self) -> str:
        count = f" #{self.number}" if self.number else ""
        return f"{self.kind}{count}{f' of frame {self.of.number}' if self.of else ''}"


class RoundTrip(NamedTuple):
    """A segment, the ACK that answered it, and the time between; never of one sent twice (Karn, RFC 6298 §3)."""

    segment: Frame
    ack: Frame
    time_ns: int


class Flight(NamedTuple):
    """After `frame` its sender had `bytes` of data in the network: neither acknowledged nor in a SACK block."""

    frame: Frame
    bytes: int


class Held(NamedTuple):
    """What a receiver said with `frame` of bytes behind a hole: SACK blocks as offsets from the sender's ISN."""

    frame: Frame
    blocks: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class _Sent:
    """A segment that waits for its ACK; `start` and `end` are positions."""

    start: int
    end: int
    frame: Frame
    again: bool = False


@dataclass(slots=True)
class Way:
    """One direction: what its sender has sent, and what it has said of the other's.

    Positions are sequence numbers that do not wrap round: counted from the first one seen.
    """

    base: int | None = None
    has_begun: bool = False
    """Whether a segment of it was seen; before, an ACK of the other direction says where it stands."""
    end: int = 0
    """The position behind the highest byte sent, or FIN."""
    data_end: int = 0
    """The same without FIN."""
    end_ns: int = 0
    most_to_be_acked: int = 0
    seen: list[list[int]] = field(default_factory=list)
    """What was seen, as [start, end] of positions, in order."""
    scale: int | None = None
    """Its window's shift count; None where its SYN was not seen."""
    asked_scale: int | None = None
    """What its SYN asked for."""
    has_no_scale: bool = False
    """Whether a SYN of either side came without the option."""
    window: int = -1
    """As in the header of its last segment; -1 before the first."""
    ack: int | None = None
    """The position in the other direction up to which it has all."""
    highest_ack: int = 0
    """The same of all ACKs so far; an ACK may be overtaken by its successor."""
    ack_ns: int = 0
    ack_frame: Frame | None = None
    """The first frame with this ACK."""
    duplicates: int = 0
    sacked: list[tuple[int, int]] = field(default_factory=list)
    """All that its SACK blocks said it has beyond its ACK: an ACK has room for three or four (RFC 6675 §3)."""
    last_kinds: frozenset[Kind] = frozenset()
    last_frame: Frame | None = None
    waiting: deque[_Sent] = field(default_factory=lambda: deque(maxlen=MOST_WAITING))
    round_trips: list[RoundTrip] = field(default_factory=list)
    flights: list[Flight] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def position(self, seq: int) -> int:
        """A sequence number of this direction, unwrapped."""
        if self.base is None:
            self.base = seq
        return self.end + distance(seq, (self.base + self.end) % SEQUENCE_SPACE)

    @property
    def window_bytes(self) -> int | None:
        """The window it offers; None where its scale or the window itself is not known."""
        return None if self.scale is None or self.window < 0 else self.window << self.scale

    def note(self, start: int, end: int) -> int:
        """Bytes from `start` to `end` are here now; how many of them were before."""
        if not self.seen or start > self.seen[-1][1]:
            self.seen.append([start, end])
            return 0
        if start == self.seen[-1][1]:
            self.seen[-1][1] = end
            return 0
        first = bisect_right(self.seen, start, key=lambda each: each[1] + 1)
        stop, known = first, 0
        while stop < len(self.seen) and self.seen[stop][0] <= end:
            known += max(min(end, self.seen[stop][1]) - max(start, self.seen[stop][0]), 0)
            stop += 1
        if first < stop:
            start, end = min(start, self.seen[first][0]), max(end, self.seen[stop - 1][1])
        self.seen[first:stop] = [[start, end]]
        return known


class Analysis:
    """The events and measures of one connection, as far as its frames were taken."""

    def __init__(self) -> None:
        self.client, self.server = Way(), Way()
        self.events: list[Event] = []
        self.by_frame: dict[int, tuple[Event, ...]] = {}
        self.initial_round_trip_ns: int | None = None
        """From the SYN to the first ACK without SYN: the handshake's last, whether or not the SYN+ACK was captured."""
        self._syn_ns: int | None = None

    def take(self, frame: Frame, *, is_client: bool) -> None:
        """The connection's next frame, and who sent it."""
        segment = frame.packet.tcp
        if segment is None:
            return
        way, back = (self.client, self.server) if is_client else (self.server, self.client)
        _Look(self, way, back, segment, frame).take()

    def tell(self, frame: Frame, found: list[Event]) -> None:
        """Keep what was found about a frame."""
        self.events += found
        self.by_frame[frame.number] = tuple(found)

    def time_handshake(self, segment: Tcp, frame: Frame) -> None:
        """Note the time of the handshake's frames."""
        if self.initial_round_trip_ns is not None:
            return
        if segment.flags & SYN:
            if not segment.flags & ACK:
                self._syn_ns = frame.time_ns
        elif self._syn_ns is not None and segment.flags & ACK:
            self.initial_round_trip_ns = frame.time_ns - self._syn_ns


class _Look:
    """One segment, held against what was seen before it."""

    def __init__(self, analysis: Analysis, way: Way, back: Way, segment: Tcp, frame: Frame) -> None:
        self.analysis, self.way, self.back, self.segment, self.frame = analysis, way, back, segment, frame
        self.is_first = not way.has_begun
        self.start = way.position(segment.seq)
        self.end = self.start + segment.length + bool(segment.flags & SYN) + bool(segment.flags & FIN)
        self.ack = back.position(segment.ack) if segment.flags & ACK else None
        self.is_plain = not segment.flags & SYN_FIN_RST
        self.found: list[Event] = []

    def take(self) -> None:
        way, segment = self.way, self.segment
        self.analysis.time_handshake(segment, self.frame)
        if segment.flags & SYN:
            self._agree_on_scale()
        is_probe = self._is_window_probe()
        if is_probe:
            self._find(Kind.ZERO_WINDOW_PROBE)
        else:
            self._look_at_window()
            self._look_at_place()
            if segment.length == 0 and self.is_plain and self._is_still():
                self._look_at_repeated_ack()
        self._look_at_ack()
        known = way.note(self.start, self.end) if self.end > self.start and not is_probe else 0
        is_again = self._look_at_sending(known) if self.end > self.start and not is_probe else False
        self._measure(is_again=is_again, is_probe=is_probe)
        self._remember(is_probe=is_probe)
        if self.found:
            self.analysis.tell(self.frame, self.found)

    def _find(self, kind: Kind, *, number: int = 0, of: Frame | None = None) -> None:
        self.found.append(Event(self.frame, kind, number, of))

    def _has(self, kind: Kind) -> bool:
        return any(event.kind is kind for event in self.found)

    def _agree_on_scale(self) -> None:
        """Windows are scaled if both SYNs have the option, those of the SYNs themselves never.  RFC 7323 §2.2.

        A SYN+ACK has it only where the SYN had it, and either without it is enough for none: one may be missing here.
        """
        way, back, asked = self.way, self.back, self.segment.options.wscale
        if asked is None or way.has_no_scale:
            for each in (way, back):
                each.has_no_scale, each.scale = True, 0
            return
        way.asked_scale = min(asked, LARGEST_SCALE)
        if self.segment.flags & ACK:
            way.scale, back.scale = way.asked_scale, back.asked_scale
        elif back.scale is not None:  # its answer was captured before it
            way.scale = way.asked_scale

    def _is_window_probe(self) -> bool:
        return self.segment.length == 1 and self.start == self.way.end and self.back.window == 0 and self.is_plain

    def _is_still(self) -> bool:
        """Whether it says again where both sides stand: no byte further, nothing more acknowledged."""
        return not self.is_first and self.start == self.way.end and self.ack is not None and self.ack == self.way.ack

    def _look_at_window(self) -> None:
        if not self.is_plain:
            return
        if self.segment.window == 0:
            self._find(Kind.ZERO_WINDOW)
        room = self.back.window_bytes
        if self.segment.length and room is not None and self.back.ack is not None and self.end == self.back.ack + room:
            self._find(Kind.WINDOW_FULL)

    def _look_at_place(self) -> None:
        if self.is_first:
            return
        if self.start > self.way.end and not self.segment.flags & RST:
            self._find(Kind.LOST_SEGMENT)
        if self.segment.length <= 1 and self.start == self.way.end - 1 and self.is_plain:
            self._find(Kind.KEEP_ALIVE)

    def _look_at_repeated_ack(self) -> None:
        """The same ACK without data: of a probe, with another window, or a duplicate."""
        way, window = self.way, self.segment.window
        asked = self.back.last_frame
        if window == 0:
            if way.window == 0 and Kind.ZERO_WINDOW_PROBE in self.back.last_kinds:
                self._find(Kind.ZERO_WINDOW_PROBE_ACK, of=asked)
        elif window != way.window:
            self._find(Kind.WINDOW_UPDATE)
        elif Kind.KEEP_ALIVE in self.back.last_kinds:
            self._find(Kind.KEEP_ALIVE_ACK, of=asked)
        else:
            way.duplicates += 1
            self._find(Kind.DUPLICATE_ACK, number=way.duplicates, of=way.ack_frame)

    def _look_at_ack(self) -> None:
        back = self.back
        if self.ack is None:
            return
        if self.ack > back.most_to_be_acked:
            if back.has_begun:
                self._find(Kind.ACKED_UNSEEN)
            back.most_to_be_acked = self.ack

    def _look_at_sending(self, known: int) -> bool:
        """Whether the bytes were sent before; `known` of them were seen."""
        way, start, end = self.way, self.start, self.end
        if self.is_first or start >= way.end or self._has(Kind.KEEP_ALIVE):
            return False
        acked = self.back.ack
        first = next((each.frame for each in way.waiting if each.start <= start < each.end), None)
        if acked is not None and end <= acked and self.segment.length:
            self._find(Kind.SPURIOUS_RETRANSMISSION, of=first)
        elif self._was_asked_for():
            self._find(Kind.FAST_RETRANSMISSION, of=first)
        elif not known and self.frame.time_ns - way.end_ns < self._reordering_ns():
            self._find(Kind.OUT_OF_ORDER)
            return False
        else:
            self._find(Kind.RETRANSMISSION, of=first)
        return True

    def _was_asked_for(self) -> bool:
        back = self.back
        is_soon = self.frame.time_ns - back.ack_ns < FAST_NS
        return is_soon and back.duplicates >= DUPLICATES_THAT_ASK and back.ack == self.start

    def _reordering_ns(self) -> int:
        return self.analysis.initial_round_trip_ns or REORDERING_NS

    def _measure(self, *, is_again: bool, is_probe: bool) -> None:
        """Round trips and bytes in flight."""
        way, back, segment = self.way, self.back, self.segment
        if self.ack is not None:
            self._time(back, self.ack)
            if segment.options.sack:
                blocks = [(back.position(left), back.position(right)) for left, right in segment.options.sack]
                way.held.append(Held(self.frame, tuple(blocks)))
                way.sacked = _merged([*way.sacked, *(block for block in blocks if block[0] < block[1])])
            if way.sacked:
                way.sacked = [block for block in way.sacked if block[1] > self.ack]
        if self.end > self.start and not is_probe and not self._has(Kind.KEEP_ALIVE):
            if is_again:
                for each in way.waiting:
                    each.again |= each.start < self.end and self.start < each.end
            else:
                way.waiting.append(_Sent(self.start, self.end, self.frame))
        if is_probe or self._has(Kind.KEEP_ALIVE):
            return
        if segment.length or segment.flags & FIN:  # a FIN says that all before it was sent
            way.data_end = max(way.data_end, self.end - bool(segment.flags & FIN))
        if segment.length:
            acked = max(back.highest_ack, self.start + 1 if segment.flags & SYN else 0)
            held = sum(max(min(right, way.data_end) - max(left, acked), 0) for left, right in back.sacked)
            way.flights.append(Flight(self.frame, max(way.data_end - acked - held, 0)))

    def _time(self, back: Way, ack: int) -> None:
        """A round trip ends, unless the ACK had to wait for something sent again."""
        answered = []
        while back.waiting and back.waiting[0].end <= ack:
            answered.append(back.waiting.popleft())
        if answered and not any(each.again for each in answered) and answered[-1].end == ack:
            sent = answered[-1].frame
            back.round_trips.append(RoundTrip(sent, self.frame, self.frame.time_ns - sent.time_ns))

    def _remember(self, *, is_probe: bool) -> None:
        way, now_ns = self.way, self.frame.time_ns
        if (self.end > way.end or self.is_first) and not is_probe:
            way.end, way.end_ns = self.end, now_ns
        if not is_probe:
            way.most_to_be_acked = max(way.most_to_be_acked, self.end)
        if self.ack != way.ack:
            way.duplicates, way.ack_frame = 0, self.frame
        if self.ack is not None:
            way.ack, way.ack_ns, way.highest_ack = self.ack, now_ns, max(way.highest_ack, self.ack)
        way.has_begun, way.window = True, self.segment.window
        way.last_kinds = frozenset(event.kind for event in self.found)
        way.last_frame = self.frame


def _merged(blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes in blocks that do not touch, in order."""
    made: list[tuple[int, int]] = []
    for left, right in sorted(blocks):
        if made and left <= made[-1][1]:
            made[-1] = made[-1][0], max(made[-1][1], right)
        else:
            made.append((left, right))
    return made
