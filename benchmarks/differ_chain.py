"""Proxies of ours and of the field, each before a recorder: an origin that notes each byte it receives.

For `differ_http.py`.  The recorder reads requests by `differ_reader.py` and answers each with its serial number, its
method and its target.  It keeps its connections, so that proxies use them again; but each fourth answer says
`Connection: close`, and where something is unclear or unfinished it listens a little longer, and closes.  An answer
may be kept by a cache where the target says `kept`.
"""

import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.differ_judge import Stream
from benchmarks.differ_reader import Reading, Seen, Unclear, read_one
from benchmarks.http_proxies import NGINX, SQUID

LISTENS_ON_S = 0.02
CLOSES_AFTER = 4
ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nCache-Control: {}\r\nRecorded: {}\r\n"


@dataclass
class Connection:
    """A proxy's connection to one of the recorder's ports."""

    port: int
    stream: Stream | None = None
    taken: int = -1
    """After which `take` the stream began."""
    is_unfinished: bool = False


class Recorder(threading.Thread):
    """The origins of all proxies, each on a port of its own; `take` gives what came since the last time.

    Ports of `closing` keep no connection: who knows no framing waits for the close.
    """

    def __init__(self, ports: list[int], closing: set[int]) -> None:
        super().__init__(daemon=True)
        self._keeps_none = closing
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._streams: dict[int, list[Stream]] = {port: [] for port in ports}
        self.heard_s = 0.0
        self._serial = self._taken = 0
        for port in ports:
            listener = socket.create_server(("127.0.0.1", port), backlog=256)
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, port)
        self._closing: dict[socket.socket, float] = {}
        self._woken, self._wake = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._round = threading.Event()

    def run(self) -> None:
        while True:
            ready = self._selector.select(LISTENS_ON_S)
            for key, _ in ready:
                assert isinstance(key.fileobj, socket.socket)
                if key.data is None:
                    self._woken.recv(1)
                    continue
                self.heard_s = time.monotonic()
                if isinstance(key.data, int):
                    self._accept(key.fileobj, key.data)
                else:
                    self._receive(key.fileobj, key.data)
            for sock in [one for one, until_s in self._closing.items() if until_s <= time.monotonic()]:
                self._close(sock)
            if any(key.data is None for key, _ in ready):
                self._round.set()

    def settle(self) -> None:
        """Wait until it has read what is here by now, however late it is run: a connection, then its bytes."""
        for _ in range(3):
            self._round.clear()
            self._wake.send(b"!")
            self._round.wait()

    def _accept(self, listener: socket.socket, port: int) -> None:
        sock, _ = listener.accept()
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_READ, Connection(port))

    def _stream(self, connection: "Connection") -> Stream:
        """What came on this connection since the last `take`; a new one where nothing has."""
        if connection.taken != self._taken or connection.stream is None:
            connection.stream, connection.taken = Stream(), self._taken
            self._streams[connection.port].append(connection.stream)
        return connection.stream

    def _receive(self, sock: socket.socket, connection: "Connection") -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            return self._close(sock)
        with self._lock:
            if connection.is_unfinished and connection.taken != self._taken:
                return self._close(sock)  # the rest of an older case
            stream = self._stream(connection)
            stream.data += data
            try:
                while found := read_one(stream.data[stream.reading.at :]):
                    stream.reading = Reading((*stream.reading.seen, found[0]), stream.reading.at + found[1])
                    stream.behind = stream.behind or stream.data[stream.reading.at :]
                    self._answer(sock, stream, found[0], closes=connection.port in self._keeps_none)
            except Unclear as fault:
                stream.reading = Reading(stream.reading.seen, stream.reading.at, str(fault))
                self._closing[sock] = time.monotonic() + LISTENS_ON_S
            connection.is_unfinished = stream.reading.at < len(stream.data)
            if b"100-continue" in stream.data[stream.reading.at :].lower():
                _send(sock, b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    def _answer(self, sock: socket.socket, stream: Stream, seen: Seen, *, closes: bool) -> None:
        self._serial += 1
        stream.serials.append(self._serial)
        body = f"{self._serial} {seen.method} {seen.target}"
        control = "max-age=600" if "kept" in seen.target else "no-store"
        head = ANSWER.format(len(body), control, self._serial)
        if closes or self._serial % CLOSES_AFTER == 0 or not seen.keeps:
            head += "Connection: close\r\n"
            self._closing[sock] = time.monotonic() + LISTENS_ON_S
        _send(sock, (head + "\r\n" + ("" if seen.method == "HEAD" else body)).encode("latin-1"))

    def _close(self, sock: socket.socket) -> None:
        self._closing.pop(sock, None)
        self._selector.unregister(sock)
        sock.close()

    def take(self) -> dict[int, list[Stream]]:
        """Port → what came since the last `take`, in the order of its connections."""
        with self._lock:
            taken = self._streams
            self._streams = {port: [] for port in taken}
            self._taken += 1
        return taken


def _send(sock: socket.socket, data: bytes) -> None:
    try:
        sock.send(data)
    except OSError:
        pass


# The proxies: each a reverse proxy on `port` before the recorder on `origin`.

NODE = """
const http = require("http"), [port, origin] = process.argv.slice(1)
http.createServer({keepAlive: true}, (request, response) => {
    const {method, url: path, headers} = request
    const on = http.request({port: origin, host: "127.0.0.1", method, path, headers}, answer => {
        response.writeHead(answer.statusCode, answer.headers)
        answer.pipe(response)
    })
    on.on("error", () => response.destroy())
    request.on("error", () => on.destroy())
    request.pipe(on)
}).listen(+port, "127.0.0.1")
"""
APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog /dev/null
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
{user}
AllowEncodedSlashes NoDecode
ProxyPass / http://127.0.0.1:{origin}/ nocanon
"""


def commands(folder: Path, port: int, origin: int) -> Iterator[tuple[str, str, list[str]]]:
    """(name, program, command line) of each proxy; the port and the origin's rise by one each time."""
    for name in ("smart", "cache", "dumb"):
        words = [sys.executable, "-m", "lan.cli", "serve", "proxy", "--kind", name, "--allow-loopback"]
        words += ["--listen", f"127.0.0.1:{port}", "--upstream", f"http://127.0.0.1:{origin}"]
        yield name, sys.executable, words
        port, origin = port + 1, origin + 1
    root = os.getuid() == 0
    http = f"upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; }}"
    server = 'location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }'
    text = NGINX.format(folder=folder, port=port, user="user root;" if root else "", http=http, server=server)
    (folder / "nginx.conf").write_text(text)
    yield "nginx", "nginx", ["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    port, origin = port + 1, origin + 1
    user = "User www-data\nGroup www-data" if root else ""
    (folder / "apache.conf").write_text(APACHE.format(folder=folder, port=port, origin=origin, user=user))
    yield "apache", "apache2", ["apache2", "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
    port, origin = port + 1, origin + 1
    text = SQUID.format(folder=folder, port=port, origin=origin, cache="cache deny all")
    (folder / "squid.conf").write_text(text)
    yield "squid", "squid", ["squid", "-N", "-f", str(folder / "squid.conf")]
    port, origin = port + 1, origin + 1
    yield "node", "node", ["node", "-e", NODE, str(port), str(origin)]
