"""CONNECT and Upgrade through a proxy: bytes both ways, each half closed alone."""

from ..proxying import Client, Played, Start, field, get, has_field, pass_both_ways


def test_connect_makes_a_tunnel_with_each_half_closed_alone(start: Start, knows: str, played: Played) -> None:
    with Client(start(knows, "--connect-port", str(played.port))) as client:
        client.send(f"CONNECT {played.host} HTTP/1.1\r\nHost: {played.host}\r\n\r\n\x16early".encode())
        head = client.head()
        assert head.startswith("HTTP/1.1 200") and not has_field(head, "Content-Length")
        assert not has_field(head, "Transfer-Encoding")
        server = played.accept()
        assert server.take(6) == b"\x16early"
        server.send(b"\0\xffHTTP/1.1 nonsense")
        assert client.take(19) == b"\0\xffHTTP/1.1 nonsense"
        client.send(b"last")
        client.end()
        assert server.rest() == b"last"
        server.send(b"still")
        server.end()
        assert client.rest() == b"still"


def test_a_tunnel_goes_through_a_parent(start: Start, played: Played) -> None:
    parent = start("smart", "--connect-port", str(played.port))
    with Client(start("smart", "--connect-port", str(played.port), "--parent", parent.url)) as client:
        client.send(f"CONNECT {played.host} HTTP/1.1\r\nHost: {played.host}\r\n\r\n".encode())
        assert client.head().startswith("HTTP/1.1 200")
        server = played.accept()
        pass_both_ways(client, server)
    assert len(parent.decisions("request")) == 1


def test_an_upgrade_passes_when_both_sides_agree(start: Start, knows: str, played: Played) -> None:
    with Client(start(knows)) as client:
        client.send(get(played.url, "Upgrade: echo, h2c", "Connection: Upgrade") + b"one ")
        server = played.accept()
        asked = server.head()
        assert (field(asked, "Upgrade"), field(asked, "Connection")) == ("echo", "Upgrade")
        server.send(b"HTTP/1.1 101 Go\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nhello")
        head = client.head()
        assert head.startswith("HTTP/1.1 101") and field(head, "Upgrade") == "echo"
        assert client.take(5) == b"hello"
        client.send(b"two")
        assert server.take(7) == b"one two"
        client.end()
        assert server.rest() == b""
        server.end()
        assert client.rest() == b""
