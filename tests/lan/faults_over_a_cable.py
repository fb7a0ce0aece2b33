"""A web server whose answers are broken on demand, and a client that sees it, at the two ends of one cable.

Run as a program inside a fresh network namespace (`test_http_faults.py` does, by unshare): the server
lives in a further one, and a packet socket at its end of the cable sees its segments in the order in
which they leave.  Prints one JSON object: fault → `{"received": [text, …], "end": "FIN", "RST" or
"open", "segments": [{"from", "flags", "length"}, …], …}`; one text for each exchange.
"""

import ctypes
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from http_over_a_cable import SERVER, connections, lay_cable, open_tap, read

from lan.wire.frame import decode

PATIENCE_S = 20.0
A_MOMENT_S = 0.3
"""Long enough to see that nothing comes; what would come, comes at once."""
CLONE_NEWNET = 0x40000000
MARK = b"all that was sent before this"
FOREVER = 600

PROGRAM = """
import sys
from lan.services.http import __main__
from lan.services.http.origin import server, settings
short = settings.Limits(idle_s=5.0, linger_s=10.0)
made = server.Server
__main__.Server = lambda log: made(log, short)
sys.exit(__main__.main(sys.argv[1:]))
"""

Told = dict[str, Any]


class Client:
    """One connection to the server, and what came of it."""

    def __init__(self) -> None:
        self.sock = socket.create_connection((SERVER, 80), PATIENCE_S)
        self.port = self.sock.getsockname()[1]
        self.received: list[str] = []
        self.end = "open"

    def ask(self, fault: str, *fields: str, target: str = "/ten") -> None:
        head = [f"GET {target} HTTP/1.1", "Host: web", *([f"Lan-Fault: {fault}"] if fault else []), *fields, "", ""]
        self.sock.sendall("\r\n".join(head).encode())
        self.received.append("")

    def take_until(self, text: str) -> None:
        """Until the answer to the last request ends so."""
        while not self.received[-1].endswith(text):
            if not self._take():
                return

    def take_all(self) -> None:
        """Until the server's FIN or RST."""
        while self._take():
            pass

    def take_bytes(self, count: int) -> None:
        while len(self.received[-1]) < count and self._take():
            pass

    def is_silent(self) -> bool:
        return not select.select([self.sock], [], [], A_MOMENT_S)[0]

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Whether it comes true in time."""
        until_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > until_s:
                return False
            select.select([], [], [], 0.01)
        return True

    @property
    def unacknowledged(self) -> int:
        """TCP_INFO's tcpi_unacked: how many segments await their ACK."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return int.from_bytes(info[24:28], sys.byteorder)

    @property
    def state(self) -> int:
        """TCP_INFO's tcpi_state: 1 ESTABLISHED, 7 CLOSE, 8 CLOSE_WAIT."""
        return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[0]

    def _take(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            self.end = "RST"
            return False
        if not data:
            self.end = "FIN"
        self.received[-1] += data.decode("latin-1")
        return bool(data)


# Each fault, and how a client sees it


def to_the_end(fault: str, *fields: str, target: str = "/ten") -> Callable[[Client], Told]:
    """Ask once and read until the server ends."""

    def play(client: Client) -> Told:
        client.ask(fault, *fields, target=target)
        client.take_all()
        return {}

    return play


def and_again(fault: str, last: str = "0123456789") -> Callable[[Client], Told]:
    """Ask, and read what comes; then ask for a whole answer on the same connection."""

    def play(client: Client) -> Told:
        client.ask(fault)
        client.take_until(last)
        client.ask("", "Connection: close")
        client.take_all()
        return {}

    return play


def silence(fault: str, count: int) -> Callable[[Client], Told]:
    """So many bytes come, and then nothing, though the connection stands."""

    def play(client: Client) -> Told:
        client.ask(fault)
        client.take_bytes(count)
        return {"silent": client.is_silent(), "state": client.state}

    return play


def closing_client(fault: str) -> Callable[[Client], Told]:
    """A client that says close, and closes when its answer is here."""

    def play(client: Client) -> Told:
        client.ask(fault, "Connection: close")
        client.take_until("0123456789")
        if fault.endswith("client"):
            client.sock.shutdown(socket.SHUT_WR)
        client.take_all()
        return {}

    return play


def sending_on(fault: str) -> Callable[[Client], Told]:
    """After the server's FIN the client sends on: is it acknowledged, or reset?"""

    def play(client: Client) -> Told:
        client.ask(fault)
        client.take_all()
        first = client.end
        client.sock.sendall(b"x" * 50)
        if fault.startswith("half-close"):
            return {"acknowledged": client.wait(lambda: client.unacknowledged == 0), "state": client.state}
        return {"first": first, "reset": client.wait(lambda: client.state == 7)}

    return play


def endless(client: Client) -> Told:
    client.ask("endless")
    client.take_bytes(4 << 20)
    told = {"count": len(client.received[0]), "has_end": "\r\n0\r\n" in client.received[0]}
    client.received = [client.received[0][:200]]
    return told


def nagled(fault: str) -> Callable[[Client], Told]:
    """The client's kernel delays its ACKs, so that Nagle's algorithm has something to wait for."""

    def play(client: Client) -> Told:
        client.ask("")
        client.take_until("0123456789")
        for _ in range(5):
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            client.ask(fault)
            client.take_until("0123456789")
        return {}

    return play


def by_query(client: Client) -> Told:
    return to_the_end("", target="/ten?fault=early-close%3A4")(client)


PLAYS: dict[str, Callable[[Client], Told]] = {
    "no fault": and_again(""),
    "content-length:none": to_the_end("content-length:none"),
    "content-length:unclosed": and_again("content-length:unclosed"),
    "content-length:short": and_again("content-length:short"),
    "content-length:long": and_again("content-length:long"),
    "early-close:4": sending_on("early-close:4"),
    "reset:4": to_the_end("reset:4"),
    "stall": silence(f"stall:{FOREVER}:4", 1),
    "stall:0.2:4": and_again("stall:0.2:4"),
    "half-close:4": sending_on("half-close:4"),
    "drip:1:2": and_again("drip:1:2"),
    "ignore-keep-alive:claims": to_the_end("ignore-keep-alive:claims"),
    "ignore-keep-alive:silent": to_the_end("ignore-keep-alive:silent"),
    "endless": endless,
    "lying-chunk:long": and_again("lying-chunk:long", "0\r\n\r\n"),
    "lying-chunk:short": and_again("lying-chunk:short", "0\r\n\r\n"),
    "lying-chunk:bad": and_again("lying-chunk:bad", "0\r\n\r\n"),
    "nagle:on": nagled("nagle:on,split-writes"),
    "nagle:off": nagled("nagle:off,split-writes"),
    "split-writes": and_again("split-writes"),
    "think": silence(f"think:{FOREVER}", 0),
    "think:0.2": and_again("think:0.2"),
    "closes-first:client": closing_client("closes-first:client"),
    "closes-first:server": closing_client("closes-first:server"),
    "by query": by_query,
    "by route": to_the_end("", target="/cut/ten"),
    "no such fault": and_again("rest:4", "after Connection: close\n"),
}


def main(folder: Path) -> None:
    (folder / "www" / "cut").mkdir(parents=True)
    for name in ("ten", "cut/ten"):
        (folder / "www" / name).write_text("0123456789")
    (folder / "http.json").write_text(json.dumps({"faults": {"/cut/*": "reset:4"}}))
    words = [
        "--root",
        str(folder / "www"),
        "--faults",
        "--closes-first",
        "server",
        "--config",
        str(folder / "http.json"),
    ]
    server = subprocess.Popen(
        ["unshare", "--net", "--", sys.executable, "-c", PROGRAM, *words], stderr=subprocess.PIPE, text=True
    )
    try:
        assert server.stderr is not None
        while "ready:" not in (line := server.stderr.readline()):
            assert line, "the server ended"
        lay_cable(server.pid)
        tap = within(server.pid, lambda: open_tap("web-eth0"))
        print(json.dumps({name: run(play, tap) for name, play in PLAYS.items()}))
    finally:
        server.terminate()
        server.wait()


def within(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    """A socket of the network namespace of another process."""
    libc = ctypes.CDLL(None, use_errno=True)
    ours, theirs = (os.open(f"/proc/{who}/ns/net", os.O_RDONLY | os.O_CLOEXEC) for who in ("self", pid))
    try:
        assert libc.setns(theirs, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            return make()
        finally:
            assert libc.setns(ours, CLONE_NEWNET) == 0
    finally:
        os.close(ours)
        os.close(theirs)


def run(play: Callable[[Client], Told], tap: socket.socket) -> Told:
    client = Client()
    told = play(client)
    client.sock.close()
    own = [frame for frame in read_to_here(tap) if client.port in ports(frame)]  # not the last words of the one before
    [connection] = connections(own)
    return {"received": client.received, "end": client.end, "segments": connection["segments"], **told}


def read_to_here(tap: socket.socket) -> list[bytes]:
    """The frames until now: a datagram goes the same way behind them, and they are here when it is."""
    frames = read(tap)  # and so there is room for it
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as behind:
        behind.sendto(MARK, (SERVER, 9))
    while not any(frame.endswith(MARK) for frame in frames):
        assert select.select([tap], [], [], PATIENCE_S)[0], "the mark does not come"
        frames += read(tap)
    return frames


def ports(frame: bytes) -> tuple[int, ...]:
    tcp = decode(frame).tcp
    return () if tcp is None else (tcp.src_port, tcp.dst_port)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
