"""The proxies on real sockets: the book's hang and its causes, and what a proxy that knows HTTP does instead."""

import base64
import os
import resource
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lan.engine.certificates import Authority

from .proxying import PATIENCE_S, PROXY, WEB, Client, Played, Program, field, has_field

Start = Callable[..., Program]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a proxy on loopback: ``start("smart", "--parent", url, idle_s=1)``."""
    started: list[Program] = []

    def make(kind: str, *words: str, **limits: float) -> Program:
        log = tmp_path / f"decisions{len(started)}"
        arguments = ["--kind", kind, "--listen", "127.0.0.1:0", "--allow-loopback", *words]
        started.append(Program(PROXY, log, limits, *arguments))
        return started[-1]

    yield make
    for program in started:
        program.kill()


@pytest.fixture(params=["smart", "cache"])
def knows(request: pytest.FixtureRequest) -> str:
    """A kind that knows HTTP."""
    kind: str = request.param
    return kind


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Program]:
    """Our web server."""
    program = Program(WEB, tmp_path / "web", {}, "--listen", "127.0.0.1:0", "--app", "echo")
    yield program
    program.kill()


@pytest.fixture
def played() -> Iterator[Played]:
    server = Played()
    yield server
    server.close()


def get(url: str, *fields: str, version: str = "1.1", path: str = "/") -> bytes:
    host = url.removeprefix("http://")
    return "\r\n".join([f"GET {url}{path} HTTP/{version}", f"Host: {host}", *fields, "", ""]).encode()


# ---- the dumb proxy: book 4.5.6, 4.5.7


def test_a_dumb_proxy_hangs_when_keep_alive_is_passed_on(start: Start, played: Played) -> None:
    """Both ends agree to keep it through a proxy that knows nothing of it: the second request is not read."""
    proxy = start("dumb")
    with proxy.connect() as client:
        client.send(get(played.url, "Connection: Keep-Alive", version="1.0"))
        server = played.accept()
        asked = server.head()
        assert asked.startswith("GET / HTTP/1.0\r\n") and field(asked, "Connection") == "Keep-Alive"
        server.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok")
        status, head, _ = client.response()
        assert status == 200 and field(head, "Connection") == "Keep-Alive"
        second = get(played.url, "Connection: Keep-Alive", version="1.0")
        client.send(second)
        server.close()  # its patience has ended; until then nobody moved
        assert client.rest() == b""
    [ignored] = proxy.decisions("ignored")
    assert ignored["bytes"] == len(second)
    assert server.buffer == b"" and not played.has_visitor()


def test_proxy_connection_passed_on_does_no_harm(start: Start, web: Program) -> None:
    proxy = start("dumb")
    with proxy.connect() as client:
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        answer = client.rest()  # the server did not take the field for Connection, and closed
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and len(answer.partition(b"\r\n\r\n")[2]) == 1024
    assert not proxy.decisions("ignored")


def test_next_to_a_smart_proxy_a_dumb_one_hangs_again(start: Start, web: Program) -> None:
    smart = start("smart", idle_s=0.5)
    dumb = start("dumb", "--parent", smart.url)
    with dumb.connect() as client:
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        status, head, _ = client.response()
        assert status == 200 and field(head, "Connection") == "keep-alive"  # the smart one meant the dumb one
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        assert client.rest() == b""
    assert dumb.decisions("ignored")
    assert len(smart.decisions("request")) == 1
    assert any(one["reason"]["text"] == "idle for too long" for one in smart.decisions("closing"))


def test_as_the_rfc_has_it_a_smart_proxy_does_not_heed_the_field_and_nobody_hangs(start: Start, web: Program) -> None:
    smart = start("smart", "--no-proxy-connection")
    dumb = start("dumb", "--parent", smart.url)
    with dumb.connect() as client:
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        assert field(client.rest().decode("latin-1"), "Connection") == "close"
    assert not dumb.decisions("ignored")


@pytest.mark.parametrize("said", ["Connection: Keep-Alive", "Proxy-Connection: Keep-Alive", "X: y"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_smart_proxy_alone_never_hangs(start: Start, web: Program, said: str, version: str) -> None:
    """Each request is answered, on the same connection where that is kept, else on a next one."""
    proxy = start("smart")
    client = proxy.connect()
    for _ in range(3):
        client.send(get(web.url, said, version=version, path="/1k"))
        status, head, content = client.response()
        assert (status, len(content)) == (200, 1024)
        if field(head, "Connection") == "close":
            assert client.rest() == b""
            client.close()
            client = proxy.connect()
    client.close()


def test_a_dumb_proxy_passes_all_fields_on_and_the_clients_one_body(start: Start, played: Played) -> None:
    proxy = start("dumb")
    request = f"POST {played.url}/a HTTP/1.1\r\nHost: x\r\nConnection: X-A\r\nX-A: 1\r\nTE: trailers\r\n".encode()
    with proxy.connect() as client:
        client.send(request + b"Content-Length: 5\r\n\r\nhello" + b"GET / HTTP/1.1\r\n\r\n")
        server = played.accept()
        passed = request.replace(played.url.encode(), b"") + b"Content-Length: 5\r\n\r\nhello"
        assert server.take(len(passed)) == passed
        server.send(b"HTTP/1.0 200 OK\r\n\r\nbye")
        server.end()
        assert client.rest() == b"HTTP/1.0 200 OK\r\n\r\nbye"
        assert server.rest() == b""


def test_a_half_close_passes_a_dumb_proxy(start: Start, played: Played) -> None:
    with start("dumb").connect() as client:
        client.send(get(played.url))
        client.end()
        server = played.accept()
        assert server.head() and server.rest() == b""
        server.send(OK)
        server.close()
        assert client.rest() == OK


# ---- hop by hop


def test_hop_by_hop_fields_end_at_a_smart_proxy_in_both_directions(start: Start, knows: str, played: Played) -> None:
    with start(knows, "--name", "p1").connect() as client:
        client.send(get(played.url, "Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: max=5", "X-End: 2"))
        server = played.accept()
        asked = server.head()
        assert asked.startswith(f"GET / HTTP/1.1\r\nHost: {played.host}\r\n")
        assert not any(has_field(asked, name) for name in ("Connection", "X-Hop", "Keep-Alive", "Proxy-Connection"))
        assert (field(asked, "X-End"), field(asked, "Via")) == ("2", "1.1 p1")
        server.send(b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n" + OK[17:])
        status, head, content = client.response()
        assert (status, content, field(head, "Connection")) == (200, b"ok", "close")
        assert not has_field(head, "X-Hop") and not has_field(head, "Keep-Alive")
        assert field(head, "Via") == "1.1 p1" and has_field(head, "Date")
        assert client.rest() == b""


def test_the_client_closes_and_the_servers_connection_is_kept(start: Start, played: Played) -> None:
    proxy = start("smart")
    for n in range(3):
        with proxy.connect() as client:
            client.send(get(played.url, "Connection: close"))
            server = played.accept() if n == 0 else played.accepted[0]
            assert server.head()
            server.send(OK)
            assert client.response()[0] == 200
            assert client.rest() == b""
    assert not played.has_visitor()
    assert [dict(one["reason"]["facts"]) for one in proxy.decisions("connection")] == [
        {}, {"used_before": "1"}, {"used_before": "2"},
    ]  # fmt: skip


def test_a_proxy_of_n_clients_holds_2n_connections_to_the_server(start: Start, played: Played) -> None:
    proxy = start("smart")
    clients = [proxy.connect(f"127.0.0.{n}") for n in range(2, 7) for _ in range(2)]
    for _ in range(3):
        for client in clients:
            client.send(get(played.url))
        while len(played.accepted) < len(clients):
            played.accept()
        for server in played.accepted:
            assert server.head()
            server.send(OK)
        for client in clients:
            assert client.response()[0] == 200
    assert not played.has_visitor()
    for client in clients:
        client.close()


def test_idle_connections_to_servers_go_as_those_of_the_client_do(start: Start, played: Played) -> None:
    """One client uses four, and as many are kept; when two are left, two are closed, the longest idle first."""
    proxy = start("smart")
    clients = [proxy.connect() for _ in range(4)]
    for _ in range(2):
        for client in clients:
            client.send(get(played.url))
        while len(played.accepted) < len(clients):
            played.accept()
        for server in played.accepted:
            assert server.head()
            server.send(OK)
        for client in clients:
            assert client.response()[0] == 200
    assert not played.has_visitor()
    for client in clients[:2]:
        client.close()
    proxy.wait_decisions("closed", 2)
    clients[2].send(get(played.url))
    [asked], _, _ = select.select([server.sock for server in played.accepted], [], [], PATIENCE_S)
    asked.sendall(OK)
    assert clients[2].response()[0] == 200
    proxy.wait_decisions("server closed", 2)
    for client in clients[2:]:
        client.close()


def test_a_server_that_speaks_1_0_is_spoken_to_in_1_0_and_kept_where_it_says_so(
    start: Start, knows: str, played: Played
) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url))
        server = played.accept()
        assert server.head().startswith("GET / HTTP/1.1")
        server.send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
        assert client.response()[1].startswith("HTTP/1.1 200")
        client.send(get(played.url))
        asked = server.head()
        assert asked.startswith("GET / HTTP/1.0") and field(asked, "Connection") == "Keep-Alive"
        server.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert client.response()[0] == 200
        client.send(get(played.url))
        assert played.accept().head()  # it did not say so again


# ---- content


def test_chunks_become_a_body_until_the_close_for_a_1_0_client(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url, version="1.0"))
        server = played.accept()
        assert server.head()
        server.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
            b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX: 1\r\n\r\n"
        )
        head, _, content = client.rest().partition(b"\r\n\r\n")
    assert content == b"abcde"
    assert not has_field(head.decode() + "\r\n", "Transfer-Encoding") and not has_field(
        head.decode() + "\r\n", "Trailer"
    )


def test_a_body_until_the_close_becomes_chunks_and_the_client_is_kept(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        server.send(b"HTTP/1.0 200 OK\r\n\r\nabc")
        server.close()
        assert field(client.head(), "Transfer-Encoding") == "chunked"
        assert client.until(b"0\r\n\r\n") == b"3\r\nabc\r\n0\r\n\r\n"
        client.send(get(played.url))
        assert played.accept().head()


def test_trailers_go_through_in_both_directions(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url, "TE: trailers", "Connection: TE"))
        server = played.accept()
        asked = server.head()
        assert (field(asked, "TE"), field(asked, "Connection")) == ("trailers", "TE")
        server.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n"
        )
        assert field(client.head(), "Trailer") == "X-Sum"
        assert client.until(b"\r\n\r\n") == b"1\r\na\r\n0\r\nX-Sum: 7\r\n\r\n"
        client.send(
            f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        client.send(b"1\r\nb\r\n0\r\nX-Sum: 8\r\n\r\n")
        assert field(server.head(), "Transfer-Encoding") == "chunked"
        assert server.until(b"\r\n\r\n") == b"1\r\nb\r\n0\r\nX-Sum: 8\r\n\r\n"


def test_chunks_for_an_unknown_server_are_held_until_their_length_is_known(
    start: Start, knows: str, played: Played
) -> None:
    with start(knows, held_bytes=10).connect() as client:
        head = f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        client.send(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        server = played.accept()
        asked = server.head()
        assert field(asked, "Content-Length") == "5" and not has_field(asked, "Transfer-Encoding")
        assert server.take(5) == b"abcde"
        server.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert client.response()[0] == 200
        client.send(head + b"b\r\n" + b"x" * 11)  # and it speaks 1.0, as is known now
        assert client.response()[0] == 411


def test_expect_is_passed_on_and_so_is_100(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        fields = f"Host: {played.host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        client.send(f"PUT {played.url}/ HTTP/1.1\r\n{fields}".encode())
        server = played.accept()
        assert field(server.head(), "Expect") == "100-continue"
        server.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        assert client.head().startswith("HTTP/1.1 103 ")
        assert client.head().startswith("HTTP/1.1 100 ")
        client.send(b"hello")
        assert server.take(5) == b"hello"
        server.send(OK)
        assert client.response()[0] == 200


def test_a_final_answer_before_the_content_ends_both_connections(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(f"PUT {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nContent-Length: 9\r\n\r\nhalf".encode())
        server = played.accept()
        assert server.head() and server.take(4) == b"half"
        server.send(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        status, head, _ = client.response()
        assert (status, field(head, "Connection")) == (413, "close")
        assert client.rest() == b""
        assert server.rest() == b""


@pytest.mark.parametrize("kind", ["dumb", "smart", "cache"])
def test_a_client_that_reads_late_holds_up_the_server_and_not_the_memory(
    start: Start, played: Played, kind: str
) -> None:
    proxy = start(kind)
    data = os.urandom(1 << 16)
    with proxy.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        before_kib = proxy.peak_kib()
        server.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (len(data) * 1000))
        server.sock.setblocking(False)
        sent = 0
        while sent < 1000:  # until nobody takes more, then as the client reads
            try:
                server.sock.sendall(data)
                sent += 1
            except BlockingIOError:
                break
        assert sent < 1000
        assert proxy.peak_kib() - before_kib < 8 * 1024


@pytest.mark.parametrize("kind", ["dumb", "smart", "cache"])
def test_a_large_body_goes_through_whole_both_ways(start: Start, played: Played, kind: str) -> None:
    data = os.urandom(1 << 16) * 100
    length = f"Content-Length: {len(data)}\r\n\r\n".encode()
    with start(kind).connect() as client:
        head = f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\n".encode() + length
        sending = threading.Thread(target=client.send, args=(head + data,))
        sending.start()
        server = played.accept()
        assert server.head() and server.take(len(data)) == data
        sending.join()
        answering = threading.Thread(target=server.send, args=(b"HTTP/1.1 200 OK\r\n" + length + data,))
        answering.start()
        assert client.response()[2] == data
        answering.join()


@pytest.mark.parametrize(("version", "answer"), [
    ("1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
    ("1.1", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
    ("1.0", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
])  # fmt: skip
def test_an_answer_cut_short_is_seen_to_be_short(
    start: Start, knows: str, played: Played, version: str, answer: bytes
) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url, version=version))
        server = played.accept()
        assert server.head()
        server.send(answer)
        if version == "1.0":
            assert client.until(b"short").endswith(b"short")
            server.close()
            with pytest.raises(ConnectionResetError):  # a FIN would have said: this was all
                client.rest()
        else:
            server.close()
            head, _, content = client.rest().partition(b"\r\n\r\n")
            assert head and content in (b"short", b"5\r\nshort\r\n")


# ---- trouble


def test_a_get_whose_kept_connection_just_closed_is_sent_again(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows)
    with proxy.connect() as client:
        client.send(get(played.url))
        first = played.accept()
        assert first.head()
        first.send(OK)
        assert client.response()[0] == 200
        client.send(get(played.url, path="/again"))
        assert first.head()  # it reads the request and closes without an answer
        first.close()
        second = played.accept()
        assert second.head().startswith("GET /again ")
        second.send(OK)
        assert client.response()[0] == 200
    assert [one["reason"]["source"] for one in proxy.decisions("retry")] == ["RFC 9112 §9.3.1; book 4.7.2"]


def test_a_post_is_never_sent_twice(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url))
        first = played.accept()
        assert first.head()
        first.send(OK)
        assert client.response()[0] == 200
        client.send(f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nContent-Length: 1\r\n\r\nx".encode())
        assert first.head()
        first.close()
        assert client.response()[0] == 502
    assert not played.has_visitor()


def test_nobody_there_is_502_and_no_answer_in_time_504(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows, answer_s=0.3)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with proxy.connect() as client:
        client.send(get(f"http://127.0.0.1:{port}"))
        assert client.response()[0] == 502
        client.send(get(played.url))
        assert client.response()[0] == 504
        client.send(get("http://no.such.name.invalid"))
        assert client.response()[0] in (502, 504)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx", b"nonsense\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
])  # fmt: skip
def test_an_answer_that_can_not_be_passed_on_is_502(start: Start, knows: str, played: Played, answer: bytes) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        server.send(answer)
        assert client.response()[0] == 502


# ---- who may, and where to


def test_a_client_without_credentials_gets_407(start: Start, knows: str, web: Program, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# staff\nkim:s:e\n박:비밀\n")
    with start(knows, "--auth-file", str(tmp_path / "users")).connect() as client:
        for user in (None, "kim:wrong", "lee:s:e", "kim"):
            token = "" if user is None else f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}"
            client.send(get(web.url, *([token] if token else []), path="/1k"))
            status, head, _ = client.response()
            assert (status, field(head, "Proxy-Authenticate")) == (407, 'Basic realm="lan proxy", charset="UTF-8"')
        for user in ("kim:s:e", "박:비밀"):
            token = base64.b64encode(user.encode()).decode()
            client.send(get(web.url, f"Proxy-Authorization: basic {token}", path="/echo"))
            status, _, content = client.response()
            assert status == 200 and b"Authorization" not in content


def test_a_child_passes_its_parents_challenge_and_the_clients_answer(start: Start, web: Program) -> None:
    parent = start("smart", "--auth", "a:b")
    with start("smart", "--parent", parent.url).connect() as client:
        client.send(get(web.url, path="/1k"))
        assert client.response()[0] == 407
        token = base64.b64encode(b"a:b").decode()
        client.send(get(web.url, f"Proxy-Authorization: Basic {token}", path="/1k"))
        assert client.response()[0] == 200


OURS = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]"]
OURS += ["[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "169.254.169.254", "[fe80::1]", "224.0.0.1", "255.255.255.255"]


@pytest.mark.parametrize("kind", ["dumb", "smart", "cache"])
def test_a_forward_proxy_does_not_reach_its_own_machine(tmp_path: Path, played: Played, kind: str) -> None:
    proxy = Program(PROXY, tmp_path / "log", {}, "--kind", kind, "--listen", "127.0.0.1:0")
    try:
        for host in OURS:
            with proxy.connect() as client:
                client.send(get(f"http://{host}:{played.port}"))
                assert client.head().split()[1] in ("403", "502"), host
            if kind != "dumb":
                with proxy.connect() as client:
                    client.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
                    assert client.head().split()[1] in ("403", "502"), host
        assert not played.has_visitor()
    finally:
        proxy.kill()


def test_a_named_upstream_may_be_on_this_machine(tmp_path: Path, web: Program) -> None:
    words = ["--kind", "smart", "--listen", "127.0.0.1:0", "--upstream", web.url]
    proxy = Program(PROXY, tmp_path / "log", {}, *words)
    try:
        with proxy.connect() as client:
            client.send(b"GET /1k HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
            assert client.response()[0] == 200
    finally:
        proxy.kill()


# ---- tunnels


def test_connect_makes_a_tunnel_with_each_half_closed_alone(start: Start, knows: str, played: Played) -> None:
    with start(knows, "--connect-port", str(played.port)).connect() as client:
        client.send(f"CONNECT {played.host} HTTP/1.1\r\nHost: {played.host}\r\n\r\n\x16early".encode())
        head = client.head()
        assert head.startswith("HTTP/1.1 200") and not has_field(head, "Content-Length")
        assert not has_field(head, "Transfer-Encoding")
        server = played.accept()
        assert server.take(6) == b"\x16early"
        server.send(b"\0\xffHTTP/1.1 nonsense")
        assert client.take(19) == b"\0\xffHTTP/1.1 nonsense"
        client.send(b"last")
        client.end()
        assert server.rest() == b"last"
        server.send(b"still")
        server.end()
        assert client.rest() == b"still"


def test_a_tunnel_goes_through_a_parent(start: Start, played: Played) -> None:
    parent = start("smart", "--connect-port", str(played.port))
    with start("smart", "--connect-port", str(played.port), "--parent", parent.url).connect() as client:
        client.send(f"CONNECT {played.host} HTTP/1.1\r\nHost: {played.host}\r\n\r\n".encode())
        assert client.head().startswith("HTTP/1.1 200")
        server = played.accept()
        client.send(b"ping")
        assert server.take(4) == b"ping"
        server.send(b"pong")
        assert client.take(4) == b"pong"
    assert len(parent.decisions("request")) == 1


def test_an_upgrade_passes_when_both_sides_agree(start: Start, knows: str, played: Played) -> None:
    with start(knows).connect() as client:
        client.send(get(played.url, "Upgrade: echo, h2c", "Connection: Upgrade") + b"one ")
        server = played.accept()
        asked = server.head()
        assert (field(asked, "Upgrade"), field(asked, "Connection")) == ("echo", "Upgrade")
        server.send(b"HTTP/1.1 101 Go\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhello")
        head = client.head()
        assert head.startswith("HTTP/1.1 101") and field(head, "Upgrade") == "echo"
        assert client.take(5) == b"hello"
        client.send(b"two")
        assert server.take(7) == b"one two"
        client.end()
        assert server.rest() == b""
        server.end()
        assert client.rest() == b""


# ---- Max-Forwards, loops, chains


def test_trace_ends_where_max_forwards_says(start: Start, web: Program) -> None:
    last = start("smart", "--name", "last")
    first = start("smart", "--name", "first", "--parent", last.url)
    for limit, via in ((0, ""), (1, "1.1 first")):
        with first.connect() as client:
            host = web.url.removeprefix("http://")
            client.send(
                f"TRACE {web.url}/ HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: {limit}\r\nCookie: a\r\n\r\n".encode()
            )
            status, head, content = client.response()
            assert (status, field(head, "Content-Type")) == (200, "message/http")
            assert field(content.decode(), "Via") == via and b"Cookie" not in content
    assert len(last.decisions("request")) == 1


def test_a_circle_of_proxies_is_seen_at_the_second_visit(tmp_path: Path, start: Start, web: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    one = start("smart", "--name", "one", "--parent", f"http://127.0.0.1:{port}")
    two = Program(
        PROXY, tmp_path / "two", {}, "--kind", "smart", "--listen", f"127.0.0.1:{port}", "--parent", one.url
    )  # fmt: skip
    try:
        with one.connect() as client:
            client.send(get(web.url))
            assert client.response()[0] == 508
        assert len(one.decisions("request")) == 2
    finally:
        two.kill()


@pytest.mark.parametrize(
    "kinds", [["smart"] * 3, ["smart", "dumb"], ["dumb", "smart"], ["dumb"] * 2, ["cache", "smart"], ["dumb", "cache"]]
)
def test_proxies_chain_in_any_order(start: Start, web: Program, kinds: list[str]) -> None:
    proxy = start(kinds[-1])
    for kind in reversed(kinds[:-1]):
        proxy = start(kind, "--parent", proxy.url)
    with proxy.connect() as client:
        client.send(get(web.url, "Connection: close", path="/echo"))
        head, _, content = client.rest().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert content.lower().count(b"1.1 ") >= len(kinds) - kinds.count("dumb")  # a word of Via for each that knows HTTP


def test_without_a_redirect_an_intercepting_proxy_goes_by_host(start: Start, web: Program) -> None:
    for kind in ("dumb", "smart", "cache"):
        with start(kind, "--intercept").connect() as client:
            host = web.url.removeprefix("http://")
            client.send(f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert client.rest().startswith(b"HTTP/1.1 200")


# ---- smuggling: nothing reaches the server that two readers could take for different requests


HOST = "Host: {host}\r\n"
POST, GET = "POST {url}/ HTTP/1.1\r\n" + HOST, "GET {url}/ HTTP/1.1\r\n" + HOST
SMUGGLED = {
    "CL.TE": POST + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "TE.CL": POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "TE.TE": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "TE twice": POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "TE odd": POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE in 1.0": "POST {url}/ HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CL twice": POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "CL list": POST + "Content-Length: 1, 1\r\n\r\nx",
    "CL plus": POST + "Content-Length: +1\r\n\r\nx",
    "obs-fold": GET + "X: a\r\n b\r\n\r\n",
    "bare LF": GET + "X: a\nY: b\r\n\r\n",
    "bare CR": GET + "X: a\rY: b\r\n\r\n",
    "NUL": GET + "X: a\0b\r\n\r\n",
    "blank before colon": GET + "Content-Length : 1\r\n\r\nx",
    "chunk size": POST + "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "chunk line": POST + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    "Host twice": GET + HOST + "\r\n",
    "Host differs": "GET {url}/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
    "Connection: Host": GET + "Connection: Host\r\n\r\n",
    "Connection: Content-Length": POST + "Connection: Content-Length\r\nContent-Length: 1\r\n\r\nx",
    "user in the target": "GET http://web@{host}/ HTTP/1.1\r\n" + HOST + "\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_that_could_be_read_two_ways_is_refused_and_ends_the_connection(
    start: Start, knows: str, played: Played, name: str
) -> None:
    with start(knows).connect() as client:
        data = SMUGGLED[name].format(url=played.url, host=played.host).encode("latin-1")
        client.send(data + get(played.url, path="/smuggled"))
        if name.startswith("chunk"):  # the head was good: it was on its way when the chunk was read
            assert client.head().split()[1] in ("400", "502")
            return
        head = client.head()
        assert head.split()[1] in ("400", "501"), head
        client.end()
        assert b"HTTP/1.1 2" not in client.rest()
    if field(head, "Connection") == "close":
        assert not played.has_visitor()


# ---- time, order, the end


def test_a_client_that_drips_its_head_is_told_so(start: Start, knows: str) -> None:
    with start(knows, head_s=0.3).connect() as client:
        client.send(b"GET http://x/ HTTP/1.1\r\n")
        assert client.response()[0] == 408
        assert client.rest() == b""


def test_a_client_that_drips_its_content_is_told_so(start: Start, knows: str, played: Played) -> None:
    with start(knows, stall_s=0.3).connect() as client:
        client.send(f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nContent-Length: 9\r\n\r\nx".encode())
        assert client.response()[0] == 408
        server = played.accept()
        assert server.head() and server.rest() == b"x"


def test_pipelined_requests_are_answered_in_order(start: Start, knows: str, web: Program) -> None:
    with start(knows).connect() as client:
        client.send(b"".join(get(web.url, f"X-N: {n}", path="/echo") for n in range(200)))
        for n in range(200):
            status, _, content = client.response()
            assert status == 200 and f"X-N: {n}\r\n".encode() in content


def test_a_thousand_refusals_in_one_breath_are_given_one_by_one(start: Start, knows: str) -> None:
    with start(knows).connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        client.end()
        assert client.rest().count(b"HTTP/1.1 400 ") == 1000


@pytest.mark.parametrize("kind", ["dumb", "smart"])
def test_without_descriptors_it_pauses_and_serves_again_when_there_are_some(
    start: Start, web: Program, kind: str
) -> None:
    proxy = start(kind)
    used = len(list(Path(f"/proc/{proxy.process.pid}/fd").iterdir()))
    resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (used + 3, used + 3))
    clients = [proxy.connect() for _ in range(8)]
    proxy.wait_decisions("pausing")
    clients[0].send(get(web.url, "Connection: close", path="/1k"))
    assert clients[0].response()[0] == 502  # there is none for a connection to the server either
    for client in clients:
        client.close()
    with proxy.connect() as client:
        client.send(get(web.url, "Connection: close", path="/1k"))
        assert client.rest().startswith(b"HTTP/1.1 200")
    assert len(proxy.decisions("pausing")) < 20  # it did not ask again and again


def test_told_to_stop_it_finishes_what_is_under_way(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows)
    with proxy.connect() as client, proxy.connect() as idle:
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        proxy.process.send_signal(signal.SIGTERM)
        assert idle.rest() == b""
        server.send(OK)
        status, head, _ = client.response()
        assert (status, field(head, "Connection")) == (200, "close")
        client.close()
        assert proxy.process.wait() == 0


def test_settings_are_read_again_on_sighup(start: Start, web: Program, tmp_path: Path) -> None:
    (tmp_path / "settings").write_text('{"connect_port": [1]}')
    proxy = start("smart", "--config", str(tmp_path / "settings"))
    ask = f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n\r\n".encode()
    with proxy.connect() as client:
        client.send(ask)
        assert client.head().startswith("HTTP/1.1 403")
    (tmp_path / "settings").write_text(f'{{"connect_port": [{web.port}]}}')
    proxy.process.send_signal(signal.SIGHUP)
    proxy.wait_ready()
    with Client(proxy.port) as client:
        client.send(ask)
        assert client.head().startswith("HTTP/1.1 200")


# ---- a server behind TLS


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
