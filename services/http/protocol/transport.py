"""The bytes of one accepted socket, plain or under TLS, without ever waiting.

Both kinds look alike to `session.py`: take in what the socket gives, queue what is to leave, flush.
TLS works on memory (ssl.MemoryBIO), so that a FIN is seen as a FIN and never guessed from TLS.
"""

import socket
import ssl
import struct
from typing import Protocol

RECEIVE_BYTES = 64 * 1024
_BYTES_ACKED_AT = 120  # tcpi_bytes_acked, linux/tcp.h
_CLOSE_WAIT = 8  # include/net/tcp_states.h; the first byte of TCP_INFO


def acknowledged_bytes(sock: socket.socket) -> int:
    """How much of what was sent the peer has acknowledged, its SYN too.  tcp(7), TCP_INFO.

    Epoll tells of room in a socket once a third of its buffer is free again, which over a slow cable takes long.
    """
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED_AT + 8)
    return int(struct.unpack_from("=Q", info, _BYTES_ACKED_AT)[0])


def peer_has_ended(sock: socket.socket) -> bool:
    """Whether the peer's FIN is here and ours has not left, whatever has been read.  tcp(7), TCP_INFO."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT


class Transport(Protocol):
    """A byte stream under a session."""

    has_ended: bool
    """The peer said that it sends no more; under TLS that is its close_notify."""

    is_ready: bool
    """Application bytes may pass: for TLS, the handshake is done."""

    asked_for: str | None
    """The name by which the peer asked for us in its handshake (SNI); None where it said none."""

    def take(self, data: bytes) -> bytes:
        """What these bytes from the socket say; raises ssl.SSLError."""

    def queue(self, data: bytes) -> None:
        """Let these bytes leave with the next flush."""

    def queue_end(self) -> None:
        """Say that we send no more (TLS close_notify; nothing for plain TCP)."""

    def flush(self, sock: socket.socket) -> bool:
        """Send what is queued as far as the socket takes it; True when all has left."""


class Plain:
    """TCP alone."""

    asked_for: str | None = None

    def __init__(self) -> None:
        self.has_ended, self.is_ready = False, True
        self._out = b""

    def take(self, data: bytes) -> bytes:
        return data

    def queue(self, data: bytes) -> None:
        self._out += data

    def queue_end(self) -> None:
        pass

    def flush(self, sock: socket.socket) -> bool:
        while self._out:
            try:
                sent = sock.send(self._out)
            except BlockingIOError:
                return False
            self._out = self._out[sent:]
        return True


class Tls(Plain):
    """TLS over TCP, the server's side of it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self.is_ready = False
        self._in_bio, self._out_bio = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in_bio, self._out_bio, server_side=True)
        self._end_queued = False

    def take(self, data: bytes) -> bytes:
        self._in_bio.write(data)
        try:
            if not self.is_ready:
                self.tls.do_handshake()
                self.is_ready, self.asked_for = True, getattr(self.tls, "asked_for", None)
            return self._read()
        except ssl.SSLWantReadError:
            return b""
        finally:
            self._out += self._out_bio.read()

    def _read(self) -> bytes:
        plain = b""
        try:
            while piece := self.tls.read(RECEIVE_BYTES):
                plain += piece
                if not self._in_bio.pending and not self.tls.pending():
                    return plain  # asking for more would cost an exception
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        return plain

    def queue(self, data: bytes) -> None:
        self.tls.write(data)
        self._out += self._out_bio.read()

    def queue_end(self) -> None:
        if self._end_queued or not self.is_ready:
            return
        self._end_queued = True
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass  # it waits for the peer's close_notify, which nobody needs: ours is written
        self._out += self._out_bio.read()
