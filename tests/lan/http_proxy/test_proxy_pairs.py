"""A proxy's log names its own end of each connection to a server, so that the pair of connections is known."""

import pytest

from ..proxying import OK, Client, Played, Start, field, get

CLIENTS = {"one": "127.0.0.2", "two": "127.0.0.3"}


def ends(sock_name: tuple[str, int]) -> str:
    return f"{sock_name[0]}:{sock_name[1]}"


@pytest.mark.parametrize(("kind", "what"), [("smart", "connection"), ("cache", "connection"), ("dumb", "connected")])
def test_of_two_clients_that_ask_alike_at_once_the_log_tells_who_was_asked_for_whom(
    kind: str, what: str, start: Start, played: Played
) -> None:
    proxy = start(kind)
    clients = {name: Client(proxy, address) for name, address in CLIENTS.items()}
    for name, client in clients.items():
        client.send(get(played.url, f"X-Name: {name}", "Cache-Control: no-store"))
    true = {}
    for _ in CLIENTS:
        server = played.accept()
        name = field(server.head(), "X-Name")
        true[ends(clients[name].sock.getsockname())] = ends(server.sock.getpeername())
    said = proxy.decisions(what)
    assert {one["client"]: one["local"] for one in said} == true
    assert {one["server"] for one in said} == {played.host}
    for server in played.accepted:
        server.send(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        server.close()
    for client in clients.values():
        assert client.response()[0] == 200
        client.close()


def test_a_kept_connection_is_named_anew_for_each_client_that_it_serves(start: Start, played: Played) -> None:
    proxy = start("smart")
    names = []
    for n in range(2):
        with Client(proxy) as client:
            names.append(ends(client.sock.getsockname()))
            client.send(get(played.url))
            server = played.accept() if n == 0 else played.accepted[0]
            assert server.head()
            server.send(OK)
            assert client.response()[0] == 200
    local = ends(played.accepted[0].sock.getpeername())
    assert [(one["client"], one["local"]) for one in proxy.decisions("connection")] == [(name, local) for name in names]
