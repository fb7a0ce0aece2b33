"""A smart proxy to whom nobody listens passes plain messages on by their lines: on real sockets, small and large."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...program import Program
from ..proxying import Client, Played, get, proxy_command, web_command


@pytest.fixture
def smart(tmp_path: Path) -> Iterator[Program]:
    """A smart proxy without a decision log."""
    with Program(proxy_command("smart", "--allow-loopback"), tmp_path / "none", is_told=False) as program:
        yield program


def test_every_length_comes_through_on_one_kept_connection(smart: Program, tmp_path: Path) -> None:
    sizes = [0, 1, 1024, 65_000, 65_536, 300_000, 3_000_000]
    for size in sizes:
        (tmp_path / f"{size}.bin").write_bytes(os.urandom(size))
    with Program(web_command("--root", str(tmp_path)), tmp_path / "web") as web, Client(smart) as client:
        for size in sizes * 3:
            client.send(get(web.url, path=f"/{size}.bin"))
            status, head, content = client.response()
            assert status == 200 and "\r\nVia: 1.1 " in head
            assert content == (tmp_path / f"{size}.bin").read_bytes()
        assert len(web.decisions("accepted")) == 1


def test_pipelined_requests_and_a_server_that_goes_away(smart: Program, played: Played) -> None:
    answer = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 5\r\n\r\nhello"
    with Client(smart) as client:
        for _ in range(3):
            client.send(get(played.url))
            server = played.accepted[0] if played.accepted else played.accept()
            assert server.head()
            server.send(answer)
            assert client.response()[2] == b"hello"
        client.send(get(played.url) * 3)
        for _ in range(3):
            assert server.head()
            server.send(answer)
            assert client.response()[2] == b"hello"
        client.send(get(played.url))
        assert server.head()
        server.close()  # the kept connection closes without an answer: the request is sent once more (RFC 9112 §9.3.1)
        server = played.accept()
        assert server.head()
        server.send(answer)
        assert client.response()[2] == b"hello"
        client.send(get(played.url))
        assert server.head()
        server.send(answer[:-2])
        server.close()
        assert client.rest().endswith(b"\r\n\r\nhel")
