"""A transaction's time, or a connection's, given to causes: nothing left over, nothing twice.  Pure.

    for gap in attribute(timeline.http[0], timeline):
        print(gap)

The frames that took the conversation on (new bytes, and bytes sent again because they were lost) cut it into gaps;
`waiting` explains each.  Before a connection's SYN come the lookups that it waited for, where it was the first to use
them.  What a proxy's client waits for is what the proxy waits for at its own connection; only the rest is the proxy's.
"""

from bisect import bisect_right

from lan.reasons import Sentence, because
from lan.trace.stalls.cause import Cause, Gap, clip, merge
from lan.trace.stalls.knowledge import Facts, Knowledge
from lan.trace.stalls.lookups import before
from lan.trace.stalls.reading import Reading
from lan.trace.stalls.segments import Dialogue
from lan.trace.stalls.waiting import SHORT_NS
from lan.trace.timeline import Timeline
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.http_message import Message
from lan.trace.trackers.tcp import Connection

__all__ = ["Attribution", "Facts", "attribute"]

NOTHING_ELSE = Facts()


def attribute(what: Transaction | Connection, timeline: Timeline, facts: Facts = NOTHING_ELSE) -> list[Gap]:
    """Where the time of one went; see `Attribution.of`, which is quicker for many."""
    return Attribution(timeline, facts).of(what)


class Attribution:
    """Explains the connections and transactions of a timeline as it is now, each once."""

    def __init__(self, timeline: Timeline, facts: Facts = NOTHING_ELSE) -> None:
        self._known = Knowledge(timeline, facts)
        self._wholes: dict[Connection, list[Gap] | None] = {}

    def of(self, what: Transaction | Connection) -> list[Gap]:
        """Where its time went, in order; neighbours have different causes, and the parts add up to the whole.

        A transaction lasts from the first lookup that it waited for to the last byte of its response, sent as often
        as its client needed it; a connection to its last frame that took it on.  Where the client is far from the
        tap, its first and last frames were on their way there too.
        """
        connection = what if isinstance(what, Connection) else what.connection
        gaps = self._whole(connection) or []
        if isinstance(what, Transaction):
            start_ns, end_ns = self._bounds(what, gaps)
            first = bisect_right(gaps, start_ns, key=lambda gap: gap.end_ns)
            last = bisect_right(gaps, end_ns, key=lambda gap: gap.start_ns)
            gaps = clip(gaps[first:last], start_ns, end_ns)
        return merge(_with_ends(gaps, connection, self._known.round_ns(connection)))

    def _whole(self, connection: Connection) -> list[Gap] | None:
        """A connection's gaps with the lookups before it; None while they are being found: a proxy asks itself."""
        if connection not in self._wholes:
            self._wholes[connection] = None
            reading = Reading(connection, self._known, self._whole)
            self._wholes[connection] = [*before(connection, self._known), *reading.gaps()]
        return self._wholes[connection]

    def _bounds(self, transaction: Transaction, gaps: list[Gap]) -> tuple[int, int]:
        """When the transaction began and ended."""
        talk = self._known.dialogue(transaction.connection)
        request, response = transaction.request, transaction.response
        is_first = request.start == 0 and gaps
        start_ns = gaps[0].start_ns if is_first else request.frames[0].time_ns
        ends_ns = [_needed_until(request, talk, is_client=True)]
        if response is not None:
            ends_ns.append(_needed_until(response, talk, is_client=False))
        return start_ns, max(start_ns, *ends_ns)


def _needed_until(message: Message, talk: Dialogue, *, is_client: bool) -> int:
    """When the last of a message's bytes was sent for the last time that counted."""
    brought = [talk.by_number[frame.number] for frame in message.frames if frame.number in talk.by_number]
    end = max((each.end for each in brought), default=0)
    again = [each for each in talk.again if each.is_client is is_client and each.start < end]
    return max((each.time_ns for each in [*brought, *again]), default=0)


def _with_ends(gaps: list[Gap], connection: Connection, round_ns: int) -> list[Gap]:
    """The way between client and tap before the first frame and after the last, together its round trip."""
    if not gaps or round_ns < SHORT_NS:
        return gaps
    first, last, half_ns = gaps[0], gaps[-1], round_ns // 2
    words = Sentence("between {device} and the tap", device=connection.client.device)
    reason = because("the tap's times", words, round_trip_ms=round_ns / 1e6)
    begin, end = first.start_ns - half_ns, last.end_ns + round_ns - half_ns
    return [
        Gap(begin, first.start_ns, Cause.PATH, first.evidence[:1], reason),
        *gaps,
        Gap(last.end_ns, end, Cause.PATH, last.evidence[-1:], reason),
    ]
