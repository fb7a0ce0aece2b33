"""Proxies of ours and of the field, each before a recorder: an origin that notes each byte it receives.

For `differ_http.py`.  The recorder reads requests by a small strict reader of its own, which shares no code
with our server's, answers each with two bytes and `Connection: close`, listens a little longer for what
else the proxy sends, and closes.
"""

import os
import re
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.http_proxies import NGINX, SQUID

LISTENS_ON_S = 0.02
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Seen:
    """One request as the recorder reads it."""

    method: str
    target: str
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target} + {len(self.body)} bytes {self.body[:40]!r}"


class Unclear(Exception):  # noqa: N818
    """Bytes that no strict reader takes."""


@dataclass
class Stream:
    """All that came on one connection, and what it says."""

    data: bytes = b""
    seen: list[Seen] = field(default_factory=list)
    fault: str = ""
    at: int = 0
    """So many bytes belong to `seen`."""

    @property
    def begun(self) -> list[Seen]:
        """The request behind `seen` whose head is whole, and whose body is not."""
        head = self.data[self.at :].partition(b"\r\n\r\n")[0].split(b"\r\n")[0].split(b" ")
        is_whole = b"\r\n\r\n" in self.data[self.at :] and len(head) == 3
        return [Seen(head[0].decode("latin-1"), head[1].decode("latin-1"), b"")] if is_whole else []


def read_one(data: bytes) -> tuple[Seen, int] | None:
    """The first request and its length in bytes; None: it goes on.  Raises Unclear."""
    head, mark, _ = data.partition(b"\r\n\r\n")
    if not mark:
        return None
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not re.fullmatch(rb"HTTP/1\.[01]", words[2]) or not TOKEN.fullmatch(words[0]):
        raise Unclear(f"request line {first[:60]!r}")
    fields = [_field(line) for line in lines]
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) > 1 or (lengths and codings) or len([name for name, _ in fields if name == b"host"]) > 1:
        raise Unclear(f"two of Content-Length {lengths}, Transfer-Encoding {codings} or Host")
    start = len(head) + 4
    if codings:
        if codings[0].lower() != b"chunked" or len(codings) > 1:
            raise Unclear(f"Transfer-Encoding {codings}")
        found = _chunks(data, start)
    else:
        if lengths and not re.fullmatch(rb"[0-9]{1,15}", lengths[0]):
            raise Unclear(f"Content-Length {lengths}")
        end = start + (int(lengths[0]) if lengths else 0)
        found = (data[start:end], end) if len(data) >= end else None
    if found is None:
        return None
    return Seen(words[0].decode("latin-1"), words[1].decode("latin-1"), found[0]), found[1]


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not TOKEN.fullmatch(name) or re.search(rb"[\x00\r\n]", value):
        raise Unclear(f"field line {line[:60]!r}")
    return name.lower(), value.strip(b" \t")


def _chunks(data: bytes, at: int) -> tuple[bytes, int] | None:
    body = b""
    while True:
        end = data.find(b"\r\n", at)
        if end < 0:
            return None
        size = re.fullmatch(rb"([0-9A-Fa-f]{1,12})(?:[ \t]*;[^\r\n]*)?", data[at:end])
        if size is None:
            raise Unclear(f"chunk-size {data[at:end][:40]!r}")
        at, count = end + 2, int(size[1], 16)
        if count == 0:
            break
        if len(data) < at + count + 2:
            return None
        if data[at + count : at + count + 2] != b"\r\n":
            raise Unclear("no CRLF behind a chunk")
        body += data[at : at + count]
        at += count + 2
    while (end := data.find(b"\r\n", at)) >= 0:  # trailers
        if end == at:
            return body, at + 2
        _field(data[at:end])
        at = end + 2
    return None


class Recorder(threading.Thread):
    """The origins of all proxies, each on a port of its own; `take` gives what came since the last time."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(daemon=True)
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._streams: dict[int, list[Stream]] = {port: [] for port in ports}
        self.heard_s = 0.0
        for port in ports:
            listener = socket.create_server(("127.0.0.1", port), backlog=256)
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, port)
        self._closing: dict[socket.socket, float] = {}

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select(LISTENS_ON_S):
                assert isinstance(key.fileobj, socket.socket)
                self.heard_s = time.monotonic()
                if isinstance(key.data, int):
                    self._accept(key.fileobj, key.data)
                else:
                    self._receive(key.fileobj, key.data)
            for sock in [one for one, until_s in self._closing.items() if until_s <= time.monotonic()]:
                self._close(sock)

    def _accept(self, listener: socket.socket, port: int) -> None:
        sock, _ = listener.accept()
        sock.setblocking(False)
        stream = Stream()
        with self._lock:
            self._streams[port].append(stream)
        self._selector.register(sock, selectors.EVENT_READ, stream)

    def _receive(self, sock: socket.socket, stream: Stream) -> None:
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            return self._close(sock)
        with self._lock:
            stream.data += data
            try:
                while found := read_one(stream.data[stream.at :]):
                    stream.seen.append(found[0])
                    stream.at += found[1]
                    self._answer(sock, found[0])
            except Unclear as fault:
                stream.fault = str(fault)
                self._closing[sock] = time.monotonic() + LISTENS_ON_S
            if b"100-continue" in stream.data[stream.at :].lower():
                _send(sock, b"HTTP/1.1 100 Continue\r\n\r\n")
        return None

    def _answer(self, sock: socket.socket, seen: Seen) -> None:
        _send(sock, ANSWER % 2 + (b"" if seen.method == "HEAD" else b"ok"))
        self._closing[sock] = time.monotonic() + LISTENS_ON_S

    def _close(self, sock: socket.socket) -> None:
        self._closing.pop(sock, None)
        self._selector.unregister(sock)
        sock.close()

    def take(self) -> dict[int, list[Stream]]:
        """Port → what came since the last `take`, in the order of its connections."""
        with self._lock:
            taken = self._streams
            self._streams = {port: [] for port in taken}
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
