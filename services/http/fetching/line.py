"""One connection of the client, which never waits: TCP, TLS on it or not, and the order of its close.

`loop.py` says when; `transport.py` has the bytes under TLS.
"""

import contextlib
import errno
import os
import socket
import ssl
import struct
from collections import deque
from dataclasses import dataclass
from typing import Any

from lan.errors import LanError, RunError
from lan.services.http.fetching.client import Connection as Record
from lan.services.http.fetching.client import Exchange
from lan.services.http.fetching.proxies import Route
from lan.services.http.protocol.connection import Client
from lan.services.http.protocol.persistence import Side
from lan.services.http.protocol.transport import Plain, Tls, peer_has_ended
from lan.services.http.strategies.orders import Stage

RECEIVE_BYTES = 64 * 1024
PIECE_BYTES = 256 * 1024
"""So much of a request's content is handed on at a time."""

_REMEDIES = {
    errno.ECONNREFUSED: "is the server running, and on this port?",
    errno.EHOSTUNREACH: "is the other machine up, and its cable plugged?",
    errno.ENETUNREACH: "has this machine an address and a route?",
}


@dataclass(frozen=True, slots=True)
class SocketOptions:
    """tcp(7) and socket(7); None leaves a setting to the kernel.  `linger_s` 0 closes by RST."""

    nodelay: bool = True
    quickack: bool | None = None
    sndbuf_bytes: int | None = None
    rcvbuf_bytes: int | None = None
    linger_s: int | None = None


class TlsClient(Tls):
    """TLS over TCP, the client's side: the certificate must stand for `host`."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        Plain.__init__(self)
        self.is_ready = self._end_queued = False
        self._in_bio, self._out_bio = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in_bio, self._out_bio, server_hostname=host)

    def agreed(self) -> dict[str, object]:
        """Version, cipher, and the names of the certificate."""
        certificate: dict[str, Any] = self.tls.getpeercert() or {}
        names = [name for _, name in certificate.get("subjectAltName", ())]
        return {"version": self.tls.version(), "cipher": (self.tls.cipher() or ("",))[0], "names": names}


class Line:
    """A connection from its addresses to its last FIN."""

    def __init__(self, route: Route, record: Record, options: SocketOptions) -> None:
        self.route, self.record, self.options = route, record, options
        self.stage = Stage.DNS
        self.is_tunnelling = self.is_ready = self.is_closing = False
        self.awaits_fin_first = False
        """Closing, it leaves the first FIN to the server."""
        self.engine = Client()
        self.transport: Plain = Plain()
        self.under_way: deque[Exchange] = deque()
        self.unsent: deque[Exchange] = deque()
        """Exchanges whose last byte has not left."""
        self.held: tuple[Exchange, bytes] | None = None
        """Content that waits for 100 (Continue)."""
        self.until_s: float | None = None
        """When waiting for 100 (Continue), or for the server's FIN, ends."""
        self.sock: socket.socket | None = None
        self.addresses: deque[str] = deque()
        self.has_more = False
        """Bytes wait for the socket to take them."""
        self._pieces: deque[memoryview] = deque()
        self.fault: LanError | None = None
        self._fin_sent = False

    @property
    def number(self) -> int:
        return self.record.number

    @property
    def is_dialing(self) -> bool:
        """Its TCP handshake is under way."""
        return self.stage is Stage.CONNECT and not self.is_tunnelling

    def dial(self) -> None:
        """Begin to connect to the next address.  Raises RunError when none is left."""
        while self.addresses:
            address = self.addresses.popleft()
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self.sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            self.record.peer = machine(address, self.route.port)
            self._set_options(self.sock)
            try:
                code = self.sock.connect_ex((address, self.route.port))
            except OSError as error:  # a zone that this machine has not
                self._note(error, "connecting")
            else:
                if code in (0, errno.EINPROGRESS):
                    return
                self._note(OSError(code, os.strerror(code)), "connecting")
            self.drop()
        raise self.fault or RunError("connecting: no address", where=str(self.route))

    def dialed(self) -> bool:
        """Whether the connection stands; False: this address does not take it.  Raises OSError."""
        assert self.sock is not None
        code = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code and code != errno.ECONNRESET:  # a reset of what stood already: who sends or reads next will see it
            self._note(OSError(code, os.strerror(code)), "connecting")
            self.drop()
            return False
        self.fault = None  # of the addresses before it
        self.record.local = machine(*self.sock.getsockname()[:2])
        self._acknowledge()
        return True

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Begin the TLS handshake."""
        self.transport = TlsClient(context, host)
        self.transport.take(b"")
        self.has_more = True

    def queue(self, data: bytes) -> None:
        """Let these bytes leave with the next flush."""
        view = memoryview(data)
        self._pieces.extend(view[at : at + PIECE_BYTES] for at in range(0, len(view), PIECE_BYTES))
        self.has_more = True

    def flush(self) -> bool:
        """Send what the socket takes; True when all has left.  A broken pipe shows when reading."""
        if self.sock is None or self.fault is not None:
            return False
        try:
            while (has_left := self.transport.flush(self.sock)) and self._pieces:
                self.transport.queue(bytes(self._pieces.popleft()))
            self.has_more = not has_left
        except OSError as error:
            self._note(error, "sending the request")
            self.has_more = False
            return False
        return not self.has_more

    def receive(self) -> bytes | None:
        """What has come from the socket; ``b""``: a FIN; None: nothing yet.  Raises RunError."""
        assert self.sock is not None
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._note(error, "waiting for the response") from None
        if data:
            self._acknowledge()
        elif self.options.quickack is not False:  # the ACK that is owed leaves now, not with what we send
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data

    def finish(self) -> None:
        """Send our FIN, as soon as all before it has left."""
        assert self.sock is not None
        if self._fin_sent or self.has_more:
            return
        self.record.closed_first = Side.SERVER if peer_has_ended(self.sock) else Side.CLIENT
        if self.record.closed_first is Side.SERVER and self.options.quickack is not False:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # before our FIN carries it
        self._fin_sent = True
        self.sock.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        """Give the socket back at once."""
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    def reset(self) -> None:
        """Give it back with RST: who waits at the other end shall know."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()

    def _set_options(self, sock: socket.socket) -> None:
        options = self.options
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, options.nodelay)
        if options.sndbuf_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.sndbuf_bytes)
        if options.rcvbuf_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.rcvbuf_bytes)
        if options.linger_s is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, options.linger_s))
        self._acknowledge()

    def _acknowledge(self) -> None:
        """TCP_QUICKACK holds for a while only, so it is set again at each turn."""
        if self.options.quickack is not None and self.sock is not None:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, self.options.quickack)

    def _note(self, error: OSError, doing: str) -> RunError:
        what = f"{doing}: {(error.strerror or str(error)).lower()}"
        fault = RunError(what, where=self.record.peer, todo=_REMEDIES.get(error.errno or 0))
        self.fault = fault
        return fault


def machine(address: str, port: int) -> str:
    """``192.168.100.253:80``, ``[::1]:80``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
