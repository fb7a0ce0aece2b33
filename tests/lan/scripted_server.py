"""A tiny server that does to its clients what a test writes down: one script a connection, each on a thread.

    with Scripted(lambda peer: peer.answer("one", "two"), lambda peer: peer.reset()) as server: …

It keeps the requests that it read (`requests`), by connection, in the order of the connections.
"""

import fcntl
import re
import socket
import struct
import termios
import threading
from collections.abc import Callable
from types import TracebackType

PATIENCE_S = 30.0
OK = "HTTP/1.1 200 OK\r\n"


class Peer:
    """The server's end of one connection, as a script sees it."""

    def __init__(self, sock: socket.socket, read: list[bytes]) -> None:
        self.sock, self.read = sock, read
        self._buffer = b""
        self.most_waiting = 0
        """The most whole requests that were here at once."""

    def request(self) -> bytes:
        """The next request with its content; ``b""`` where the client ends instead."""
        while not (found := re.match(rb"(?s).*?\r\n\r\n", self._buffer)):
            piece = self.sock.recv(65536)
            if not piece:
                return b""
            self._buffer += piece
        self.most_waiting = max(self.most_waiting, self._buffer.count(b"\r\n\r\n"))
        head, self._buffer = found[0], self._buffer[found.end() :]
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if length and b"100-continue" not in head:
            head += self.content(int(length[1]))
        self.read.append(head)
        return head

    def content(self, count: int) -> bytes:
        """So many bytes of content."""
        while len(self._buffer) < count:
            piece = self.sock.recv(65536)
            assert piece, "the client ended within its content"
            self._buffer += piece
        content, self._buffer = self._buffer[:count], self._buffer[count:]
        return content

    def answer(self, *bodies: str, more: str = "", start: str = OK) -> None:
        """Read a request for each of these bodies and answer it."""
        for body in bodies:
            assert self.request(), "no request came"
            self.send(f"{start}{more}Content-Length: {len(body)}\r\n\r\n{body}")

    def serve(self, body: str = "fine", more: str = "") -> None:
        """Answer for as long as the client asks."""
        while self.request():
            self.send(f"{OK}{more}Content-Length: {len(body)}\r\n\r\n{body}")

    def send(self, text: str) -> None:
        self.sock.sendall(text.encode())

    def await_end(self) -> bytes:
        """What still comes until the client's FIN."""
        data, self._buffer = self._buffer, b""
        while piece := self.sock.recv(65536):
            data += piece
        return data

    def await_acknowledged(self) -> None:
        """Wait until the client's kernel has all that was sent (SIOCOUTQ is 0)."""
        while struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            pass

    def await_reset(self) -> None:
        """Wait for the client's RST, or its FIN."""
        try:
            self.await_end()
        except ConnectionResetError:
            pass

    def reset(self) -> None:
        """RST, whatever is under way."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Peer], object]


class Scripted:
    """Listens on loopback; the first connection meets the first script, and so on; the last one stays for the rest."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.requests: list[list[bytes]] = []
        self.peers: list[Peer] = []
        self.faults: list[BaseException] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Scripted":
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in (self._accepting, *self._threads):
            thread.join(PATIENCE_S)
        if kind is None and self.faults:
            raise self.faults[0]

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def urls(self, count: int) -> list[str]:
        """So many of its URLs: ``/1``, ``/2``, …"""
        return [self.url(f"/{n}") for n in range(1, count + 1)]

    def paths(self) -> list[list[str]]:
        """The targets that each connection was asked for."""
        return [[request.split()[1].decode() for request in read] for read in self.requests]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE_S)
            read: list[bytes] = []
            self.requests.append(read)
            peer = Peer(sock, read)
            self.peers.append(peer)
            script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
            thread = threading.Thread(target=self._play, args=(script, peer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Script, peer: Peer) -> None:
        try:
            with peer.sock:
                script(peer)
        except (AssertionError, OSError) as fault:
            self.faults.append(fault)
