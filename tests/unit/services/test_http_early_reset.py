"""A server that resets a connection in the moment in which it stands: its name can't be asked for any more."""

import errno
from collections.abc import Callable
from typing import Any

import pytest

from lan.services.http.proxy.passing import PassingSession
from lan.services.http.proxy.relay import Relay
from lan.services.http.proxy.smart import Session

from .played_proxy import PlayedSocket, World
from .test_http_hits import get


@pytest.mark.parametrize("kind", [Session, PassingSession, Relay])
def test_a_server_that_is_gone_at_once_is_no_server(kind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(kind)

    def gone(sock: PlayedSocket) -> tuple[str, int]:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")

    monkeypatch.setattr(PlayedSocket, "getpeername", gone)
    world.arrive(world.client, get())
    world.arrive(world.servers[0], ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"))
    assert world.servers[0].closed
    assert world.client.sent.startswith(b"HTTP/1.1 502 ") if kind is not Relay else world.client.closed
