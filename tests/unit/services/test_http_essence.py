"""What of a request its answer depends on: nothing that matters is left out, and nothing odd is taken for plain."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lan.services.http.origin.answer import Answer
from lan.services.http.origin.brief import brief
from lan.services.http.origin.essence import ASKED_ABOUT, MAX_REQUEST_BYTES, essence
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.outflow import Outflow
from lan.services.http.origin.shortcuts import Shortcuts
from lan.services.http.origin.site import Directory
from lan.services.http.protocol.connection import Server
from lan.services.http.protocol.events import Fault, Refused
from lan.services.http.protocol.framing import frame_request
from lan.services.http.protocol.head import MAX_FIELDS
from lan.services.http.protocol.messages import Headers, Request
from lan.services.http.protocol.persistence import Side, closing
from lan.services.http.protocol.target import check_target

NOW_S = 4_000_000_000.0
MODIFIED = "Thu, 01 Jan 1970 00:16:40 GMT"


def request(*fields: str, start: str = "GET /page HTTP/1.1", host: str = "web") -> bytes:
    return "\r\n".join([start, f"Host: {host}", *fields, "", ""]).encode("latin-1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("www")
    (root / "sub").mkdir()
    for name in ("page", "page.gz", "only", "sub/index.html", "sub/a b", "sub/style.css", "..x", ".y"):
        (root / name).write_text(f"this is {name}")
        os.utime(root / name, (1000, 1000))
    return root


# Which fields matter


@pytest.mark.parametrize("field", ["Cookie: a=1", "User-Agent: x", "X-New: \xe9", "Accept:", "Via: 1.1 a", "A:\tb \t"])
def test_a_field_that_nobody_asks_about_is_left_out(field: str) -> None:
    assert essence(request(field)) == request()
    assert essence(request("Range: bytes=1-", field, "If-Range: x")) == request("Range: bytes=1-", "If-Range: x")


@pytest.mark.parametrize("name", sorted(name.decode() for name in ASKED_ABOUT))
def test_a_field_that_is_asked_about_stays_as_it_came(name: str) -> None:
    for field in (f"{name}: x", f"{name.upper()}:x ", f"{name}:"):
        assert essence(request("Cookie: 1", field)) == request(field)


class Watched(Headers):
    """Fields that know what they were asked for."""

    asked: ClassVar[set[str]] = set()

    def get(self, name: str) -> str | None:
        self.asked.add(name.lower())
        return super().get(name)


def test_the_origin_asks_about_no_field_that_is_left_out(root: Path) -> None:
    origin = Origin(Directory(root), hosts={"other": Origin(Directory(root))})
    kept = 0
    for name in sorted(ASKED_ABOUT):
        for value in ("x", "gzip, br", "bytes=1-2", "*", MODIFIED, "close", "100-continue", "other"):
            for method in ("GET", "HEAD"):
                pairs = (("Host", "web"), (name.decode(), value))
                pairs = pairs[1:] if name == b"host" else pairs
                asking = Request(method, "/page?a=b", headers=Watched(pairs))
                answer = origin.answer(asking, now_s=NOW_S)
                kept += answer.is_current is not None
                closing(asking, Side.CLIENT)
                with suppress(Refused):
                    check_target(asking)
                    frame_request(asking)
                    engine = Server()
                    engine.request, engine.request_complete = asking, True
                    engine.respond(answer.response)
    assert kept > 100
    assert Watched.asked and Watched.asked <= {name.decode() for name in ASKED_ABOUT}


# What has no essence but itself


@pytest.mark.parametrize(
    "odd",
    [
        request("A : b"),
        request(" folded"),
        request("A: b\r\n folded"),
        request("A: \0"),
        request("A: b\rHost: other"),
        request("A: b\nHost: other"),
        request("no colon"),
        request(": no name"),
        request("A: \x7f"),
        request("A: b") + request(),
        request("A: b")[:-2],
        request("A: b")[:-2] + b"\n",
        request("A: b") + b"x",
        request(*["A: b"] * MAX_FIELDS),
        request("A: " + "b" * MAX_REQUEST_BYTES),
        b"\r\n" + request("A: b"),
        b"\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_plain_request_is_left_to_the_engine(odd: bytes) -> None:
    assert essence(odd) == odd


# The query


@pytest.mark.parametrize("query", ["?", "?a=b", "?a?b&c=%20/../!~"])
def test_a_query_is_left_out_where_nothing_depends_on_it(query: str) -> None:
    asked = request(start=f"GET /page{query} HTTP/1.1")
    assert essence(asked, has_query=False) == request()
    assert essence(asked) == asked


@pytest.mark.parametrize(
    "start",
    ["GET /page?a#b HTTP/1.1", "GET http://web/?a HTTP/1.1", "GET /?a b HTTP/1.1", "GET /?a HTTP/2.0", "GET /?"],
)
def test_an_odd_target_keeps_its_query(start: str) -> None:
    assert essence(request(start=start), has_query=False) == request(start=start)


# The same answers


class Web:
    """An origin with shortcuts by essence, and the same origin without any; with hosts none are made, only learned."""

    def __init__(self, root: Path, *, has_hosts: bool = True) -> None:
        self.origin = Origin(Directory(root), hosts={"other": Origin(Directory(root / "sub"))} if has_hosts else {})
        key, make = partial(essence, has_query=False), partial(brief, self.origin)
        self.shortcuts = Shortcuts(lambda: NOW_S, key=key, make=make)
        self.turn_s = 0.0

    def plain(self, data: bytes) -> tuple[bytes, bool] | None:
        """The answer by the long way, and whether the connection closes; None for what is refused, or not whole."""
        engine = Server()
        events = engine.receive(data)
        if any(isinstance(event, Fault) for event in events) or engine.request is None or not engine.request_complete:
            return None
        answer = self.origin.answer(engine.request, now_s=NOW_S)
        head = engine.respond(answer.response)
        assert engine.persistence is not None
        self.shortcuts.learn(engine, answer, head)
        sent = head + content_of(answer, engine)
        has_more = bool(engine.finish()) or (engine.persistence.keep and not engine.is_idle)
        return None if has_more else (sent, not engine.persistence.keep)

    def short(self, data: bytes) -> tuple[bytes, bool] | None:
        self.turn_s += 1
        found = self.shortcuts.answer(data, self.turn_s)
        return None if found is None else (found[0], found[1] is not None)


def content_of(answer: Answer, engine: Server) -> bytes:
    outflow, sent = Outflow(answer, engine, is_plain=False), b""
    while piece := outflow.next_piece():
        sent += piece
    if answer.content is not None:
        answer.content.close()
    return sent


PLAIN_STARTS = ["GET /page HTTP/1.1", "GET /page?a=b HTTP/1.1", "HEAD /page HTTP/1.1", "GET /only HTTP/1.1"]
STARTS = [
    f"{method} {target} {version}"
    for method in ("GET", "HEAD", "OPTIONS", "get", "TRACE")
    for target in (
        "/page",
        "/page?a=b",
        "/page?",
        "/only",
        "/only?a#b",
        "/sub/",
        "/sub",
        "/none",
        "http://web/page",
        "/a b",
        "/sub/a%20b",
        "/sub/style.css",
        "/sub//style.css",
        "/sub/../only",
        "/sub/./style.css",
        "/..x",
        "/.y",
        "/only/",
        "/",
        "",
    )
    for version in ("HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", " HTTP/1.1")
]
TELLING = [
    "Host: web", "Host: other", "host:web", "Host: web, web", "Host: a b", "Connection: close",
    "Connection: keep-alive", "Connection: Upgrade", "Upgrade: echo", "Range: bytes=1-2", "Range: bytes=9999-",
    "Range: lines=1", "If-Match: *", "If-None-Match: *", "If-Match: \"x\"", f"If-Modified-Since: {MODIFIED}",
    f"If-Unmodified-Since: {MODIFIED}", f"If-Range: {MODIFIED}", "If-Modified-Since: yesterday",
    "Accept-Encoding: gzip", "Accept-Encoding: identity;q=0", "Expect: 100-continue", "Expect: more",
    "Content-Length: 0", "Content-Length: 3", "Content-Length: 0, 0", "Transfer-Encoding: chunked",
    "Transfer-Encoding: identity", "TE: trailers", "Trailer: X", "Keep-Alive: max=1",
]  # fmt: skip
OTHERS = ["Cookie: a=b", "User-Agent: \xe9", "A:", "X-Range: bytes=1-2", "Via: 1.1 x", "Authorization: Basic eA=="]
ODD = [
    " Host: other", "A : b", "Host : other", "A: \0", "A: b\nHost: other", "A: b\rHost: other", "A", "", ": a",
    "\tA: b", "A\xe9: b", "A: b\r\n\r\nGET /none HTTP/1.1", "Transfer-Encoding\x0b: chunked", "A(: b",
]  # fmt: skip

HOSTS = ["other", "web", "Web:80", "web:0", "web:65536", "web:59999", "web:", "", " web", "[::1]", "a b", "a@b", "a/b"]

starts = st.one_of(st.sampled_from(PLAIN_STARTS), st.sampled_from(STARTS))
few = st.lists(st.sampled_from(TELLING), max_size=2)
field = st.one_of(st.sampled_from(TELLING), st.sampled_from(OTHERS), st.sampled_from(OTHERS), st.sampled_from(ODD))
many = st.lists(st.tuples(starts, st.sampled_from(["web", "other"]), st.lists(field, max_size=3)), max_size=12)


@given(st.sampled_from(["alone", "hosts"]), starts, few, many)
@example("hosts", PLAIN_STARTS[0], [], [(PLAIN_STARTS[0], "web", [more]) for more in TELLING + ODD])
@example("alone", PLAIN_STARTS[-1], [], [(PLAIN_STARTS[-1], "web", [more]) for more in TELLING + ODD])
@example("alone", PLAIN_STARTS[-1], [], [(start, "web", []) for start in STARTS])
@example("hosts", PLAIN_STARTS[0], [], [(PLAIN_STARTS[0], host, []) for host in HOSTS])
@example("alone", PLAIN_STARTS[-1], [], [(PLAIN_STARTS[-1], host, []) for host in HOSTS])
@settings(max_examples=300, deadline=None)
def test_a_shortcut_gives_the_answer_of_the_long_way(
    root: Path, site: str, start: str, telling: list[str], others: list[tuple[str, str, list[str]]]
) -> None:
    web = Web(root, has_hosts=site == "hosts")
    for first, host, more in [(start, "web", []), *others, *((start, host, more) for _, host, more in others)]:
        asked = request(*telling, *more, start=first, host=host)
        short, plain = web.short(asked), web.plain(asked)
        assert short is None or short == plain, asked


@given(st.lists(st.sampled_from(OTHERS), max_size=6), st.sampled_from(["", "?a", "?b=c"]))
def test_one_answer_serves_all_who_differ_in_what_nobody_asks_about(root: Path, more: list[str], query: str) -> None:
    web = Web(root)
    sent = web.plain(request("Accept-Encoding: gzip"))
    asked = request(*more, "Accept-Encoding: gzip", start=f"GET /page{query} HTTP/1.1")
    assert web.short(asked) == sent == web.plain(asked)
    assert len(web.shortcuts) == 1
