"""Where our tracker and tshark say different things of a TCP segment, and why: each reason looks at the segments.

A difference is one word about one frame: how its bytes were sent (`SENDING`), a flag, or a number.  The reasons are
from tshark's own rules as they stand in Wireshark 4.0 (`packet-tcp.c`, `tcp_analyze_sequence_number`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile

from lan.trace.frame import Frame
from lan.trace.stream import distance
from lan.trace.trackers.tcp import Connection
from lan.wire.tcp import Tcp, TcpFlags

SENDING = "sent"
"""The name of the one word that tells whether bytes came again, and why."""
AGAIN, FAST, SPURIOUS, LATE = "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order"
SENDING_WORDS = (AGAIN, FAST, SPURIOUS, LATE)
UNSEEN, FULL = "ack_lost_segment", "window_full"
DUPLICATE, ACKED, IN_FLIGHT = NUMBERS = ("duplicate_ack_num", "acks_frame", "bytes_in_flight")
"""A number is compared where both give it."""


@dataclass(frozen=True)
class Difference:
    """One word of which the two differ in a frame; "" stands for nothing said."""

    capture: str
    frame: Frame
    connection: Connection
    name: str
    ours: str
    theirs: str

    @property
    def segment(self) -> Tcp:
        segment = self.frame.packet.tcp
        assert segment is not None
        return segment

    def before(self, *, by_sender: bool) -> list[Tcp]:
        """The segments of the frame's sender, or of its peer, that were captured before it."""
        return [each for each, is_its in self.until_here() if is_its is by_sender][: -1 if by_sender else None]

    def until_here(self) -> Iterator[tuple[Tcp, bool]]:
        """The connection's segments up to this one, each with whether this one's sender sent it."""
        sender = self.connection.sender(self.frame)
        for frame in self.connection.frames:
            if frame.number > self.frame.number:
                return
            if (segment := frame.packet.tcp) is not None:
                yield segment, self.connection.sender(frame) is sender

    def __str__(self) -> str:
        return f"{self.capture}, frame {self.frame.number}: {self.name}: ours {self.ours!r}, tshark's {self.theirs!r}"


def _numbers_here(found: Difference) -> int:
    """How many of the segment's sequence numbers were captured before, in whatever pieces."""
    segment, here = found.segment, set[int]()
    length = distance(segment.next_seq(), segment.seq)
    for each in found.before(by_sender=True):
        start = distance(each.seq, segment.seq)
        here.update(range(max(start, 0), min(start + distance(each.next_seq(), each.seq), length)))
    return len(here)


def _goes_beyond(found: Difference) -> bool:
    """Whether the segment's ACK is beyond all that its peer was seen to send."""
    peers = found.before(by_sender=False)
    return bool(peers) and all(distance(found.segment.ack, each.next_seq()) > 0 for each in peers)


def _is_in_order(segments: list[Tcp]) -> bool:
    """Whether each begins where all before it ended."""
    return all(before.next_seq() == each.seq for before, each in pairwise(segments))


def _was_here(found: Difference) -> bool:
    return (found.ours, found.theirs) == (AGAIN, LATE) and _numbers_here(found) > 0


def _ends_where_an_ack_stood(found: Difference) -> bool:
    """It brings what was not here; a segment without data has told before that the sender stands behind it."""
    if (found.ours, found.theirs) != (LATE, AGAIN) or _numbers_here(found):
        return False
    ends = [distance(each.next_seq(), found.segment.next_seq()) for each in found.before(by_sender=True)]
    return max(ends) == 0


def _is_new_though_acknowledged(found: Difference) -> bool:
    earlier, peers = found.before(by_sender=True), found.before(by_sender=False)
    is_new = all(distance(found.segment.seq, each.next_seq()) >= 0 for each in earlier)
    is_acked = bool(peers) and distance(found.segment.next_seq(), peers[-1].ack) <= 0
    return (found.ours, found.theirs) == ("", SPURIOUS) and is_new and is_acked


def _is_fast_by_overflow(found: Difference) -> bool:
    if found.ours not in {AGAIN, LATE} or found.theirs != FAST:
        return False
    asked_for = found.before(by_sender=False)[-1].ack
    return asked_for == found.segment.seq and _is_below_zero(found.until_here(), of_sender=False)


def _is_counted_anew(found: Difference) -> bool:
    return int(found.theirs) < int(found.ours) and _is_below_zero(found.until_here(), of_sender=True)


def _is_below_zero(segments: Iterable[tuple[Tcp, bool]], *, of_sender: bool) -> bool:
    """Whether the count of one side's duplicate ACKs was set to −1, since its ACK last went on.

    That comes of an ACK of the other side, for more than was captured of this one.
    """
    highest: int | None = None
    standing: int | None = None
    is_below = False
    for segment, is_its in segments:
        if is_its is of_sender:
            is_below &= segment.ack == standing
            standing = segment.ack
            if highest is None or distance(segment.next_seq(), highest) > 0:
                highest = segment.next_seq()
        elif highest is not None and segment.flags & TcpFlags.ACK:
            is_below |= distance(segment.ack, highest) > 0
    return is_below


def _is_told_again(found: Difference) -> bool:
    """tshark only: ours told it at an earlier ACK, which went as far."""
    earlier = found.before(by_sender=True)
    return found.theirs != "" and any(distance(found.segment.ack, each.ack) <= 0 for each in earlier)


def _has_hole_before_it(found: Difference) -> bool:
    """tshark only: the end of what it acknowledges was captured, but something before that was not, or came late."""
    return found.theirs != "" and not _goes_beyond(found) and not _is_in_order(found.before(by_sender=False))


def _is_kept_back(found: Difference) -> bool:
    """Ours only: tshark tells it where its count of the peer's duplicate ACKs is 0."""
    peers = found.before(by_sender=False)
    alike = list(takewhile(lambda each: each.ack == peers[-1].ack, reversed(peers)))
    counts = any(not each.length for each in alike[:-1])  # the first of them is no repetition
    counts |= _is_below_zero(list(found.until_here())[:-1], of_sender=False)
    return found.ours != "" and _goes_beyond(found) and counts


def _is_in_flight(found: Difference) -> bool:
    """From the highest ACK to the end of the data that was sent, less what any SACK block has named: counted anew."""
    base: int | None = None
    acked, end, blocks = 0, 0, list[tuple[int, int]]()
    for segment, is_its in found.until_here():
        if is_its:
            base = segment.seq if base is None else base
            end = max(end, distance(segment.next_seq(), base) - bool(segment.flags & TcpFlags.FIN))
        elif segment.flags & TcpFlags.ACK:
            base = segment.ack if base is None else base
            acked = max(acked, distance(segment.ack, base))
            blocks += [(distance(left, base), distance(right, base)) for left, right in segment.options.sack]
    held, last = 0, acked
    for left, right in sorted(blocks):
        held += max(min(right, end) - max(left, last), 0)
        last = max(last, right)
    return int(found.ours) == max(end - acked - held, 0)


def _began_within_keep_alive(found: Difference) -> bool:
    return not any(each.flags & TcpFlags.SYN for each in found.before(by_sender=True))


def _is_of_one_syn(found: Difference) -> bool:
    syns = {is_its for each, is_its in found.until_here() if each.flags & TcpFlags.SYN}
    return len(syns) < 2


BELOW_ZERO = "an ACK of bytes not captured sets tshark's count of the other side's duplicate ACKs to −1"
EXPLAINED: tuple[tuple[str, str, Callable[[Difference], bool]], ...] = (
    (SENDING, "tshark calls bytes that come within a round trip out of order; these were here before", _was_here),
    (SENDING, f"{BELOW_ZERO}, which is more than two: it calls what comes late fast", _is_fast_by_overflow),
    (SENDING, "tshark calls sent again what ends where its sender stood; it was not here", _ends_where_an_ack_stood),
    (
        SENDING,
        "tshark calls data sent again whose ACK was captured before it; these bytes are here for the first time",
        _is_new_though_acknowledged,
    ),
    (DUPLICATE, f"{BELOW_ZERO}, and the next is the first again", _is_counted_anew),
    (DUPLICATE, "the capture begins between keep-alives: tshark does not count the first", _began_within_keep_alive),
    (UNSEEN, "tshark tells of an ACK of bytes not captured at later ACKs too; ours once", _is_told_again),
    (UNSEEN, "tshark tells of an ACK behind a hole; its bytes were captured", _has_hole_before_it),
    (UNSEEN, "tshark is silent where the peer has repeated its ACK; these bytes are not here", _is_kept_back),
    (FULL, "tshark takes a window's scale from the one SYN that was captured; it needs both", _is_of_one_syn),
    (
        IN_FLIGHT,
        "tshark takes off the newest SACK blocks alone, the acknowledgment number of a RST without ACK too, and leaves"
        " out what it did not see; ours is what was sent and neither acknowledged nor in a SACK block",
        _is_in_flight,
    ),
)
"""Name of what differs, why, and whether it holds: both are right there, or tshark is not."""


def explanation(found: Difference) -> str | None:
    """Why the two may differ here; None where no reason is known."""
    return next((why for name, why, holds in EXPLAINED if name == found.name and holds(found)), None)
