"""A proxy's two sides: fields that end at it, connections kept on each side alone, versions spoken to each."""

import select

from ..proxying import OK, PATIENCE_S, Client, Played, Start, field, get, has_field


def test_hop_by_hop_fields_end_at_a_smart_proxy_in_both_directions(start: Start, knows: str, played: Played) -> None:
    with Client(start(knows, "--name", "p1")) as client:
        client.send(get(played.url, "Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: max=5", "X-End: 2"))
        server = played.accept()
        asked = server.head()
        assert asked.startswith(f"GET / HTTP/1.1\r\nHost: {played.host}\r\n")
        assert not any(has_field(asked, name) for name in ("Connection", "X-Hop", "Keep-Alive", "Proxy-Connection"))
        assert (field(asked, "X-End"), field(asked, "Via")) == ("2", "1.1 p1")
        server.send(b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n" + OK[17:])
        status, head, content = client.response()
        assert (status, content, field(head, "Connection")) == (200, b"ok", "close")
        assert not has_field(head, "X-Hop") and not has_field(head, "Keep-Alive")
        assert field(head, "Via") == "1.1 p1" and has_field(head, "Date")
        assert client.rest() == b""


def test_the_client_closes_and_the_servers_connection_is_kept(start: Start, played: Played) -> None:
    proxy = start("smart")
    for n in range(3):
        with Client(proxy) as client:
            client.send(get(played.url, "Connection: close"))
            server = played.accept() if n == 0 else played.accepted[0]
            assert server.head()
            server.send(OK)
            assert client.response()[0] == 200
            assert client.rest() == b""
    assert not played.has_visitor()
    assert [dict(one["reason"]["facts"]) for one in proxy.decisions("connection")] == [
        {}, {"used_before": "1"}, {"used_before": "2"},
    ]  # fmt: skip


def ask_at_once(clients: list[Client], played: Played) -> None:
    """Each client asks, all are answered; the server has as many connections as there are clients."""
    for client in clients:
        client.send(get(played.url))
    while len(played.accepted) < len(clients):
        played.accept()
    for server in played.accepted:
        assert server.head()
        server.send(OK)
    for client in clients:
        assert client.response()[0] == 200


def test_a_proxy_of_n_clients_holds_2n_connections_to_the_server(start: Start, played: Played) -> None:
    proxy = start("smart")
    clients = [Client(proxy, f"127.0.0.{n}") for n in range(2, 7) for _ in range(2)]
    for _ in range(3):
        ask_at_once(clients, played)
    assert not played.has_visitor()
    for client in clients:
        client.close()


def test_idle_connections_to_servers_go_as_those_of_the_client_do(start: Start, played: Played) -> None:
    """One client uses four, and as many are kept; when two are left, two are closed, the longest idle first."""
    proxy = start("smart")
    clients = [Client(proxy) for _ in range(4)]
    for _ in range(2):
        ask_at_once(clients, played)
    assert not played.has_visitor()
    for client in clients[:2]:
        client.close()
    proxy.wait_decisions("closed", 2)
    clients[2].send(get(played.url))
    [asked], _, _ = select.select([server.sock for server in played.accepted], [], [], PATIENCE_S)
    asked.sendall(OK)
    assert clients[2].response()[0] == 200
    proxy.wait_decisions("server closed", 2)
    for client in clients[2:]:
        client.close()


def test_a_server_that_speaks_1_0_is_spoken_to_in_1_0_and_kept_where_it_says_so(
    start: Start, knows: str, played: Played
) -> None:
    with Client(start(knows)) as client:
        client.send(get(played.url))
        server = played.accept()
        assert server.head().startswith("GET / HTTP/1.1")
        server.send(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
        assert client.response()[1].startswith("HTTP/1.1 200")
        client.send(get(played.url))
        asked = server.head()
        assert asked.startswith("GET / HTTP/1.0") and field(asked, "Connection") == "Keep-Alive"
        server.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert client.response()[0] == 200
        client.send(get(played.url))
        assert played.accept().head()  # it did not say so again
