"""One session of the web server, driven by hand over loopback."""

import resource
import select
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from lan.reasons import Reason
from lan.services.http.origin import server
from lan.services.http.origin.answer import Answer
from lan.services.http.origin.echo import Echo
from lan.services.http.origin.ending import State
from lan.services.http.origin.faults import Drip, Faults
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.session import Session
from lan.services.http.origin.settings import Limits, parser, read
from lan.services.http.origin.shortcuts import Shortcuts
from lan.services.http.origin.site import OnePage
from lan.services.http.origin.telling import SILENT, Teller
from lan.services.http.protocol.messages import Response, headers
from lan.services.http.protocol.transport import RECEIVE_BYTES, acknowledged_bytes, peer_has_ended

from ..program import wait_until

SIZE = 200_000
PATIENCE_S = 20.0
TAKES_UNREAD = 12
"""More often than the kernel of a client that does not read can acknowledge enough: its room has an end."""


class Counted:
    """Content that counts how often it was closed."""

    descriptor, start_bytes = None, 0

    def __init__(self) -> None:
        self.closed = 0

    def read(self, offset: int, count: int) -> bytes:
        return bytes(min(count, SIZE - offset))

    def close(self) -> None:
        self.closed += 1


def opened(origin: Origin, tell: Teller = SILENT) -> tuple[socket.socket, socket.socket, Session]:
    """A client's socket, the server's, and the session on that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), PATIENCE_S)
        sock, _ = listener.accept()
    sock.setblocking(False)
    session = Session(
        sock,
        origin=origin,
        settings=read(parser().parse_args([])),
        limits=Limits(),
        tell=tell,
        shortcuts=Shortcuts(time.time),
        now_s=0.0,
        date=time.time,
    )
    return client, sock, session


@pytest.mark.parametrize("fields", [[], ["Connection: close"]])
@pytest.mark.parametrize("reads", [True, False])
def test_content_is_closed_once_however_the_connection_ends(fields: list[str], *, reads: bool) -> None:
    """A descriptor that is closed twice may be another connection's by then."""
    content = Counted()

    class Giving(Origin):
        def answer(self, *_: object, **__: object) -> Answer:
            fields = headers([("Content-Length", str(SIZE))])
            return Answer(Response(200, headers=fields), content, Reason("a test", "much"))

    client, sock, session = opened(Giving(OnePage(b"", 0)))
    client.sendall("\r\n".join(["GET / HTTP/1.1", "Host: web", *fields, "", ""]).encode())
    got, wanted = 0, SIZE if reads else 1
    while session.is_open:
        ours = [client] if got < wanted else []
        ready, writable, _ = select.select(
            [sock, *ours], [sock] if session.mask & select.EPOLLOUT else [], [], PATIENCE_S
        )
        assert ready or writable
        if writable:
            session.send(1.0)
        if sock in ready and session.is_open:
            session.receive(1.0)
        if client in ready:
            got += len(client.recv(SIZE if reads else 1))
            if got >= wanted:
                client.close()
    assert content.closed == 1


def act(session: Session, sock: socket.socket) -> bool:
    """What the loop would do now; False: nothing is to be done."""
    ready, writable, _ = select.select(
        [sock] if session.mask & select.EPOLLIN else [], [sock] if session.mask & select.EPOLLOUT else [], [], 0
    )
    if writable:
        session.send(1.0)
    if ready:
        session.receive(1.0)
    return bool(ready or writable)


def fill(client: socket.socket, session: Session, sock: socket.socket) -> int:
    """Send until nobody takes any more: how many bytes."""
    client.setblocking(False)
    sent, most_bytes, is_full = 0, 32 << 20, False
    while not is_full:
        try:
            sent += client.send(b"x" * 65536)
        except BlockingIOError:
            is_full = not act(session, sock)
        assert sent < most_bytes
        act(session, sock)
    return sent


def read_on(client: socket.socket, sock: socket.socket) -> None:
    """The client reads for a while, and its kernel has acknowledged enough of what it has room for now."""
    before, least = acknowledged_bytes(sock), Limits().stall_s * Limits().slowest_bytes_per_s
    read_bytes = 0
    while read_bytes < 100_000:
        read_bytes += len(client.recv(100_000))
    wait_until(lambda: acknowledged_bytes(sock) - before >= least)


def test_a_client_of_the_other_protocol_that_does_not_read_is_not_read_from() -> None:
    client, sock, session = opened(Origin(OnePage(b"", 0)))
    client.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
    while session.state is not State.TUNNEL:
        act(session, sock)
    sent, got = fill(client, session, sock), b""
    assert len(session.transport._out) <= 2 * RECEIVE_BYTES  # type: ignore[attr-defined]
    while got.count(b"x") < sent:
        act(session, sock)
        if select.select([client], [], [], 0)[0]:
            got += client.recv(1 << 20)
    assert got.partition(b"\r\n\r\n")[2] == b"x" * sent
    session.abort(Reason("a test", "the end"))
    client.close()


def test_a_client_of_the_other_protocol_behind_a_slow_cable_stays_as_long_as_its_bytes_move() -> None:
    client, sock, session = opened(Origin(OnePage(b"", 0)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
    while session.state is not State.TUNNEL:
        act(session, sock)
    fill(client, session, sock)
    client.settimeout(PATIENCE_S)
    for _ in range(4):
        read_on(client, sock)
        session.expire(session.deadline_s)
        assert session.state is State.TUNNEL
    for _ in range(TAKES_UNREAD):
        session.expire(session.deadline_s)
    assert session.state is not State.TUNNEL
    session.abort(Reason("a test", "the end"))
    client.close()


class Dripping(Origin):
    """Twelve bytes, five seconds between one and the next."""

    def answer(self, *_: object, **__: object) -> Answer:
        fields, faults = headers([("Content-Length", "12")]), Faults(drip=Drip(1, 5.0))
        return Answer(Response(200, headers=fields), Short(), Reason("a test", "drops"), faults=faults)


class Short(Counted):
    def read(self, offset: int, count: int) -> bytes:
        return bytes(min(count, 12 - offset))


@pytest.mark.parametrize(
    ("origin", "pauses"), [(Origin(OnePage(b"", 0), app=Echo()), 1), (Dripping(OnePage(b"", 0)), 11)]
)
def test_what_comes_while_an_answer_is_held_back_waits_in_the_kernel(origin: Origin, pauses: int) -> None:
    client, sock, session = opened(origin)
    client.sendall(b"GET /delay/5 HTTP/1.1\r\nHost: web\r\n\r\n")
    for _ in range(pauses):
        while session.state is not State.PAUSE:
            act(session, sock)
        fill(client, session, sock)
        assert session.engine.waiting_bytes <= 2 * RECEIVE_BYTES
        session.expire(session.deadline_s)
    while session.state is not State.LINGER:  # what follows is no request
        act(session, sock)
    assert client.recv(1 << 20).count(b"HTTP/1.1 ") == 2
    session.abort(Reason("a test", "the end"))
    client.close()


def test_a_client_that_ends_its_side_while_it_is_answered_closed_between_requests() -> None:
    told: list[tuple[str, Reason, dict[str, object]]] = []
    log = SimpleNamespace(is_wanted=True, append=lambda what, why, **keys: told.append((what, why, keys)))
    client, sock, session = opened(Origin(OnePage(b"", 0), app=Echo()), Teller(log, None))  # type: ignore[arg-type]
    client.sendall(b"GET /delay/5 HTTP/1.1\r\nHost: web\r\n\r\n")
    while session.state is not State.PAUSE:
        act(session, sock)
    client.shutdown(socket.SHUT_WR)
    while session.mask & select.EPOLLIN:
        act(session, sock)
    session.expire(session.deadline_s)
    while session.is_open:
        act(session, sock)
    assert client.recv(1 << 20).endswith(b"5 s later\n")
    what, why, keys = told[-1]
    assert (what, why.text, keys["first"]) == ("closed", "the client closed between requests", "client")
    client.close()


@pytest.mark.parametrize(("is_ended", "first"), [(True, "client"), (False, "server")])
def test_whose_fin_came_first_is_told_as_it_was_though_it_was_read_later(is_ended: bool, first: str) -> None:
    told: list[dict[str, object]] = []
    log = SimpleNamespace(is_wanted=True, append=lambda what, why, **keys: told.append({"what": what, **keys}))
    client, sock, session = opened(Origin(OnePage(b"", 0)), Teller(log, None))  # type: ignore[arg-type]
    if is_ended:
        client.shutdown(socket.SHUT_WR)
        wait_until(lambda: peer_has_ended(sock))
    session.expire(session.deadline_s)  # idle for too long: the server has not come to read it
    if not is_ended:
        client.shutdown(socket.SHUT_WR)
    while session.is_open:
        act(session, sock)
    assert (told[-1]["what"], told[-1]["first"]) == ("closed", first)
    client.close()


class Endless(Counted):
    """More than any kernel takes in at once."""

    def read(self, offset: int, count: int) -> bytes:
        return bytes(count)


def test_a_client_that_reads_slowly_is_served_as_long_as_it_reads() -> None:
    """The kernel has room for more only when much has left: meanwhile what the client acknowledges counts."""

    class Giving(Origin):
        def answer(self, *_: object, **__: object) -> Answer:
            fields = headers([("Content-Length", str(1 << 40))])
            return Answer(Response(200, headers=fields), Endless(), Reason("a test", "much"))

    client, sock, session = opened(Giving(OnePage(b"", 0)))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.sendall(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
    now_s, limits = 1.0, Limits()
    while session.state is not State.ANSWER or act(session, sock):
        act(session, sock)
    for _ in range(10):
        read_on(client, sock)
        now_s += limits.stall_s + 1
        session.expire(now_s)
        assert session.is_open
    for _ in range(TAKES_UNREAD):
        now_s += limits.stall_s + 1
        session.expire(now_s)
    assert not session.is_open
    client.close()


def test_a_request_that_came_while_the_server_was_stopped_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """After SIGSTOP and SIGCONT within epoll_wait Python says, once, that nothing is ready: signal(7), PEP 475."""
    now = SimpleNamespace(s=100.0)
    monkeypatch.setattr(server, "time", SimpleNamespace(monotonic=lambda: now.s, time=time.time))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)  # this process is the tests'
    made: Any = server.Server(SimpleNamespace(is_wanted=False, append=lambda *_, **__: None))  # type: ignore[arg-type]
    made.apply(read(parser().parse_args(["--listen", "127.0.0.1:0"])), Origin(OnePage(b"", 0)), None)
    [(_, address)] = made.addresses
    client = socket.create_connection(address, PATIENCE_S)
    while not made.sessions:
        made.step()
    epoll = made._epoll

    def stopped(*_: object) -> list[tuple[int, int]]:
        client.sendall(b"GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        now.s += 60
        made._epoll = epoll
        return []

    made._epoll = SimpleNamespace(poll=stopped)
    while not select.select([client], [], [], 0)[0]:
        made.step()
    assert client.recv(12) == b"HTTP/1.1 200"
    client.close()
    while made.sessions:
        made.step()
    made.stop()
