"""Proxies, servers and clients of the proxy tests: programs of ours on loopback, and servers played by the test."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

# The limits are settings of `ProxyServer`, not of its command line: a test shortens them in the program it starts.
PROXY = """
import sys
from lan.services.http.proxy import __main__, settings
short = settings.Limits(**eval(sys.argv[1]))
made = __main__.ProxyServer
__main__.ProxyServer = lambda log: made(log, short)
sys.exit(__main__.main(sys.argv[2:]))
"""
WEB = "import sys\nfrom lan.services.http import __main__\nsys.exit(__main__.main(sys.argv[2:]))"


class Program:
    """One of our servers, its port, and its decisions."""

    def __init__(self, source: str, log: Path, limits: dict[str, float], *words: str, is_told: bool = True) -> None:
        self.log = log
        self.ready, theirs = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-c", source, repr(limits), *words],
            env={
                **os.environ,
                "PYTHONPATH": str(HOUSE),
                **({"LAN_DECISIONS": str(self.log)} if is_told else {}),
                "LAN_READY_FD": str(theirs),
            },
            pass_fds=[theirs],
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(theirs)
        self.port = self.wait_ready()

    def wait_ready(self) -> int:
        """The port, when it says that it is ready (again)."""
        said = os.read(self.ready, 4096).decode()
        found = re.match(r"ready \w+ \S+:(\d+)", said)
        assert found is not None, said or self.process.communicate(timeout=PATIENCE_S)
        return int(found[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, source: str = "127.0.0.1") -> "Client":
        return Client(self.port, source)

    def decisions(self, *what: str) -> list[dict[str, Any]]:
        written = self.log.read_text().rpartition("\n")[0]  # the last line may be under way
        records = [json.loads(line) for line in written.splitlines()]
        return [record for record in records if record["what"] in what]

    def wait_decisions(self, what: str, count: int = 1, text: str = "") -> None:
        """Until so many decisions are logged whose reason holds this text."""
        wait_until(lambda: sum(text in one["reason"]["text"] for one in self.decisions(what)) >= count)

    def peak_kib(self) -> int:
        """The most memory that it ever held."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1])

    def stop(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()
        os.close(self.ready)


Start = Callable[..., Program]
"""Starts a program of ours with words and limits, and ends it with the test."""


class Stream:
    """A connection read by hand."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.buffer = sock, b""
        sock.settimeout(PATIENCE_S)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self) -> str:
        """The next head, with its empty line; ``""`` where the stream ends instead."""
        return self.until(b"\r\n\r\n").decode("latin-1")

    def until(self, mark: bytes) -> bytes:
        """Bytes up to and with this mark; ``b""`` where the stream ends instead."""
        while mark not in self.buffer:
            piece = self.sock.recv(65536)
            if not piece:
                assert not self.buffer, self.buffer
                return b""
            self.buffer += piece
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def take(self, count: int) -> bytes:
        """So many bytes."""
        while len(self.buffer) < count:
            piece = self.sock.recv(65536)
            assert piece, f"the stream ended after {self.buffer!r}"
            self.buffer += piece
        found, self.buffer = self.buffer[:count], self.buffer[count:]
        return found

    def rest(self) -> bytes:
        """All bytes until the peer's FIN."""
        while piece := self.sock.recv(65536):
            self.buffer += piece
        found, self.buffer = self.buffer, b""
        return found

    def response(self) -> tuple[int, str, bytes]:
        """The next response with Content-Length: status, head, content."""
        head = self.head()
        assert head, "closed without a response"
        length = re.search(r"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
        assert length is not None, head
        return int(head.split()[1]), head, self.take(int(length[1]))

    def end(self) -> None:
        """Our FIN."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client(Stream):
    """A client's connection."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        super().__init__(socket.create_connection(("127.0.0.1", port), PATIENCE_S, (source, 0)))


class Played:
    """A server that the test plays itself, connection by connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE_S)
        self.port = int(self.listener.getsockname()[1])
        self.accepted: list[Stream] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def accept(self) -> Stream:
        """The next connection."""
        self.accepted.append(Stream(self.listener.accept()[0]))
        return self.accepted[-1]

    def has_visitor(self) -> bool:
        """Whether a connection waits to be accepted."""
        self.listener.setblocking(False)
        try:
            self.accept()
        except BlockingIOError:
            return False
        finally:
            self.listener.settimeout(PATIENCE_S)
        return True

    def close(self) -> None:
        self.listener.close()
        for stream in self.accepted:
            stream.close()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look until it is so; fails after a long while."""
    until_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.01)


def has_field(head: str, name: str) -> bool:
    """Whether a field of this name stands in a head."""
    return re.search(rf"\r\n{re.escape(name)}:", head, re.IGNORECASE) is not None


def field(head: str, name: str) -> str:
    """A field's value; ``""`` where it does not stand."""
    found = re.search(rf"\r\n{re.escape(name)}:[ \t]*([^\r]*)\r\n", head, re.IGNORECASE)
    return found[1] if found else ""


def get(url: str, *fields: str, version: str = "1.1", path: str = "/") -> bytes:
    """A GET of a server's path, in absolute form, with these fields."""
    host = url.removeprefix("http://")
    return "\r\n".join([f"GET {url}{path} HTTP/{version}", f"Host: {host}", *fields, "", ""]).encode()
