"""lan-fetch against a server of many moods: each object ends once, and none that had begun is asked again."""

import random
import socket
import threading
from collections import Counter

import pytest

from lan.services.http.strategies.strategy import STRATEGIES

from ...fetching import asked
from ..scripted_server import OK, Peer, Scripted

OBJECTS = 30
BODY = "x" * 3000


class Moods:
    """Each connection answers a few requests and ends in one of five ways; it counts what it saw of each path."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._lock = threading.Lock()
        self.begun: set[bytes] = set()
        self.answered: set[bytes] = set()
        self.asked: Counter[bytes] = Counter()
        self.asked_again: list[bytes] = []
        """Paths that were asked for after their response had begun."""

    def script(self, peer: Peer) -> None:
        with self._lock:
            count, mood = self._dice.randrange(4), self._dice.choice(["fin", "rst", "close", "half", "early", "kind"])
        for _ in range(count if mood != "kind" else OBJECTS):
            if not self._answer(peer):
                return
        end = getattr(self, f"_{mood}")
        end(peer)

    def _request(self, peer: Peer) -> bytes:
        request = peer.request()
        if not request:
            return b""
        path = request.split()[1]
        with self._lock:
            self.asked[path] += 1
            if path in self.begun:
                self.asked_again.append(path)
        return path

    def _answer(self, peer: Peer, more: str = "", cut: int = len(BODY)) -> bool:
        path = self._request(peer)
        if not path:
            return False
        with self._lock:
            self.begun.add(path)
        peer.send(f"{OK}{more}Content-Length: {len(BODY)}\r\n\r\n{BODY[:cut]}")
        if cut == len(BODY):
            self.answered.add(path)
        return True

    def _fin(self, peer: Peer) -> None:
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_reset()

    def _rst(self, peer: Peer) -> None:
        peer.await_acknowledged()
        peer.reset()

    def _close(self, peer: Peer) -> None:
        if self._answer(peer, "Connection: close\r\n"):
            self._fin(peer)

    def _half(self, peer: Peer) -> None:
        if self._answer(peer, cut=1000):
            self._fin(peer)

    def _early(self, peer: Peer) -> None:
        """Reads a request and closes without a word."""
        if self._request(peer):
            self._fin(peer)

    def _kind(self, peer: Peer) -> None:
        peer.await_reset()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("seed", range(12))
def test_each_object_ends_once_and_nothing_that_had_begun_is_asked_again(strategy: str, seed: int) -> None:
    moods = Moods(seed)
    with Scripted(moods.script) as server:
        words = ["--strategy", strategy, *(["--connections", "3"] if "parallel" in strategy else [])]
        _, said = asked(*words, *[server.url(f"/{n}") for n in range(OBJECTS)])
        server.faults.clear()  # a client that gives up in the middle is not the server's fault
    assert moods.asked_again == []
    assert max(moods.asked.values()) <= 3 + OBJECTS // 2
    for one in said["objects"]:
        path = "/" + one["url"].rpartition("/")[2]
        has_answer = path.encode() in moods.answered
        assert one["ok"] == has_answer == ("error" not in one), one
        if has_answer:
            assert (one["status"], one["body_bytes"]) == (200, len(BODY))
    assert sum(one["what"] == "give up" for one in said["decisions"]) == sum("error" in one for one in said["objects"])
