"""Connections that stop to be HTTP: a 2xx to CONNECT, and 101.  RFC 9112 §6.3 rule 2, RFC 9110 §7.8 and §9.3.6."""

import pytest

from lan.services.http.protocol.connection import Client, Closed, Server, Tunnel
from lan.services.http.protocol.messages import Request, Response, headers

from .dialogue import ASK, GET, each_way, fetch, fetched, rule, words


def test_a_2xx_to_connect_makes_a_tunnel_of_both_ends() -> None:
    server, client = Server(), Client()
    asked = client.send(Request("CONNECT", "web:443", headers=headers([("Host", "web:443")])))
    assert words(server.receive(asked + b"early")) == ["CONNECT web:443", "End"]
    answer = server.respond(Response(200))
    assert server.finish() == [Tunnel(b"early")]
    assert server.receive(GET) == [Tunnel(GET)]
    assert server.receive(b"") == [Closed()]
    assert client.receive(answer + b"raw")[1:] == [Tunnel(b"raw")]
    assert client.receive(b"more") == [Tunnel(b"more")]
    assert (client.unanswered, client.is_idle) == ((), False)
    with pytest.raises(ValueError, match="another protocol"):
        client.send(ASK)
    assert client.receive(b"") == [Closed()]


def test_a_refused_connect_is_an_exchange_like_any_other() -> None:
    refused = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"
    events, client = fetch([refused], "CONNECT")
    assert words(events) == ["Response", "no", "End"]
    assert client.is_idle


UPGRADE = ASK.with_field("Connection", "Upgrade").with_field("Upgrade", "echo")
SWITCH = Response(101, headers=headers([("Connection", "Upgrade"), ("Upgrade", "echo")]))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_101_switches_both_ends(method: str) -> None:
    server, client = Server(), Client()
    server.receive(client.send(Request(method, "/", headers=UPGRADE.headers)))
    answer = server.respond(SWITCH)
    assert b"Connection: Upgrade" in answer
    assert server.finish() == []
    assert server.receive(b"hi") == [Tunnel(b"hi")]
    for pieces in each_way(answer + b"hi"):
        other = Client()
        other.send(Request(method, "/", headers=UPGRADE.headers))
        events = [event for piece in pieces for event in other.receive(piece)]
        assert b"".join(event.data for event in events if isinstance(event, Tunnel)) == b"hi"


def test_a_switch_that_nobody_asked_for_is_refused() -> None:
    assert rule(fetched(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw")) == "502 RFC 9110 §7.8"


def test_a_server_does_not_switch_before_the_request_is_complete() -> None:
    server = Server()
    server.receive(b"POST / HTTP/1.1\r\nHost: web\r\nUpgrade: echo\r\nContent-Length: 5\r\n\r\nhel")
    with pytest.raises(ValueError, match="new protocol"):
        server.respond(SWITCH)
