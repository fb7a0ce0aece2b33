"""What the engine tells of its decisions: each kind, its rule, and the bytes of the peer's stream that it is about."""

from lan.reasons import Reason
from lan.services.http.protocol.connection import Client, Server
from lan.services.http.protocol.messages import Response, headers

from .dialogue import ASK, CHUNKED, CLOSE, GET, OK, POST, RESPONSE, each_way

Told = list[tuple[str, str, bytes]]


class Ear:
    """Listens: what was decided, by which rule, about which bytes of `stream`."""

    def __init__(self, stream: bytes) -> None:
        self.stream = stream
        self.told: Told = []

    def __call__(self, what: str, why: Reason, span: tuple[int, int]) -> None:
        assert 0 <= span[0] <= span[1] <= len(self.stream)
        self.told.append((what, why.source, self.stream[span[0] : span[1]]))


def server_told(stream: bytes, answer: Response = OK, *, limit_bytes: int = 1000) -> Told:
    """What a server decides that answers each request once it is complete; the same in any pieces."""
    results = []
    for pieces in each_way(stream):
        ear = Ear(stream)
        server = Server(max_body_bytes=limit_bytes, decided=ear)
        for piece in pieces:
            server.receive(piece)
            while server.request_complete and server._response is None:
                server.respond(answer)
                server.finish()
        results.append(ear.told)
    assert all(result == results[0] for result in results)
    return results[0]


def client_told(stream: bytes, *, ends: bool = False, requests: int = 1) -> Told:
    results = []
    for pieces in each_way(stream):
        ear = Ear(stream)
        client = Client(decided=ear)
        for _ in range(requests):
            client.send(ASK)
        for piece in [*pieces, b""] if ends else pieces:
            client.receive(piece)
        results.append(ear.told)
    assert all(result == results[0] for result in results)
    return results[0]


def test_a_servers_decisions_are_about_the_request_they_are_read_from() -> None:
    head = POST[: -len(b"hello")]
    assert server_told(GET + POST + CLOSE) == [
        ("framing", "RFC 9112 §6.3 rule 7", GET),
        ("response framing", "RFC 9112 §6.2", GET),
        ("keep", "RFC 9112 §9.3; book 4.5.8", GET),
        ("framing", "RFC 9112 §6.3 rule 6", head),
        ("response framing", "RFC 9112 §6.2", POST),
        ("keep", "RFC 9112 §9.3; book 4.5.8", POST),
        ("framing", "RFC 9112 §6.3 rule 7", CLOSE),
        ("response framing", "RFC 9112 §6.2", CLOSE),
        ("close", "RFC 9112 §9.3; book 4.5.8", CLOSE),
    ]


def test_an_empty_line_that_is_ignored_is_told_as_these_two_bytes() -> None:
    assert server_told(GET + b"\r\n" + GET)[3:5] == [
        ("ignored", "RFC 9112 §2.2", b"\r\n"),
        ("framing", "RFC 9112 §6.3 rule 7", GET),
    ]


def test_dropped_trailers_are_told_as_their_section() -> None:
    stream = CHUNKED.replace(b"T: 1", b"Host: other\r\nT: 1")
    head = stream[: stream.index(b"3\r\n")]
    assert server_told(GET + stream)[3:5] == [
        ("framing", "RFC 9112 §6.3 rule 4", head),
        ("trailers", "RFC 9110 §6.5.1", b"Host: other\r\nT: 1\r\n\r\n"),
    ]


def test_how_the_response_is_framed_is_told_by_its_rule() -> None:
    assert server_told(GET, Response(200))[1][1] == "RFC 9112 §7.1"
    assert server_told(GET, Response(204))[1][1] == "RFC 9112 §6.3 rule 1"
    assert server_told(b"GET / HTTP/1.0\r\n\r\n", Response(200))[1][1] == "RFC 9112 §6.1"
    closing = Response(200, headers=headers([("Connection", "close")]))
    assert server_told(GET, closing)[1:] == [
        ("response framing", "RFC 9112 §6.3 rule 8", GET),
        ("close", "RFC 9112 §6.3; book 4.5.5", GET),
    ]


def test_a_refusal_is_told_with_the_bytes_that_show_it() -> None:
    head = CHUNKED[: CHUNKED.index(b"3\r\n")]
    for before in (b"", GET):
        for bad, source, shown in (
            (b"GET / HTTP/1.1\r\n\r\n", "RFC 9112 §3.2", b"GET / HTTP/1.1\r\n\r\n"),
            (b"GET /\r\n\r\n", "RFC 9112 §3", b"GET /\r\n\r\n"),
            (b"GET / HTTP/1.1\r\nX: a\nY: b\r\n\r\n", "RFC 9112 §2.2", b"GET / HTTP/1.1\r\nX: a\n"),
            (POST[:-5].replace(b"5", b"5000") + b"he", "RFC 9110 §15.5.14", POST[:-5].replace(b"5", b"5000")),
            (head + b"5\r\nhello\r\nx\r\nhello", "RFC 9112 §7.1", b"x\r\n"),
            (head + b"5\r\nhello!\r\n", "RFC 9112 §7.1", b"!"),
            (head + b"5\r\nhello\r!", "RFC 9112 §7.1", b"\r!"),
            (head + b"1;a\r\nx\r\nfff\r\nhello", "RFC 9110 §15.5.14", b"fff\r\n"),
            (head + b"0\r\nX : a\r\n\r\nrest", "RFC 9112 §5.1", b"X : a\r\n\r\n"),
            (head + b"0\r\nX: a\n\r\n\r\nrest", "RFC 9112 §2.2", b"X: a\n"),
        ):
            assert server_told(before + bad)[-1] == ("refused", source, shown)


def test_a_head_that_is_too_long_is_told_up_to_the_limit() -> None:
    stream = b"GET / HTTP/1.1\r\nX: " + b"a" * 600
    for size in (1, 7, 600, len(stream)):
        ear = Ear(stream)
        server = Server(max_head_bytes=500, decided=ear)
        for at in range(0, len(stream), size):
            server.receive(stream[at : at + size])
        assert ear.told == [("refused", "RFC 6585 §5", stream[:500])]


def test_a_cut_message_is_told_as_what_came_of_it() -> None:
    for cut in (GET[:-2], POST[:-2], CHUNKED[:-4]):
        for pieces in each_way(GET + cut):
            ear = Ear(GET + cut)
            server = Server(decided=ear)
            for piece in pieces:
                server.receive(piece)
                if server.request_complete:
                    server.respond(OK)
                    server.finish()
            server.receive(b"")
            assert ear.told[-1] == ("refused", "RFC 9112 §8", cut)


def test_a_clients_decisions_are_about_the_response_they_are_read_from() -> None:
    last = RESPONSE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert client_told(RESPONSE + interim + last, requests=2) == [
        ("framing", "RFC 9112 §6.3 rule 6", RESPONSE[:-5]),
        ("keep", "RFC 9112 §9.3; book 4.5.8", RESPONSE),
        ("framing", "RFC 9112 §6.3 rule 6", last[:-5]),
        ("close", "RFC 9112 §9.3; book 4.5.8", last),
    ]


def test_a_client_tells_how_the_stream_ended() -> None:
    open_ended = b"HTTP/1.1 200 OK\r\n\r\nhello"
    assert client_told(open_ended, ends=True) == [
        ("framing", "RFC 9112 §6.3 rule 8", open_ended[:-5]),
        ("close", "RFC 9112 §6.3; book 4.5.5", open_ended),
    ]
    assert client_told(RESPONSE, ends=True, requests=2)[2:] == [("close", "RFC 9112 §9.5", b"")]
    assert client_told(RESPONSE[:-1], ends=True)[1:] == [("refused", "RFC 9112 §8", RESPONSE[:-1])]
    assert client_told(RESPONSE[:20], ends=True) == [("refused", "RFC 9112 §8", RESPONSE[:20])]


def test_a_client_tells_what_it_refuses() -> None:
    twice = RESPONSE.replace(b": 5", b": 5\r\nContent-Length: 6")
    assert client_told(twice) == [("refused", "RFC 9112 §6.3 rule 5", twice[:-5])]
    ear = Ear(RESPONSE + b"x")
    client = Client(decided=ear)
    client.send(ASK)
    client.receive(RESPONSE + b"x")
    assert ear.told[-1] == ("refused", "RFC 9112 §9.2", b"x")


def test_who_listens_later_hears_of_the_right_bytes() -> None:
    server, ear = Server(), Ear(GET + CLOSE)
    server.receive(GET)
    server.respond(OK)
    server.finish()
    server.decided = ear
    server.receive(CLOSE)
    assert ear.told == [("framing", "RFC 9112 §6.3 rule 7", CLOSE)]
