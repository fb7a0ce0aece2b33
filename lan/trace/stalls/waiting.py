"""Why a sender was silent between two frames that took the transaction on: the rules, in the order of their proof.

Pure.  `before` is the last frame that took the transaction on, `after` the next; its sender was silent between.

1. `after` was sent before: a loss; ACKs of later bytes asked for it, or only the timer did.
2. The other side spoke last: the way there and back, and what is left is the program's.
3. The other's window had no room for `after`, and was opened: receive window full.
4. `after` left as soon as an ACK came: small, behind a small one that this ACK covers: Nagle; as many segments in
   the network as a new connection may have, or any after a loss: cwnd full.  The part of the wait in which the
   receiver could have acknowledged and did not: delayed ACK.
5. Nothing kept it: the program had nothing to send.

Rules 4 and 5 are guesses of a watcher; a sample of the sender's own kernel within the gap decides them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lan.reasons import Reason, Sentence, because
from lan.trace.frame import Frame
from lan.trace.kernel_tcp import Sample
from lan.trace.stalls.cause import Cause, Gap
from lan.trace.stalls.paths import Path
from lan.trace.stalls.segments import FIN, SYN, Dialogue, Segment, Sent

SHORT_NS = 1_000_000
"""A shorter silence of one sender is nobody's stall: the kernel's turn, the next frame of a burst."""
DELAYED_NS = 25_000_000
"""An ACK this much later than the way takes was held back.  Linux waits 40 ms at least (tcp_delack_min)."""
PROBE_NS = 200_000_000
"""With a single segment in the network a probe waits for a delayed ACK too: Linux's tcp_rto_min."""
INITIAL_WINDOW_SEGMENTS = 10
"""What a new connection may have in the network (RFC 6928); Linux has no less until something is lost."""
SENT_AT_ONCE_NS = 20_000_000
"""How long after the ACKs that ask for it a fast retransmission may come, besides the way and its quarter."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One gap, and who was silent: `sent` of the sender of `after`, `peer` of the other."""

    talk: Dialogue
    before: Segment
    after: Segment
    sent: Sent
    peer: Sent
    path: Path
    """From the tap to the sender and back."""
    peer_path: Path
    samples: Sequence[Sample]
    """What the sender's kernel said within the gap."""

    @property
    def start_ns(self) -> int:
        return self.before.time_ns

    @property
    def end_ns(self) -> int:
        return self.after.time_ns

    def part(
        self, start_ns: int, end_ns: int, cause: Cause, evidence: Sequence[Frame], reason: Reason, *, device: str = ""
    ) -> Gap:
        """A part of the gap."""
        start, end = (min(max(each, self.start_ns), self.end_ns) for each in (start_ns, end_ns))
        is_derived = not self.samples or cause not in DECIDED_BY_KERNEL
        return Gap(start, end, cause, list(evidence), reason, device or self.sent.side.device, is_derived)

    def on_its_way(self, start_ns: int, end_ns: int) -> Gap:
        """A part in which frames were on their way."""
        reason = because("the tap's times", Sentence("on its way"), round_trip_ms=f"{self.path.round_ns / 1e6:.3f}")
        gap = self.part(start_ns, end_ns, Cause.PATH, [self.before.frame, self.after.frame], reason)
        return replace(gap, device="")


DECIDED_BY_KERNEL = {Cause.NAGLE, Cause.CWND_FULL, Cause.CLIENT_IDLE, Cause.SERVER_THINK, Cause.RECEIVE_WINDOW}


def explain(silence: Silence, idle: Cause, idle_why: Sentence) -> list[Gap]:
    """The gap in parts, which add up to it; `idle` is what it is called when the program had nothing to send."""
    before, after = silence.before, silence.after
    if silence.end_ns <= silence.start_ns:
        return []
    if after.is_again:
        return [_again(silence)]
    lost = _lost_before_the_tap(silence)
    if lost is not None:
        return [lost]
    if before.is_client != after.is_client:
        return _answer(silence, idle, idle_why)
    if silence.end_ns - silence.start_ns < SHORT_NS:
        return [silence.on_its_way(silence.start_ns, silence.end_ns)]
    if silence.samples and not any(sample.not_sent_bytes for sample in silence.samples):
        return _program(silence, idle, idle_why)
    return _probe(silence) or _window(silence, idle, idle_why) or _clocked(silence) or _program(silence, idle, idle_why)


def _probe(silence: Silence) -> list[Gap]:
    """New bytes that the timer sent, to hear of the loss of those before: a tail loss probe (RFC 8985 §7.3).

    They were held back like any, no ACK freed them, and what was unacknowledged then had to be sent again later.
    """
    after, sent = silence.after, silence.sent
    waiting = sent.in_flight(silence.start_ns, silence.peer.ack_at(silence.end_ns - 1))
    if not waiting or silence.end_ns - silence.start_ns < 2 * (silence.path.round_ns + silence.peer_path.round_ns):
        return []
    first = waiting[0]
    if (len(waiting) == 1 and silence.end_ns - silence.start_ns < PROBE_NS) or after.length > sent.mss:
        return []
    again = next((each for each in sent.since(silence.end_ns) if each.is_again and each.start == first.start), None)
    if again is None:
        return []
    words = Sentence("no ACK of frame {frame} came until the timer sent the next bytes", frame=first.frame.number)
    reason = because(
        "RFC 8985 §7.3", words, probe=after.frame.number, lost=first.frame.number, sent_again=again.frame.number
    )
    evidence = [first.frame, after.frame, again.frame]
    return [silence.part(silence.start_ns, silence.end_ns, Cause.RETRANSMISSION_TIMEOUT, evidence, reason)]


def _again(silence: Silence) -> Gap:
    """A retransmission: fast where ACKs of later bytes had asked for it, else by the timer."""
    after, peer = silence.after, silence.peer
    begin_ns = silence.sent.first_beyond(after.start).time_ns
    asking = []
    for each in peer.since(begin_ns):
        if each.time_ns > silence.end_ns:
            break
        if each.ack is not None and each.ack <= after.start and each.asks_again:
            asking.append(each)
    evidence = [*(each.frame for each in asking[:3]), after.frame]
    way_ns = silence.path.round_ns + (silence.path.round_ns + silence.peer_path.round_ns) // 4
    if asking and silence.end_ns - asking[0].time_ns <= way_ns + SENT_AT_ONCE_NS:
        words = Sentence("lost, and the ACKs of later segments asked for it")
        reason = because("RFC 5681 §3.2", words, frame=after.frame.number, asked_by=asking[0].frame.number)
        return silence.part(silence.start_ns, silence.end_ns, Cause.FAST_RETRANSMISSION, evidence, reason)
    words = (
        Sentence("no ACK of the SYN came until the sender's timer ran out")
        if after.flags & SYN
        else Sentence("no ACK of the segment came until the sender's timer ran out")
    )
    reason = because("RFC 6298 §5", words, frame=after.frame.number)
    return silence.part(silence.start_ns, silence.end_ns, Cause.RETRANSMISSION_TIMEOUT, evidence, reason)


def _lost_before_the_tap(silence: Silence) -> Gap | None:
    """What is new here may be a second sending to its sender, and its kernel counts those."""
    if len(silence.samples) < 2 or silence.samples[-1].retransmits <= silence.samples[0].retransmits:
        return None
    words = Sentence("its kernel sent it again: the first was lost before it came here")
    reason = because("RFC 6298 §5", words, frame=silence.after.frame.number)
    gap = silence.part(silence.start_ns, silence.end_ns, Cause.RETRANSMISSION_TIMEOUT, [silence.after.frame], reason)
    return replace(gap, is_derived=False)


def _answer(silence: Silence, idle: Cause, idle_why: Sentence) -> list[Gap]:
    """The other side spoke last: half the way, the program, the other half and the frame's own length."""
    whole_ns = silence.end_ns - silence.start_ns
    transit_ns = silence.path.transmission_ns(silence.after)
    way_ns = min(_arrival_ns(silence) + silence.path.round_ns, whole_ns)
    tail_ns = min(silence.path.round_ns // 2 + transit_ns, whole_ns)
    head_ns = max(min(way_ns - silence.path.round_ns // 2, whole_ns - tail_ns), 0)
    start_ns, end_ns = silence.start_ns + head_ns, silence.end_ns - tail_ns
    return [
        silence.on_its_way(silence.start_ns, start_ns),
        _idle(silence, start_ns, end_ns, idle, idle_why),
        silence.on_its_way(end_ns, silence.end_ns),
    ]


def _arrival_ns(silence: Silence) -> int:
    """How much longer than the way alone the other's last burst took to arrive, as its receiver's ACK tells.

    Only a burst long enough for its ACKs not to be delayed says so.
    """
    before, sent = silence.before, silence.sent
    flight = silence.peer.in_flight(silence.start_ns, sent.ack_at(silence.start_ns - SHORT_NS))
    if sum(each.length for each in flight) < 4 * silence.peer.mss:
        return 0
    covering = next((each for each in sent.since(silence.start_ns) if each.ack is not None and each.ack >= before.end),
                    silence.after)  # fmt: skip
    return max(min(covering.time_ns, silence.end_ns) - silence.start_ns - silence.path.round_ns, 0)


def _idle(silence: Silence, start_ns: int, end_ns: int, idle: Cause, why: Sentence) -> Gap:
    reason = because("the frames between", why, before=silence.before.frame.number, after=silence.after.frame.number)
    return silence.part(start_ns, end_ns, idle, [silence.before.frame, silence.after.frame], reason)


def _window(silence: Silence, idle: Cause, idle_why: Sentence) -> list[Gap]:
    """Rule 3: [] where the window had room."""
    after, path = silence.after, silence.path
    allowed = silence.peer.edge_at(silence.start_ns - path.round_ns)
    wanted = min(after.length, silence.sent.mss)
    if allowed is None or after.end - after.length + wanted <= allowed or not after.length:
        return []
    news = silence.peer.acks[silence.peer.news_until(silence.start_ns - path.round_ns) :]
    opening = next((each for each in news if each.edge is not None and each.edge >= after.start + wanted), None)
    if opening is None:
        return []
    late_ns = silence.end_ns - opening.time_ns - path.round_ns
    end_ns = silence.end_ns if late_ns <= path.slack_ns else opening.time_ns + path.round_ns
    room = max(allowed - after.start, 0)
    device = silence.peer.side.device
    words = Sentence("the window had room for {room} bytes until {device} read", room=room, device=device)
    reason = because("RFC 9293 §3.8.6", words, opened_by=opening.frame.number, held_back=after.frame.number)
    evidence = [silence.before.frame, opening.frame, after.frame]
    parts = [silence.part(silence.start_ns, end_ns, Cause.RECEIVE_WINDOW, evidence, reason, device=device)]
    if end_ns < silence.end_ns:
        parts.append(_idle(silence, end_ns, silence.end_ns, idle, idle_why))
    return parts


def _clocked(silence: Silence) -> list[Gap]:
    """Rule 4: [] where `after` did not leave with an ACK, or nothing waited for it."""
    ack = _freed_by(silence)
    if ack is None:
        return []
    found = _nagle(silence, ack) or _cwnd(silence, ack)
    if found is None:
        return []
    cause, reason = found
    evidence = [silence.before.frame, ack.frame, silence.after.frame]
    held = _held_back(silence, ack)
    if held is None:
        return [silence.part(silence.start_ns, silence.end_ns, cause, evidence, reason)]
    return [
        silence.part(silence.start_ns, held.start_ns, cause, evidence, reason),
        held,
        silence.part(held.end_ns, silence.end_ns, cause, evidence, reason),
    ]


def _freed_by(silence: Silence) -> Segment | None:
    """The other side's ACK that `after` followed at once."""
    path, peer = silence.path, silence.peer
    count = peer.news_until(min(silence.end_ns - 1, silence.end_ns - path.round_ns + path.slack_ns // 2))
    if not count:
        return None
    ack = peer.acks[count - 1]
    late_ns = silence.end_ns - ack.time_ns - path.round_ns - path.transmission_ns(silence.after)
    is_after_stop = ack.time_ns + path.round_ns + path.slack_ns >= silence.start_ns
    is_pure = (not ack.length or ack.is_by_the_way) and not ack.flags & SYN
    return ack if late_ns <= path.slack_ns and is_after_stop and is_pure else None


def _nagle(silence: Silence, ack: Segment) -> tuple[Cause, Reason] | None:
    """A small segment behind a small one that this ACK covers (Minshall's rule, as Linux has it)."""
    after, sent = silence.after, silence.sent
    if after.length >= sent.mss or not after.length or after.flags & (SYN | FIN) or ack.ack is None:
        return None
    held_ns = ack.time_ns + silence.path.round_ns - silence.start_ns
    if held_ns < SHORT_NS or held_ns < silence.end_ns - silence.start_ns - held_ns:
        return None  # the ACK was there at once, and `after` came later still: its program had not written it before
    earlier = silence.peer.ack_at(ack.time_ns - 1)
    small = [
        each
        for each in sent.in_flight(silence.start_ns, earlier)
        if each.length < sent.mss and not each.flags & SYN and each.length
    ]
    if not small or small[-1].end > ack.ack or ack.ack < silence.before.end:
        return None
    byte = small[-1].end - 1
    words = Sentence("{count} bytes wait for the ACK of byte {byte}", count=after.length, byte=byte)
    facts = {"held_by": small[-1].frame.number, "freed_by": ack.frame.number, "held_back": after.frame.number}
    return Cause.NAGLE, because("RFC 9293 §3.7.4", words, **facts)


def _cwnd(silence: Silence, ack: Segment) -> tuple[Cause, Reason] | None:
    """As many segments in the network as the congestion window lets a sender have."""
    sent, peer, path = silence.sent, silence.peer, silence.path
    known = peer.ack_at(min(silence.start_ns - path.round_ns + path.slack_ns // 2, ack.time_ns - 1))
    flight = sent.in_flight(silence.start_ns, known)
    count = sum(-(-each.length // sent.mss) or 1 for each in flight)
    least = 1 if sent.has_sent_again else INITIAL_WINDOW_SEGMENTS
    told = max((sample.cwnd for sample in silence.samples), default=None)
    if count < (least if told is None else min(told, least)) or ack.ack is None or ack.ack <= known:
        return None
    facts = {"in_flight": count, "freed_by": ack.frame.number, "held_back": silence.after.frame.number}
    if told is not None:
        facts["cwnd"] = told
    words = Sentence("{count} segments are in the network, no more may be", count=count)
    return Cause.CWND_FULL, because("RFC 5681 §3.1", words, **facts)


def _held_back(silence: Silence, ack: Segment) -> Gap | None:
    """The part of the wait for an ACK in which its sender held it back."""
    assert ack.ack is not None
    earlier = silence.peer.ack_at(ack.time_ns - 1)
    covered: list[Segment] = []
    for each in silence.sent.until(ack.time_ns):
        if each.is_new and each.end <= earlier:
            break
        if earlier < each.end <= ack.ack:
            covered.append(each)
    if not covered or sum(each.length for each in covered) >= 2 * silence.sent.mss:
        return None  # two segments are acknowledged at once: RFC 5681 §4.2
    last = covered[0]
    owed_ns = last.time_ns + silence.peer_path.round_ns + silence.path.transmission_ns(last)
    if ack.time_ns - owed_ns < DELAYED_NS:
        return None
    device = silence.peer.side.device
    words = Sentence("{device} had frame {frame} and kept its ACK back", device=device, frame=last.frame.number)
    reason = because("RFC 9293 §3.8.6.3", words, frame=last.frame.number, ack=ack.frame.number)
    return silence.part(owed_ns, ack.time_ns, Cause.DELAYED_ACK, [last.frame, ack.frame], reason, device=device)


def _program(silence: Silence, idle: Cause, idle_why: Sentence) -> list[Gap]:
    """Rule 5: the frame's own length is the way's, the rest the program's."""
    transit_ns = min(silence.path.transmission_ns(silence.after), silence.end_ns - silence.start_ns)
    rest_ns = silence.end_ns - silence.start_ns - transit_ns
    if rest_ns < SHORT_NS:
        return [silence.on_its_way(silence.start_ns, silence.end_ns)]
    split_ns = silence.start_ns + rest_ns
    return [
        _idle(silence, silence.start_ns, split_ns, idle, idle_why),
        silence.on_its_way(split_ns, silence.end_ns),
    ]
