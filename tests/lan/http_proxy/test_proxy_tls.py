"""A server behind TLS: reached as a client reaches it, believed as a client believes it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.engine.certificates import Authority

from ..proxying import WEB, Program, Start


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Program, Path]]:
    """Our echo application over TLS, and the authority that signed it."""
    authority = Authority.create("proxies")
    certificate, key = authority.issue(["localhost"], ["127.0.0.1"])
    for name, data in (("authority", authority.certificate_pem), ("server", certificate), ("key", key)):
        (tmp_path / f"{name}.pem").write_bytes(data)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    pem = ["--certificate", str(tmp_path / "server.pem"), "--key", str(tmp_path / "key.pem")]
    words = ["--listen", "127.0.0.1:0", "--app", "echo", "--tls", "--tls-listen", f"0.0.0.0:{port}", *pem]
    program = Program(WEB, tmp_path / "secure", {}, *words)
    program.port = port
    yield program, tmp_path / "authority.pem"
    program.kill()


def test_a_gateway_reaches_its_server_over_tls_and_keeps_that_connection(
    start: Start, knows: str, secure: tuple[Program, Path]
) -> None:
    server, authority = secure
    proxy = start(knows, "--upstream", f"https://localhost:{server.port}", "--cacert", str(authority))
    data = os.urandom(500_000)
    with proxy.connect() as client:
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
        proxy = start(knows, "--upstream", f"https://{name}:{server.port}", *words)
        with proxy.connect() as client:
            client.send(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.response()[0] == 502
