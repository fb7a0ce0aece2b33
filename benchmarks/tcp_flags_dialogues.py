"""TCP segments written by hand: what the kernel's TCP does not send, or sends too seldom."""

from lan.wire import ethernet, ipv4, tcp
from lan.wire.tcp import NO_OPTIONS, TcpFlags, TcpOptions

Timed = list[tuple[int, bytes]]
"""Frames with their times in ns since 1970."""

SYN, ACK, FIN = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN
IPS, MACS, PORTS = ("10.7.0.1", "10.7.0.2"), ("02:00:00:00:00:01", "02:00:00:00:00:02"), (5000, 80)
DATA = b"x" * 1000


class Dialogue:
    """A connection of client (0) and server (1), just opened; `captured` is what was seen of it."""

    def __init__(self, *, round_trip_ms: float = 2) -> None:
        self.next, self.now_ns, self.captured = [100, 900], 10**18, Timed()
        self.say(0, SYN), self.say(1, SYN | ACK), self.say(0, wait_ms=round_trip_ms - 1)

    def say(
        self,
        who: int,
        flags: TcpFlags = ACK,
        data: bytes = b"",
        *,
        window: int = 4000,
        seq: int = 0,
        wait_ms: float = 1,
        goes_on: bool = True,
    ) -> None:
        """One segment, `seq` counted from where its sender stands; whether it moves him is told by `goes_on`."""
        self.now_ns += round(wait_ms * 1e6)
        options = TcpOptions(mss=1460, wscale=0) if flags & SYN else NO_OPTIONS
        ack, at = self.next[1 - who] if flags & ACK else 0, self.next[who] + seq
        ends = (IPS[who], IPS[1 - who])
        segment = tcp.build(
            *ends, PORTS[who], PORTS[1 - who], seq=at, ack=ack, flags=flags, window=window, payload=data,
            options=options,
        )  # fmt: skip
        if goes_on:
            self.next[who] = at + len(data) + bool(flags & (SYN | FIN))
        packet = ipv4.build(*ends, ipv4.TCP, segment)
        self.captured.append((self.now_ns, ethernet.build(MACS[1 - who], MACS[who], ethernet.IPV4, packet)))


def probes() -> Timed:
    """A window that closes, is asked for by a byte, opens, and is filled: Linux itself probes without a byte."""
    talk = Dialogue()
    talk.say(1, data=DATA)
    talk.say(0, window=1000)
    talk.say(1, data=DATA)
    for wait_ms in (200, 400, 800):
        talk.say(0, window=0)
        talk.say(1, data=b"x", wait_ms=wait_ms, goes_on=False)
    talk.say(0, window=0)
    talk.say(0, window=1000)
    talk.say(1, data=DATA)
    talk.say(0, seq=-1, wait_ms=1000, goes_on=False)
    talk.say(1)
    return talk.captured


def late_fin(*, with_gap: bool) -> Timed:
    """A FIN that an ACK has overtaken; with a gap, the last data of the other side was not captured."""
    talk = Dialogue()
    talk.say(0, data=DATA)
    talk.say(1, data=DATA)
    talk.say(0)
    talk.say(1, data=DATA)
    if with_gap:
        talk.captured.pop()
    talk.say(0)
    talk.say(0, seq=1, goes_on=False)
    talk.say(0, FIN | ACK, wait_ms=0.1)
    talk.say(1, FIN | ACK)
    talk.say(0)
    return talk.captured


def hole(*, filled_after_ms: float, has_handshake: bool = True) -> Timed:
    """A segment that was not here when its successor came; the handshake, where captured, took 40 ms."""
    talk = Dialogue(round_trip_ms=40)
    if not has_handshake:
        talk.captured.clear()
    talk.say(1, data=DATA)
    talk.say(0)
    talk.say(1, data=DATA)
    late = talk.captured.pop()[1]
    talk.say(1, data=DATA)
    talk.captured.append((talk.now_ns + round(filled_after_ms * 1e6), late))
    return talk.captured


DIALOGUES: dict[str, Timed] = {
    "probes of a window": probes(),
    "a late FIN": late_fin(with_gap=False),
    "a late FIN behind a gap": late_fin(with_gap=True),
    "a hole filled within the round trip": hole(filled_after_ms=39),
    "a hole filled after the round trip": hole(filled_after_ms=41),
    "a hole filled within 3 ms": hole(filled_after_ms=2.9, has_handshake=False),
    "a hole filled after 3 ms": hole(filled_after_ms=3.1, has_handshake=False),
}
