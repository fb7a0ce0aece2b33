"""A transaction's time, or a connection's, given to causes: nothing left over, nothing twice.  Pure.

    for gap in attribute(timeline.http[0], timeline):
        print(gap)

The frames that took the conversation on (new bytes, and bytes sent again because they were lost) cut it into gaps;
`waiting` explains each.  Before a connection's SYN come the lookups that it waited for, where it was the first to use
them.  What a proxy's client waits for is what the proxy waits for at its own connection; only the rest is the proxy's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from lan.reasons import Reason
from lan.trace.frame import Frame
from lan.trace.kernel_tcp import Sample
from lan.trace.ledger import Ledger
from lan.trace.stalls.cause import Cause, Gap, clip, merge
from lan.trace.stalls.paths import path_of
from lan.trace.stalls.segments import FIN, Dialogue, Sent, dialogue
from lan.trace.stalls.waiting import SHORT_NS, Silence, explain
from lan.trace.timeline import Timeline
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.http_message import Message
from lan.trace.trackers.tcp import Connection
from lan.trace.trackers.tls import Session

MOST_PROXIES = 10
"""How many proxies behind each other are followed."""
LOST = frozenset({Cause.RETRANSMISSION_TIMEOUT, Cause.FAST_RETRANSMISSION})


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known besides the frames: samples of the devices' kernels, and the ledger of ports."""

    samples: Sequence[Sample] = ()
    ledger: Ledger | None = None


NOTHING_ELSE = Facts()


def attribute(what: Transaction | Connection, timeline: Timeline, facts: Facts = NOTHING_ELSE) -> list[Gap]:
    """Where its time went, in order; neighbours have different causes, and the parts add up to the whole.

    A transaction lasts from the first lookup that it waited for to the last byte of its response, sent as often as
    its client needed it; a connection to its last frame that took it on.  Where the client is far from the tap, its
    first and last frames were on their way there too.
    """
    connection = what if isinstance(what, Connection) else what.connection
    gaps = _whole(connection, timeline, facts, 0)
    if isinstance(what, Transaction):
        gaps = clip(gaps, *_bounds(what, timeline, facts))
    return merge(_with_ends(gaps, connection))


def _with_ends(gaps: list[Gap], connection: Connection) -> list[Gap]:
    """The way between client and tap before the first frame and after the last, together its round trip."""
    talk = dialogue(connection)
    round_ns = path_of(talk, talk.client).round_ns
    if not gaps or round_ns < SHORT_NS:
        return gaps
    first, last, half_ns = gaps[0], gaps[-1], round_ns // 2
    reason = Reason("the tap's times", f"between {connection.client.device} and the tap", round_trip_ms=round_ns / 1e6)
    begin, end = first.start_ns - half_ns, last.end_ns + round_ns - half_ns
    device = connection.client.device
    return [
        Gap(begin, first.start_ns, Cause.PATH, first.evidence[:1], reason, device),
        *gaps,
        Gap(last.end_ns, end, Cause.PATH, last.evidence[-1:], reason, device),
    ]


def _bounds(transaction: Transaction, timeline: Timeline, facts: Facts) -> tuple[int, int]:
    """When the transaction began and ended."""
    connection = transaction.connection
    request, response = transaction.request, transaction.response
    is_first = request.start == 0
    lookups = _before(connection, timeline, facts) if is_first else []
    if lookups:
        start_ns = lookups[0].start_ns
    else:
        start_ns = connection.frames[0].time_ns if is_first else request.frames[0].time_ns
    talk, last = dialogue(connection), start_ns
    for message, sent in ((request, talk.client), (response, talk.server)):
        if message is not None:
            last = max(last, _needed_until(message, sent))
    return start_ns, last


def _needed_until(message: Message, sent: Sent) -> int:
    """When the last of a message's bytes was sent for the last time that counted."""
    numbers = {frame.number for frame in message.frames}
    end = max((each.end for each in sent.all if each.frame.number in numbers), default=0)
    needed = (each.time_ns for each in sent.all if each.frame.number in numbers or (each.is_again and each.start < end))
    return max(needed, default=0)


def _whole(connection: Connection, timeline: Timeline, facts: Facts, depth: int) -> list[Gap]:
    """A connection's gaps with the lookups before it."""
    reading = _Reading(connection, timeline, facts, depth)
    return [*_before(connection, timeline, facts), *reading.gaps()]


@dataclass(slots=True)
class _Reading:
    """One connection, gap by gap."""

    connection: Connection
    timeline: Timeline
    facts: Facts
    depth: int
    talk: Dialogue = field(init=False)
    transactions: list[Transaction] = field(init=False)
    session: Session | None = field(init=False)

    def __post_init__(self) -> None:
        self.talk = dialogue(self.connection)
        self.transactions = [one for one in self.timeline.http if one.connection is self.connection]
        self.session = next((one for one in self.timeline.tls if one.connection is self.connection), None)
        self._pass_over_tickets()

    def _pass_over_tickets(self) -> None:
        """A server's tickets come with its ACK of the client's Finished and answer nothing (RFC 8446 §4.6.1)."""
        if self.session is None or self.session.client_finished is None:
            return
        finished, way = self.session.client_finished, path_of(self.talk, self.talk.server)
        spoken = (each for each in self.talk.client.since(finished.time_ns) if each.length)
        until = next((each.frame.number for each in spoken), self.connection.frames[-1].number)
        for segment in self.talk.server.since(finished.time_ns):
            is_soon = segment.time_ns <= finished.time_ns + way.round_ns + way.slack_ns
            segment.is_by_the_way = is_soon and segment.frame.number < until and not segment.flags & FIN

    def gaps(self) -> list[Gap]:
        talk = self.talk
        steps = [each for each in talk.segments if each.is_progress or each.frame is self.connection.ack]
        paths = {True: path_of(talk, talk.client), False: path_of(talk, talk.server)}
        found: list[Gap] = []
        for before, after in pairwise(steps):
            sent, peer = talk.of(after)
            samples = [
                sample
                for sample in self.facts.samples
                if before.time_ns < sample.time_ns < after.time_ns and sample.is_of(sent.side, peer.side)
            ]
            silence = Silence(
                talk, before, after, sent, peer, paths[after.is_client], paths[not after.is_client], samples
            )
            found += self._explain(silence)
        return found

    def _explain(self, silence: Silence) -> list[Gap]:
        """A gap of a handshake is the handshake's but for what was lost; of the rest the sender has to answer."""
        idle, why = self._idle(silence)
        parts = explain(silence, idle, why)
        phase = self._phase(silence)
        if phase is not None:
            cause, source, words = phase
            reason = Reason(source, words)
            return [part if part.cause in LOST else replace(part, cause=cause, reason=reason) for part in parts]
        if idle is not Cause.SERVER_THINK or self.depth >= MOST_PROXIES:
            return parts
        return [inner for part in parts for inner in self._behind(part)]

    def _phase(self, silence: Silence) -> tuple[Cause, str, str] | None:
        """The handshake that a gap belongs to."""
        connection, session = self.connection, self.session
        if connection.syn is not None and connection.ack is not None:
            if silence.end_ns <= connection.ack.time_ns and silence.after.frame.number <= connection.ack.number:
                return Cause.TCP_HANDSHAKE, "RFC 9293 §3.5", "SYN, SYN-ACK and ACK are on their way"
        elif not silence.talk.server.all or not silence.talk.client.all:
            return Cause.TCP_HANDSHAKE, "RFC 9293 §3.5", "the SYN is not answered"
        if session is None or session.client_hello is None:
            return None
        ended = session.client_finished.number if session.client_finished else self.connection.frames[-1].number
        if session.client_hello.number <= silence.before.frame.number and silence.after.frame.number <= ended:
            return Cause.TLS_HANDSHAKE, "RFC 8446 §2", "the two agree on keys"
        return None

    def _idle(self, silence: Silence) -> tuple[Cause, str]:
        """What it is called when the sender of `after` had nothing to send."""
        after, device = silence.after, silence.sent.side.device
        if after.is_client:
            if self._is_proxy(device):
                return Cause.PROXY_HOLDING, f"{device}, a proxy, sent nothing on"
            return Cause.CLIENT_IDLE, f"{device}'s program sent nothing"
        if after.flags & FIN and not after.length and not self._is_owed(silence):
            return Cause.CLIENT_IDLE, f"{device} had answered all, and no more requests came"
        return Cause.SERVER_THINK, f"{device}'s program had all it needs and sent nothing"

    def _is_owed(self, silence: Silence) -> bool:
        """Whether the server's answer was not whole yet."""
        at = silence.before.frame.number
        for one in self.transactions:
            if one.request.frames and one.request.frames[0].number <= at:
                response = one.response
                if response is None or not response.is_complete or response.framing == "until close":
                    return True
        return False

    def _is_proxy(self, device: str) -> bool:
        """Whether a device asks others for what it is asked."""
        asks = serves = False
        for one in self.timeline.http:
            asks |= one.connection.client.device == device
            serves |= one.connection.server.device == device
        return asks and serves

    def _behind(self, part: Gap) -> list[Gap]:
        """The time of a server that is a proxy: what it waited for itself, and what it held."""
        if part.cause is not Cause.SERVER_THINK:
            return [part]
        upstream = self._upstream(part)
        if upstream is None:
            if not self._is_proxy(part.device):
                return [part]
            reason = replace_text(part.reason, f"{part.device}, a proxy, asked nobody and sent nothing")
            return [replace(part, cause=Cause.PROXY_HOLDING, reason=reason)]
        inner = clip(_whole(upstream, self.timeline, self.facts, self.depth + 1), part.start_ns, part.end_ns)
        parts, at_ns = [], part.start_ns
        held = replace(
            part, cause=Cause.PROXY_HOLDING,
            reason=Reason("the frames on both sides", f"{part.device} had what it needs and did not go on"),
        )  # fmt: skip
        for gap in inner:
            if gap.start_ns > at_ns:
                parts.append(replace(held, start_ns=at_ns, end_ns=gap.start_ns))
            is_waiting_for_us = gap.cause is Cause.CLIENT_IDLE
            parts.append(replace(held, start_ns=gap.start_ns, end_ns=gap.end_ns) if is_waiting_for_us else gap)
            at_ns = gap.end_ns
        return [*parts, replace(held, start_ns=at_ns)] if at_ns < part.end_ns else parts

    def _upstream(self, part: Gap) -> Connection | None:
        """The proxy's own connection that moved in this time: for the same target where both speak HTTP."""
        here = next((one for one in reversed(self.transactions) if _began_ns(one) <= part.start_ns), None)
        best: tuple[bool, int, Connection] | None = None
        for connection in self.timeline.tcp:
            if connection.client.device != part.device or connection is self.connection:
                continue
            moved = [frame for frame in connection.frames if part.start_ns <= frame.time_ns <= part.end_ns]
            if not moved:
                continue
            is_same = here is not None and any(
                _path(one.target) == _path(here.target) for one in self.timeline.http if one.connection is connection
            )
            if best is None or (is_same, -moved[0].number) > best[:2]:
                best = is_same, -moved[0].number, connection
        return best[2] if best else None


def replace_text(reason: Reason, text: str) -> Reason:
    """A reason with its source and facts, and another sentence."""
    return Reason(reason.source, text, **dict(reason.facts))


def _began_ns(transaction: Transaction) -> int:
    return transaction.request.frames[0].time_ns if transaction.request.frames else 0


def _path(target: str) -> str:
    """A target's path, whether it came with scheme and host (to a proxy) or without."""
    _, scheme, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if scheme else target


def _before(connection: Connection, timeline: Timeline, facts: Facts) -> list[Gap]:
    """ARP, name lookup and the wait for a port before the SYN, and what the client did between them."""
    syn = connection.syn
    if syn is None:
        return []
    device, server_ip = connection.client.device, connection.server.ip
    since_ns = max((other.time_ns for other in _earlier_syns(connection, timeline)), default=0)
    waits = [
        *_lookups(timeline, device, server_ip, since_ns, syn.time_ns),
        *_resolutions(timeline, device, since_ns, syn.time_ns),
    ]
    if facts.ledger is not None:
        for full in facts.ledger.exhaustions(device, server_ip, connection.server.port):
            asked_ns = max((wait.end_ns for wait in waits if wait.cause is Cause.NAME_LOOKUP), default=0)
            start_ns = max(full.start_ns, full.settled_ns, asked_ns)
            if start_ns < syn.time_ns and full.start_ns < syn.time_ns <= full.end_ns + FREED_NS:
                waits.append(
                    Gap(start_ns, syn.time_ns, Cause.PORTS_EXHAUSTED, [*full.evidence, syn], full.reason, device)
                )
    talk = dialogue(connection)
    return _in_a_row(waits, syn, device, path_of(talk, talk.client).round_ns)


def _earlier_syns(connection: Connection, timeline: Timeline) -> Iterator[Frame]:
    """Those of this client to this server: a lookup before one of them was not for this connection."""
    ends = connection.client.device, connection.server.ip
    for other in timeline.tcp:
        if other is connection:
            return
        if other.syn is not None and (other.client.device, other.server.ip) == ends:
            yield other.syn


def _lookups(timeline: Timeline, device: str, address: str, since_ns: int, until_ns: int) -> list[Gap]:
    """The questions for the name that gave this address, of all types and to all resolvers, as one gap."""
    asked = [
        query for query in timeline.dns
        if query.client == device and since_ns <= query.requests[0].time_ns <= until_ns
    ]  # fmt: skip
    names = [query.name.lower() for query in asked if address in query.addresses]
    same = [query for query in asked if names and query.name.lower() == names[-1]]
    if not same:
        return []
    evidence = [frame for query in same for frame in query.frames if frame.time_ns <= until_ns]
    end_ns = max(frame.time_ns for frame in evidence)
    reason = Reason("RFC 1035 §7", f"{device} asked for {names[-1]}", questions=len(same))
    return [Gap(evidence[0].time_ns, end_ns, Cause.NAME_LOOKUP, sorted(evidence, key=_number), reason, device)]


def _resolutions(timeline: Timeline, device: str, since_ns: int, until_ns: int) -> list[Gap]:
    found = []
    for one in timeline.arp:
        if one.device != device or not one.requests or not one.replies or one.kind != "question":
            continue
        start_ns, end_ns = one.requests[0].time_ns, one.replies[0].time_ns
        if since_ns <= start_ns and end_ns <= until_ns:
            reason = Reason("RFC 826", f"{device} asked who has {one.target_ip}")
            found.append(Gap(start_ns, end_ns, Cause.ADDRESS_RESOLUTION, one.frames, reason, device))
    return found


PRECEDENCE = (Cause.PORTS_EXHAUSTED, Cause.NAME_LOOKUP, Cause.ADDRESS_RESOLUTION)
CHAIN_NS = 250_000_000
"""What waits for a hardware address goes on at once; a resolution that ended earlier was for something else."""
FREED_NS = 1_000_000_000
"""How soon after a port came back a SYN is of one who waited for it: programs try again in steps, which it pays too."""


def _in_a_row(waits: list[Gap], syn: Frame, device: str, round_ns: int) -> list[Gap]:
    """The waits that led to the SYN, parted where they overlap, and between them the client and its way."""
    chain: list[Gap] = []
    at_ns = syn.time_ns
    for gap in sorted(waits, key=lambda each: (-each.end_ns, PRECEDENCE.index(each.cause))):
        pause_ns = at_ns - gap.end_ns
        if pause_ns > CHAIN_NS + round_ns and gap.cause is Cause.ADDRESS_RESOLUTION:
            break
        if gap.start_ns >= at_ns:
            continue
        if pause_ns > 0:
            idle = Reason("the frames between", f"{device}'s program had its answer and did not go on")
            way = Reason("the tap's times", "on its way", round_trip_ms=f"{round_ns / 1e6:.3f}")
            half_ns = min(0 if gap.cause is Cause.PORTS_EXHAUSTED else round_ns, pause_ns) // 2
            evidence = [gap.evidence[-1], syn]
            chain += [
                Gap(at_ns - half_ns, at_ns, Cause.PATH, evidence, way, device),
                Gap(gap.end_ns + half_ns, at_ns - half_ns, Cause.CLIENT_IDLE, evidence, idle, device),
                Gap(gap.end_ns, gap.end_ns + half_ns, Cause.PATH, evidence, way, device),
            ]
        chain.append(replace(gap, end_ns=min(gap.end_ns, at_ns)))
        at_ns = gap.start_ns
    return chain[::-1]


def _number(frame: Frame) -> int:
    return frame.number
