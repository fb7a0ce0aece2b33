"""One session of the web server, driven by hand over loopback."""

import select
import socket
import time

import pytest

from lan.reasons import Reason
from lan.services.http.origin.answer import Answer
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.session import Session
from lan.services.http.origin.settings import Limits, parser, read
from lan.services.http.origin.shortcuts import Shortcuts
from lan.services.http.origin.site import OnePage
from lan.services.http.origin.telling import SILENT
from lan.services.http.protocol.messages import Response, headers

SIZE = 200_000
PATIENCE_S = 20.0


class Counted:
    """Content that counts how often it was closed."""

    descriptor, start_bytes = None, 0

    def __init__(self) -> None:
        self.closed = 0

    def read(self, offset: int, count: int) -> bytes:
        return bytes(min(count, SIZE - offset))

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize("fields", [[], ["Connection: close"]])
@pytest.mark.parametrize("reads", [True, False])
def test_content_is_closed_once_however_the_connection_ends(fields: list[str], *, reads: bool) -> None:
    """A descriptor that is closed twice may be another connection's by then."""
    content = Counted()

    class Giving(Origin):
        def answer(self, *_: object, **__: object) -> Answer:
            fields = headers([("Content-Length", str(SIZE))])
            return Answer(Response(200, headers=fields), content, Reason("a test", "much"))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), PATIENCE_S)
        sock, _ = listener.accept()
    sock.setblocking(False)
    session = Session(
        sock,
        origin=Giving(OnePage(b"", 0)),
        settings=read(parser().parse_args([])),
        limits=Limits(),
        tell=SILENT,
        shortcuts=Shortcuts(time.time),
        now_s=0.0,
        date=time.time,
    )
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
