"""Content through a proxy: chunks, trailers, 100 Continue, large bodies, late readers, answers cut short."""

import os
import socket
import threading

import pytest

from ..proxying import OK, Client, Played, Start, field, get, has_field


def test_chunks_become_a_body_until_the_close_for_a_1_0_client(start: Start, knows: str, played: Played) -> None:
    with Client(start(knows)) as client:
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
    with Client(start(knows)) as client:
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
    with Client(start(knows)) as client:
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
    with Client(start(knows, held_bytes=10)) as client:
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
    with Client(start(knows)) as client:
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
    with Client(start(knows)) as client:
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
    with Client(proxy) as client:
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
    with Client(start(kind)) as client:
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
    with Client(start(knows)) as client:
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
