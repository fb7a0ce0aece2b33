"""A proxy's client behind a slow cable: what it acknowledges counts, where the kernel has no room for more yet."""

from collections.abc import Callable
from typing import Any

import pytest

from lan.services.http.proxy.cached import CachedSession
from lan.services.http.proxy.passing import PassingSession
from lan.services.http.proxy.relay import Relay
from lan.services.http.proxy.smart import Session

from .played_proxy import World
from .test_http_hits import answer, get


@pytest.mark.parametrize("kind", [Session, PassingSession, CachedSession])
def test_a_client_is_served_as_long_as_it_acknowledges_enough(kind: Callable[..., Any]) -> None:
    world = World(kind, caches=True)
    limits = world.context.limits
    for _ in range(2):  # the second on a kept connection
        world.client.room = 100_000
        world.arrive(world.client, get())
        body = answer("Cache-Control: no-store", body=bytes(150_000))
        for at in range(0, len(body), 50_000):
            world.arrive(world.servers[-1], body[at : at + 50_000])
        for _ in range(5):
            world.client.acknowledged_bytes += int(limits.stall_s * limits.slowest_bytes_per_s)
            world.pass_time(limits.stall_s)
            assert not world.client.closed
        world.give_room(100_000)


@pytest.mark.parametrize("rest", [20_000, 1])
@pytest.mark.parametrize("kind", [Session, PassingSession, CachedSession])
def test_a_client_that_acknowledges_little_is_given_up(kind: Callable[..., Any], rest: int) -> None:
    """With the whole answer in our hands, or with some of it still to come."""
    world = World(kind, room=1000, caches=True)
    world.arrive(world.client, get())
    world.arrive(world.servers[-1], answer("Cache-Control: no-store", body=bytes(60_000))[:-rest])
    if rest > 1:
        world.arrive(world.servers[-1], bytes(rest))
    for _ in range(4):
        world.client.acknowledged_bytes += 1000
        world.pass_time(world.context.limits.stall_s)
    assert world.client.closed and world.client.was_reset is (rest == 1)


def test_a_dumb_proxy_lets_the_last_bytes_leave_too() -> None:
    world = World(Relay, room=1000)
    limits = world.context.limits
    world.arrive(world.client, get("Connection: close"))
    world.arrive(world.servers[-1], answer(body=bytes(60_000)))
    world.arrive(world.servers[-1], b"")
    for _ in range(5):
        world.client.acknowledged_bytes += int(limits.stall_s * limits.slowest_bytes_per_s)
        world.pass_time(limits.stall_s + limits.linger_s)
        assert not world.client.closed
    world.give_room(60_000)
    assert world.client.sent.endswith(bytes(60_000)) and world.client.ended
    world.arrive(world.client, b"")
    assert world.client.closed


def test_a_dumb_proxy_gives_up_who_acknowledges_little() -> None:
    world = World(Relay, room=1000)
    world.arrive(world.client, get("Connection: close"))
    for said in (answer(body=bytes(60_000)), b""):
        world.arrive(world.servers[-1], said)
    world.client.acknowledged_bytes += 1000
    world.pass_time(world.context.limits.stall_s + world.context.limits.linger_s)
    assert world.client.closed
