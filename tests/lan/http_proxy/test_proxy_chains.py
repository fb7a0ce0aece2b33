"""Proxies behind proxies: Max-Forwards, circles, chains of all kinds; a proxy on the clients' way."""

import json
import signal
from pathlib import Path

import pytest

from ...program import Program
from ..proxying import Client, Start, field, get


def test_trace_ends_where_max_forwards_says(start: Start, web: Program) -> None:
    last = start("smart", "--name", "last")
    first = start("smart", "--name", "first", "--parent", last.url)
    for limit, via in ((0, ""), (1, "1.1 first")):
        with Client(first) as client:
            host = web.url.removeprefix("http://")
            client.send(
                f"TRACE {web.url}/ HTTP/1.1\r\nHost: {host}\r\nMax-Forwards: {limit}\r\nCookie: a\r\n\r\n".encode()
            )
            status, head, content = client.response()
            assert (status, field(head, "Content-Type")) == (200, "message/http")
            assert field(content.decode(), "Via") == via and b"Cookie" not in content
    assert len(last.decisions("request")) == 1


def test_a_circle_of_proxies_is_seen_at_the_second_visit(start: Start, web: Program, tmp_path: Path) -> None:
    config = tmp_path / "one.json"
    config.write_text("{}")
    one = start("smart", "--name", "one", "--config", str(config))
    two = start("smart", "--parent", one.url)
    config.write_text(json.dumps({"parent": two.url}))
    one.process.send_signal(signal.SIGHUP)
    one.wait_ready()
    with Client(one) as client:
        client.send(get(web.url))
        assert client.response()[0] == 508
    assert len(one.decisions("request")) == 2


@pytest.mark.parametrize(
    "kinds", [["smart"] * 3, ["smart", "dumb"], ["dumb", "smart"], ["dumb"] * 2, ["cache", "smart"], ["dumb", "cache"]]
)
def test_proxies_chain_in_any_order(start: Start, web: Program, kinds: list[str]) -> None:
    proxy = start(kinds[-1])
    for kind in reversed(kinds[:-1]):
        proxy = start(kind, "--parent", proxy.url)
    with Client(proxy) as client:
        client.send(get(web.url, "Connection: close", path="/echo"))
        head, _, content = client.rest().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert content.lower().count(b"1.1 ") >= len(kinds) - kinds.count("dumb")  # a word of Via for each that knows HTTP


def test_without_a_redirect_an_intercepting_proxy_goes_by_host(start: Start, web: Program) -> None:
    for kind in ("dumb", "smart", "cache"):
        with Client(start(kind, "--intercept")) as client:
            host = web.url.removeprefix("http://")
            client.send(f"GET /1k HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert client.rest().startswith(b"HTTP/1.1 200")
