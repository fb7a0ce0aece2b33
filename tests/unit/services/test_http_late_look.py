"""A proxy's loop that was stopped while it waited: what came meanwhile is in time.

After SIGSTOP and SIGCONT epoll_wait ends with EINTR (signal(7)), and Python, whose own time-out has passed, says that
nothing is ready without another look (PEP 475).
"""

import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from lan.services.http.origin import server
from lan.services.http.proxy import loop

LONG_S = 60.0


class Waiting:
    """Somebody with a deadline, who has ten seconds more with each byte that comes."""

    def __init__(self, sock: socket.socket, now: SimpleNamespace) -> None:
        self.sock, self.now, self.deadline_s = sock, now, now.s + 10
        self.told: list[str] = []

    def ready(self, mask: int) -> None:
        self.told.append(self.sock.recv(100).decode())
        self.deadline_s = self.now.s + 10

    def expire(self) -> None:
        self.told.append("too late")
        self.deadline_s = float("inf")

    def fail(self, fault: Exception) -> None:
        raise fault


@pytest.mark.parametrize(("said", "told"), [(b"in time", ["in time"]), (b"", ["too late"])])
def test_what_came_while_the_loop_was_stopped_is_in_time(
    said: bytes, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: now.s))
    made: Any = loop.Loop()
    near, far = socket.socketpair()
    waiting = Waiting(near, now)
    made.watch(near, waiting, loop.IN)
    made.timed.add(waiting)
    epoll = made._epoll

    def stopped(*_: object) -> list[tuple[int, int]]:
        far.send(said)
        now.s += LONG_S
        made._epoll = epoll
        return []

    made._epoll = SimpleNamespace(poll=stopped)
    made.step()
    assert waiting.told == []
    now.s += 1
    made.step()
    assert waiting.told == told
    made.forget(near)
    made.close()
    far.close()


def test_a_crowd_that_is_always_ready_does_not_keep_a_server_from_calling_others_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, late = SimpleNamespace(s=100.0), SimpleNamespace(deadline_s=101.0)
    monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=lambda: now.s, time=lambda: now.s))
    monkeypatch.setattr(server.resource, "setrlimit", lambda *_: None)
    made: Any = server.Server(SimpleNamespace(is_wanted=False))  # type: ignore[arg-type]
    busy = SimpleNamespace(deadline_s=float("inf"))
    made.sessions = dict.fromkeys(range(1000, 1000 + server.MAX_EVENTS), busy) | {1: late}
    made._epoll = SimpleNamespace(poll=lambda *_: [(number, 1) for number in made.sessions if number > 1])
    made._thrift = SimpleNamespace(look=lambda now_s: None)
    expired: list[Any] = []
    monkeypatch.setattr(made, "_serve", lambda *_: None)
    monkeypatch.setattr(made, "_expire", lambda session, now_s: expired.append(session))
    made._swept_s = 100.0
    for now.s, seen in ((100.9, []), (101.1, [late])):
        made.step()
        assert expired == seen
    os.close(made._wake_in)
    os.close(made._wake_out)
