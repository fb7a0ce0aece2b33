"""Ping: echo requests out, replies and errors in, what ping says of them.  RFC 792, RFC 1122 §3.2.2.6.

Pure: datagrams and the time (seconds of a clock that never jumps) come in; packets to send and lines
to print come out.  `__main__.py` owns the socket and the screen.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lan.wire import icmp, ipv4
from lan.wire.malformed import Malformed

FIRST_ANSWER_S, LEAST_LINGER_S = 10.0, 1.0
"""How long the last request is waited for while nothing ever came, and at least if something did."""
ERROR_WORDS = {
    (icmp.UNREACHABLE, 0): "Destination Net Unreachable",
    (icmp.UNREACHABLE, 1): "Destination Host Unreachable",
    (icmp.UNREACHABLE, 2): "Destination Protocol Unreachable",
    (icmp.UNREACHABLE, 3): "Destination Port Unreachable",
    (icmp.UNREACHABLE, 4): "Frag needed",
    (icmp.UNREACHABLE, 9): "Destination Net Prohibited",
    (icmp.UNREACHABLE, 10): "Destination Host Prohibited",
    (icmp.UNREACHABLE, 13): "Packet filtered",
    (icmp.TIME_EXCEEDED, 0): "Time to live exceeded",
    (icmp.TIME_EXCEEDED, 1): "Frag reassembly time exceeded",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request: its round trip in ms, or the error that came instead."""

    sequence: int
    source: str
    rtt_ms: float | None = None
    ttl: int | None = None
    size: int = 0
    duplicate: bool = False
    error: str | None = None

    def line(self, name: str | None = None) -> str:
        """As ping prints it; `name` is the destination's, where it was given one."""
        if self.error is not None:
            return f"From {self.source} icmp_seq={self.sequence} {self.error}"
        source = f"{name} ({self.source})" if name else self.source
        ttl = "" if self.ttl is None else f" ttl={self.ttl}"
        time = f"time={ms_text(self.rtt_ms or 0)} ms{' (DUP!)' if self.duplicate else ''}"
        return f"{self.size} bytes from {source}: icmp_seq={self.sequence}{ttl} {time}"

    def as_json(self) -> dict[str, Any]:
        """A row of ``--json``'s `answers`."""
        return {
            "sequence": self.sequence,
            "source": self.source,
            "rtt_ms": None if self.rtt_ms is None else round(self.rtt_ms, 3),
            "ttl": self.ttl,
            "duplicate": self.duplicate,
            "error": self.error,
        }


@dataclass(slots=True)
class Statistics:
    """Counts, and the round trips (ms) of all replies that are no duplicates."""

    transmitted: int = 0
    duplicates: int = 0
    errors: int = 0
    rtts_ms: list[float] = field(default_factory=list)

    @property
    def received(self) -> int:
        return len(self.rtts_ms)

    def loss_percent(self) -> float:
        """0 while nothing was sent."""
        return 100 * (1 - self.received / self.transmitted) if self.transmitted else 0.0

    def rtt_ms(self) -> dict[str, float] | None:
        """min, avg, max and mdev (the standard deviation); None without a reply."""
        if not self.rtts_ms:
            return None
        mean = math.fsum(self.rtts_ms) / self.received
        spread = math.fsum((rtt - mean) ** 2 for rtt in self.rtts_ms) / self.received
        return {"min": min(self.rtts_ms), "avg": mean, "max": max(self.rtts_ms), "mdev": math.sqrt(spread)}

    def lines(self, elapsed_s: float) -> Iterator[str]:
        """The two last lines of ping."""
        extra = f", +{self.duplicates} duplicates" if self.duplicates else ""
        extra += f", +{self.errors} errors" if self.errors else ""
        yield (f"{self.transmitted} packets transmitted, {self.received} received{extra}, "
               f"{self.loss_percent():g}% packet loss, time {round(elapsed_s * 1000)}ms")
        if rtt := self.rtt_ms():
            yield f"rtt min/avg/max/mdev = {'/'.join(f'{value:.3f}' for value in rtt.values())} ms"


class Ping:
    """One destination, `count` requests (None: until stopped), `interval_s` apart.

    `timeout_s` is how long the last request is waited for; None: ten seconds, or where
    something came, twice the longest round trip, a second at least.
    """

    def __init__(
        self,
        address: str,
        *,
        identifier: int,
        count: int | None = None,
        interval_s: float = 1.0,
        timeout_s: float | None = None,
        size: int = 56,
    ) -> None:
        self.address, self.identifier, self.count = address, identifier, count
        self.interval_s, self.timeout_s, self.size = interval_s, timeout_s, size
        self.statistics = Statistics()
        self._sent_s: dict[int, float] = {}             # by sequence number: the latest 65536
        self._answered: set[int] = set()
        self._failed: set[int] = set()
        self._first_s: float | None = None
        self._last_s = 0.0

    def deadline_s(self) -> float | None:
        """When `wake` has work to do, or `is_over` may turn true; None before the first request."""
        if self._first_s is None:
            return None
        return self._last_s + (self.interval_s if self._has_more() else self._linger_s())

    def wake(self, *, now_s: float) -> bytes | None:
        """The next request to send, if it is time for it."""
        if not self._has_more() or (self._first_s is not None and now_s < self._last_s + self.interval_s):
            return None
        self._first_s = now_s if self._first_s is None else self._first_s
        self._last_s = now_s
        self.statistics.transmitted += 1
        sequence = self.statistics.transmitted & 0xFFFF
        self._answered.discard(sequence)
        self._failed.discard(sequence)
        self._sent_s[sequence] = now_s
        data = bytes(index & 0xFF for index in range(self.size))
        return icmp.build_echo(self.identifier, sequence, data)

    def is_over(self, *, now_s: float) -> bool:
        """Whether all requests were sent, and answered or waited for."""
        if self._has_more():
            return False
        settled = len(self._answered | self._failed)
        return settled >= self.statistics.transmitted or now_s >= self._last_s + self._linger_s()

    def receive_datagram(self, data: bytes, *, now_s: float) -> Answer | None:
        """What a raw socket got, IPv4 header included; None if it is not about this ping.  Never raises."""
        try:
            header = ipv4.read(data, 0, len(data))
        except Malformed:
            return None
        if header.problems or header.protocol != ipv4.ICMP:
            return None
        return self.receive(data[header.header_length : header.total_length], header.src, now_s=now_s, ttl=header.ttl)

    def receive(self, data: bytes, source: str, *, now_s: float, ttl: int | None = None) -> Answer | None:
        """One ICMP message; None if it is not about this ping.  Never raises."""
        try:
            message = icmp.read(data, 0, len(data))
        except Malformed:
            return None
        if message.checksum_ok is False:
            return None
        if message.type == icmp.ECHO_REPLY and message.identifier == self.identifier and source == self.address:
            return self._reply(message.sequence or 0, source, len(data), ttl, now_s)
        quoted = message.quoted
        if quoted is None or quoted.protocol != ipv4.ICMP or quoted.dst != self.address:
            return None
        return self.receive_error(message.data[quoted.header_length :], source, message.type, message.code)

    def receive_error(self, request: bytes, source: str, kind: int, code: int) -> Answer | None:
        """An error of that ICMP type and code, with the beginning of our request that it is about."""
        if len(request) < icmp.HEADER_BYTES or request[0] != icmp.ECHO:
            return None
        identifier, sequence = int.from_bytes(request[4:6], "big"), int.from_bytes(request[6:8], "big")
        if identifier != self.identifier or sequence not in self._sent_s or sequence in self._failed:
            return None
        self._failed.add(sequence)
        self.statistics.errors += 1
        words = ERROR_WORDS.get((kind, code)) or f"ICMP type {kind}, code {code}"
        return Answer(sequence, source, error=words)

    def fail(self, text: str) -> Answer:
        """The request of a moment ago could not even be sent."""
        sequence = self.statistics.transmitted & 0xFFFF
        self._failed.add(sequence)
        self.statistics.errors += 1
        return Answer(sequence, "this host", error=text)

    def elapsed_s(self) -> float:
        """From the first request to the last one."""
        return 0.0 if self._first_s is None else self._last_s - self._first_s

    def _reply(self, sequence: int, source: str, size: int, ttl: int | None, now_s: float) -> Answer | None:
        if sequence not in self._sent_s:
            return None
        rtt_ms = max(0.0, now_s - self._sent_s[sequence]) * 1000
        duplicate = sequence in self._answered
        if duplicate:
            self.statistics.duplicates += 1
        else:
            self._answered.add(sequence)
            self.statistics.rtts_ms.append(rtt_ms)
        return Answer(sequence, source, rtt_ms, ttl, size, duplicate)

    def _has_more(self) -> bool:
        return self.count is None or self.statistics.transmitted < self.count

    def _linger_s(self) -> float:
        if self.timeout_s is not None:
            return self.timeout_s
        rtt = self.statistics.rtt_ms()
        return FIRST_ANSWER_S if rtt is None else max(2 * rtt["max"] / 1000, LEAST_LINGER_S)


def ms_text(rtt_ms: float) -> str:
    """A round trip with three digits that count, as ping prints it: 0.045, 1.23, 12.3, 123."""
    decimals = 3 if rtt_ms < 1 else 2 if rtt_ms < 10 else 1 if rtt_ms < 100 else 0
    return f"{rtt_ms:.{decimals}f}"


def report(ping: Ping, destination: str, answers: list[Answer]) -> dict[str, Any]:
    """The object of ``--json``."""
    statistics = ping.statistics
    rtt = statistics.rtt_ms()
    return {
        "schema": 1,
        "ok": statistics.received > 0,
        "destination": destination,
        "address": ping.address,
        "transmitted": statistics.transmitted,
        "received": statistics.received,
        "duplicates": statistics.duplicates,
        "errors": statistics.errors,
        "loss_percent": round(statistics.loss_percent(), 3),
        "rtt_ms": None if rtt is None else {key: round(value, 3) for key, value in rtt.items()},
        "answers": [answer.as_json() for answer in answers],
    }
