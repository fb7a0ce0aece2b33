"""A server behind TLS: reached as a client reaches it, believed as a client believes it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...pem import write_pem
from ...program import Program
from ..proxying import Client, Start, web_command


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Program, Path]]:
    """Our echo application over TLS, and the authority that signed it."""
    words = ["--app", "echo", "--tls", "--tls-listen", "0.0.0.0:0", *write_pem(tmp_path, "localhost")]
    with Program(web_command(*words), tmp_path / "secure") as program:
        yield program, tmp_path / "authority.pem"


def test_a_gateway_reaches_its_server_over_tls_and_keeps_that_connection(
    start: Start, knows: str, secure: tuple[Program, Path]
) -> None:
    server, authority = secure
    proxy = start(knows, "--upstream", f"https://localhost:{server.ports['https']}", "--cacert", str(authority))
    data = os.urandom(500_000)
    with Client(proxy) as client:
        for _ in range(3):
            client.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            status, _, content = client.response()
            assert (status, content == data) == (200, True)
    assert len({one["server"] for one in proxy.decisions("connection")}) == 1
    assert len(proxy.decisions("connection")) == 3


def test_a_server_whose_certificate_stands_for_another_is_not_believed(
    start: Start, knows: str, secure: tuple[Program, Path]
) -> None:
    server, authority = secure
    for words in (["--cacert", str(authority)], []):
        name = "127.0.0.2" if words else "localhost"
        proxy = start(knows, "--upstream", f"https://{name}:{server.ports['https']}", *words)
        with Client(proxy) as client:
            client.send(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.response()[0] == 502
