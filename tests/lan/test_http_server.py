"""The web server as a program: signals, reloads, limits, slow and rude clients, the decision log."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lan.services.http import fetch

from ..command import CHECKOUT
from ..pem import write_pem
from ..program import Program, module
from .proxying import PATIENCE_S, Start, web_command

GET = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"

# The limits are settings of `Server`, not of its command line: a test shortens them in the program it starts.
PROGRAM = """
import sys
from lan.services.http import __main__
from lan.services.http.origin import origin, server, settings
short = settings.Limits(**eval(sys.argv[1]))
made = server.Server
__main__.Server = lambda log: made(log, short)
answer = origin.Origin.answer
def faulty(self, request, *words, **keys):
    assert request.target != "/fault"
    return answer(self, request, *words, **keys)
origin.Origin.answer = faulty
sys.exit(__main__.main(sys.argv[2:]))
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a web server on loopback: ``start("--root", folder, head_s=0.2)``."""
    started: list[Program] = []

    def make(*words: str, is_told: bool = True, **limits: float) -> Program:
        command = [sys.executable, "-c", PROGRAM, repr(limits), "--listen", "127.0.0.1:0", *words]
        started.append(Program(command, tmp_path / "decisions", is_told=is_told))
        return started[-1]

    yield make
    for program in started:
        program.kill()


def connect(web: Program) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), PATIENCE_S)


def read_all(sock: socket.socket) -> bytes:
    """All bytes until the server's FIN."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def test_each_step_of_a_connection_is_a_decision_with_its_four_addresses(start: Start) -> None:
    web = start()
    with connect(web) as sock:
        ours, theirs = (f"127.0.0.1:{address[1]}" for address in (sock.getsockname(), sock.getpeername()))
        sock.sendall(CLOSE)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK\r\n")
    assert web.stop() == 0
    records = [json.loads(line) for line in web.log.read_text().splitlines()]
    assert [one["what"] for one in records] == ["accepted", "request", "response", "close", "closing", "closed"]
    assert {(one["client"], one["server"]) for one in records} == {(ours, theirs)}
    assert records[3]["reason"]["text"] == "the peer said Connection: close"
    assert records[-1]["first"] == "client"


def test_a_thousand_pipelined_requests_are_answered_in_order(start: Start, tmp_path: Path) -> None:
    (tmp_path / "www").mkdir()
    for n in range(10):
        (tmp_path / "www" / str(n)).write_text(f"<{n}>")
    web = start("--root", str(tmp_path / "www"))
    with connect(web) as sock:
        sock.sendall(b"".join(GET.replace(b"/ ", b"/%d " % (n % 10)) for n in range(1000)))
        sock.shutdown(socket.SHUT_WR)
        bodies = [part[:3] for part in read_all(sock).split(b"\r\n\r\n")[1:]]
    assert bodies == [b"<%d>" % (n % 10) for n in range(1000)]


def settled(path: Path, data: bytes) -> None:
    """A file that was not changed just now: its answers may be remembered."""
    path.write_bytes(data)
    os.utime(path, (1000, 1000))


def test_known_requests_are_answered_as_at_first(start: Start, tmp_path: Path) -> None:
    settled(tmp_path / "page", b"x" * 3000)
    asked = GET.replace(b"/ ", b"/page ")
    web = start("--root", str(tmp_path), is_told=False)
    last, length = asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), 0
    for asks in (asked, asked, asked * 16, asked * 16, asked + last, asked + last):
        with connect(web) as sock:
            sock.sendall(asks)
            sock.shutdown(socket.SHUT_WR)
            parts = read_all(sock).split(b"HTTP/1.1 200 OK\r\n")[1:]
        assert len(parts) == asks.count(b"GET")
        assert all(part.partition(b"\r\n\r\n")[2] == b"x" * 3000 for part in parts)
        length = length or len(parts[0])
        assert len(parts[0]) == length


def test_a_client_that_reads_late_gets_every_known_answer(start: Start, tmp_path: Path) -> None:
    settled(tmp_path / "page", bytes(60_000))
    asked = GET.replace(b"/ ", b"/page ")
    web = start("--root", str(tmp_path), is_told=False)
    with connect(web) as sock:
        sock.sendall(asked)
        got = len(sock.recv(1 << 20))
        for _ in range(40):
            sock.sendall(asked * 20)  # 48 MB in all: more than the kernel takes before anybody reads
        sock.shutdown(socket.SHUT_WR)
        while piece := sock.recv(1 << 20):
            got += len(piece)
    assert got > 801 * 60_000 and got % 801 == 0


def test_the_access_log_has_a_line_for_each_request_and_is_opened_anew(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "access"
    web = start("--access-log", str(log), is_told=False)
    for _ in range(2):
        with connect(web) as sock:
            sock.sendall(GET + CLOSE.replace(b"/ ", b"/none "))
            sock.shutdown(socket.SHUT_WR)
            read_all(sock)
        first, second = log.read_text().splitlines()
        assert re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET / HTTP/1.1" 200 \d+ "-" "-" "the file"', first)
        assert re.fullmatch(r'127\.0\.0\.1 - - .* "GET /none HTTP/1.1" 404 \d+ "-" "-" "no such file"', second)
        log.rename(tmp_path / "rotated")
        web.process.send_signal(signal.SIGHUP)
        web.wait_ready()


def test_content_that_was_waited_for_comes_after_100(start: Start) -> None:
    web = start("--app", "echo")
    head = b"POST /%b HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nExpect: %b\r\nConnection: close\r\n\r\n"
    with connect(web) as sock:
        sock.sendall(head % (b"any", b"100-continue"))
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"hello")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock).endswith(b"\r\n\r\nhello")
    with connect(web) as sock:
        sock.sendall(head % (b"any", b"miracles"))
        assert read_all(sock).startswith(b"HTTP/1.1 417 ")


def test_an_upgraded_connection_speaks_the_other_protocol(start: Start) -> None:
    web = start()
    with connect(web) as sock:
        sock.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n") + b"early")
        data = b""
        while b"early" not in data:
            data += sock.recv(1000)
        assert data.startswith(b"HTTP/1.1 101 ")
        sock.sendall(b"late")
        assert sock.recv(1000) == b"late"
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b""


def test_a_large_file_reaches_a_client_that_reads_late(start: Start, tmp_path: Path) -> None:
    data = os.urandom(1 << 16) * 64
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_bytes(data)
    web = start("--root", str(tmp_path / "www"))
    with connect(web) as late, connect(web) as other:
        late.sendall(CLOSE)
        other.sendall(CLOSE)  # is served while the first one's buffers are full
        for sock in (other, late):
            head, _, body = read_all_of_length(sock, len(data)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert body == data


def read_all_of_length(sock: socket.socket, length: int) -> bytes:
    data = b""
    while len(data.partition(b"\r\n\r\n")[2]) < length:
        data += sock.recv(1 << 20)
    return data


def test_a_client_that_says_close_and_stays_is_closed_in_time(start: Start) -> None:
    web = start(linger_s=0.2)
    with connect(web) as sock:
        sock.sendall(CLOSE)
        assert read_all(sock).endswith(b"</html>\n")
        assert web.decisions("closing")[-1]["reason"]["text"] == "the client said close and did not close in time"


@pytest.mark.parametrize(
    ("sent", "status", "limits"),
    [
        (b"", b"", {"head_s": 0.2}),
        (b"GET / HTTP/1.1\r\nHost", b"408", {"head_s": 0.2}),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", b"408", {"body_s": 0.2}),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9000, b"431", {}),
        (b"nonsense\r\n\r\n", b"400", {}),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n", b"413", {"body_bytes": 98}),
    ],
)
def test_a_slow_or_endless_request_is_ended(start: Start, sent: bytes, status: bytes, limits: dict[str, float]) -> None:
    web = start(**limits)
    with web.held():  # who has said nothing by then is closed without a word
        sock = connect(web)
        sock.sendall(sent)
    with sock:
        assert read_all(sock)[9:12] == status


def test_bytes_after_the_last_response_do_not_keep_it_alive(start: Start) -> None:
    web = start(discard_bytes=1000)
    with connect(web) as sock:
        sock.sendall(CLOSE + b"x" * 2000)
        with pytest.raises(OSError, match=r"reset|Broken"):
            while True:
                sock.sendall(b"x" * 2000)
    web.wait_decisions("closed", text="the client goes on sending after the last response")


def test_connections_are_bounded_and_the_next_one_waits_its_turn(start: Start) -> None:
    web = start(connections=2)
    with connect(web) as first, connect(web) as second, connect(web) as third:
        for sock in (first, second, third):
            sock.sendall(GET)
        assert first.recv(12) == second.recv(12) == b"HTTP/1.1 200"
        assert len(web.decisions("accepted")) == 2
        first.close()
        assert third.recv(12) == b"HTTP/1.1 200"


def test_a_fault_of_our_own_ends_one_connection_and_no_other(start: Start) -> None:
    web = start()
    with connect(web) as other, connect(web) as sock:
        sock.sendall(GET.replace(b"/ ", b"/fault "))
        assert read_all(sock) == b""
        other.sendall(GET)
        assert other.recv(12) == b"HTTP/1.1 200"
    assert web.decisions("closed")[0]["reason"]["text"] == "a fault of the server"


def test_expect_100_continue_gets_the_final_answer_and_no_body_is_awaited(start: Start) -> None:
    web = start()
    with connect(web) as sock:
        sock.sendall(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 405")
        assert b"Connection: close" in answer


def test_sighup_reads_the_settings_anew_and_wrong_ones_change_nothing(start: Start, tmp_path: Path) -> None:
    config, page = tmp_path / "http.json", tmp_path / "page.html"
    page.write_text("before")
    config.write_text(json.dumps({"page": str(page)}))
    web = start("--config", str(config))

    def body() -> bytes:
        with connect(web) as sock:
            sock.sendall(CLOSE)
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock).partition(b"\r\n\r\n")[2]

    assert body() == b"before"
    page.write_text("after")
    web.process.send_signal(signal.SIGHUP)
    assert web.wait_ready() == web.ports
    assert body() == b"after"
    config.write_text('{"page": "/no/such/page"}')
    web.process.send_signal(signal.SIGHUP)
    assert web.process.stderr is not None
    assert "/no/such/page: can't be read" in web.process.stderr.readline()
    assert body() == b"after"


def test_https_goes_on_and_off(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    config = tmp_path / "http.json"
    config.write_text("{}")
    web = start("--config", str(config), "--tls-listen", "127.0.0.1:0")
    assert set(web.ports) == {"http"}
    config.write_text('{"tls": true}')
    web.process.send_signal(signal.SIGHUP)
    ports = web.wait_ready()
    authority = tmp_path / "state" / "lan" / "authority" / "authority.pem"
    assert fetch.main([f"https://localhost:{ports['https']}/", "--cacert", str(authority)]) == 0
    assert fetch.main([f"https://127.0.0.1:{ports['https']}/", "--cacert", str(authority)]) == 0
    config.write_text("{}")
    web.process.send_signal(signal.SIGHUP)
    assert set(web.wait_ready()) == {"http"}
    assert fetch.main([f"https://localhost:{ports['https']}/", "--cacert", str(authority)]) == 1


def test_a_client_that_ends_tls_and_stays_gets_our_close_notify(start: Start, tmp_path: Path) -> None:
    """Request and close_notify come together; then the client waits for the server's, and sends no FIN."""
    web = start("--tls", "--tls-listen", "127.0.0.1:0", *write_pem(tmp_path, "localhost"))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    client = context.wrap_bio(down, up, server_hostname="localhost")

    def run(step: Callable[[], Any], sock: socket.socket) -> Any:
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                sock.sendall(up.read())
                down.write(sock.recv(65536))

    with socket.create_connection(("127.0.0.1", web.ports["https"]), PATIENCE_S) as sock:
        run(client.do_handshake, sock)
        client.write(CLOSE)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        sock.sendall(up.read())
        assert run(lambda: client.read(12), sock) == b"HTTP/1.1 200"
        with pytest.raises(ssl.SSLZeroReturnError):  # the server's close_notify
            while True:
                run(lambda: client.read(65536), sock)
        assert web.decisions("close_notify")
        assert not any(one["first"] == "server" for one in web.decisions("closing"))


def test_sigterm_lets_an_exchange_end_and_closes_the_idle(start: Start) -> None:
    web = start(stop_s=PATIENCE_S)
    with connect(web) as idle, connect(web) as busy:
        idle.sendall(GET)
        assert idle.recv(12) == b"HTTP/1.1 200"
        busy.sendall(GET[:-2])
        while len(web.decisions("accepted")) < 2:
            web.process.poll()
        web.process.terminate()
        read_all(idle)
        busy.sendall(b"\r\n")
        answer = read_all(busy)
        assert b"Connection: close" in answer
        idle.close()
        busy.close()
    web.process.communicate(timeout=PATIENCE_S)
    assert web.process.returncode == 0


def test_a_taken_port_is_said_in_words(start: Start) -> None:
    web = start()
    command = module("lan.services.http", "--listen", f"127.0.0.1:{web.port}")
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(f"can't listen on 127.0.0.1:{web.port}: Address already in use\n  try ")


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def test_workers_share_a_port_come_anew_and_end_together(tmp_path: Path) -> None:
    parent = Program(web_command("--workers", "2"), tmp_path / "decisions", is_told=False)
    try:
        words, pid = parent.words, parent.process.pid
        assert words.endswith("by 2 workers\n")
        for killed in sorted(children(pid)):
            os.kill(killed, signal.SIGKILL)
            parent.wait_ready()
            assert parent.words == words  # another is there, on the same port
            with connect(parent) as sock:
                sock.sendall(CLOSE)
                sock.shutdown(socket.SHUT_WR)
                assert read_all(sock).startswith(b"HTTP/1.1 200 OK\r\n")
        last = children(pid)
        assert parent.stop() == 0
    finally:
        parent.kill()
    assert len(last) == 2
    assert not any(Path(f"/proc/{child}").exists() for child in last)
