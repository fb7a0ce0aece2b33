"""The dumb proxy on real sockets: the book's hang and what causes it; a smart one never does.  Book 4.5.6, 4.5.7."""

import pytest

from ...program import Program
from ..proxying import OK, Client, Played, Start, field, get


def test_a_dumb_proxy_hangs_when_keep_alive_is_passed_on(start: Start, played: Played) -> None:
    """Both ends agree to keep it through a proxy that knows nothing of it: the second request is not read."""
    proxy = start("dumb")
    with Client(proxy) as client:
        client.send(get(played.url, "Connection: Keep-Alive", version="1.0"))
        server = played.accept()
        asked = server.head()
        assert asked.startswith("GET / HTTP/1.0\r\n") and field(asked, "Connection") == "Keep-Alive"
        server.send(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nok")
        status, head, _ = client.response()
        assert status == 200 and field(head, "Connection") == "Keep-Alive"
        second = get(played.url, "Connection: Keep-Alive", version="1.0")
        client.send(second)
        client.wait_acknowledged()
        server.close()  # its patience has ended; until then nobody moved
        assert client.rest() == b""
    [ignored] = proxy.decisions("ignored")
    assert ignored["bytes"] == len(second)
    assert server.buffer == b"" and not played.has_visitor()


def test_proxy_connection_passed_on_does_no_harm(start: Start, web: Program) -> None:
    proxy = start("dumb")
    with Client(proxy) as client:
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        answer = client.rest()  # the server did not take the field for Connection, and closed
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and len(answer.partition(b"\r\n\r\n")[2]) == 1024
    assert not proxy.decisions("ignored")


def test_next_to_a_smart_proxy_a_dumb_one_hangs_again(start: Start, web: Program) -> None:
    smart = start("smart", idle_s=0.5)
    dumb = start("dumb", "--parent", smart.url)
    asked = get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k")
    with Client(dumb) as client:
        with smart.held():  # till both have been said, or it might be idle for too long before the second
            client.send(asked)
            dumb.wait_decisions("deaf")
            client.send(asked)
            client.wait_acknowledged()
        status, head, _ = client.response()
        assert status == 200 and field(head, "Connection") == "keep-alive"  # the smart one meant the dumb one
        assert client.rest() == b""
    assert dumb.decisions("ignored")
    assert len(smart.decisions("request")) == 1
    assert any(one["reason"]["text"] == "idle for too long" for one in smart.decisions("closing"))


def test_as_the_rfc_has_it_a_smart_proxy_does_not_heed_the_field_and_nobody_hangs(start: Start, web: Program) -> None:
    smart = start("smart", "--no-proxy-connection")
    dumb = start("dumb", "--parent", smart.url)
    with Client(dumb) as client:
        client.send(get(web.url, "Proxy-Connection: Keep-Alive", version="1.0", path="/1k"))
        assert field(client.rest().decode("latin-1"), "Connection") == "close"
    assert not dumb.decisions("ignored")


@pytest.mark.parametrize("said", ["Connection: Keep-Alive", "Proxy-Connection: Keep-Alive", "X: y"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_smart_proxy_alone_never_hangs(start: Start, web: Program, said: str, version: str) -> None:
    """Each request is answered, on the same connection where that is kept, else on a next one."""
    proxy = start("smart")
    client = Client(proxy)
    for _ in range(3):
        client.send(get(web.url, said, version=version, path="/1k"))
        status, head, content = client.response()
        assert (status, len(content)) == (200, 1024)
        if field(head, "Connection") == "close":
            assert client.rest() == b""
            client.close()
            client = Client(proxy)
    client.close()


def test_a_dumb_proxy_passes_all_fields_on_and_the_clients_one_body(start: Start, played: Played) -> None:
    proxy = start("dumb")
    request = f"POST {played.url}/a HTTP/1.1\r\nHost: x\r\nConnection: X-A\r\nX-A: 1\r\nTE: trailers\r\n".encode()
    with Client(proxy) as client:
        client.send(request + b"Content-Length: 5\r\n\r\nhello" + b"GET / HTTP/1.1\r\n\r\n")
        server = played.accept()
        passed = request.replace(played.url.encode(), b"") + b"Content-Length: 5\r\n\r\nhello"
        assert server.take(len(passed)) == passed
        server.send(b"HTTP/1.0 200 OK\r\n\r\nbye")
        server.end()
        assert client.rest() == b"HTTP/1.0 200 OK\r\n\r\nbye"
        assert server.rest() == b""


def test_a_half_close_passes_a_dumb_proxy(start: Start, played: Played) -> None:
    with Client(start("dumb")) as client:
        client.send(get(played.url))
        client.end()
        server = played.accept()
        assert server.head() and server.rest() == b""
        server.send(OK)
        server.close()
        assert client.rest() == OK
