"""The caching proxy on real sockets: what the origin is asked, and what the client gets instead."""

import json
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..program import Program, wait_until
from .proxying import PATIENCE_S, Client, Played, Start, Stream, field, has_field, proxy_command


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a caching proxy on loopback."""
    started: list[Program] = []

    def make(*words: str, is_told: bool = True, **limits: float) -> Program:
        log = tmp_path / f"decisions{len(started)}"
        command = proxy_command("cache", "--name", "c", "--allow-loopback", *words, **limits)
        started.append(Program(command, log, is_told=is_told))
        return started[-1]

    yield make
    for program in started:
        program.kill()


@pytest.fixture
def played() -> Iterator[Played]:
    server = Played()
    yield server
    server.close()


def ask(
    client: Stream, server: Played, *fields: str, method: str = "GET", path: str = "/", version: str = "1.1"
) -> None:
    lines = [f"{method} {server.url}{path} HTTP/{version}", f"Host: {server.host}", *fields, "", ""]
    client.send("\r\n".join(lines).encode())


def answer(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]).encode() + body


def test_the_second_request_is_answered_from_the_store(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"hello", "Cache-Control: max-age=60"))
        status, head, content = client.response()
        assert (status, content, field(head, "Cache-Status")) == (
            200,
            b"hello",
            "c; fwd=uri-miss; fwd-status=200; stored",
        )
        for method in ("GET", "HEAD"):
            ask(client, played, method=method)
            head = client.head()
            assert field(head, "Cache-Status").startswith("c; hit; ttl=") and field(head, "Age")
            assert client.take(5 if method == "GET" else 0) == (b"hello" if method == "GET" else b"")
    server.close()
    assert not played.has_visitor()


def test_a_stale_answer_is_validated_and_served_anew(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"one", "Cache-Control: no-cache", 'ETag: "1"'))
        assert client.response()[2] == b"one"
        ask(client, played)
        assert field(server.head(), "If-None-Match") == '"1"'
        server.send(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n')
        status, head, content = client.response()
        assert (status, content) == (200, b"one") and "fwd-status=304" in field(head, "Cache-Status")
        ask(client, played)
        assert server.head()
        server.send(answer(b"two", "Cache-Control: max-age=60", 'ETag: "2"'))
        assert client.response()[2] == b"two"
        ask(client, played)
        assert client.response()[2] == b"two"


def test_requests_for_the_same_wait_for_one_answer(start: Start, played: Played) -> None:
    proxy = start(collapsed_s=PATIENCE_S)
    clients = [Client(proxy) for _ in range(20)]
    for client in clients:
        ask(client, played)
    server = played.accept()
    assert server.head()
    proxy.wait_decisions("cache", 19, "waits")
    server.send(answer(b"once", "Cache-Control: max-age=60"))
    assert {client.response()[2] for client in clients} == {b"once"}
    assert not played.has_visitor()
    for client in clients:
        client.close()


def test_an_answer_for_one_client_is_not_given_to_those_who_waited(start: Start, played: Played) -> None:
    proxy = start(collapsed_s=PATIENCE_S)
    with Client(proxy) as first, Client(proxy) as second:
        ask(first, played)
        one = played.accept()
        assert one.head()
        ask(second, played)
        proxy.wait_decisions("cache", 1, "waits")
        one.send(answer(b"mine", "Cache-Control: private"))
        assert first.response()[2] == b"mine"
        assert one.head()  # the same kept connection, now for the second
        one.send(answer(b"yours", "Cache-Control: private"))
        assert second.response()[2] == b"yours"


def test_those_who_waited_go_on_when_the_first_client_leaves(start: Start, played: Played) -> None:
    proxy = start(collapsed_s=PATIENCE_S)
    with Client(proxy) as second:
        first = Client(proxy)
        ask(first, played)
        one = played.accept()
        assert one.head()
        one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nCache-Control: max-age=60\r\n\r\nha")
        assert first.head() and first.take(2)
        ask(second, played)
        proxy.wait_decisions("cache", 1, "waits")
        first.close()
        one.send(b"x")
        one.close()
        other = played.accept()
        assert other.head()
        other.send(answer(b"whole", "Cache-Control: max-age=60"))
        assert second.response()[2] == b"whole"


@pytest.mark.parametrize("broken", [
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 9\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
])  # fmt: skip
def test_a_truncated_answer_is_never_stored(start: Start, played: Played, broken: bytes) -> None:
    proxy = start()
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(broken)
        server.close()
        assert b"short" in client.rest()
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"whole", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"whole"
    assert len(proxy.decisions("not stored")) == 1


def test_a_stale_answer_is_given_where_the_origin_is_gone(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"old", "Cache-Control: max-age=0, stale-if-error=60", "Connection: close"))
        assert client.response()[2] == b"old"
        played.close()
        ask(client, played)
        status, head, content = client.response()
        assert (status, content) == (200, b"old") and "fwd=stale" in field(head, "Cache-Status")


def test_a_stale_answer_is_served_while_it_is_validated_in_the_background(start: Start, played: Played) -> None:
    proxy = start()
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"old", "Cache-Control: max-age=0, stale-while-revalidate=60", 'ETag: "1"'))
        assert client.response()[2] == b"old"
        ask(client, played)
        assert client.response()[2] == b"old"  # nobody waited
        assert field(server.head(), "If-None-Match") == '"1"'
        server.send(answer(b"new", "Cache-Control: max-age=60"))
        proxy.wait_decisions("stored", 2)
        ask(client, played)
        assert client.response()[2] == b"new"
        [told], own = proxy.decisions("refresh"), server.sock.getpeername()
        ends = client.sock.getsockname(), client.sock.getpeername(), own, server.sock.getsockname()
        assert [told[key] for key in ("client", "proxy", "local", "server")] == [f"{ip}:{port}" for ip, port in ends]
        [answered], stored = proxy.decisions("refreshed"), proxy.decisions("stored")[-1]
        assert answered["local"] == stored["local"] == told["local"]
        assert answered["cache_status"] == "c; fwd=stale; fwd-status=200; stored"


def test_an_unsafe_method_invalidates_what_is_stored(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"one", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"one"
        ask(client, played, "Content-Length: 0", method="DELETE")
        assert server.head()
        server.send(answer(b""))
        assert client.response()[0] == 200
        ask(client, played)
        assert server.head()
        server.send(answer(b"gone", status="404 Not Found"))
        assert client.response()[:1] == (404,)


def test_a_field_that_no_key_holds_does_not_poison_the_store(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played, "X-Forwarded-Host: evil")
        server = played.accept()
        assert field(server.head(), "X-Forwarded-Host") == "evil"
        server.send(answer(b"evil", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"evil"
        ask(client, played)
        assert server.head()
        server.send(answer(b"good", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"good"


def test_a_range_is_cut_from_what_is_stored(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"0123456789", "Cache-Control: max-age=60", 'ETag: "1"'))
        assert client.response()[0] == 200
        ask(client, played, "Range: bytes=2-4")
        assert client.response()[::2] == (206, b"234")


def test_a_large_stored_answer_reaches_a_client_that_reads_late(start: Start, played: Played, tmp_path: Path) -> None:
    body = bytes(range(256)) * 40_000
    proxy = start("--store", str(tmp_path / "store"))
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        sending = threading.Thread(target=server.send, args=(answer(body, "Cache-Control: max-age=60"),))
        sending.start()
        assert client.response()[2] == body
        sending.join()
        before_kib = proxy.peak_kib()
        for _ in range(3):
            ask(client, played)  # all three at once: the last are read when the first is gone
        with Client(proxy) as other:
            ask(other, played)
            assert other.response()[2] == body
        for _ in range(3):
            assert client.response()[2] == body
        assert proxy.peak_kib() - before_kib < 8 * 1024


def test_a_store_on_disk_outlives_a_kill(start: Start, played: Played, tmp_path: Path) -> None:
    proxy = start("--store", str(tmp_path / "store"))
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"kept", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"kept"
    proxy.wait_decisions("stored")
    proxy.process.kill()
    proxy.process.wait()
    with Client(start("--store", str(tmp_path / "store"))) as client:
        ask(client, played)
        status, head, content = client.response()
        assert (status, content) == (200, b"kept") and "hit" in field(head, "Cache-Status")


def test_a_folder_in_use_is_refused(start: Start, tmp_path: Path) -> None:
    start("--store", str(tmp_path / "store"))
    with pytest.raises(AssertionError, match="store"):
        start("--store", str(tmp_path / "store"))


def test_the_table_says_what_is_stored(start: Start, played: Played, tmp_path: Path) -> None:
    with Client(start("--table", str(tmp_path / "table.json"))) as client:
        ask(client, played, path="/a")
        server = played.accept()
        assert server.head()
        server.send(answer(b"hello", "Cache-Control: max-age=60"))
        assert client.response()[0] == 200
        table = tmp_path / "table.json"
        wait_until(lambda: table.exists() and bool(json.loads(table.read_text())["rows"]))
        [row] = json.loads(table.read_text())["rows"]
        assert (row["uri"], row["size_bytes"]) == (f"{played.url}/a", 5)


def test_only_if_cached_is_never_forwarded(start: Start, played: Played) -> None:
    with Client(start()) as client:
        ask(client, played, "Cache-Control: only-if-cached")
        assert client.response()[0] == 504
    assert not played.has_visitor()


def test_known_bytes_are_answered_from_the_store_as_at_first(start: Start, played: Played) -> None:
    """Without a decision log the proxy takes its shortcut: the same answers, until what is stored has changed."""
    with Client(start(is_told=False)) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"hello", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"hello"
        for _ in range(5):
            ask(client, played)
            ask(client, played)
            for _ in range(2):
                status, head, content = client.response()
                assert (status, content) == (200, b"hello")
                assert "hit" in field(head, "Cache-Status") and field(head, "Age")
        client.send(
            f"POST {played.url}/ HTTP/1.1\r\nHost: 127.0.0.1:{played.port}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        assert server.head().startswith("POST")
        server.send(answer(b"done"))
        assert client.response()[2] == b"done"
        ask(client, played)
        assert server.head().startswith("GET")
        server.send(answer(b"other", "Cache-Control: max-age=60"))
        assert client.response()[2] == b"other"
        ask(client, played, "Connection: close")
        assert client.rest().endswith(b"other")


def test_a_validation_answered_for_another_version_is_repeated_whole(start: Start, played: Played) -> None:
    """304 for an entity tag that was not asked about: nobody knows what it is of (RFC 9111 §4.3.3, §4.3.4)."""
    with Client(start()) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(answer(b"one", "Cache-Control: max-age=0", 'ETag: "one"'))
        assert client.response()[2] == b"one"
        ask(client, played)
        assert 'If-None-Match: "one"' in server.head()
        server.send(b'HTTP/1.1 304 Not Modified\r\nETag: "two"\r\n\r\n')
        again, _, _ = select.select([server.sock, played.listener], [], [], PATIENCE_S)
        asked = server if server.sock in again else played.accept()
        assert not has_field(asked.head(), "If-None-Match")
        asked.send(answer(b"two", 'ETag: "two"'))
        assert client.response()[2] == b"two"


def test_a_1_0_client_gets_a_stored_chunked_answer_with_its_length(start: Start, played: Played) -> None:
    proxy = start()
    with Client(proxy) as client:
        ask(client, played)
        server = played.accept()
        assert server.head()
        server.send(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
        )
        assert client.head() and client.until(b"0\r\n\r\n")
    with Client(proxy) as client:
        ask(client, played, version="1.0")
        head, _, content = client.rest().partition(b"\r\n\r\n")
        assert content == b"ok" and b"Content-Length: 2" in head
