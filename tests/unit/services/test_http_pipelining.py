"""Many requests on one connection, and which of them are answered: RFC 9112 §9.2, §9.3.2, §9.6."""

import pytest

from lan.services.http.protocol import connection
from lan.services.http.protocol.connection import Client, Server
from lan.services.http.protocol.messages import Request, headers

from .dialogue import ASK, CLOSE, GET, OK, POST, RESPONSE, each_way, heard, rule, words


def test_pipelined_requests_are_heard_one_after_the_other_as_each_is_answered() -> None:
    server = Server()
    assert words(server.receive(GET + POST + GET)) == ["GET /", "End"]
    assert server.receive(GET) == []  # kept until asked for
    for expected in (["POST /form", "hello", "End"], ["GET /", "End"], ["GET /", "End"]):
        server.respond(OK)
        assert words(server.finish()) == expected
    assert server.exchanges == 3


def test_requests_in_a_row_are_not_remembered_as_one_is() -> None:
    before = connection._lone_request.cache_info()
    for number in range(3):
        assert words(Server().receive(GET.replace(b"/", b"/%d" % number, 1) + GET)) == [f"GET /{number}", "End"]
    assert connection._lone_request.cache_info() == before


@pytest.mark.parametrize("last", [CLOSE, b"GET / HTTP/1.0\r\n\r\n"])
def test_nothing_is_processed_after_a_request_that_ends_the_connection(last: bytes) -> None:
    assert words(heard(last + GET))[1:] == ["End"]
    assert words(heard(last + b"\0 no request at all"))[1:] == ["End"]


def test_nothing_is_processed_after_a_response_that_says_close() -> None:
    server = Server()
    server.receive(GET + GET)
    assert b"Connection: close" in server.respond(OK.with_field("Connection", "close"))
    assert server.finish() == server.receive(GET) == []


def test_responses_belong_to_the_requests_in_their_order() -> None:
    client = Client()
    for method, target in (("GET", "/1"), ("HEAD", "/2"), ("GET", "/3")):
        client.send(Request(method, target, headers=ASK.headers))
    answers = RESPONSE + RESPONSE[:-5] + b"HTTP/1.1 100 Continue\r\n\r\n" + RESPONSE
    for pieces in each_way(answers):
        other = Client()
        for request in client.unanswered:
            other.send(request)
        events = [event for piece in pieces for event in other.receive(piece)]
        assert [word for word in words(events) if word in ("Response", "End")] == [
            *("Response", "End", "Response", "End", "Response", "Response", "End"),
        ]
        assert other.unanswered == ()


def test_what_is_unanswered_is_known_at_every_byte() -> None:
    answers = RESPONSE * 3
    for stop in range(len(answers) + 1):
        client = Client()
        asked = [Request("GET", f"/{number}", headers=ASK.headers) for number in range(4)]
        for request in asked:
            client.send(request)
        if stop:
            client.receive(answers[:stop])
        events = client.receive(b"")
        complete = stop // len(RESPONSE)
        assert client.unanswered == tuple(asked[complete:])
        assert words(events) == (["Closed"] if stop % len(RESPONSE) == 0 else ["502"])
        assert client.persistence is not None and not client.persistence.keep


def test_a_close_in_the_middle_of_a_pipeline_leaves_the_rest_unanswered() -> None:
    client = Client()
    asked = [Request("GET", f"/{number}", headers=ASK.headers) for number in range(3)]
    for request in asked:
        client.send(request)
    last = RESPONSE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    assert words(client.receive(RESPONSE + last + RESPONSE)) == ["Response", "hello", "End"] * 2
    assert client.unanswered == (asked[2],)
    assert client.receive(RESPONSE) == []
    with pytest.raises(ValueError, match="no further request"):
        client.send(ASK)


def test_a_response_until_the_close_in_a_pipeline_leaves_the_rest_unanswered() -> None:
    client = Client()
    client.send(ASK)
    client.send(ASK)
    assert words(client.receive(b"HTTP/1.1 200 OK\r\n\r\n" + RESPONSE))[0] == "Response"
    assert words(client.receive(b"")) == ["End"]
    assert client.unanswered == (ASK,)


@pytest.mark.parametrize("data", [RESPONSE, b"\r\n", b"HTTP/1.1 408 Request Timeout\r\n\r\n", b"x"])
def test_bytes_on_an_idle_connection_are_no_response(data: bytes) -> None:
    client = Client()
    assert rule(client.receive(data)) == "502 RFC 9112 §9.2"
    assert not client.is_idle


def test_a_client_sends_nothing_after_its_close() -> None:
    client = Client()
    client.send(ASK.with_field("Connection", "close"))
    with pytest.raises(ValueError, match="Connection: close"):
        client.send(ASK)


@pytest.mark.parametrize(
    "request_",
    [
        Request("CONNECT", "web:443", headers=ASK.headers),
        ASK.with_field("Connection", "Upgrade").with_field("Upgrade", "echo"),
    ],
)
def test_a_client_sends_nothing_after_what_may_switch_the_protocol(request_: Request) -> None:
    client = Client()
    client.send(request_)
    with pytest.raises(ValueError, match="another protocol"):
        client.send(ASK)


# Requests as they are sent


def test_a_request_of_1_1_is_not_sent_without_a_host() -> None:
    client = Client()
    for wrong in (Request("GET", "/"), Request("GET", "/", headers=headers([("Host", "a"), ("Host", "a")]))):
        with pytest.raises(ValueError, match="Host"):
            client.send(wrong)
    with pytest.raises(ValueError, match="not a request line"):
        client.send(Request("GET", "no path", headers=ASK.headers))
    assert client.send(ASK) == GET


def test_a_request_that_cannot_be_sent_leaves_the_connection_as_it_was() -> None:
    client = Client()
    for wrong in (ASK.with_field("X", "a\r\nb"), ASK.with_field("Content-Length", "x"), Request("G ET", "/")):
        with pytest.raises(ValueError, match=r"not a|§6\.3|Host"):
            client.begin(wrong)
    assert client.is_idle
    assert client.send(ASK) == GET
    assert client.unanswered == (ASK,)


def test_a_length_that_a_request_says_is_that_of_its_body() -> None:
    client = Client()
    assert b"Content-Length: 0\r\n" in client.send(ASK.with_field("Content-Length", "5"))
    assert client.unanswered[0].headers.get("Content-Length") == "0"


def test_te_is_named_in_connection_and_never_says_chunked() -> None:
    for said, named in ((None, "TE"), ("close", "close, TE"), ("TE", "TE"), ("keep-alive, te", "keep-alive, te")):
        asked = ASK.with_field("TE", "trailers, gzip;q=0.5")
        sent = Client().send(asked.with_field("Connection", said) if said else asked)
        assert f"\r\nConnection: {named}\r\n".encode() in sent
    for te in ("chunked", "trailers, Chunked;q=1", "chunked ;q=0"):
        with pytest.raises(ValueError, match="TE: chunked"):
            Client().send(ASK.with_field("TE", te))


def test_nothing_follows_a_request_whose_content_is_missing() -> None:
    client = Client()
    client.begin(ASK.with_field("Content-Length", "5"))
    assert client.body(b"hel") == b"hel"
    for _ in range(2):
        with pytest.raises(ValueError, match="less content"):
            client.end()
        with pytest.raises(ValueError, match="not complete"):
            client.send(ASK)
    with pytest.raises(ValueError, match="more content"):
        client.body(b"lo!")
    assert (client.body(b"lo"), client.end()) == (b"lo", b"")
    assert client.send(ASK) == GET


def test_a_response_that_comes_before_the_request_is_complete_closes() -> None:
    client = Client()
    client.begin(ASK.with_field("Transfer-Encoding", "chunked"))
    client.body(b"hel")
    assert words(client.receive(RESPONSE)) == ["Response", "hello", "End"]
    assert client.persistence is not None and not client.persistence.keep
    assert client.unanswered == ()
    with pytest.raises(ValueError, match="no further request"):
        client.send(ASK)


def test_a_response_to_an_earlier_request_does_not_care_for_the_one_being_sent() -> None:
    client = Client()
    client.send(ASK)
    client.begin(ASK.with_field("Transfer-Encoding", "chunked"))
    assert words(client.receive(RESPONSE)) == ["Response", "hello", "End"]
    assert client.persistence is not None and client.persistence.keep
    assert client.end() == b"0\r\n\r\n"
    assert words(client.receive(RESPONSE)) == ["Response", "hello", "End"]
    assert client.is_idle
