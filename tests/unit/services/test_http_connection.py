"""The connection engine: dialogues, each read whole, byte by byte and with bytes left over; and any bytes at all."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.connection import Body, Client, Closed, End, Event, Fault, Server
from lan.services.http.messages import HTTP_1_0, Request, Response, headers

GET = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"
CLOSE = b"GET /last HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"
)
OK = Response(200, headers=headers([("Content-Length", "2")]))


def joined(events: list[Event]) -> list[Event]:
    """The same events with neighbouring bodies as one."""
    result: list[Event] = []
    for event in events:
        if isinstance(event, Body) and result and isinstance(result[-1], Body):
            result[-1] = Body(result[-1].data + event.data)
        else:
            result.append(event)
    return result


def serve(pieces: list[bytes]) -> list[Event]:
    """What a server hears that answers each request with 200 at once."""
    server, heard = Server(), []
    for piece in pieces:
        events = server.receive(piece)
        heard += events
        while events and isinstance(events[-1], End):
            server.respond(OK)
            events = server.finish()
            heard += events
    return joined(heard)


def each_way(data: bytes) -> list[list[bytes]]:
    """Whole; byte by byte; in two at every place."""
    single = [data[at : at + 1] for at in range(len(data))]
    return [[data], single, *([data[:at], data[at:]] for at in range(1, len(data)))]


DIALOGUES = {
    "one request": (GET, ["GET /", "End"]),
    "pipelined": (GET + POST + CLOSE + GET, ["GET /", "End", "POST /form", "hello", "End", "GET /last", "End"]),
    "chunked, with extension and trailer": (CHUNKED + GET, ["POST /", "abcde", "End", "GET /", "End"]),
    "1.0 closes": (b"GET / HTTP/1.0\r\n\r\n" + GET, ["GET /", "End"]),
    "1.0 with keep-alive": (
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET,
        ["GET /", "End", "GET /", "End"],
    ),
    "an empty line before": (b"\r\n" + GET, ["GET /", "End"]),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", ["400"]),
    "two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", ["400"]),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", ["400"]),
    "HTTP/2": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", ["505"]),
    "two lengths": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", ["400"]),
    "length and encoding": (CHUNKED.replace(b"Host", b"Content-Length: 3\r\nHost"), ["400"]),
    "encoding in 1.0": (CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0"), ["400"]),
    "blank before the colon": (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", ["400"]),
    "too long a body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", ["413"]),
}


def words(events: list[Event]) -> list[str]:
    """A short word for each event."""
    said = []
    for event in events:
        if isinstance(event, Request):
            said.append(f"{event.method} {event.target}")
        elif isinstance(event, Body):
            said.append(event.data.decode())
        elif isinstance(event, Fault):
            said.append(str(event.status))
        else:
            said.append(type(event).__name__)
    return said


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue_reads_the_same_in_any_pieces(name: str) -> None:
    data, expected = DIALOGUES[name]
    for pieces in each_way(data):
        assert words(serve(pieces)) == expected, pieces


def test_the_end_of_the_stream_is_clean_between_requests_and_a_fault_inside_one() -> None:
    assert words(serve([GET, b""])) == ["GET /", "End", "Closed"]
    assert words(serve([GET[:-2], b""])) == ["400"]
    assert words(serve([POST[:-1], b""])) == ["POST /form", "hell", "400"]


def test_the_end_that_came_with_pipelined_requests_is_heard_after_them() -> None:
    server = Server()
    server.receive(GET + GET)
    assert server.receive(b"") == []
    server.respond(OK)
    assert words(server.finish()) == ["GET /", "End"]
    server.respond(OK)
    assert words(server.finish()) == ["Closed"]


def test_a_head_without_end_is_refused() -> None:
    events = serve([b"GET / HTTP/1.1\r\n", *[b"X: " + b"x" * 4000] * 9])
    assert words(events) == ["431"]


def test_a_chunked_body_without_end_is_refused() -> None:
    events = serve([CHUNKED.partition(b"3\r\n")[0], *[b"8000\r\n" + b"x" * 0x8000 + b"\r\n"] * 40])
    assert words(events)[-1] == "413"


def test_the_response_says_close_when_the_connection_ends() -> None:
    server = Server()
    server.receive(CLOSE)
    assert b"\r\nConnection: close\r\n" in server.respond(OK)
    assert server.persistence is not None
    assert server.persistence.why.text == "the peer said Connection: close"
    assert server.finish() == server.receive(GET) == []


def test_answering_before_the_body_was_read_closes() -> None:
    server = Server()
    server.receive(POST[:-5])
    assert b"Connection: close" in server.respond(OK)


def test_a_response_without_length_goes_in_chunks_and_to_http_1_0_until_the_close() -> None:
    server = Server()
    server.receive(GET)
    assert b"Transfer-Encoding: chunked" in server.respond(Response(200))
    assert (server.body(b"hello"), server.body(b""), server.end()) == (b"5\r\nhello\r\n", b"", b"0\r\n\r\n")
    server = Server()
    server.receive(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    head = server.respond(Response(200))
    assert b"Connection: close" in head and b"Transfer-Encoding" not in head
    assert (server.body(b"hello"), server.end()) == (b"hello", b"")


@pytest.mark.parametrize(
    "bad", [("X", "a\r\nSet-Cookie: b"), ("X", "a\nb"), ("X", "a\0"), ("X y", "a"), ("X:", "a"), ("", "a")]
)
def test_nothing_can_be_injected_into_a_head(bad: tuple[str, str]) -> None:
    server = Server()
    server.receive(GET)
    with pytest.raises(ValueError, match="not a header field"):
        server.respond(Response(200, headers=headers([bad])))


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_bytes_crash_the_server(pieces: list[bytes]) -> None:
    serve(pieces)


FRAGMENTS = st.sampled_from(
    [
        *(GET, CLOSE, POST, CHUNKED, b"GET / HTTP/1.", b"1\r\n", b"\r\n", b"\n", b"Host: x\r\n", b"0\r\n\r\n", b":"),
        *(b"\0", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"Connection: close\r\n", b"f" * 18),
    ]
)


@given(st.lists(FRAGMENTS, max_size=8).map(b"".join), st.lists(st.integers(0, 400), max_size=5))
def test_any_split_of_likely_bytes_equals_the_whole(data: bytes, places: list[int]) -> None:
    cuts = [0, *sorted(places), len(data)]
    pieces = [data[start:stop] for start, stop in itertools.pairwise(cuts) if data[start:stop]]
    assert words(serve(pieces)) == words(serve([data] if data else []))


# The client's role

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def fetch(pieces: list[bytes], method: str = "GET") -> tuple[list[Event], Client]:
    client = Client()
    client.send(Request(method, "/", headers=headers([("Host", "web")])))
    return joined([event for piece in pieces for event in client.receive(piece)]), client


RESPONSES: dict[str, tuple[bytes, list[str], bool]] = {
    "by length": (RESPONSE, ["Response", "hello", "End"], True),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ["Response", "hello", "End"],
        True,
    ),
    "1.0": (RESPONSE.replace(b"1.1", b"1.0"), ["Response", "hello", "End"], False),
    "1.0 with keep-alive": (
        RESPONSE.replace(b"1.1 200 OK", b"1.0 200 OK\r\nConnection: Keep-Alive"),
        ["Response", "hello", "End"],
        True,
    ),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", ["Response", "End"], True),
    "an interim response first": (
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + RESPONSE,
        ["Response", "Response", "hello", "End"],
        True,
    ),
}


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_reads_the_same_in_any_pieces(name: str) -> None:
    data, expected, keep = RESPONSES[name]
    for pieces in each_way(data):
        events, client = fetch(pieces)
        assert words(events) == expected, pieces
        assert client.persistence is not None
        assert client.persistence.keep is keep


def test_the_close_ends_a_response_without_length() -> None:
    events, client = fetch([b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo", b""])
    assert words(events) == ["Response", "hello", "End"]
    assert client.persistence is not None
    assert "only the close" in client.persistence.why.text


def test_a_response_to_head_has_no_body_whatever_its_length_says() -> None:
    events, _ = fetch([RESPONSE[:-5]], "HEAD")
    assert words(events) == ["Response", "End"]


def test_a_short_response_is_a_fault() -> None:
    events, client = fetch([RESPONSE[:-1], b""])
    assert words(events) == ["Response", "hell", "502"]
    assert client.persistence is not None
    assert not client.persistence.keep


def test_a_server_that_closes_without_an_answer() -> None:
    events, _ = fetch([b""])
    assert events == [Closed()]


def test_a_kept_connection_carries_a_second_exchange_and_a_closed_one_does_not() -> None:
    client = Client()
    ask = Request("GET", "/", headers=headers([("Host", "web")]))
    for _ in range(2):
        assert client.send(ask) == GET
        assert words(client.receive(RESPONSE)) == ["Response", "hello", "End"]
    client.send(ask.with_field("Connection", "close"))
    client.receive(RESPONSE)
    with pytest.raises(ValueError, match="no further request"):
        client.send(ask)


def test_a_1_0_request_says_so() -> None:
    assert Client().send(Request("GET", "/", version=HTTP_1_0)) == b"GET / HTTP/1.0\r\n\r\n"


@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans())
def test_no_bytes_crash_the_client(pieces: list[bytes], likely: bool) -> None:
    fetch([RESPONSE[:17] if likely else b"", *pieces])
