"""Tunnels of a proxy that one side breaks: what it has sent before reaches the other.  RFC 9110 §9.3.6, §7.8."""

import errno

import pytest

from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.loop import RECEIVE_BYTES
from lan.services.http.proxy.smart import Session

from .played_proxy import World

BROKEN = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
CONNECT = b"CONNECT web:443 HTTP/1.1\r\nHost: web:443\r\n\r\n"


def tunnel() -> World:
    world = World(Session, Rules("p", Mode.FORWARD), is_heard=True)
    world.arrive(world.client, CONNECT)
    assert world.client.sent.startswith(b"HTTP/1.1 200 ")
    return world


def test_what_a_server_sent_before_its_reset_reaches_the_client() -> None:
    world = tunnel()
    world.client.room = 0
    world.arrive(world.servers[0], b"last words")
    world.arrive(world.servers[0], BROKEN)
    assert not world.client.closed
    world.give_room(100)
    assert world.client.sent.endswith(b"last words") and world.client.ended
    world.arrive(world.client, b"")
    assert world.client.closed and not world.loop.watched


def test_what_a_client_sent_before_its_reset_reaches_the_server() -> None:
    world = tunnel()
    server = world.servers[0]
    server.room = 0
    world.arrive(world.client, b"last words")
    world.arrive(world.client, BROKEN)
    assert world.client.closed and not server.closed
    server.room = 100
    world.loop.watched[server.number][0].flush()
    assert server.sent == b"last words" and server.ended and not server.closed
    world.arrive(server, b"")
    assert server.closed and not world.loop.watched and not world.loop.timed


def test_what_the_server_still_says_is_read_until_its_end_for_unread_bytes_would_reset_the_last_words() -> None:
    world = tunnel()
    server = world.servers[0]
    world.client.room = 0
    world.arrive(server, bytes(RECEIVE_BYTES))
    while not server.arrived:  # the client takes nothing: the server is not read from
        world.arrive(server, bytes(RECEIVE_BYTES))
    world.arrive(world.client, b"last words")
    world.arrive(world.client, BROKEN)
    assert server.sent == b"last words" and server.ended and not server.closed and not server.arrived
    world.arrive(server, b"more")
    assert not server.closed and not server.arrived
    world.arrive(server, b"")
    assert server.closed and not world.loop.watched and not world.loop.timed


def test_a_server_that_never_ends_is_left_after_a_while_and_that_is_told_once() -> None:
    world = tunnel()
    world.arrive(world.client, BROKEN)
    assert not world.servers[0].closed
    world.pass_time(world.context.limits.stall_s)
    assert world.servers[0].closed and not world.loop.watched and not world.loop.timed
    assert world.decisions.count("server closed") == 1


def test_a_server_that_talks_on_after_the_end_of_a_tunnel_is_not_listened_to_for_long() -> None:
    world = tunnel()
    server = world.servers[0]
    world.arrive(world.client, BROKEN)
    heard_bytes = 0
    while not server.closed:
        world.arrive(server, bytes(RECEIVE_BYTES))
        heard_bytes += RECEIVE_BYTES
        assert heard_bytes <= world.context.limits.discard_bytes + RECEIVE_BYTES
    assert not world.loop.watched and not world.loop.timed


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_tunnel_that_both_sides_have_ended_is_closed_at_once(first: str) -> None:
    world = tunnel()
    ends = [world.client, world.servers[0]]
    for end in ends if first == "client" else reversed(ends):
        world.arrive(end, b"")
    assert world.client.ended and world.servers[0].ended
    assert world.client.closed and world.servers[0].closed and not world.loop.watched and not world.loop.timed


@pytest.mark.parametrize("end", [BROKEN, b""])
@pytest.mark.parametrize("side", ["client", "server"])
def test_a_side_that_takes_nothing_after_the_other_ended_is_given_up(side: str, end: bytes | OSError) -> None:
    world = tunnel()
    server = world.servers[0]
    stuck, other = (world.client, server) if side == "client" else (server, world.client)
    stuck.room = 0
    world.arrive(other, b"last words")
    world.arrive(other, end)
    if end == b"":
        world.arrive(stuck, b"")
    for _ in range(3):
        world.pass_time(world.context.limits.stall_s + world.context.limits.linger_s)
    assert stuck.closed and not world.loop.watched and not world.loop.timed
