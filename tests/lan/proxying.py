"""Proxies, servers and clients of the proxy tests: programs of ours on loopback, and servers played by the test."""

import fcntl
import re
import socket
import struct
import sys
import termios
from collections.abc import Callable
from typing import Self

from ..program import Program, module

PATIENCE_S = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Start = Callable[..., Program]
"""Starts a program of ours with words and limits, and ends it with the test."""

# The limits are settings of `ProxyServer`, not of its command line: a test shortens them in the program it starts.
PROXY = """
import sys
from lan.services.http.proxy import __main__, settings
short = settings.Limits(**eval(sys.argv[1]))
made = __main__.ProxyServer
__main__.ProxyServer = lambda log: made(log, short)
sys.exit(__main__.main(sys.argv[2:]))
"""


def proxy_command(kind: str, *words: str, **limits: float) -> list[str]:
    """The command of a proxy on loopback, with these of its limits shortened."""
    return [sys.executable, "-c", PROXY, repr(limits), "--kind", kind, "--listen", "127.0.0.1:0", *words]


def web_command(*words: str) -> list[str]:
    """The command of our web server on loopback."""
    return module("lan.services.http", "--listen", "127.0.0.1:0", *words)


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

    def wait_acknowledged(self) -> None:
        """Wait until the peer's kernel has all that was sent, our FIN too (SIOCOUTQ is 0)."""
        while struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            pass

    def end(self) -> None:
        """Our FIN."""
        self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client(Stream):
    """A client's connection to a program of ours."""

    def __init__(self, program: Program, source: str = "127.0.0.1") -> None:
        super().__init__(socket.create_connection(("127.0.0.1", program.port), PATIENCE_S, (source, 0)))


def pass_both_ways(client: Stream, server: Stream) -> None:
    """A tunnel carries bytes of each side to the other."""
    client.send(b"ping")
    assert server.take(4) == b"ping"
    server.send(b"pong")
    assert client.take(4) == b"pong"


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
