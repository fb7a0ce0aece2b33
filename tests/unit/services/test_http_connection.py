"""The connection engine: dialogues, each read whole, byte by byte and with bytes left over; and any bytes at all."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol.connection import Client, Closed, Server
from lan.services.http.protocol.messages import HTTP_1_0, Request, Response, headers

from .dialogue import ASK, CHUNKED, CLOSE, GET, OK, POST, RESPONSE, each_way, fetch, fetched, serve, words

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


# Expect and interim responses: RFC 9110 §10.1.1 and §15.2

EXPECT = b"POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"


def test_a_client_that_expects_100_is_known_until_its_content_comes() -> None:
    server = Server()
    assert words(server.receive(EXPECT)) == ["POST /"]
    assert server.expects_continue
    assert server.inform(Response(100)) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert words(server.receive(b"h")) == ["h"]
    assert not server.expects_continue
    assert words(server.receive(b"ello")) == ["ello", "End"]
    assert server.respond(OK) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        EXPECT + b"h",
        EXPECT.replace(b"HTTP/1.1", b"HTTP/1.0"),
        EXPECT.replace(b"100-continue", b"200-ok"),
        EXPECT.replace(b"Content-Length: 5", b"Content-Length: 0"),
        EXPECT.replace(b"Content-Length: 5", b"X: a"),
        EXPECT.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"5",
    ],
)
def test_nobody_waits_for_100_whose_content_came_or_who_speaks_1_0(data: bytes) -> None:
    server = Server()
    server.receive(data)
    assert not server.expects_continue


def test_interim_responses_go_to_1_1_alone_and_101_is_none() -> None:
    server = Server()
    server.receive(b"GET / HTTP/1.0\r\n\r\n")
    assert server.inform(Response(103)) == b""
    for status in (101, 200, 99):
        with pytest.raises(ValueError, match="no interim response"):
            server.inform(Response(status))


def test_a_refusal_before_the_content_closes() -> None:
    server = Server()
    server.receive(EXPECT)
    assert b"Connection: close" in server.respond(Response(417, headers=headers([("Content-Length", "0")])))
    server.receive(b"hello")
    assert server.finish() == server.receive(GET) == []


@pytest.mark.parametrize("count", [1, 2, 16])
def test_interim_responses_come_before_the_final_one(count: int) -> None:
    data = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * count + RESPONSE
    events, client = fetch([data])
    assert words(events) == ["Response"] * (count + 1) + ["hello", "End"]
    assert client.is_idle


def test_interim_responses_without_end_are_refused() -> None:
    events, _ = fetch([b"HTTP/1.1 100 Continue\r\n\r\n"] * 1000)
    assert words(events) == ["Response"] * 16 + ["502"]


def test_interim_responses_are_counted_for_each_request_anew() -> None:
    client = Client()
    client.send(ASK)
    client.send(ASK)
    events = client.receive((b"HTTP/1.1 100 Continue\r\n\r\n" * 10 + RESPONSE) * 2)
    assert words(events) == (["Response"] * 11 + ["hello", "End"]) * 2


def test_a_stream_that_ends_after_an_interim_response_left_the_request_unanswered() -> None:
    events, client = fetch([b"HTTP/1.1 100 Continue\r\n\r\n", b""])
    assert words(events) == ["Response", "Closed"]
    assert len(client.unanswered) == 1


# Responses without content, tunnels


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_content_ends_with_its_head_whatever_its_fields_say(status: int) -> None:
    data = b"HTTP/1.1 %d x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" % status
    assert words(fetched(data)) == ["Response", "End"]
    assert words(fetched(data + b"x")) == ["Response", "End", "502"]


def test_no_content_is_sent_where_none_may_be() -> None:
    for data, status in ((GET, 204), (GET, 304), (GET.replace(b"GET", b"HEAD"), 200)):
        server = Server()
        server.receive(data)
        assert b"chunked" not in server.respond(Response(status))
        assert server.body(b"hello") == server.end() == b""
        assert server.persistence is not None and server.persistence.keep


def test_a_request_is_answered_once() -> None:
    server = Server()
    server.receive(GET)
    server.respond(OK)
    with pytest.raises(ValueError, match="answered already"):
        server.respond(OK)
    server.finish()
    server.receive(GET)
    server.respond(OK)


def test_the_other_options_of_a_response_stay_beside_ours() -> None:
    server = Server()
    server.receive(CLOSE)
    wants = headers([("Connection", "Upgrade"), ("Upgrade", "echo")])
    assert b"Connection: upgrade, close\r\n" in server.respond(Response(426, headers=wants))
    server = Server()
    server.receive(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive\r\n" in server.respond(OK.with_field("Connection", "Keep-Alive"))


def test_content_is_held_to_its_length() -> None:
    server = Server()
    with pytest.raises(ValueError, match="before its head"):
        server.body(b"x")
    server.receive(GET)
    server.respond(OK)
    with pytest.raises(ValueError, match="more content"):
        server.body(b"abc")
    assert (server.body(b"ab"), server.end()) == (b"ab", b"")
    assert server.persistence is not None and server.persistence.keep
    server.finish()
    server.receive(GET)
    server.respond(OK)
    server.body(b"a")
    server.end()
    assert server.persistence is not None
    assert not server.persistence.keep


def test_a_response_has_our_own_version_whatever_the_request_s() -> None:
    for version in (b"1.0", b"1.1", b"1.9"):
        server = Server()
        server.receive(GET.replace(b"1.1", version))
        assert server.respond(OK).startswith(b"HTTP/1.1 200 OK")


def test_no_request_may_follow_before_the_response_is_read_to_its_end() -> None:
    client = Client()
    client.send(ASK)
    for at in range(len(RESPONSE)):
        client.receive(RESPONSE[at : at + 1])
        assert client.is_idle is (at == len(RESPONSE) - 1)
