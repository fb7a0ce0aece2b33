"""Many pings at once: how many are under way, and what is read before one is given up."""

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Iterator

import pytest

from lan.services.icmp import prober
from lan.wire import icmp


class Unanswered:
    """Stands for an ICMP socket whose requests vanish; knows how many of them are not yet given up."""

    type = socket.SOCK_DGRAM

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._reading, self._writing = os.pipe()
        self._sent_s: deque[float] = deque()
        self.sent, self.most = 0, 0

    def fileno(self) -> int:
        return self._reading

    def setblocking(self, on: bool) -> None:
        """It never waits."""

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        now_s = time.perf_counter()
        while self._sent_s and self._sent_s[0] + self.timeout_s <= now_s:
            self._sent_s.popleft()
        self._sent_s.append(now_s)
        self.sent, self.most = self.sent + 1, max(self.most, len(self._sent_s))

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


@pytest.fixture
def unanswered() -> Iterator[Unanswered]:
    made = Unanswered(timeout_s=0.05)
    yield made
    made.close()


def test_no_more_are_under_way_than_a_switch_floods_in_time(unanswered: Unanswered) -> None:
    pairs = [(unanswered, f"10.0.1.{n}") for n in range(1, 200)]
    rtts = prober.ping_all(pairs, unanswered.timeout_s)  # type: ignore[arg-type]  # all that it asks of a socket
    assert rtts == [None] * 199
    assert unanswered.sent == 199 and unanswered.most <= 64


class Answering:
    """Stands for an ICMP socket whose request is answered at once."""

    type = socket.SOCK_DGRAM

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._answers: list[bytes] = []

    def fileno(self) -> int:
        return self._reading

    def setblocking(self, on: bool) -> None:
        """It never waits."""

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self._answers.append(icmp.build_echo(1, int.from_bytes(data[6:8], "big"), data[8:], reply=True))
        os.write(self._writing, b"!")

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self._answers:
            raise BlockingIOError
        return self._answers.pop(), ("10.0.1.1", 0)

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


def test_an_answer_that_came_in_time_counts_though_the_prober_was_not_run_meanwhile() -> None:
    times_s = iter([0.0, 0.0])  # it is sent, and its deadline set; then nothing is run for nine seconds
    with contextlib.closing(Answering()) as answering:
        pairs = [(answering, "10.0.1.1")]
        rtts = prober.ping_all(pairs, 1.0, clock=lambda: next(times_s, 9.0))  # type: ignore[arg-type]  # as above
    assert rtts == [9000.0]
