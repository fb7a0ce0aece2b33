"""Plain messages are passed on by their lines just as the full path passes them on: both sides get the same bytes."""

from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol.keep_alive import KeepAlive
from lan.services.http.proxy import plain
from lan.services.http.proxy.credentials import allowed, parse_accounts
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.passing import PassingSession
from lan.services.http.proxy.plain import Answers, Requests
from lan.services.http.proxy.smart import Session

from .played_proxy import GATEWAY, ROOM, WEB, World

FORWARD = Rules("p")
INTERCEPT = Rules("p", Mode.INTERCEPT)
CHAINED = Rules("p", parent=Destination("http", "parent", 3128))
TELLING = Rules("p", Mode.GATEWAY, upstream=WEB, tells_client="forwarded")
BROWSER = (
    b"Host: web",
    b"User-Agent: Mozilla/5.0 (X11)",
    b"Accept: */*",
    b"Accept-Encoding: gzip, br",
    b"Connection: keep-alive",
)


def head(*lines: bytes, content: bytes = b"") -> bytes:
    return b"\r\n".join([*lines, b"", b""]) + content


def response(*lines: bytes, status: bytes = b"200 OK", content: bytes = b"ok") -> bytes:
    length = b"Content-Length: %d" % len(content)
    return head(b"HTTP/1.1 " + status, b"Date: now", length, *lines, content=content)


GET = head(b"GET /a HTTP/1.1", *BROWSER)
OK = response(b"Server: w", b"Connection: keep-alive")


def passed(requests: Requests, data: bytes, **whose: object) -> bytes | None:
    """What goes on of a request that comes a third time."""
    for _ in range(2):
        requests.passed(data, **whose)  # type: ignore[arg-type]
    found = requests.passed(data, **whose)  # type: ignore[arg-type]
    return None if found is None else found[1]


# ---- requests


@pytest.mark.parametrize(
    ("rules", "line", "host", "sent"),
    [
        (GATEWAY, b"GET /a?b=c HTTP/1.1", b"other", (b"GET /a?b=c HTTP/1.1", b"A: b", b"Host: other")),
        (FORWARD, b"GET http://Web:80/a HTTP/1.1", b"web", (b"GET /a HTTP/1.1", b"Host: web", b"A: b")),
        (
            CHAINED,
            b"GET http://web:81/a HTTP/1.1",
            b"web:81",
            (b"GET http://web:81/a HTTP/1.1", b"Host: web:81", b"A: b"),
        ),
    ],
)
def test_a_plain_request_is_passed_on(rules: Rules, line: bytes, host: bytes, sent: tuple[bytes, ...]) -> None:
    data = head(line, b"A: b", b"Host: " + host, b"Connection: keep-alive")
    assert passed(Requests(rules), data) == head(*sent, b"Via: 1.1 p")


def test_a_plain_request_goes_to_its_server_or_to_the_parent() -> None:
    data = head(b"GET http://web/a HTTP/1.1", b"Host: web")
    for rules, hop in ((FORWARD, WEB), (CHAINED, CHAINED.parent)):
        requests = Requests(rules)
        assert passed(requests, data) is not None
        assert (found := requests.passed(data)) is not None and found[0].hop == hop


def test_content_that_is_all_there_goes_with_its_request() -> None:
    requests = Requests(GATEWAY)
    for content in (b"hello", b"", b"x" * 100, b"GET / HTTP/1.1\r\nHost: b\r\n\r\n"):
        data = head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: %d" % len(content), content=content)
        sent = head(
            b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: %d" % len(content), b"Via: 1.1 p", content=content
        )
        assert passed(requests, data) == sent
    assert requests.passed(data[:-1]) is None and requests.passed(data + b"x") is None


NOT_PLAIN = {
    "two in one": GET + GET,
    "half a head": GET[:-2],
    "a method with rules of its own": head(b"OPTIONS /a HTTP/1.1", *BROWSER),
    "the whole server": head(b"OPTIONS * HTTP/1.1", *BROWSER),
    "a fragment": head(b"GET /a#b HTTP/1.1", *BROWSER),
    "HTTP/1.0": head(b"GET /a HTTP/1.0", *BROWSER),
    "a later version": head(b"GET /a HTTP/1.2", *BROWSER),
    "no host": head(b"GET /a HTTP/1.1", b"A: b"),
    "two hosts": head(b"GET /a HTTP/1.1", b"Host: web", b"Host: web"),
    "a host that is none": head(b"GET /a HTTP/1.1", b"Host: a b"),
    "close": head(b"GET /a HTTP/1.1", b"Host: web", b"Connection: close"),
    "a field of the hop's own": head(b"GET /a HTTP/1.1", b"Host: web", b"Connection: a", b"A: b"),
    "a field for all named": head(b"GET /a HTTP/1.1", b"Host: web", b"Connection: cookie", b"Cookie: b"),
    "an upgrade": head(b"GET /a HTTP/1.1", b"Host: web", b"Connection: upgrade", b"Upgrade: websocket"),
    "chunks": head(b"POST /a HTTP/1.1", b"Host: web", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n"),
    "both framings": head(
        b"POST /a HTTP/1.1", b"Host: web", b"Transfer-Encoding: chunked", b"Content-Length: 5", content=b"0\r\n\r\n"
    ),
    "two lengths": head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: 1", b"Content-Length: 1", content=b"a"),
    "a length in a list": head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: 1, 1", content=b"a"),
    "a signed length": head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: +1", content=b"a"),
    "content to come": head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: 5"),
    "content without a length": head(b"GET /a HTTP/1.1", b"Host: web", content=b"hello"),
    "a line of the hop's own twice": head(b"GET /a HTTP/1.1", b"Host: web", b"Keep-Alive: 5", b"Keep-Alive: 5"),
    "an expectation": head(b"POST /a HTTP/1.1", b"Host: web", b"Expect: 100-continue"),
    "a circle": head(b"GET /a HTTP/1.1", b"Host: web", b"Via: 1.1 p"),
    "a blank before the colon": head(b"GET /a HTTP/1.1", b"Host: web", b"A : b"),
    "a folded line": head(b"GET /a HTTP/1.1", b"Host: web", b"A: b", b" c"),
    "a bare LF": head(b"GET /a HTTP/1.1", b"Host: web", b"A: b\nContent-Length: 5"),
    "a bare CR": head(b"GET /a HTTP/1.1", b"Host: web", b"A: b\rContent-Length: 5"),
    "NUL": head(b"GET /a HTTP/1.1", b"Host: web", b"A: \0"),
    "a blank after the value": head(b"GET /a HTTP/1.1", b"Host: web", b"A: b "),
    "no line but fields": head(b"A: b", b"A: b"),
    "an empty line before it": b"\r\n" + GET,
    "too many fields": head(b"GET /a HTTP/1.1", b"Host: web", *[b"A: b"] * 100),
    "too long a head": head(b"GET /a HTTP/1.1", b"Host: web", b"A: " + b"b" * plain.MAX_HEAD_BYTES),
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_more_than_plain_is_the_full_path_s(data: bytes) -> None:
    requests = Requests(GATEWAY)
    assert passed(requests, GET) is not None
    assert passed(requests, data) is None


def test_a_head_beyond_the_proxy_s_own_limit_is_the_full_path_s() -> None:
    assert passed(Requests(GATEWAY, max_head_bytes=len(GET)), GET) is not None
    assert passed(Requests(GATEWAY, max_head_bytes=len(GET) - 1), GET) is None


def test_who_may_not_use_the_proxy_is_told_so_by_the_full_path() -> None:
    accounts = parse_accounts("kim:pw", "here")
    requests = Requests(FORWARD, lambda request: allowed(request, accounts) is None)
    line, host = b"GET http://web/ HTTP/1.1", b"Host: web"
    assert passed(requests, head(line, host)) is None
    assert passed(requests, head(line, host, b"Proxy-Authorization: Basic a2ltOnB4")) is None
    good = passed(requests, head(line, host, b"Proxy-Authorization: Basic a2ltOnB3"))
    assert good == head(b"GET / HTTP/1.1", host, b"Via: 1.1 p")


def test_clients_are_told_apart_where_servers_are_told_of_them() -> None:
    requests = Requests(TELLING)
    for client in ("10.0.0.1", "10.0.0.2"):
        sent = passed(requests, GET, client=client)
        assert sent is not None and f"\r\nForwarded: for={client}\r\n".encode() in sent


def test_an_intercepted_request_goes_where_its_connection_was_going() -> None:
    requests = Requests(INTERCEPT)
    for original in (Destination("http", "10.0.0.2", 80), Destination("http", "10.0.0.3", 80)):
        assert passed(requests, GET, original=original) is not None
        assert (found := requests.passed(GET, original=original)) is not None and found[0].hop == original


def test_what_comes_once_is_not_remembered_and_what_is_remembered_is_bounded() -> None:
    requests = Requests(GATEWAY)
    for number in range(3 * plain.MAX_REMEMBERED):
        data = head(b"GET /a HTTP/1.1", b"Host: h%d" % number, b"A: %d" % number)
        assert requests.passed(data) is None
    assert not requests._passages.known
    for number in range(3 * plain.MAX_REMEMBERED):
        for _ in range(2):
            assert requests._passages.find(number, lambda: None) is None
        requests._lines.read([b"B: %d" % number, b"Via: %d" % number])
    sizes = [len(requests._passages.known), len(requests._lines.plain), len(requests._lines._read)]
    assert all(size <= plain.MAX_REMEMBERED for size in sizes)


# ---- responses


def given_back(answers: Answers, data: bytes, *, is_head: bool = False) -> tuple[bytes, int] | None:
    for _ in range(2):
        answers.passed(data, is_head=is_head)
    found = answers.passed(data, is_head=is_head)
    return None if found is None else found[1:]


def test_a_plain_response_is_passed_on_and_what_is_to_come_is_counted() -> None:
    answers = Answers(GATEWAY)
    sent = response(b"Server: w", b"Via: 1.1 p", content=b"hello")
    assert given_back(answers, response(b"Server: w", b"Connection: keep-alive", content=b"hello")) == (sent, 0)
    cut = response(b"Server: w", content=b"hello")[:-3]
    assert given_back(answers, cut) == (sent[:-3], 3)


def test_a_response_without_content_has_none_whatever_its_length() -> None:
    answers = Answers(GATEWAY)
    unchanged = head(b"HTTP/1.1 304 Not Modified", b"Date: now", b"Content-Length: 9")
    assert given_back(answers, unchanged) == (unchanged[:-2] + b"Via: 1.1 p\r\n\r\n", 0)
    of_head = head(b"HTTP/1.1 200 OK", b"Date: now", b"Content-Length: 9")
    assert given_back(answers, of_head, is_head=True) == (of_head[:-2] + b"Via: 1.1 p\r\n\r\n", 0)
    assert given_back(answers, of_head) == (of_head[:-2] + b"Via: 1.1 p\r\n\r\n", 9)


def test_what_the_server_says_of_its_patience_is_heard() -> None:
    answers = Answers(GATEWAY)
    data = response(b"Connection: keep-alive", b"Keep-Alive: timeout=7, max=9")
    assert given_back(answers, data) == (response(b"Via: 1.1 p"), 0)
    assert (found := answers.passed(data, is_head=False)) is not None and found[0].said == KeepAlive(7, 9)


NOT_PLAIN_EITHER = {
    "1xx": head(b"HTTP/1.1 103 Early Hints", b"Date: now"),
    "a switch": head(b"HTTP/1.1 101 Switching Protocols", b"Date: now", b"Upgrade: a", b"Connection: upgrade"),
    "HTTP/1.0": response().replace(b"HTTP/1.1", b"HTTP/1.0"),
    "close": response(b"Connection: close"),
    "until the close": head(b"HTTP/1.1 200 OK", b"Date: now", content=b"hello"),
    "chunks": head(b"HTTP/1.1 200 OK", b"Date: now", b"Transfer-Encoding: chunked", content=b"0\r\n\r\n"),
    "both framings": head(b"HTTP/1.1 200 OK", b"Date: now", b"Transfer-Encoding: chunked", b"Content-Length: 0"),
    "no date": response().replace(b"Date: now\r\n", b""),
    "more than its length": response() + b"x",
    "two lengths": response(b"Content-Length: 2"),
    "a field of the hop's own": response(b"Connection: a", b"A: b"),
    "a line of the hop's own twice": response(b"Keep-Alive: timeout=5", b"Keep-Alive: timeout=5"),
    "a login at a proxy": response(status=b"407 Proxy Authentication Required"),
    "a folded line": response(b"A: b", b" c"),
    "a folded line behind one that ends here": response(b"Keep-Alive: timeout=5", b"A: b", b" c"),
    "a blank before the colon": response(b"A : b"),
    "a bare LF": response(b"A: b\nc: d"),
    "NUL": response(b"A: \0"),
    "no line but fields": head(b"Date: now", b"HTTP/1.1 200 OK", b"Date: now", b"Content-Length: 0"),
    "half a head": response(content=b"")[:-2],
}


@pytest.mark.parametrize("data", NOT_PLAIN_EITHER.values(), ids=NOT_PLAIN_EITHER)
def test_what_a_response_says_beyond_that_is_the_full_path_s(data: bytes) -> None:
    answers = Answers(GATEWAY)
    assert given_back(answers, OK) is not None
    assert given_back(answers, data) is None


# ---- both sides of a proxy

PUT = head(b"PUT /a HTTP/1.1", b"Host: web", b"content-length: 3", content=b"abc")
POST = head(b"POST /a HTTP/1.1", b"Host: web", b"Content-Length: 5", content=b"hello")
REQUESTS = [
    *([GET] * 6),
    PUT,
    head(b"GET /a HTTP/1.1", b"Host: web", b"TE: trailers", b"Keep-Alive: 300", b"Upgrade: h2c"),
    head(b"GET /b HTTP/1.1", *BROWSER, b"Cookie: a=b"),
    head(b"GET http://web/a HTTP/1.1", *BROWSER),
    head(b"HEAD /a HTTP/1.1", *BROWSER),
    POST,
    head(b"GET /a HTTP/1.1", b"Host: web", b"Connection: keep-alive, close"),
    *NOT_PLAIN.values(),
]
OLD = head(b"HTTP/1.0 200 OK", b"Date: now", b"Content-Length: 2", b"Connection: keep-alive", content=b"ok")
LONG = response(content=b"x" * 900_000)
RESPONSES = [
    *([OK] * 6),
    OLD,
    response(b"Set-Cookie: a", b"Keep-Alive: timeout=5", b"Connection: keep-alive", content=b"x" * 70),
    response(b"Keep-Alive: max=0"),
    response(b"Via: 1.0 b", status=b"404 Not Found"),
    response(content=b"", status=b"200"),
    response(b"Upgrade: a", b"Server: w", status=b"426 Upgrade Required"),
    head(b"HTTP/1.1 304 Not Modified", b"Date: now"),
    head(b"HTTP/1.1 204 No Content", b"Date: now", b"Content-Length: 0"),
    head(b"HTTP/1.1 100 Continue") + OK,
    head(b"HTTP/1.1 200 OK", b"Date: now", b"Transfer-Encoding: chunked", content=b"2\r\nok\r\n0\r\n\r\n"),
    *NOT_PLAIN_EITHER.values(),
]


def pieces(messages: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """A message, whole or in two, or with one byte another."""
    how = st.sampled_from([0, 0, 0, 0, 1, 2])
    drawn = st.tuples(st.sampled_from(messages), st.integers(0, 400), how, st.integers(0, 255))
    return drawn.map(lambda drawn: _changed(*drawn))


def _changed(message: bytes, at: int, how: int, byte: int) -> list[bytes]:
    at %= len(message)
    if how == 0 or not at:
        return [message]
    return [message[:at], message[at:]] if how == 1 else [message[:at] + bytes([byte]) + message[at + 1 :]]


Step = tuple[str, object]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        *[pieces(REQUESTS).map(lambda data: ("client", data))] * 3,
        *[pieces(RESPONSES).map(lambda data: ("server", data))] * 4,
        *[st.just((what, None)) for what in ("client ends", "server ends", "server resets", "client resets")],
        st.sampled_from([4.5, 20.0, 40.0, 70.0]).map(lambda seconds: ("time", seconds)),
        st.sampled_from([1, 50, 10_000]).map(lambda count: ("room", count)),
        st.just(("stop", None)),
    ),
    max_size=14,
)


def play(world: World, step: Step) -> None:
    what, value = step
    server = next((one for one in reversed(world.servers) if not one.closed), None)
    if what == "client":
        for data in value:  # type: ignore[attr-defined]
            world.arrive(world.client, data)
    elif what == "client ends":
        world.arrive(world.client, b"")
    elif what == "client resets":
        world.arrive(world.client, ConnectionResetError(104, "reset"))
    elif what == "time":
        world.pass_time(value)  # type: ignore[arg-type]
    elif what == "room":
        world.give_room(value)  # type: ignore[arg-type]
    elif what == "server ends unheard":
        if server is not None:
            server.arrived.append(b"")
    elif what == "stop":
        world.session.stop()
        world.run()
    elif server is not None and what == "server":
        for data in value:  # type: ignore[attr-defined]
            world.arrive(server, data)
    elif server is not None:
        world.arrive(server, b"" if what == "server ends" else ConnectionResetError(104, "reset"))


@cache
def warmed(rules: Rules) -> tuple[Requests, Answers]:
    """Tables that have seen each message twice, so that what can be plain is."""
    requests, answers = Requests(rules), Answers(rules)
    for _ in range(2):
        for data in REQUESTS:
            requests.passed(data)
            requests.passed(absolute(data))
        for data in (*RESPONSES, in_pieces(LONG)[0]):
            answers.passed(data, is_head=False)
            answers.passed(data, is_head=True)
    return requests, answers


def absolute(data: bytes) -> bytes:
    """The request as it is sent to a forward proxy."""
    return data.replace(b" /", b" http://web/", 1)


def in_pieces(data: bytes) -> list[bytes]:
    """As a socket gives them."""
    return [data[at : at + 60_000] for at in range(0, len(data), 60_000)]


ASKED: list[Step] = [("client", [GET])]
KEPT: list[Step] = [*ASKED, ("server", [OK])]
"""A first exchange: the connection to the server is kept now, and its version is known."""


DIALOGUES: list[tuple[list[Step], int]] = [
    ([*ASKED, ("server", [OK[:-1]]), *ASKED, ("server", [OK[-1:] + b"x"])], ROOM),
    ([*ASKED, ("server", [OK[:-1]]), *ASKED, *ASKED, ("client ends", None), ("server", [OK[-1:]])], ROOM),
    ([*ASKED, ("server", [OK[:-1]]), ("time", 70.0)], ROOM),
    ([*ASKED, ("time", 70.0)], ROOM),
    ([*ASKED, ("client ends", None), ("server", [OK])], ROOM),
    ([*ASKED, ("server ends", None), ("server", [OK])], ROOM),
    ([*ASKED, ("server resets", None), ("server", [OK])], ROOM),
    ([("client", [PUT]), ("server ends", None), ("server", [OK])], ROOM),
    ([("server ends unheard", None), ("client", [POST]), ("server", [OK])], ROOM),
    ([("server ends unheard", None), *ASKED, ("server", [OK])], ROOM),
    ([*ASKED, ("stop", None), ("server", [OK])], ROOM),
    ([*ASKED, ("server", [OLD]), *ASKED, ("server", [OLD])], ROOM),
    ([*ASKED, ("server", in_pieces(LONG)), ("room", 400_000), ("room", ROOM), *ASKED], 600),
    ([*ASKED, ("server", in_pieces(LONG)), ("time", 40.0), ("time", 40.0)], 600),
]
"""What once went wrong, or could; and how much a client takes."""


@given(STEPS, st.sampled_from([ROOM, 600]), st.sampled_from([GATEWAY, FORWARD]))
def test_both_sides_of_the_proxy_get_the_same_as_by_the_full_path(steps: list[Step], room: int, rules: Rules) -> None:
    compare(steps, room, rules)


@pytest.mark.parametrize(("steps", "room"), DIALOGUES)
def test_in_each_of_these_dialogues_too(steps: list[Step], room: int) -> None:
    compare(steps, room, GATEWAY)


@pytest.mark.parametrize("rules", [GATEWAY, FORWARD], ids=["gateway", "forward"])
def test_each_message_is_the_same_on_both_sides(rules: Rules) -> None:
    for request in REQUESTS:
        compare([("client", [request]), ("server", [OK]), *ASKED, ("server", [OK])], ROOM, rules)
    for response in RESPONSES:
        compare([*ASKED, ("server", [response]), *ASKED, ("server", [OK])], ROOM, rules)


def compare(steps: list[Step], room: int, rules: Rules) -> None:
    """Play these steps by both paths, and look at everything after each."""
    full = World(Session, rules, room=room)
    short = World(PassingSession, rules, room=room, plain=warmed(rules))
    for step in [*KEPT, *steps]:
        if rules.mode is Mode.FORWARD and step[0] == "client":
            step = "client", [absolute(data) for data in step[1]]  # type: ignore[attr-defined]
        play(full, step)
        play(short, step)
        assert short.seen() == full.seen(), step
        assert len(short.context.pool) == len(full.context.pool), step
        assert short.session.state == full.session.state, step


def plain_exchanges(kind: Callable[..., object], *, is_heard: bool = False) -> World:
    world = World(kind, plain=warmed(GATEWAY), is_heard=is_heard)
    for _ in range(3):
        play(world, ("client", [GET]))
        play(world, ("server", [OK]))
    return world


def test_the_engines_are_not_asked_about_plain_messages() -> None:
    world = plain_exchanges(PassingSession)
    assert world.session.engine.exchanges == 1 and len(world.servers) == 1
    assert world.client.sent.count(b"HTTP/1.1 200 OK") == 3
    assert plain_exchanges(Session).session.engine.exchanges == 3


def test_each_decision_is_made_anew_while_somebody_listens() -> None:
    world = plain_exchanges(PassingSession, is_heard=True)
    assert world.session.engine.exchanges == 3 and world.decisions.count("forward") == 3


@pytest.mark.parametrize("kind", [Session, PassingSession])
def test_a_second_request_that_can_t_be_read_is_answered_too(kind: Callable[..., object]) -> None:
    world = World(kind)
    for step in [*KEPT, *KEPT, ("client", [b"GET /a b HTTP/1.1\r\n\r\n"])]:
        play(world, step)
    assert world.client.sent.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"HTTP/1.1 400 Bad Request\r\n" in world.client.sent and world.client.ended
