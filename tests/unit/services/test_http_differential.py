"""Our reader beside h11 and llhttp (which is Node's): what ours takes for a message, they take for the same one.

Same method, target, fields, content, trailers, and so the same bytes left over.  Where the three differ
ours is the stricter one, by intention: `STRICTER` lists it, and `TAKEN_BY_OURS` the few things that another refuses.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import h11
import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lan.services.http.protocol.chunked import NOT_IN_TRAILERS
from lan.services.http.protocol.connection import Body, Client, End, Fault, Server, Tunnel
from lan.services.http.protocol.messages import Headers, Request, Response, headers

from .dialogue import CHUNKED, CLOSE, GET, OK, POST, RESPONSE

Fields = tuple[tuple[bytes, bytes], ...]


class Message(NamedTuple):
    """A whole message as a reader understands it; `words` is method and target, or the status.  Fields are sorted."""

    words: tuple[bytes, ...]
    fields: Fields
    content: bytes = b""
    trailers: Fields = ()


class Reading(NamedTuple):
    """The messages that a reader has taken from a stream, and whether it refused what follows."""

    messages: list[Message]
    refused: bool = False


def plain(pairs: Any) -> Fields:
    """Sorted, names in lower case; the encoding's value too, and a fold as one blank, which h11 makes several."""
    stripped = (
        (bytes(name).lower(), b" ".join(re.split(rb"[ \t]+", bytes(value).strip(b" \t")))) for name, value in pairs
    )
    return tuple(sorted((name, value.lower() if name == b"transfer-encoding" else value) for name, value in stripped))


def trailing(pairs: Any) -> Fields:
    """Trailers, but for those that ours drops."""
    return tuple((name, value) for name, value in plain(pairs) if name.decode("latin-1") not in NOT_IN_TRAILERS)


def octets(fields: Headers) -> Fields:
    return plain((name.encode(), value.encode("latin-1")) for name, value in fields.items)


class Gathering:
    """Puts one message together from its events."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.content = b""

    def begin(self, words: tuple[bytes, ...], fields: Fields) -> None:
        self.words, self.fields, self.content = words, fields, b""

    def end(self, trailers: Fields = ()) -> None:
        self.messages.append(Message(self.words, self.fields, self.content, trailers))


# Three readers of requests


def ours(data: bytes) -> Reading:
    server, made = Server(), Gathering()
    events = server.receive(data)
    while events:
        for event in events:
            if isinstance(event, Request):
                made.begin((event.method.encode(), event.target.encode()), octets(event.headers))
            elif isinstance(event, Body):
                made.content += event.data
            elif isinstance(event, End):
                made.end(octets(event.trailers))
            elif isinstance(event, Fault):
                return Reading(made.messages, True)
        if not isinstance(events[-1], End):
            break
        server.respond(OK)
        server.body(b"ok")
        events = [event for event in server.finish() if not isinstance(event, Tunnel)]
    return Reading(made.messages)


def by_h11(data: bytes) -> Reading:
    connection, made = h11.Connection(h11.SERVER), Gathering()
    connection.receive_data(data)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                made.begin((event.method, event.target), plain(event.headers))
            elif isinstance(event, h11.Data):
                made.content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                made.end(trailing(event.headers))
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                if connection.our_state is not h11.SWITCHED_PROTOCOL:
                    connection.send(h11.EndOfMessage())
                if connection.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    return Reading(made.messages)
                connection.start_next_cycle()
            else:
                return Reading(made.messages)
    except h11.RemoteProtocolError:
        return Reading(made.messages, True)


class Llhttp(Gathering):
    """What httptools calls back."""

    parser: Any
    start: bytes

    def on_message_begin(self) -> None:
        self.start, self.pairs, self.in_trailers, self.after = b"", [], False, []  # type: ignore[var-annotated]

    def on_url(self, url: bytes) -> None:
        self.start += url

    def on_header(self, name: bytes, value: bytes) -> None:
        (self.after if self.in_trailers else self.pairs).append((name, value))

    def on_headers_complete(self) -> None:
        self.in_trailers = True
        is_request = isinstance(self.parser, httptools.HttpRequestParser)
        words = (self.parser.get_method(), self.start) if is_request else (b"%d" % self.parser.get_status_code(),)
        self.begin(words, plain(self.pairs))

    def on_body(self, data: bytes) -> None:
        self.content += data

    def on_message_complete(self) -> None:
        self.end(trailing(self.after))


def by_llhttp(data: bytes, kind: Callable[[Llhttp], Any] = httptools.HttpRequestParser) -> Reading:
    made = Llhttp()
    made.parser = kind(made)
    try:
        made.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        if made.words[0] != b"CONNECT":  # it skips the content of a request that asks for another protocol, and ends
            return Reading(made.messages[:-1], True)
    except httptools.HttpParserError:
        return Reading(made.messages, True)
    return Reading(made.messages)


# And of the response to a GET


def our_response(data: bytes) -> Reading:
    client, made = Client(), Gathering()
    client.send(Request("GET", "/", headers=headers([("Host", "web")])))
    for event in [*client.receive(data), *client.receive(b"")]:
        if isinstance(event, Response):
            made.begin((str(event.status).encode(),), octets(event.headers))
            if event.status < 200:
                made.end()
        elif isinstance(event, Body):
            made.content += event.data
        elif isinstance(event, End):
            made.end(octets(event.trailers))
        elif isinstance(event, Fault):
            return Reading(made.messages, True)
    return Reading(made.messages)


def response_by_h11(data: bytes) -> Reading:
    connection, made = h11.Connection(h11.CLIENT), Gathering()
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "web")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.InformationalResponse | h11.Response):
                made.begin((str(event.status_code).encode(),), plain(event.headers))
                if isinstance(event, h11.InformationalResponse):
                    made.end()
            elif isinstance(event, h11.Data):
                made.content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                made.end(trailing(event.headers))
                return Reading(made.messages)
            else:
                return Reading(made.messages)
    except h11.RemoteProtocolError:
        return Reading(made.messages, True)


def response_by_llhttp(data: bytes) -> Reading:
    return by_llhttp(data, httptools.HttpResponseParser)


def agree(mine: Reading, theirs: Reading) -> None:
    """Each message that ours has taken is the same one for the other, or the other refuses it."""
    for number, message in enumerate(mine.messages):
        if number == len(theirs.messages):
            assert theirs.refused, f"ours takes {message}, the other waits for more"
            return
        assert theirs.messages[number] == message


# Likely messages


LINES = [
    *(b"GET / HTTP/1.1", b"POST /form?a=b HTTP/1.1", b"GET / HTTP/1.0", b"PUT http://web/ HTTP/1.1", b"GET / HTTP/1.2"),
    *(
        b"OPTIONS * HTTP/1.1",
        b"HEAD /a HTTP/1.1",
        b"CONNECT web:443 HTTP/1.1",
        b"DELETE /%20 HTTP/1.1",
        b"get / HTTP/1.1",
    ),
]
STATUS_LINES = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 x", b"HTTP/1.0 200 OK"),
    *(b"HTTP/1.1 100 Continue", b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.1 599 \xe4"),
]
FIELDS = [
    *(b"Host: web", b"Host: web", b"Host: web", b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: 5, 5"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: Chunked", b"Transfer-Encoding: gzip, chunked", b"X: a b\tc"),
    *(
        b"Transfer-Encoding:\tchunked ",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding: chunked\xa0",
        b"X:",
        b"X: ",
    ),
    *(
        b"Connection: close",
        b"Connection: keep-alive",
        b"Connection: upgrade",
        b"Upgrade: h2c",
        b"Expect: 100-continue",
    ),
    *(
        b"X: \xe4\xff",
        b"X: a\r\n b",
        b"Content-Length: 05",
        b"Content-Length: +5",
        b"Content-Length : 5",
        b"X: a\nY: b",
    ),
]
CONTENTS = [
    *(
        b"",
        b"hello",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"0\r\n\r\n",
        b"5;a=b\r\nhello\r\n0\r\nT: 1\r\n\r\n",
        b"5;a\r\nhello\r\n",
    ),
    *(
        b"5\r\nhello\r\n0\r\nHost: x\r\nT: 1\r\n\r\n",
        b"05\r\nhello\r\n00\r\n\r\n",
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"helloGET / ",
    ),
    *(
        b'A;q="x;y"\r\n0123456789\r\n0\r\n\r\n',
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5;\nhello\r\n0\r\n\r\n",
    ),
]
BYTES = [b"\r", b"\n", b"\0", b" ", b"\t", b":", b",", b";", b"\x0b", b"\xa0", b"0", b"\r\n", b"\r\n\r\n", b"x"]

Edit = tuple[int, int, bytes]


def edited(data: bytes, edits: list[Edit]) -> bytes:
    """Each edit puts bytes in place of up to two others."""
    for place, count, piece in edits:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + count :]
    return data


def likely(lines: list[bytes]) -> st.SearchStrategy[bytes]:
    """One to three messages whose parts are likely, with up to three bytes changed."""
    message = st.builds(
        lambda line, fields, content: b"\r\n".join([line, *fields]) + b"\r\n\r\n" + content,
        st.sampled_from(lines),
        st.lists(st.sampled_from(FIELDS), max_size=4).map(lambda fields: [b"Host: web", *fields][: len(fields) + 1]),
        st.sampled_from(CONTENTS),
    )
    edits = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 2), st.sampled_from(BYTES)), max_size=3)
    return st.builds(edited, st.lists(message, min_size=1, max_size=3).map(b"".join), edits)


@given(likely(LINES))
@example(
    b"GET / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n"
)
def test_a_request_that_ours_takes_is_the_same_for_h11_and_llhttp(data: bytes) -> None:
    mine = ours(data)
    agree(mine, by_h11(data))
    agree(mine, by_llhttp(data))


@given(likely(STATUS_LINES))
def test_a_response_that_ours_takes_is_the_same_for_h11(data: bytes) -> None:
    agree(our_response(data), response_by_h11(data))


@pytest.mark.parametrize("data", [GET, POST, CLOSE, CHUNKED, GET + POST + CHUNKED + CLOSE, CHUNKED * 3])
def test_plain_requests_are_taken_by_all_three(data: bytes) -> None:
    assert ours(data) == by_h11(data) == by_llhttp(data)
    assert not ours(data).refused


@pytest.mark.parametrize(
    "data",
    [RESPONSE, b"HTTP/1.1 100 Continue\r\n\r\n" + RESPONSE, b"HTTP/1.1 200 OK\r\n" + CHUNKED.partition(b"\r\n")[2]],
)
def test_plain_responses_are_taken_by_all_three(data: bytes) -> None:
    assert our_response(data) == response_by_h11(data) == response_by_llhttp(data)
    assert not our_response(data).refused


def ask(line: bytes, *fields: bytes, content: bytes = b"") -> bytes:
    return b"\r\n".join([line, *fields]) + b"\r\n\r\n" + content


CHUNKS = b"Transfer-Encoding: chunked"
STRICTER: dict[str, tuple[bytes, bool, bool]] = {
    # what only ours refuses                                                          h11    llhttp take it
    "no Host": (ask(b"GET / HTTP/1.1"), False, True),
    "two Hosts": (ask(b"GET / HTTP/1.1", b"Host: a", b"Host: b"), False, True),
    "a Host with a user": (ask(b"GET / HTTP/1.1", b"Host: u@web"), True, True),
    "another host in the target": (ask(b"GET http://other/ HTTP/1.1", b"Host: web"), True, True),
    "a fragment": (ask(b"GET /#a HTTP/1.1", b"Host: web"), True, True),
    "a target of no form": (ask(b"GET a HTTP/1.1", b"Host: web"), True, False),
    "* for GET": (ask(b"GET * HTTP/1.1", b"Host: web"), True, True),
    "a bare LF": (b"GET / HTTP/1.1\nHost: web\n\n", True, False),
    "a folded line": (ask(b"GET / HTTP/1.1", b"Host: web", b"X: a", b" b"), True, False),
    "equal lengths": (ask(b"POST / HTTP/1.1", b"Host: a", b"Content-Length: 1, 1", content=b"x"), True, False),
    "an encoding in 1.0": (ask(b"POST / HTTP/1.0", CHUNKS, content=b"0\r\n\r\n"), True, True),
    "an encoding beside a length": (
        ask(b"POST / HTTP/1.1", b"Host: a", CHUNKS, b"Content-Length: 9", content=b"0\r\n\r\n"),
        True,
        False,
    ),
    "a blank after a size": (ask(b"POST / HTTP/1.1", b"Host: a", CHUNKS, content=b"0 \r\n\r\n"), True, False),
    "an extension that is none": (ask(b"POST / HTTP/1.1", b"Host: a", CHUNKS, content=b"0;a b\r\n\r\n"), True, False),
    "CONNECT with content": (
        ask(b"CONNECT web:1 HTTP/1.1", b"Host: web", b"Content-Length: 1", content=b"x"),
        True,
        True,
    ),
    "a version of 2": (ask(b"GET / HTTP/2.0", b"Host: a"), True, True),
}


@pytest.mark.parametrize("name", STRICTER)
def test_where_ours_is_stricter(name: str) -> None:
    data, h11_takes, llhttp_takes = STRICTER[name]
    assert ours(data) == Reading([], True)
    assert (len(by_h11(data).messages) == 1, len(by_llhttp(data).messages) == 1) == (h11_takes, llhttp_takes)


TAKEN_BY_OURS: dict[str, tuple[bytes, bool, bool]] = {
    # what ours takes by the RFC's grammar                                            h11    llhttp take it
    "an empty line in front": (b"\r\n" + GET, False, True),
    "any token for a method": (ask(b"M! / HTTP/1.1", b"Host: web"), True, False),
    "a minor version of 2": (ask(b"GET / HTTP/1.2", b"Host: web"), True, False),
    "blanks around an extension": (ask(b"POST / HTTP/1.1", b"Host: a", CHUNKS, content=b"0 ; a\r\n\r\n"), False, False),
}


@pytest.mark.parametrize("name", TAKEN_BY_OURS)
def test_what_ours_takes_and_another_refuses(name: str) -> None:
    data, h11_takes, llhttp_takes = TAKEN_BY_OURS[name]
    assert len(ours(data).messages) == 1
    assert (len(by_h11(data).messages) == 1, len(by_llhttp(data).messages) == 1) == (h11_takes, llhttp_takes)
