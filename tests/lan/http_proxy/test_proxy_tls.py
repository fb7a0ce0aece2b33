"""TLS on either side of a proxy: it believes a server as a client would, and shows clients a certificate of its own."""

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...pem import write_pem
from ...program import Program
from ..proxying import (
    PATIENCE_S,
    Client,
    Played,
    Start,
    Stream,
    field,
    get,
    pass_both_ways,
    proxy_command,
    web_command,
)


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


def test_a_url_of_https_that_comes_in_clear_is_asked_for_over_tls(
    start: Start, knows: str, secure: tuple[Program, Path]
) -> None:
    """A forward proxy secures what it can; a gateway is the server, and refuses (RFC 9110 §7.4)."""
    server, authority = secure
    url = f"https://localhost:{server.ports['https']}"
    for words, status in ((["--cacert", str(authority)], 200), ([], 502), (["--upstream", url], 421)):
        with Client(start(knows, *words)) as client:
            client.send(f"GET {url}/1k HTTP/1.1\r\nHost: {url.removeprefix('https://')}\r\n\r\n".encode())
            assert client.response()[0] == status, words


@pytest.fixture
def front(tmp_path: Path) -> list[str]:
    """The words of a proxy that speaks TLS to its clients; the authority is `authority.pem`."""
    return ["--tls", "--tls-listen", "127.0.0.1:0", *write_pem(tmp_path, "localhost")]


def over_tls(proxy: Program, tmp_path: Path) -> Stream:
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    plain = socket.create_connection(("127.0.0.1", proxy.ports["https"]), PATIENCE_S)
    return Stream(context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False))


@pytest.mark.parametrize("is_told", [True, False])
def test_clients_come_over_tls_and_without_to_the_same_proxy(
    tmp_path: Path, knows: str, web: Program, front: list[str], is_told: bool
) -> None:
    """Bodies both ways, a connection that is kept, and its end said by close_notify; told or not told: two ways."""
    command = proxy_command(knows, "--upstream", web.url, *front)
    data = os.urandom(500_000)
    with Program(command, tmp_path / "log", is_told=is_told) as proxy:
        assert sorted(proxy.ports) == ["https", "proxy"]
        for client in (over_tls(proxy, tmp_path), Client(proxy)):
            with client:
                for _ in range(3):
                    client.send(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
                    status, _, content = client.response()
                    assert (status, content == data) == (200, True)
                for _ in range(3):
                    client.send(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
                    assert [client.response()[0] for _ in range(3)] == [200] * 3
                client.send(b"GET /1k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert client.response()[0] == 200
                assert client.rest() == b""  # SSLEOFError where close_notify is missing


def test_a_forward_proxy_over_tls_makes_tunnels_and_forwards(
    start: Start, knows: str, web: Program, played: Played, front: list[str], tmp_path: Path
) -> None:
    proxy = start(knows, "--connect-port", str(played.port), *front)
    with over_tls(proxy, tmp_path) as client:
        client.send(get(web.url, path="/1k"))
        assert client.response()[0] == 200
        client.send(f"CONNECT {played.host} HTTP/1.1\r\nHost: {played.host}\r\n\r\n".encode())
        assert client.head().startswith("HTTP/1.1 200")
        server = played.accept()
        pass_both_ways(client, server)
        server.end()
        assert client.rest() == b""


def test_a_client_that_speaks_no_tls_or_breaks_it_off_ends_alone(
    start: Start, knows: str, web: Program, front: list[str], tmp_path: Path
) -> None:
    proxy = start(knows, "--upstream", web.url, *front, head_s=3)  # in which the good one has to shake hands
    with over_tls(proxy, tmp_path) as good, contextlib.ExitStack() as stack:
        good.send(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.response()[0] == 200
        all_rude = []
        for said in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\x16\x03", b""):
            rude = socket.create_connection(("127.0.0.1", proxy.ports["https"]), PATIENCE_S)
            all_rude.append(stack.enter_context(rude))
            rude.sendall(said)
        for rude in all_rude:
            with contextlib.suppress(ConnectionResetError):
                while rude.recv(1000):
                    pass  # an alert, or the end in time
        good.send(b"GET /1k HTTP/1.1\r\nHost: x\r\n\r\n")
        assert good.response()[0] == 200


@pytest.mark.parametrize("is_told", [True, False])
def test_a_cache_keeps_what_came_by_tls_apart_from_what_came_in_clear(
    tmp_path: Path, played: Played, front: list[str], is_told: bool
) -> None:
    """https and http are two URIs (RFC 9110 §4.2.2), and one URI has one answer however it is written."""
    command = proxy_command("cache", "--allow-loopback", "--upstream", played.url, *front)
    with (
        Program(command, tmp_path / "log", is_told=is_told) as proxy,
        over_tls(proxy, tmp_path) as secured,
        Client(proxy) as clear,
    ):
        turns = [(clear, "/"), (secured, "/"), (secured, "https://x/"), (clear, "http://x/"), (clear, "/")]
        turns += [(secured, "/"), (clear, "/"), (secured, "/")]  # the short way knows them by now
        server = None
        for turn, (client, target) in enumerate(turns):
            client.send(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            expected = b"clear" if client is clear else b"TLS"
            if turn < 2:
                server = server or played.accept()
                assert server.head()
                fields = b"Cache-Control: max-age=60\r\nContent-Length: %d" % len(expected)
                server.send(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (fields, expected))
            status, head, content = client.response()
            assert (status, content) == (200, expected), turn
            assert ("; hit" in field(head, "Cache-Status")) == (turn >= 2), turn
