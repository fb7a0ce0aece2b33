"""What a caching proxy stores under: the request as its server sees it, and no other.  RFC 9111 §4.1, §4.4."""

from dataclasses import replace

import pytest

from lan.services.http.proxy.cached import CachedSession

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
