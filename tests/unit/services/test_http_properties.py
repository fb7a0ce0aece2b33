"""The engine on whatever comes: the same in any pieces, nothing raised; what is written reads back; two ends agree."""

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import head, messages
from lan.services.http.protocol.connection import Body, Client, Closed, End, Event, Fault, Server
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Headers, Request, Response, headers

from .dialogue import CHUNKED, CLOSE, GET, POST, RESPONSE, fetch, joined, serve

PIECES = [
    *(
        GET,
        CLOSE,
        POST,
        CHUNKED,
        RESPONSE,
        b"GET / HTTP/1.",
        b"1\r\n",
        b"\r\n",
        b"\n",
        b"Host: x\r\n",
        b"0\r\n\r\n",
        b":",
    ),
    *(
        b"\0",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"Connection: close\r\n",
        b"f" * 18,
        b" ",
        b"\r",
    ),
    *(
        b"5\r\nhello\r\n",
        b"5;a=b\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"X: a\r\n b\r\n",
    ),
    *(b"HTTP/1.0 200 OK\r\n", b"Upgrade: x\r\n", b"CONNECT web:80 HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\n"),
]
LIKELY = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=5)), max_size=8).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=6)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces, none of them empty."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges) if start < stop]


def listen(*_: object) -> None:
    """Hears of each decision: then no short cut is taken."""


@given(LIKELY, CUTS)
def test_a_server_hears_the_same_in_any_pieces_and_whoever_listens(data: bytes, places: list[int]) -> None:
    whole = serve(cut(data, []))
    assert serve(cut(data, places)) == whole
    assert serve(cut(data, places), listen) == whole
    assert serve(cut(data, []), listen) == whole


@given(LIKELY, CUTS, st.sampled_from(["GET", "HEAD", "CONNECT"]), st.booleans())
def test_a_client_hears_the_same_in_any_pieces(data: bytes, places: list[int], method: str, closes: bool) -> None:
    end = [b""] if closes else []
    whole = fetch([*cut(data, []), *end], method)[0]
    assert fetch([*cut(data, places), *end], method)[0] == whole
    assert fetch([*cut(data, places), *end], method, listen)[0] == whole


@given(st.lists(st.binary(max_size=80), max_size=10))
def test_no_bytes_make_a_reader_raise_anything_but_refused(pieces: list[bytes]) -> None:
    serve(pieces)
    fetch(pieces)
    for read in (head.read_request, head.read_response, head.read_fields):
        try:
            read(b"".join(pieces) + b"\r\n\r\n")
        except Refused:
            pass


@given(LIKELY)
def test_after_a_fault_or_the_end_nothing_is_heard(data: bytes) -> None:
    server = Server()
    events = server.receive(data) if data else []
    if events and isinstance(events[-1], Fault):
        assert server.receive(GET) == server.receive(b"") == server.finish() == []
    client = fetch([data] if data else [])[1]
    client.receive(b"")
    if not client.is_tunnel:
        assert client.receive(RESPONSE) == client.receive(b"") == []
        assert not client.is_idle


# What is written reads back

TOKEN = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=10)
VALUE = st.text([chr(code) for code in (*range(0x20, 0x7F), *range(0x80, 0x100), 9)], max_size=20).map(
    lambda text: text.strip(" \t")
)
FIELDS = st.lists(st.tuples(TOKEN.map("X-{}".format), VALUE), max_size=5).map(headers)
VERSION = st.sampled_from([HTTP_1_0, HTTP_1_1])
PATH = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != "#"], max_size=20).map("/{}".format)
NOT_CONNECT = TOKEN.filter(lambda method: method != "CONNECT")
REQUESTS = st.builds(
    lambda method, target, fields, version: Request(
        method, target, headers=Headers((("Host", "web"), *fields.items)), version=version
    ),
    NOT_CONNECT,
    PATH,
    FIELDS,
    VERSION,
)
RESPONSES = st.builds(
    lambda status, phrase, fields, version: Response(status, phrase or "OK", headers=fields, version=version),
    st.integers(200, 999),
    VALUE,
    FIELDS,
    VERSION,
)


@given(REQUESTS)
def test_a_request_that_is_written_reads_back(request: Request) -> None:
    assert head.read_request(messages.build(request)) == request


@given(RESPONSES)
def test_a_response_that_is_written_reads_back(response: Response) -> None:
    assert head.read_response(messages.build(response)) == response


@given(LIKELY)
def test_what_is_read_is_written_the_same_again(data: bytes) -> None:
    readers: list[Callable[[bytes], Request | Response]] = [head.read_request, head.read_response]
    for read in readers:
        try:
            found = read(data)
        except Refused:
            continue
        assert read(messages.build(found)) == found


# Two ends

CONTENT = st.lists(st.binary(max_size=50), max_size=4)
EXCHANGE = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    st.sampled_from(["none", "length", "chunked"]),
    CONTENT,
    st.integers(0, 2),
    st.sampled_from([200, 204, 304, 404, 500]),
    st.sampled_from(["length", "chunked"]),
    CONTENT,
    CUTS,
)


def asked(client: Client, number: int, method: str, framing: str, content: list[bytes]) -> bytes:
    request = Request(method, f"/{number}", headers=headers([("Host", "web")]))
    if framing == "none":
        return client.send(request) if method not in ("POST", "PUT") else client.send(request, b"")
    if framing == "length":
        return client.send(request, b"".join(content))
    sent = client.begin(request.with_field("Transfer-Encoding", "chunked"))
    return sent + b"".join(map(client.body, content)) + client.end(headers([("X-Sum", str(number))]))


def answered(server: Server, interim: int, status: int, framing: str, content: list[bytes]) -> bytes:
    sent = b"".join(server.inform(Response(103)) for _ in range(interim))
    response = Response(status, headers=headers([("Content-Length", str(len(b"".join(content))))]))
    sent += server.respond(response if framing == "length" else Response(status))
    return sent + b"".join(map(server.body, content)) + server.end()


def body(events: list[Event]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, Body))


@given(st.lists(EXCHANGE, min_size=1, max_size=5), CUTS, st.booleans())
def test_two_engines_carry_any_exchanges_pipelined_and_in_any_pieces(
    exchanges: list[tuple[str, str, list[bytes], int, int, str, list[bytes], list[int]]],
    places: list[int],
    is_pipelined: bool,
) -> None:
    client, server = Client(), Server()
    rounds = [exchanges] if is_pipelined else [[exchange] for exchange in exchanges]
    for batch in rounds:
        sent = b"".join(asked(client, number, *exchange[:3]) for number, exchange in enumerate(batch))
        heard = [event for piece in cut(sent, places) for event in server.receive(piece)]
        for number, (method, framing, content, interim, status, told, answer, cuts) in enumerate(batch):
            assert isinstance(heard[0], Request) and isinstance(heard[-1], End)
            assert (heard[0].method, heard[0].target) == (method, f"/{number}")
            assert body(heard) == (b"" if framing == "none" else b"".join(content))
            assert heard[-1].trailers == headers([("X-Sum", str(number))] if framing == "chunked" else [])
            back = answered(server, interim, status, told, answer)
            got = joined([event for piece in cut(back, cuts) for event in client.receive(piece)])
            assert [type(event) for event in got if not isinstance(event, Body)] == [Response] * (interim + 1) + [End]
            has_content = method != "HEAD" and status not in (204, 304)
            assert body(got) == (b"".join(answer) if has_content else b"")
            assert len(client.unanswered) == len(batch) - number - 1
            heard = server.finish()
        assert heard == [] and client.is_idle and server.is_idle
    assert server.receive(b"") == client.receive(b"") == [Closed()]
    assert server.exchanges == len(exchanges)
