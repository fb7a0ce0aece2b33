"""lan-fetch against servers that break off, stall, reset, redirect and relay: a script for each connection."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from lan.engine.certificates import Authority
from lan.services.http import fetch

from .scripted_server import OK, Peer, Scripted

HOUSE = Path(__file__).resolve().parents[2]


def asked(*words: str) -> tuple[int, dict[str, Any]]:
    """lan-fetch's exit code and what it says with --json."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = fetch.main([*words, "--json"])
    return code, json.loads(out.getvalue())


def shown(*words: str) -> tuple[int, str, str]:
    """Exit code, output and error output."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = fetch.main(list(words))
    return code, out.getvalue(), err.getvalue()


def urls(server: Scripted, count: int) -> list[str]:
    return [server.url(f"/{n}") for n in range(1, count + 1)]


def outcomes(said: dict[str, Any]) -> list[str]:
    """``200``, or why there is no response."""
    return [str(one["error"]["what"] if "error" in one else one["status"]) for one in said["objects"]]


def sources(said: dict[str, Any], what: str) -> list[str]:
    return [one["reason"]["source"] for one in said["decisions"] if one["what"] == what]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


# Pipelines


def test_a_pipeline_begins_behind_the_first_response_and_its_answers_come_in_order() -> None:
    def fill(peer: Peer) -> None:
        peer.answer("one")
        for body in ("two", "three", "four"):  # all are here before the first of them is answered
            peer.request()
            del body
        for body in ("two", "three", "four"):
            peer.send(f"{OK}Content-Length: {len(body)}\r\n\r\n{body}")
        peer.await_end()

    with Scripted(fill) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 4))
    assert (code, outcomes(said)) == (0, ["200"] * 4)
    assert [one["body_bytes"] for one in said["objects"]] == [3, 3, 5, 4]
    assert server.paths() == [["/1", "/2", "/3", "/4"]]


def test_a_server_of_http_1_0_is_asked_one_request_after_the_other() -> None:
    def old(peer: Peer) -> None:
        while peer.request():
            peer.send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")

    with Scripted(old) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 5))
    assert (code, outcomes(said)) == (0, ["200"] * 5)
    assert [peer.most_waiting for peer in server.peers] == [1]


def test_a_server_that_closes_in_a_pipeline_is_asked_again_for_the_rest_one_by_one() -> None:
    def tired(peer: Peer) -> None:
        peer.answer("a", "b", "c")
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(tired, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 8))
    assert (code, outcomes(said)) == (0, ["200"] * 8)
    assert server.paths()[1] == ["/4", "/5", "/6", "/7", "/8"]
    assert server.peers[1].most_waiting == 1
    assert set(sources(said, "retry")) == {"RFC 9112 §9.3.2; book 4.6"}


def test_a_reset_in_a_pipeline_costs_what_it_cuts_and_nothing_is_asked_twice_that_had_begun() -> None:
    """Book 4.7.4: answers that lie in the client's buffer outlive the reset here, as Linux keeps them readable."""

    def rude(peer: Peer) -> None:
        peer.answer("a", "b")
        peer.await_acknowledged()
        peer.reset()

    with Scripted(rude, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 6))
    assert (code, outcomes(said)) == (0, ["200"] * 6)
    assert server.paths()[1] == ["/3", "/4", "/5", "/6"]


def test_a_server_that_says_close_in_a_pipeline_loses_nothing() -> None:
    def last(peer: Peer) -> None:
        peer.answer("a")
        peer.answer("b", more="Connection: close\r\n")
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(last) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 6))
    assert (code, outcomes(said)) == (0, ["200"] * 6)
    assert [path for paths in server.paths() for path in paths] == ["/1", "/2", "/3", "/4", "/5", "/6"]


def test_a_response_cut_short_is_not_asked_for_again_and_those_behind_it_are() -> None:
    def cut(peer: Peer) -> None:
        peer.answer("a")
        for _ in range(3):  # what is left unread would make the close a reset
            peer.request()
        peer.send(f"{OK}Content-Length: 100\r\n\r\nhalf of i")

    with Scripted(cut, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 4))
    assert code == 1
    assert outcomes(said) == [
        "200",
        "the response is cut short: the server's stream ended within a response",
        *["200"] * 2,
    ]
    assert server.paths()[1] == ["/3", "/4"]


def test_a_response_that_begins_in_the_bytes_behind_another_has_begun() -> None:
    def cut(peer: Peer) -> None:
        peer.answer("a")
        for _ in range(3):
            peer.request()
        answer = f"{OK}Content-Length: 2\r\n\r\nok"
        peer.send(answer + answer[:20])
        peer.sock.shutdown(socket.SHUT_WR)
        peer.await_end()

    with Scripted(cut, Peer.serve) as server:
        code, said = asked("--strategy", "pipelined", *urls(server, 4))
    assert code == 1
    assert [one["ok"] for one in said["objects"]] == [True, True, False, True]
    assert server.paths()[1] == ["/4"]


def test_a_reset_within_a_response_is_said_in_words() -> None:
    def torn(peer: Peer) -> None:
        peer.request()
        peer.send(f"{OK}Content-Length: 100\r\n\r\nhalf")
        peer.await_acknowledged()
        peer.reset()

    with Scripted(torn) as server:
        code, said = asked("--strategy", "persistent", server.url())
    assert (code, outcomes(said)) == (1, ["the response is cut short: connection reset by peer"])
    assert len(server.requests) == 1


# Retries


def test_a_connection_that_went_stale_costs_a_retry_and_no_answer() -> None:
    with Scripted(lambda peer: (peer.answer("a"), peer.request()), Peer.serve) as server:
        code, said = asked("--strategy", "persistent", *urls(server, 2))
    assert (code, outcomes(said)) == (0, ["200", "200"])
    assert said["objects"][1]["sent"] == 2
    assert sources(said, "retry") == ["RFC 9112 §9.3.1; book 4.7.3"]


def test_a_post_is_not_sent_twice_without_say_so() -> None:
    words = ["--strategy", "persistent", "--data", "a=1"]
    with Scripted(Peer.request, Peer.serve) as server:
        code, said = asked(*words, server.url())
        assert code == 1
        assert "POST may have been applied" in outcomes(said)[0]
    assert len(server.requests) == 1
    with Scripted(Peer.request, Peer.serve) as server:
        code, said = asked(*words, "--retry-non-idempotent", server.url())
        assert (code, outcomes(said)) == (0, ["200"])
    assert [read[0].partition(b" ")[0] for read in server.requests] == [b"POST"] * 2


def test_a_single_url_is_asked_once_unless_retries_are_wished() -> None:
    with Scripted(Peer.request, Peer.serve) as server:
        assert shown(server.url())[0] == 1
        assert len(server.requests) == 1
    with Scripted(Peer.request, Peer.serve) as server:
        assert shown(server.url(), "--retries", "1") == (0, "fine", "")


def test_the_servers_keep_alive_bounds_the_requests_of_a_connection() -> None:
    with Scripted(lambda peer: peer.serve(more="Keep-Alive: timeout=5, max=2\r\n")) as server:
        code, _ = asked("--strategy", "persistent", *urls(server, 5))
    assert code == 0
    assert server.paths()[0] == ["/1", "/2", "/3"]


# Time


def test_a_connection_that_stalls_holds_up_no_other() -> None:
    go_on = threading.Event()

    def stall(peer: Peer) -> None:
        peer.request()
        assert go_on.wait(30)
        peer.send(f"{OK}Content-Length: 4\r\nConnection: close\r\n\r\nlate")
        peer.await_end()

    def release(peer: Peer) -> None:
        peer.answer("a", more="Connection: close\r\n")
        peer.await_end()
        if len(server.requests) == 5:  # all others are served by now
            go_on.set()

    with Scripted(stall, release) as server:
        code, said = asked("--strategy", "parallel", "--connections", "2", *urls(server, 5))
    assert (code, outcomes(said)) == (0, ["200"] * 5)


def test_a_phase_may_take_so_long_and_no_longer_while_others_go_on() -> None:
    with Scripted(lambda peer: (peer.request(), peer.await_reset()), Peer.serve) as server:
        words = ["--strategy", "parallel", "--phase-timeout-s", "wait:0.3"]
        code, said = asked(*words, *urls(server, 3))
    assert code == 1
    assert sorted(outcomes(said)) == ["200", "200", "waiting for the response: no end within 0.3 s"]


def test_after_a_connection_that_took_too_long_others_open() -> None:
    with Scripted(lambda peer: (peer.request(), peer.await_reset()), Peer.serve) as server:
        code, said = asked("--strategy", "serial", "--phase-timeout-s", "wait:0.2", *urls(server, 3))
    assert code == 1
    assert outcomes(said) == ["waiting for the response: no end within 0.2 s", "200", "200"]
    assert [one["reason"]["source"] for one in said["decisions"] if one["what"] == "abort"] == ["book 4.7.4"]


def test_the_next_address_of_a_name_is_tried_and_the_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lookups = []

    def found(host: str, port: int, **how: Any) -> list[Any]:
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with Scripted(Peer.serve) as server:
        code, said = asked("--strategy", "parallel", *[f"http://web.test:{server.port}/{n}" for n in range(4)])
    assert (code, outcomes(said), lookups) == (0, ["200"] * 4, ["web.test"])
    assert {one["peer"] for one in said["connections"]} == {f"127.0.0.1:{server.port}"}
    assert "dns" in said["objects"][0]["times_ms"]


def test_a_name_without_an_address_costs_its_own_urls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(host: str, port: int, **how: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with Scripted(Peer.serve) as server:
        code, said = asked("--strategy", "persistent", "http://nowhere.test/", server.url())
    assert (code, outcomes(said)) == (1, ["no address: name or service not known", "200"])
    assert said["objects"][0]["error"]["where"] == "nowhere.test"


def test_everything_may_take_so_long_and_no_longer() -> None:
    with Scripted(lambda peer: (peer.request(), peer.await_reset())) as server:
        code, out, err = shown("--timeout-s", "0.3", server.url())
    assert (code, out) == (1, "")
    assert err.startswith(f"lan-fetch: 127.0.0.1:{server.port}: waiting for the response: no end within 0.3 s\n  try ")


# Requests with content


def test_content_waits_for_100_continue() -> None:
    def willing(peer: Peer) -> None:
        head = peer.request()
        assert b"\r\nExpect: 100-continue\r\n" in head
        peer.send("HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.content(3) == b"a=1"
        peer.send(f"{OK}Content-Length: 2\r\n\r\nok")
        peer.await_end()

    with Scripted(willing) as server:
        assert shown("--data", "a=1", "--expect-100", server.url()) == (0, "ok", "")


def test_content_that_is_not_wanted_is_not_sent() -> None:
    left = []

    def unwilling(peer: Peer) -> None:
        peer.request()
        peer.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
        left.append(peer.await_end())

    with Scripted(unwilling) as server:
        code, said = asked("--data", "a=1", "--expect-100", "-X", "PUT", server.url())
    assert (code, said["status"], said["persistence"]["keep"]) == (1, 417, False)
    assert left == [b""]


def test_content_that_is_refused_on_its_way_is_not_sent_to_its_end() -> None:
    """The server answers when it has seen the head, and reads no further."""
    go_on = threading.Event()

    def refuse(peer: Peer) -> None:
        while b"\r\n\r\n" not in (peer.sock.recv(1024)):
            pass
        peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
        assert go_on.wait(30)

    with Scripted(refuse) as server:
        code, said = asked("--strategy", "persistent", "-X", "PUT", "--data", "x" * 20_000_000, server.url())
        go_on.set()
    assert (code, outcomes(said)) == (1, ["413"])
    assert said["connections"][0]["closed_first"] is None


def test_a_server_that_knows_no_100_gets_the_content_after_a_while() -> None:
    def silent(peer: Peer) -> None:
        peer.request()
        assert peer.content(3) == b"a=1"
        peer.send(f"{OK}Content-Length: 2\r\n\r\nok")
        peer.await_end()

    with Scripted(silent) as server:
        assert shown("--data", "a=1", "--expect-100", server.url())[:2] == (0, "ok")


def test_methods_fields_and_content_are_what_was_said(tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(b"\x00\xff" * 100_000)
    with Scripted(Peer.serve) as server:
        words = ["-X", "PATCH", "--data", f"@{tmp_path / 'content'}", "-H", "Content-Type: application/octet-stream"]
        assert shown(*words, server.url("/x"))[:2] == (0, "fine")
    [[request]] = server.requests
    head, _, content = request.partition(b"\r\n\r\n")
    assert head.startswith(b"PATCH /x HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 200000" in head and b"octet-stream" in head
    assert content == b"\x00\xff" * 100_000


# Redirections


def test_redirections_are_followed_with_their_methods_and_credentials_stay_at_home() -> None:
    def lead(peer: Peer) -> None:
        peer.answer(
            "gone", start="HTTP/1.1 302 Found\r\n", more=f"Location: {other.url('/there')}\r\nConnection: close\r\n"
        )

    with Scripted(Peer.serve) as other, Scripted(lead) as server:
        words = ["-L", "--data", "a=1", "-H", "Authorization: Basic eA==", "-H", "X-Mine: yes"]
        code, out, _ = shown(*words, server.url())
    assert (code, out) == (0, "fine")
    [[first]], [[second]] = server.requests, other.requests
    assert first.startswith(b"POST / ") and b"Authorization" in first and first.endswith(b"a=1")
    assert second.startswith(b"GET /there ") and b"Authorization" not in second and b"X-Mine: yes" in second


def test_a_redirection_is_the_answer_where_nobody_follows_it() -> None:
    with Scripted(lambda peer: peer.answer("gone", start="HTTP/1.1 302 Found\r\n", more="Location: /x\r\n")) as server:
        assert shown(server.url())[:2] == (0, "gone")


def test_a_circle_of_redirections_ends() -> None:
    def circle(peer: Peer) -> None:
        while peer.request():
            peer.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")

    with Scripted(circle) as server:
        _, said = asked("-L", "--strategy", "persistent", server.url())
    assert len(said["objects"]) == 21
    assert [one["status"] for one in said["objects"]] == [302] * 21


# Sockets


def test_linger_0_closes_by_a_reset() -> None:
    ends: list[BaseException | bytes] = []

    def see(peer: Peer) -> None:
        peer.answer("a")
        try:
            ends.append(peer.await_end())
        except ConnectionResetError as reset:
            ends.append(reset)

    with Scripted(see) as server:
        code, said = asked("--linger-s", "0", server.url())
    assert (code, said["closed_first"], said["is_closed"]) == (0, None, False)
    assert isinstance(ends[0], ConnectionResetError)


def test_socket_options_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    kept = socket.socket.setsockopt

    class Watched(socket.socket):
        def setsockopt(self, level: int, name: int, value: Any, *more: Any) -> None:  # type: ignore[override]
            seen.append((name, value))
            kept(self, level, name, value, *more)

    with Scripted(Peer.serve) as server:
        monkeypatch.setattr(socket, "socket", Watched)
        words = ["--no-nodelay", "--no-quickack", "--sndbuf-bytes", "9000", "--rcvbuf-bytes", "8000"]
        assert shown(*words, server.url())[0] == 0
    wanted = {
        (socket.TCP_NODELAY, False),
        (socket.TCP_QUICKACK, False),
        (socket.SO_SNDBUF, 9000),
        (socket.SO_RCVBUF, 8000),
    }
    assert wanted <= set(seen)


# Proxies


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
def secure_port(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A web server of ours with HTTPS for a.test; gives its port and the authority's file."""
    folder = tmp_path_factory.mktemp("secure")
    authority = Authority.create("a test")
    certificate, key = authority.issue(["a.test"], [])
    (folder / "server.pem").write_bytes(certificate + key)
    (folder / "authority.pem").write_bytes(authority.certificate_pem)
    ready, theirs = os.pipe()
    words = ["--listen", "127.0.0.1:0", "--tls", "--tls-listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [sys.executable, "-m", "lan.services.http", *words, "--certificate", str(folder / "server.pem")],
        cwd=HOUSE,
        env={**os.environ, "LAN_READY_FD": str(theirs), "LAN_DECISIONS": str(folder / "decisions")},
        pass_fds=[theirs],
    ) as server:
        os.close(theirs)
        said = os.read(ready, 4096).decode().split()
        os.close(ready)
        yield int(said[said.index("https") + 1].rpartition(":")[2]), folder / "authority.pem"
        server.terminate()


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


# Pages


def test_a_page_is_fetched_with_its_objects_from_several_hosts_while_it_still_comes() -> None:
    go_on = threading.Event()

    def page(peer: Peer) -> None:
        peer.request()
        head = f"<html><img src=/1.png><img src='{other.url('/2.png')}'>"
        tail = "<img src=/3.png><a href=/no></a>"
        peer.send(f"{OK}Content-Type: text/html\r\nContent-Length: {len(head + tail)}\r\n\r\n{head}")
        assert go_on.wait(30)
        peer.send(tail)
        peer.serve()

    def image(peer: Peer) -> None:
        peer.request()
        go_on.set()  # an object of the page is asked for before the page is complete
        peer.send(f"{OK}Content-Length: 1\r\nConnection: close\r\n\r\nx")
        peer.await_end()

    with Scripted(image, Peer.serve) as other, Scripted(page, Peer.serve) as server:
        code, said = asked("--page", server.url("/index.html"))
    assert (code, outcomes(said)) == (0, ["200"] * 4)
    assert [one["kind"] for one in said["objects"]] == ["page", "img", "img", "img"]
    assert sorted(path for paths in server.paths() for path in paths) == ["/1.png", "/3.png", "/index.html"]
    assert other.paths() == [["/2.png"]]


def test_bodies_of_many_objects_go_into_a_folder(tmp_path: Path) -> None:
    with Scripted(lambda peer: peer.answer("one", "two", "three")) as server:
        words = ["--strategy", "persistent", "-o", str(tmp_path)]
        code, out, _ = shown(*words, server.url("/a/../x.png?q"), server.url("/"), server.url("/%2e%2e"))
    assert code == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "001-x.png": "one", "002-index": "two", "003-_2e_2e": "three",
    }  # fmt: skip
    assert "3 objects, 11 B in " in out


def test_a_waterfall_shows_each_object_with_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with Scripted(Peer.serve) as server:
        code, out, err = shown("-v", "--strategy", "persistent", *urls(server, 3))
    lines = out.splitlines()
    assert code == 0
    assert [line.split()[:5] for line in lines[1:4]] == [["#1", "200", "4", "B", f"/{n}"] for n in (1, 2, 3)]
    assert all(len(line) <= 80 for line in lines[:-1])
    assert "on 1 connection: persistent (book 4.5)" in lines[-1]
    assert "send object 2 on #1: used again: no new handshake (served 1; RFC 9112 §9.3; book 4.5.8)" in err


@pytest.mark.parametrize(
    "words",
    [
        ["--strategy", "fast", "http://a/"],
        ["--strategy", "serial", "--depth", "3", "http://a/"],
        ["--phase-timeout-s", "wait", "http://a/"],
        ["--phase-timeout-s", "lunch:3", "http://a/"],
        ["--timeout-s", "0", "http://a/"],
        ["--expect-100", "http://a/"],
        ["-X", "CONNECT", "http://a/"],
        ["-X", "G T", "http://a/"],
        ["-H", "Content-Length: 3", "http://a/"],
        ["--page", "--data", "x", "http://a/"],
        ["--proxy", "https://p/", "http://a/"],
        ["--data", "@/no/such/file", "http://a/"],
        ["-o", "/no/such/folder", "http://a/", "http://b/"],
        ["--linger-s", "-1", "http://a/"],
        ["--retries", "-1", "http://a/"],
        ["http://a/", "ftp://b/"],
    ],
)
def test_wrong_words_are_said_and_nothing_is_asked(words: list[str]) -> None:
    code, out, err = shown(*words)
    assert (code, out) == (2, "")
    assert err.startswith("lan-fetch: ")
