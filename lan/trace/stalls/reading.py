"""One connection, gap by gap: which phase each belongs to, whose silence it was, and what a proxy waited for.  Pure."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from lan.reasons import Sentence, because
from lan.trace.stalls.cause import Cause, Gap, clip
from lan.trace.stalls.knowledge import Knowledge
from lan.trace.stalls.paths import path_of
from lan.trace.stalls.segments import FIN
from lan.trace.stalls.waiting import Silence, explain
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.http_message import Framing
from lan.trace.trackers.tcp import Connection

LOST = frozenset({Cause.RETRANSMISSION_TIMEOUT, Cause.FAST_RETRANSMISSION})
FINISHED_BYTES = 150
"""A longer segment with the client's Finished has its first request too: RFC 8446 §4.4.4, a hash and its cover."""
Upstream = Callable[[Connection], list[Gap] | None]
"""The gaps of another connection; None of one that is being explained just now."""


class Reading:
    """The gaps between a connection's frames; `upstream` gives those of a proxy's own connection."""

    def __init__(self, connection: Connection, known: Knowledge, upstream: Upstream) -> None:
        self.connection, self.known, self.upstream = connection, known, upstream
        self.talk = known.dialogue(connection)
        self.transactions = known.transactions.get(connection, [])
        self.session = known.sessions.get(connection)
        self._pass_over_tickets()

    def _pass_over_tickets(self) -> None:
        """A server's tickets come with its ACK of the client's Finished and answer nothing (RFC 8446 §4.6.1)."""
        if self.session is None or self.session.client_finished is None:
            return
        finished, way = self.session.client_finished, path_of(self.talk, self.talk.server)
        read = [one.request.frames[0].number for one in self.transactions if one.session and one.request.frames]
        spoken = (each.frame.number for each in self.talk.client.since(finished.time_ns) if each.length)
        until = min(read) if read else next(spoken, self.connection.frames[-1].number)
        if not read and self.talk.by_number[finished.number].length > FINISHED_BYTES:
            return
        for segment in self.talk.server.since(finished.time_ns):
            is_soon = bool(read) or segment.time_ns <= finished.time_ns + way.round_ns + way.slack_ns
            segment.is_by_the_way = is_soon and segment.frame.number < until and not segment.flags & FIN

    def gaps(self) -> list[Gap]:
        talk = self.talk
        steps = [each for each in talk.segments if each.is_progress or each.frame is self.connection.ack]
        paths = {True: path_of(talk, talk.client), False: path_of(talk, talk.server)}
        found: list[Gap] = []
        for before, after in pairwise(steps):
            sent, peer = talk.of(after)
            samples = self.known.samples(sent.side, peer.side, before.time_ns, after.time_ns)
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
            reason, waiting = because(source, words), self.connection.client.device
            return [
                part if part.cause in LOST else replace(part, cause=cause, reason=reason, device=waiting)
                for part in parts
            ]
        if idle is not Cause.SERVER_THINK:
            client = self.connection.client.device
            return [replace(part, device=client) if part.cause is Cause.CLIENT_IDLE else part for part in parts]
        return [inner for part in parts for inner in self._behind(part)]

    def _phase(self, silence: Silence) -> tuple[Cause, str, Sentence] | None:
        """The handshake that a gap belongs to."""
        connection, session = self.connection, self.session
        if connection.syn is not None and connection.ack is not None:
            if silence.end_ns <= connection.ack.time_ns and silence.after.frame.number <= connection.ack.number:
                return Cause.TCP_HANDSHAKE, "RFC 9293 §3.5", Sentence("SYN, SYN-ACK and ACK are on their way")
        elif not silence.talk.server.all or not silence.talk.client.all:
            return Cause.TCP_HANDSHAKE, "RFC 9293 §3.5", Sentence("the SYN is not answered")
        if session is None or session.client_hello is None:
            return None
        ended = session.client_finished.number if session.client_finished else self.connection.frames[-1].number
        if session.client_hello.number <= silence.before.frame.number and silence.after.frame.number <= ended:
            return Cause.TLS_HANDSHAKE, "RFC 8446 §2", Sentence("the two agree on keys")
        return None

    def _idle(self, silence: Silence) -> tuple[Cause, Sentence]:
        """What it is called when the sender of `after` had nothing to send."""
        after, device = silence.after, silence.sent.side.device
        if after.is_client:
            if device in self.known.proxies:
                return Cause.PROXY_HOLDING, Sentence("{device}, a proxy, sent nothing on", device=device)
            return Cause.CLIENT_IDLE, Sentence("{device}'s program sent nothing", device=device)
        if after.flags & FIN and not after.length and not self._is_owed(silence):
            return Cause.CLIENT_IDLE, Sentence("{device} had answered all, and no more requests came", device=device)
        return Cause.SERVER_THINK, Sentence("{device}'s program had all it needs and sent nothing", device=device)

    def _is_owed(self, silence: Silence) -> bool:
        """Whether the server's answer was not whole yet."""
        at = silence.before.frame.number
        for one in self.transactions:
            if one.request.frames and one.request.frames[0].number <= at:
                response = one.response
                if response is None or not response.is_complete or response.framing is Framing.CLOSE:
                    return True
        return False

    def _behind(self, part: Gap) -> list[Gap]:
        """The time of a server that is a proxy: what it waited for itself, and what it held."""
        if part.cause is not Cause.SERVER_THINK:
            return [part]
        gaps = self._upstream_gaps(part)
        if gaps is None:
            if part.device not in self.known.proxies:
                return [part]
            words = Sentence("{device}, a proxy, asked nobody and sent nothing", device=part.device)
            reason = because(part.reason.source, words, **dict(part.reason.facts))
            return [replace(part, cause=Cause.PROXY_HOLDING, reason=reason)]
        parts, at_ns = [], part.start_ns
        words = Sentence("{device} had what it needs and did not go on", device=part.device)
        held = replace(part, cause=Cause.PROXY_HOLDING, reason=because("the frames on both sides", words))
        for gap in clip(gaps, part.start_ns, part.end_ns):
            if gap.start_ns > at_ns:
                parts.append(replace(held, start_ns=at_ns, end_ns=gap.start_ns))
            is_waiting_for_us = gap.cause is Cause.CLIENT_IDLE
            parts.append(replace(held, start_ns=gap.start_ns, end_ns=gap.end_ns) if is_waiting_for_us else gap)
            at_ns = gap.end_ns
        return [*parts, replace(held, start_ns=at_ns)] if at_ns < part.end_ns else parts

    def _upstream_gaps(self, part: Gap) -> list[Gap] | None:
        """Those of the proxy's own connection that moved in this time: for the same target where both speak HTTP."""
        begun = bisect_right(self.transactions, part.start_ns, key=_began_ns)
        here = self.transactions[begun - 1] if begun else None
        best: tuple[bool, int, Connection] | None = None
        for connection, frame in self.known.moved(part.device, part.start_ns, part.end_ns):
            asked = self.known.transactions.get(connection, [])
            is_same = here is not None and any(_path(one.target) == _path(here.target) for one in asked)
            if connection is not self.connection and (best is None or (is_same, -frame.number) > best[:2]):
                best = is_same, -frame.number, connection
        return self.upstream(best[2]) if best else None


def _began_ns(transaction: Transaction) -> int:
    return transaction.request.frames[0].time_ns if transaction.request.frames else 0


def _path(target: str) -> str:
    """A target's path, whether it came with scheme and host (to a proxy) or without."""
    _, scheme, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if scheme else target
