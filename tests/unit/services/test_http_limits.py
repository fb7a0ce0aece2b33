"""What comes without end is refused, and a connection keeps little of it, in whatever pieces it comes."""

import pytest

from lan.services.http.protocol.connection import Body, Client, End, Server

from .dialogue import ASK, CHUNKED, GET, OK, RESPONSE, fetch, serve, words


def kept(engine: Server | Client) -> int:
    """Bytes that the engine holds on to, of whatever it was given."""
    return len(engine._buffer) + (0 if engine._decoder is None else engine._decoder.kept_bytes)


ENDLESS = {
    "a request line": (b"", b"G" * 1000, "414"),
    "a target": (b"GET /", b"a" * 1000, "414"),
    "a field": (b"GET / HTTP/1.1\r\nX: ", b"a" * 1000, "431"),
    "fields": (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 100, "431"),
    "content": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", b"x" * 1000, "413"),
    "chunks": (CHUNKED.partition(b"3\r\n")[0], b"3e8\r\n" + b"x" * 1000 + b"\r\n", "413"),
    "a chunk": (CHUNKED.partition(b"3\r\n")[0] + b"fffffff\r\n", b"x" * 1000, "413"),
    "a size line": (CHUNKED.partition(b"3\r\n")[0], b"0" * 1000, "400"),
    "an extension": (CHUNKED.partition(b"3\r\n")[0] + b"5;a=", b"a" * 1000, "400"),
    "extensions": (CHUNKED.partition(b"3\r\n")[0], b"1;abcdefghijklmnopqrstuvwxyz\r\nx\r\n" * 30, "400"),
    "a trailer": (CHUNKED.partition(b"3\r\n")[0] + b"0\r\nX: ", b"a" * 1000, "431"),
    "trailers": (CHUNKED.partition(b"3\r\n")[0] + b"0\r\n", b"X: a\r\n" * 100, "431"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_comes_without_end_is_refused_and_never_kept(name: str) -> None:
    start, more, status = ENDLESS[name]
    server, most = Server(), 0
    heard_words = words(server.receive(start)) if start else []
    for _ in range(2000):
        heard_words += words(server.receive(more))
        most = max(most, kept(server))
    assert heard_words[-1] == status
    assert most <= 18_000


ENDLESS_RESPONSES = {
    "a status line": (b"HTTP/1.1 200 ", b"a" * 1000, "502"),
    "a field": (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 1000, "502"),
    "fields": (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100, "502"),
    "interim responses": (b"", b"HTTP/1.1 100 x\r\n\r\n" * 10, "502"),
    "trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 100, "502"),
    "an extension": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=", b"a" * 1000, "502"),
    "bytes that answer nothing": (RESPONSE, b"x" * 1000, "502"),
    "content until the close": (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000, "x" * 1000),
    "a tunnel": (b"HTTP/1.1 101 x\r\n\r\n", b"x" * 1000, "Tunnel"),
}


@pytest.mark.parametrize("name", ENDLESS_RESPONSES)
def test_a_response_without_end_is_refused_or_passed_on_and_never_kept(name: str) -> None:
    start, more, last = ENDLESS_RESPONSES[name]
    client, most = Client(), 0
    client.send(ASK.with_field("Upgrade", "echo"))
    heard_words = words(client.receive(start)) if start else []
    for _ in range(500):
        heard_words += words(client.receive(more))
        most = max(most, kept(client))
    assert heard_words[-1] == last
    assert most <= 67_000


def test_the_limits_are_the_same_in_any_pieces() -> None:
    for data in (
        b"GET / HTTP/1.1\r\nHost: web\r\nX: " + b"a" * (16 * 1024 - 34) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\nX: " + b"a" * (16 * 1024 - 33) + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: web\r\nX: " + b"a" * 20_000 + b"\n\r\n",
        b"GET /" + b"a" * 9000 + b"\nX",
    ):
        whole = serve([data])
        assert serve([data[at : at + 1] for at in range(len(data))]) == whole
        assert serve([data[at : at + 1000] for at in range(0, len(data), 1000)]) == whole
    head = b"GET / HTTP/1.1\r\nHost: web\r\nX: " + b"a" * (16 * 1024 - 34) + b"\r\n\r\n"
    assert len(head) == 16 * 1024
    assert words(serve([head])) == ["GET /", "End"]


def test_a_status_line_is_as_long_as_may_be_in_any_pieces() -> None:
    data = b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\nContent-Length: 0\r\n\r\n"
    for pieces in ([data], [data[at : at + 100] for at in range(0, len(data), 100)]):
        assert words(fetch(pieces)[0]) == ["502"]


def test_content_beyond_the_limit_is_no_complete_request() -> None:
    chunk = b"fffff\r\n" + b"x" * 0xFFFFF + b"\r\n"
    data = CHUNKED.partition(b"3\r\n")[0] + chunk + chunk + b"0\r\n\r\n"
    for pieces in ([data], [data[at : at + 65536] for at in range(0, len(data), 65536)]):
        server = Server()
        events = [event for piece in pieces for event in server.receive(piece)]
        assert not any(isinstance(event, End) for event in events)
        assert words(events)[-1] == "413"
        assert sum(len(event.data) for event in events if isinstance(event, Body)) == 0xFFFFF
        assert not server.request_complete
        assert b"Connection: close" in server.respond(OK)


def test_a_server_for_whoever_passes_it_on_takes_content_of_any_length() -> None:
    server = Server(max_body_bytes=None)
    server.receive(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")
    assert words(server.receive(b"x" * 10)) == ["x" * 10]


def test_a_head_is_refused_with_the_byte_that_reaches_the_limit_without_its_end() -> None:
    server = Server(max_head_bytes=100)
    start = b"GET / HTTP/1.1\r\nX: "
    assert server.receive(start + b"a" * (99 - len(start))) == []
    assert words(server.receive(b"a")) == ["431"]
    assert words(Server(max_head_bytes=len(GET)).receive(GET)) == ["GET /", "End"]
    assert words(Server(max_head_bytes=len(GET) - 1).receive(GET)) == ["431"]


def test_content_may_be_as_long_as_the_limit_and_no_longer() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    for length, heard_words in ((10, ["POST /"]), (11, ["413"])):
        assert words(Server(max_body_bytes=10).receive(head % length)) == heard_words
