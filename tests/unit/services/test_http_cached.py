"""What a caching proxy stores under: the request as its server sees it, and no other.  RFC 9111 §4.1, §4.4.
And who waits for whose answer, and for how long."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from lan.services.http.cache.memory_store import MemoryStore
from lan.services.http.proxy.cached import CachedSession
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Mode, Rules

from .played_proxy import GATEWAY, World
from .test_http_hits import KEPT, OTHER, answer, get, play

KOREAN = "Accept-Language: ko"
VARIED = answer("Cache-Control: max-age=60", "Vary: Accept-Language", body=b"nobody's")


def played(*steps: tuple[str, bytes]) -> World:
    world = World(CachedSession, caches=True)
    for step in steps:
        play(world, step)
    return world


def test_a_field_that_connection_names_is_no_part_of_the_key() -> None:
    """Its server never saw it: else anybody could fill the cache for those who do send it."""
    world = played(("client", get("Connection: accept-language", KOREAN)), ("server", VARIED))
    assert b"Accept-Language" not in world.servers[0].sent
    play(world, ("client", get()))
    assert world.client.sent.count(b"nobody's") == 2  # it is the answer to who says nothing of languages
    play(world, ("client", get(KOREAN)))
    assert world.servers[0].sent.endswith(b"\r\n\r\n") and world.servers[0].sent.count(b"GET /a ") == 2


@pytest.mark.parametrize("field", ["X-Forwarded-For", "Forwarded"])
def test_what_depends_on_the_field_that_tells_of_the_client_is_stored_for_nobody(field: str) -> None:
    """We write it anew for each client; none of them sends what its server sees."""
    for told in ("none", "x-forwarded-for", "forwarded"):
        world = World(CachedSession, replace(GATEWAY, tells_client=told), caches=True)
        assert world.caching is not None
        world.caching.set("c", 1, None, tells_client=told)
        for step in (("client", get()), ("server", answer("Cache-Control: max-age=60", f"Vary: Accept, {field}"))):
            play(world, step)
        assert len(world.caching.store) == int(told != field.lower()), told


def test_who_names_no_host_asks_for_the_gateway_s_server() -> None:
    """HTTP/1.0 need not: its answers are the same ones, and what it changes is changed for all."""
    nameless = b"GET /a HTTP/1.0\r\n\r\n"
    world = played(("client", get()), ("server", KEPT))
    world.connect()
    play(world, ("client", nameless))
    assert world.client.sent.endswith(b"body") and world.servers[0].sent.count(b"GET /a ") == 1
    world.connect()
    play(world, ("client", b"POST /a HTTP/1.0\r\nContent-Length: 0\r\n\r\n"))
    play(world, ("server", answer()))
    world.connect()
    play(world, ("client", get()))
    play(world, ("server", OTHER))
    assert world.client.sent.endswith(b"other")


def test_a_gateway_names_the_host_of_the_url_that_it_stores_the_answer_under() -> None:
    """HTTP/1.0 may name it in its target alone.  Under another name the server would give another host's answer."""
    world = played(("client", b"GET http://shop/a HTTP/1.0\r\n\r\n"), ("server", KEPT))
    assert b"\r\nHost: shop\r\n" in world.servers[0].sent
    world.connect()
    play(world, ("client", b"GET /a HTTP/1.1\r\nHost: shop\r\n\r\n"))
    assert world.client.sent.endswith(b"body") and world.servers[0].sent.count(b"GET /a ") == 1


def intercepted(to: str) -> Callable[..., CachedSession]:
    """The session of a client that was on its way to this address."""
    return lambda sock, context, _original: CachedSession(sock, context, Destination("http", to, 80))


def test_a_url_in_an_intercepted_request_answers_those_alone_who_were_going_there() -> None:
    """Whoever intercepted it chose an address: it may be a server of one's own that answers for any URL."""
    asked = b"GET http://shop/a HTTP/1.1\r\nHost: shop\r\n\r\n"
    world = World(intercepted("10.6.6.6"), Rules("p", Mode.INTERCEPT), caches=True)
    for step in (("client", asked), ("server", answer("Cache-Control: max-age=60", body=b"forged"))):
        play(world, step)
    world.connect()
    play(world, ("client", asked))
    assert world.client.sent.endswith(b"forged")
    for kind in (intercepted("10.0.0.7"), CachedSession):
        world._kind = kind
        world.connect()
        play(world, ("client", asked))
        assert not world.client.sent
        world.arrive(world.servers[-1], answer("Cache-Control: max-age=60", body=b"true"))
        assert world.client.sent.endswith(b"true")


def test_nobody_waits_for_an_answer_that_may_be_another_protocol() -> None:
    world = played(("client", get("Connection: upgrade", "Upgrade: chat")))
    world.connect()
    play(world, ("client", get()))
    assert len(world.servers) == 2 and b"GET /a " in world.servers[1].sent


def test_who_waited_in_vain_asks_alone_and_leaves_the_connection_fit_for_others() -> None:
    """The first to ask may be slow on purpose."""
    world = played(("client", get()), ("server", KEPT[:-3]))
    world.connect()
    play(world, ("client", get()))
    assert len(world.servers) == 1 and not world.client.sent
    world.pass_time(world.context.limits.collapsed_s)
    assert b"GET /a " in world.servers[1].sent
    world.pass_time(world.context.limits.answer_s - 1)
    world.arrive(world.servers[1], answer("Cache-Control: no-store", body=b"own"))
    assert world.client.sent.endswith(b"own")
    play(world, ("client", get(path="/b")))
    assert world.servers[1].sent.count(b"GET ") == 2


def test_a_request_that_is_repeated_leaves_the_connection_fit_for_others() -> None:
    world = played(("client", get()), ("server", answer("Cache-Control: max-age=1", 'ETag: "1"')))
    world.pass_time(5)
    play(world, ("client", get()))
    play(world, ("server", b'HTTP/1.1 304 Not Modified\r\nETag: "2"\r\n\r\n'))
    play(world, ("server", answer("Cache-Control: no-store", body=b"again")))
    assert world.client.sent.endswith(b"again")
    play(world, ("client", get(path="/b")))
    assert len(world.servers) == 1 and world.servers[0].sent.count(b"GET ") == 4


STALE_FOR_LONG = answer("Cache-Control: max-age=1, stale-while-revalidate=999")


@pytest.mark.parametrize(
    "said", [None, b"", answer("Connection: cache-control", "Cache-Control: max-age=1"), STALE_FOR_LONG[:-1]]
)
def test_a_validation_in_the_background_that_fails_is_tried_again(said: bytes | None) -> None:
    """No answer at all, the server's close, an answer that can't be passed on, one that has no end."""
    world = played(("client", get()), ("server", STALE_FOR_LONG))
    world.pass_time(5)
    play(world, ("client", get()))
    assert world.servers[0].sent.count(b"GET ") == 2
    if said is not None:
        world.arrive(world.servers[0], said)
    world.pass_time(world.context.limits.answer_s)
    assert world.servers[0].closed
    world.connect()
    play(world, ("client", get()))
    assert b"GET /a " in world.servers[1].sent
    assert world.caching is not None and isinstance(world.caching.store, MemoryStore)
    assert world.caching.store._drafted_bytes == 0
