"""Many pings at once: how many are under way."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterator

import pytest

from lan.services.icmp import prober


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
