"""Time and order: slow clients, pipelines, no descriptor left, a stop, settings read again."""

import os
import resource
import signal
from pathlib import Path

import pytest

from ...program import Program
from ..proxying import OK, PATIENCE_S, Client, Played, Start, field, get, proxy_command


def test_a_client_that_drips_its_head_is_told_so(start: Start, knows: str) -> None:
    proxy = start(knows, head_s=0.3)
    with proxy.held():  # who has said nothing by then is closed without a word
        client = Client(proxy)
        client.send(b"GET http://x/ HTTP/1.1\r\n")
    with client:
        assert client.response()[0] == 408
        assert client.rest() == b""


def test_a_client_that_drips_its_content_is_told_so(start: Start, knows: str, played: Played) -> None:
    with Client(start(knows, stall_s=0.3)) as client:
        client.send(f"POST {played.url}/ HTTP/1.1\r\nHost: {played.host}\r\nContent-Length: 9\r\n\r\nx".encode())
        assert client.response()[0] == 408
        server = played.accept()
        assert server.head() and server.rest() == b"x"


def test_pipelined_requests_are_answered_in_order(start: Start, knows: str, web: Program) -> None:
    with Client(start(knows)) as client:
        client.send(b"".join(get(web.url, f"X-N: {n}", path="/echo") for n in range(200)))
        for n in range(200):
            status, _, content = client.response()
            assert status == 200 and f"X-N: {n}\r\n".encode() in content


def test_a_thousand_refusals_in_one_breath_are_given_one_by_one(start: Start, knows: str) -> None:
    with Client(start(knows)) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
        client.end()
        assert client.rest().count(b"HTTP/1.1 400 ") == 1000


@pytest.mark.parametrize("kind", ["dumb", "smart"])
def test_without_descriptors_it_pauses_and_serves_again_when_there_are_some(
    start: Start, web: Program, kind: str
) -> None:
    proxy = start(kind)
    used = len(list(Path(f"/proc/{proxy.process.pid}/fd").iterdir()))
    resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (used + 3, used + 3))
    clients = [Client(proxy) for _ in range(8)]
    proxy.wait_decisions("pausing")
    clients[0].send(get(web.url, "Connection: close", path="/1k"))
    assert clients[0].response()[0] == 502  # there is none for a connection to the server either
    for client in clients:
        client.close()
    proxy.wait_decisions("closed", len(clients))  # each was taken in, too, and had a descriptor
    with Client(proxy) as client:
        client.send(get(web.url, "Connection: close", path="/1k"))
        assert client.rest().startswith(b"HTTP/1.1 200")
    assert len(proxy.decisions("pausing")) < 20  # it did not ask again and again


def test_told_to_stop_it_finishes_what_is_under_way(start: Start, knows: str, played: Played) -> None:
    proxy = start(knows, stop_s=PATIENCE_S)
    with Client(proxy) as client, Client(proxy) as idle:
        client.send(get(played.url))
        server = played.accept()
        assert server.head()
        proxy.process.send_signal(signal.SIGTERM)
        assert idle.rest() == b""
        idle.close()
        server.send(OK)
        status, head, _ = client.response()
        assert (status, field(head, "Connection")) == (200, "close")
        client.close()
        assert proxy.process.wait() == 0


def test_settings_are_read_again_on_sighup(start: Start, web: Program, tmp_path: Path) -> None:
    (tmp_path / "settings").write_text('{"connect_port": [1]}')
    proxy = start("smart", "--config", str(tmp_path / "settings"))
    ask = f"CONNECT 127.0.0.1:{web.port} HTTP/1.1\r\nHost: 127.0.0.1:{web.port}\r\n\r\n".encode()
    with Client(proxy) as client:
        client.send(ask)
        assert client.head().startswith("HTTP/1.1 403")
    (tmp_path / "settings").write_text(f'{{"connect_port": [{web.port}]}}')
    proxy.process.send_signal(signal.SIGHUP)
    proxy.wait_ready()
    with Client(proxy) as client:
        client.send(ask)
        assert client.head().startswith("HTTP/1.1 200")


def test_workers_share_a_port_and_come_anew(tmp_path: Path, web: Program) -> None:
    proxy = Program(proxy_command("smart", "--upstream", web.url, "--workers", "2"), tmp_path / "log", is_told=False)
    try:
        words, children = proxy.words, Path(f"/proc/{proxy.process.pid}/task/{proxy.process.pid}/children")
        assert words.endswith("by 2 workers\n")
        for killed in children.read_text().split():
            os.kill(int(killed), signal.SIGKILL)
            proxy.wait_ready()
            assert proxy.words == words  # another is there, on the same port
            with Client(proxy) as client:
                client.send(b"GET /1k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert client.response()[0] == 200
        last = children.read_text().split()
        assert proxy.stop() == 0
    finally:
        proxy.kill()
    assert len(last) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in last)
