"""lan-fetch through a proxy that the test plays: absolute form, credentials, tunnels."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ...fetching import asked, outcomes, shown
from ...pem import write_pem
from ...program import Program
from ..proxying import web_command
from ..scripted_server import Peer, Scripted


def test_a_proxy_gets_the_absolute_form_for_every_host_on_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(Peer.serve) as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:word@127.0.0.1:{proxy.port}")
        words = ["--strategy", "persistent", "--proxy-connection"]
        code, said = asked(*words, "http://a.test/1", "http://b.test:8080/2")
    assert (code, outcomes(said)) == (0, ["200", "200"])
    assert proxy.paths() == [["http://a.test/1", "http://b.test:8080/2"]]
    for request in proxy.requests[0]:
        assert b"\r\nProxy-Connection: Keep-Alive\r\n" in request
        assert b"\r\nConnection:" not in request
        assert b"\r\nProxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in request


def test_a_proxy_that_makes_no_tunnel_is_said_in_words() -> None:
    with Scripted(lambda peer: peer.answer("", start="HTTP/1.1 403 Forbidden\r\n")) as proxy:
        code, _, err = shown("--proxy", f"127.0.0.1:{proxy.port}", "https://a.test/")
    assert code == 1
    assert "the proxy makes no tunnel: 403 Forbidden" in err
    assert proxy.paths() == [["a.test:443"]]


def relay_to(port: int) -> Callable[[Peer], None]:
    """A script: answer CONNECT, then carry bytes both ways."""

    def script(peer: Peer) -> None:
        peer.request()
        with socket.create_connection(("127.0.0.1", port), 30) as server:
            peer.send("HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=carry, args=(server, peer.sock), daemon=True)
            back.start()
            carry(peer.sock, server)
            back.join(30)

    return script


def carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture(scope="module")
def secure_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """A web server of ours with HTTPS for a.test; gives its port and the authority's file."""
    folder = tmp_path_factory.mktemp("secure")
    words = ["--tls", "--tls-listen", "127.0.0.1:0", *write_pem(folder, "a.test", addresses=())]
    with Program(web_command(*words), folder / "decisions") as server:
        yield server.ports["https"], folder / "authority.pem"


def test_https_goes_through_a_tunnel_and_the_certificate_is_the_servers(secure_port: tuple[int, Path]) -> None:
    port, authority = secure_port
    with Scripted(relay_to(port)) as proxy:
        words = ["--proxy", f"http://127.0.0.1:{proxy.port}", "--cacert", str(authority)]
        code, said = asked(*words, "--strategy", "persistent", "https://a.test/", "https://a.test/")
    assert (code, outcomes(said)) == (0, ["200", "200"])
    assert [one["to"] for one in said["connections"]] == [f"a.test:443 through 127.0.0.1:{proxy.port}"]
    assert said["connections"][0]["tls"]["names"] == ["a.test"]
    assert proxy.paths() == [["a.test:443"]]


def test_a_tunnel_to_a_server_with_another_name_is_refused(secure_port: tuple[int, Path]) -> None:
    port, authority = secure_port
    with Scripted(relay_to(port)) as proxy:
        words = ["--proxy", f"http://127.0.0.1:{proxy.port}", "--cacert", str(authority)]
        code, _, err = shown(*words, "https://b.test/")
    assert code == 1
    assert "the certificate does not stand for b.test" in err


@pytest.mark.parametrize("after", ["no TLS at all, right behind the answer", "\x15\x03\x03\x00\x02\x02\x28"])
def test_a_tunnel_that_speaks_something_else_is_said_in_words(after: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(f"HTTP/1.1 200 Connection established\r\n\r\n{after}")
        peer.await_end()

    with Scripted(script) as proxy:
        code, _, err = shown("--proxy", f"127.0.0.1:{proxy.port}", "https://a.test/")
    assert code == 1
    assert "TLS handshake: " in err
    assert "Traceback" not in err
