"""What a proxy does when its server fails it.  RFC 9110 §15.6; RFC 9112 §9.3.1."""

import os
import signal
import socket

import pytest

from ..proxying import OK, Client, Played, Start, get


def test_a_get_whose_kept_connection_just_closed_is_sent_again(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows)
    with Client(proxy) as client:
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
    with Client(start(knows)) as client:
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


def test_a_post_goes_over_no_connection_that_has_closed_by_then(start: Start, knows: str, played: Played) -> None:
    """Both are here in the same turn of the proxy's loop, the client's POST first and then the server's FIN."""
    proxy = start(knows)
    with Client(proxy) as client:
        client.send(get(played.url))
        first = played.accept()
        assert first.head()
        first.send(OK)
        assert client.response()[0] == 200
        os.kill(proxy.process.pid, signal.SIGSTOP)
        client.send(f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nContent-Length: 1\r\n\r\nx".encode())
        client.wait_acknowledged()
        first.end()
        first.wait_acknowledged()
        os.kill(proxy.process.pid, signal.SIGCONT)
        second = played.accept()
        assert second.head().startswith("POST / ")
        second.send(OK)
        assert client.response()[0] == 200
    assert not played.has_visitor()


def test_nobody_there_is_502_and_no_answer_in_time_504(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows, answer_s=0.3)
    with socket.socket() as deaf, Client(proxy) as client:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        client.send(get(f"http://127.0.0.1:{deaf.getsockname()[1]}"))
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
    with Client(start(knows)) as client:
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        server.send(answer)
        assert client.response()[0] == 502
