"""A whole answer that is remembered is the one that the cache would give: the same bytes to the client, always."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lan.services.http.protocol import dates
from lan.services.http.proxy.cached import CachedSession
from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.hits import Hits

from .played_proxy import GATEWAY, World

NOW_S = 1_000_001_000


def get(*fields: str, path: str = "/a", method: str = "GET", version: str = "1.1") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: web", *fields, "", ""]).encode()


def answer(*fields: str, body: bytes = b"body", status: str = "200 OK") -> bytes:
    date, length = f"Date: {dates.build(NOW_S)}", f"Content-Length: {len(body)}"
    return "\r\n".join([f"HTTP/1.1 {status}", date, length, *fields, "", ""]).encode() + body


KEPT = answer("Cache-Control: max-age=60", 'ETag: "1"')
REQUESTS = [
    *[get()] * 6,
    *(get(f"Cookie: session={number}", "User-Agent: Mozilla/5.0") for number in range(3)),
    get("Accept-Encoding: gzip"),
    get(path="/b"),
    get() + get("Cookie: a"),
    get() + get(path="/b"),
    get("Connection: keep-alive"),
    get("Connection: close"),
    get() + get("Connection: close") + get(),
    get("Connection: cookie", "Cookie: a"),
    get("Connection: x-a"),
    get("Connection: x-a", "X-A: b"),
    get(version="1.0"),
    get("Connection: keep-alive", version="1.0"),
    get(method="HEAD"),
    get("Content-Length: 0", method="POST"),
    get("Range: bytes=0-1"),
    get('If-None-Match: "1"'),
    get("Cache-Control: no-cache"),
    get("Cache-Control: only-if-cached"),
    get("Pragma: no-cache"),
    get("X-Forwarded-Host: evil"),
    get("Authorization: Basic a"),
    get("Via: 1.1 p"),
    get("A : b"),
    get("A: b", " c"),
    get(*["A: b"] * 100),
    b"Cookie: session=1\r\n" + get(),
    get()[:-3],
    b"\r\n" + get(),
]
RESPONSES = [
    *[KEPT] * 6,
    answer("Cache-Control: max-age=2"),
    answer("Cache-Control: max-age=3, stale-while-revalidate=9"),
    answer("Cache-Control: max-age=109", "Age: 8"),
    answer("Cache-Control: max-age=60", "Vary: Accept-Encoding"),
    answer("Cache-Control: max-age=60", "Cache-Status: up; hit; ttl=60", "Age: 9"),
    answer("Cache-Control: no-store"),
    answer("Cache-Control: max-age=60", body=b"x" * 70_000),
    answer("Cache-Control: max-age=60", body=b""),
    answer("Cache-Control: max-age=60", "Connection: close"),
    b'HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=9\r\nETag: "1"\r\n\r\n',
    answer(status="500 Oops"),
]
Step = tuple[str, Any]
STEPS: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        *[st.sampled_from(REQUESTS).map(lambda data: ("client", data))] * 4,
        *[st.sampled_from(RESPONSES).map(lambda data: ("server", data))] * 2,
        st.sampled_from([0.25, 0.5, 0.999, 1.0, 3.0, 60.0]).map(lambda seconds: ("time", seconds)),
        st.just(("stop", None)),
        *[st.just(("another client", None))] * 2,
    ),
    max_size=20,
)
STORED: list[Step] = [("client", get()), ("server", KEPT), ("client", get()), ("client", get())]
AGAIN: list[Step] = [("client", get())]
OTHER = answer("Cache-Control: max-age=60", body=b"other")
LONG: list[Step] = [("client", get(path="/c")), ("server", answer("Cache-Control: max-age=101"))]
SHORT: list[Step] = [
    ("client", get(path="/b")),
    ("server", answer("Cache-Control: max-age=2")),
    ("client", get(path="/b")),
]


def twice(field: str) -> list[Step]:
    """Two clients ask with this field."""
    asked = [("client", get(field)), ("another client", None)]
    return [*asked, *asked]


def play(world: World, step: Step) -> None:
    what, value = step
    server = next((one for one in reversed(world.servers) if not one.closed), None)
    if what == "client":
        if world.session.state == "a request" or not world.client.arrived:
            world.arrive(world.client, value)
    elif what == "server" and server is not None:
        for at in range(0, len(value), 60_000):
            world.arrive(server, value[at : at + 60_000])
    elif what == "time":
        world.pass_time(value)
    elif what == "another client":
        world.connect()
    elif what == "stop":
        world.session.stop()
        world.run()


@given(STEPS, st.sampled_from([GATEWAY, Rules("p", Mode.INTERCEPT)]))
@example(
    [*AGAIN, ("time", 9.0), *AGAIN, ("time", 1.0), *AGAIN, ("time", 1.0), *AGAIN, ("time", 0.999), *AGAIN], GATEWAY
)
@example([*SHORT, ("time", 1.5), ("client", get(path="/b")), ("time", 1.5), ("client", get(path="/b"))], GATEWAY)
@example([*LONG, ("time", 1.0), *LONG, ("time", 1.0), *LONG, ("time", 1.0), *LONG], GATEWAY)
@example([("client", get("Content-Length: 0", method="POST")), ("server", answer()), *AGAIN], GATEWAY)
@example([("client", get("Cache-Control: no-cache")), ("server", OTHER), *AGAIN], GATEWAY)
@example([("client", get("X-Forwarded-Host: b")), ("server", OTHER), *AGAIN], GATEWAY)
@example([*twice("Connection: cookie"), ("client", get("Connection: cookie", "Cookie: a"))], GATEWAY)
@example([*twice("Connection: close"), ("client", get() + get("Connection: close") + get())], GATEWAY)
@example([("client", get()[:-3]), ("stop", None), ("client", get()[-3:]), ("another client", None), *AGAIN], GATEWAY)
def test_the_client_gets_the_same_as_by_the_full_path(steps: list[Step], rules: Rules) -> None:
    full = World(CachedSession, rules, caches=True, hits=0)
    short = World(CachedSession, rules, caches=True, hits=99)
    for step in [*STORED, *steps]:
        play(full, step)
        play(short, step)
        assert short.seen() == full.seen(), step
        assert short.session.state == full.session.state, step


def test_each_line_that_decides_is_looked_at() -> None:
    for request in REQUESTS:
        test_the_client_gets_the_same_as_by_the_full_path.hypothesis.inner_test(  # type: ignore[attr-defined]
            [("client", request), ("client", request), ("client", get())], GATEWAY
        )


def remembering() -> World:
    world = World(CachedSession, caches=True, hits=99)
    for step in STORED:
        play(world, step)
    return world


def test_another_cookie_costs_no_second_look() -> None:
    world = remembering()
    exchanges = world.session.engine.exchanges
    for number in range(9):
        play(world, ("client", get(f"Cookie: session={number}")))
    assert world.session.engine.exchanges == exchanges
    assert world.client.sent.count(b"HTTP/1.1 200 OK\r\n") == 12


def test_an_answer_over_tls_to_a_url_of_https_is_not_remembered_for_clients_without() -> None:
    world = World(CachedSession, replace(GATEWAY, is_secured=True), caches=True, hits=99)
    for url, remembered in (("https://web/a", 0), ("http://web/a", 1)):
        for step in [("client", get(path=url)), ("server", KEPT), *[("client", get(path=url))] * 2]:
            play(world, step)
        assert world.context.hits is not None
        assert len(world.context.hits) == remembered


def test_the_age_grows_while_it_is_remembered_and_the_rest_shrinks() -> None:
    world = remembering()
    exchanges = world.session.engine.exchanges
    for _ in range(12):
        play(world, ("time", 1.0))
        play(world, ("client", get()))
    assert world.session.engine.exchanges == exchanges
    found = re.findall(rb"\r\nAge: (\d+)\r\nCache-Status: c; hit; ttl=(\d+)\r\n", world.client.sent)
    assert found[-12:] == [(b"%d" % age, b"%d" % (60 - age)) for age in range(1, 13)]


def test_what_is_remembered_keeps_its_entry_from_being_the_longest_unused() -> None:
    world = remembering()
    assert world.caching is not None
    play(world, ("client", get(path="/b")))
    play(world, ("server", KEPT))
    play(world, ("time", 1.0))
    play(world, ("client", get()))
    assert [entry.key for entry in world.caching.store.entries()] == [f"GET http://web/{name}" for name in "ab"]


@pytest.mark.parametrize(("max_hits", "max_bytes", "held"), [(3, 10_000, 3), (99, 500, 2), (99, 10_000, 9)])
def test_what_is_remembered_is_bounded(max_hits: int, max_bytes: int, held: int) -> None:
    world = World(CachedSession, caches=True)
    assert world.caching is not None
    known = world.context.hits = Hits(world.caching.store, max_hits=max_hits, max_bytes=max_bytes)
    for number in range(9):
        for step in [("client", get(path=f"/{number}")), ("server", KEPT), ("client", get(path=f"/{number}"))]:
            play(world, step)
    assert len(known) == held and 0 < known.size_bytes <= max_bytes
    for told in list(known._hits):
        known._forget(told)
    assert known.size_bytes == 0


def test_answers_to_pipelined_requests_do_not_pile_up() -> None:
    world = World(CachedSession, caches=True, hits=9)
    large = answer("Cache-Control: max-age=60", body=b"x" * 60_000)
    for step in [("client", get()), ("server", large), ("client", get()), ("client", get())]:
        play(world, step)
    known = world.context.hits
    assert known is not None and len(known) == 1
    assert known.answer(get() * 17, world.date()) is not None
    assert known.answer(get() * 18, world.date()) is None
