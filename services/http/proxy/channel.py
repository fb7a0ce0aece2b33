"""One TCP connection in the loop: bytes in to its owner, bytes out from a buffer of bounded size.

Back-pressure is the owner's: it pauses the reading of one channel while the other holds more than
`FULL_BYTES`, and goes on when `has_room` is called.
"""

import contextlib
import socket
import ssl
import struct
from typing import Protocol

from lan.services.http.proxy.loop import HANGUP, IN, OUT, RECEIVE_BYTES, Loop

FULL_BYTES = 256 * 1024
"""Unsent bytes above which nothing more should be written."""


class Owner(Protocol):
    """Who acts on what a channel brings."""

    def received(self, channel: "Channel", data: bytes) -> None:
        """Bytes came; ``b""`` is the peer's FIN."""

    def has_room(self, channel: "Channel") -> None:
        """The buffer is empty, which was full before; or all has left with our FIN."""

    def broke(self, channel: "Channel", error: OSError) -> None:
        """The connection is gone; the channel is closed already."""


class Channel:
    """A connected, non-blocking socket under a loop."""

    def __init__(self, sock: socket.socket, loop: Loop, owner: Owner) -> None:
        self.sock, self.loop, self.owner = sock, loop, owner
        self.pending_bytes = self.received_bytes = self.sent_bytes = 0
        self.is_open = True
        self.has_ended = False  # the peer's FIN was read
        self.fin_sent = False
        self._out: list[bytes | memoryview] = []
        self._fin_wanted = self._fin_told = self._was_full = self._is_dirty = self._closes_when_sent = False
        self._reading, self._listens_for_hangup = True, False
        self._mask = IN
        loop.watch(sock, self, IN)

    @property
    def is_full(self) -> bool:
        """Whether to write no more for now."""
        return self.pending_bytes > FULL_BYTES

    # ---- out

    def write(self, data: bytes) -> None:
        """Let these bytes leave when the handler returns."""
        if data and self.is_open:
            self._queue(data)

    def send(self, data: bytes) -> None:
        """As `write`, but at once, as far as the socket takes it: for whoever has all that is to leave in hand."""
        if self._out or not self.is_open:
            return self.write(data)
        try:
            sent = self.sock.send(data)
        except OSError:  # no room; or what the flush that follows will tell
            sent = 0
        self.sent_bytes += sent
        if sent < len(data):
            self._queue(memoryview(data)[sent:])
        return None

    def _queue(self, data: bytes | memoryview) -> None:
        self._out.append(data)
        self.pending_bytes += len(data)
        self._was_full = self._was_full or self.pending_bytes > FULL_BYTES
        self._mark()

    def end(self) -> None:
        """Send our FIN when all has left."""
        if self.is_open and not self._fin_wanted:
            self._fin_wanted = True
            self._mark()

    def close_when_sent(self) -> None:
        """Send what is written and our FIN, then close if the peer has ended; if not, the owner hears when it does."""
        self._closes_when_sent = True
        self.end()
        self.flush()

    def _mark(self) -> None:
        if not self._is_dirty:
            self._is_dirty = True
            self.loop.dirty.append(self)

    def flush(self) -> None:
        """Send as far as the socket takes it."""
        self._is_dirty = False
        if not self.is_open:
            return
        try:
            self._send()
        except OSError as error:
            self._break(error)
            return
        if self.pending_bytes or not self.is_open:
            return
        if self.fin_sent and self._closes_when_sent and self.has_ended:
            self.close()
        elif self._was_full or (self.fin_sent and not self._fin_told):
            self._was_full, self._fin_told = False, self.fin_sent
            self.owner.has_room(self)

    def _send(self) -> None:
        while self._out:
            data = b"".join(self._out) if len(self._out) > 1 else self._out[0]
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                self._out = [data]
                break
            self.pending_bytes -= sent
            self.sent_bytes += sent
            self._out = [memoryview(data)[sent:]] if sent < len(data) else []
        if self._fin_wanted and not self._out and not self.fin_sent:
            self.fin_sent = True
            self.sock.shutdown(socket.SHUT_WR)
        self._set_mask()

    # ---- in

    def has_news(self) -> bool:
        """Whether bytes of the peer, or its end, are here of which the owner has not been told yet."""
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def pause(self) -> None:
        """Read no more for now."""
        if self._reading:
            self._reading = False
            self._set_mask()

    def resume(self) -> None:
        """Read again."""
        if not self._reading and self.is_open:
            self._reading = True
            self._set_mask()

    def listen_for_hangup(self) -> None:
        """While paused, tell the owner by ``b""`` when the peer's FIN comes, whatever lies unread before it."""
        self._listens_for_hangup = True
        self._set_mask()

    def _set_mask(self) -> None:
        mask = IN if self._reading and not self.has_ended else 0
        if self._out:
            mask |= OUT
        if self._listens_for_hangup:
            mask |= HANGUP
        if mask != self._mask and self.is_open:
            self._mask = mask
            self.loop.change(self.sock, mask)

    def ready(self, mask: int) -> None:
        if mask & OUT:
            self.flush()
        if mask & IN and self._reading and self.is_open:
            self._receive()
        elif mask & HANGUP and self._listens_for_hangup and self.is_open:
            self._listens_for_hangup = False
            self._set_mask()
            self.owner.received(self, b"")
        elif mask & ~(IN | OUT | HANGUP) and self.is_open:  # reset, or both sides ended, while we don't read
            number = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._break(OSError(number, "reset by the peer" if number else "closed by the peer"))

    def _receive(self) -> None:
        room = self.loop.room
        try:
            count = self.sock.recv_into(room)
        except BlockingIOError:
            return
        except OSError as error:
            self._break(error)
            return
        self.received_bytes += count
        self._take(room[:count].tobytes())

    def _take(self, data: bytes) -> None:
        if not data:
            self.has_ended = True
            self._set_mask()
        self.owner.received(self, data)

    # ---- the end

    def close(self) -> None:
        """Close at once; what is unsent is lost, and unread bytes make the kernel reset the connection."""
        if self.is_open:
            self.is_open = False
            self._out, self.pending_bytes = [], 0
            self.loop.forget(self.sock)

    def reset(self) -> None:
        """Close so that the peer can't take what it got for the whole: by RST."""
        if self.is_open:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()

    def fail(self, fault: Exception) -> None:
        self._break(OSError(0, f"a fault of the proxy: {fault!r}"))

    def _break(self, error: OSError) -> None:
        if self.is_open:
            self.close()
            self.owner.broke(self, error)


class TlsChannel(Channel):
    """TLS over TCP: the client's side, where `host` says whose certificate is expected, else the server's.

    The handshake passes before the first byte does.
    """

    def __init__(
        self, sock: socket.socket, loop: Loop, owner: Owner, context: ssl.SSLContext, host: str | None = None
    ) -> None:
        self._in_bio, self._out_bio = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in_bio, self._out_bio, server_side=host is None, server_hostname=host)
        self._is_ready = False
        self._held: list[bytes] = []  # until the handshake is done
        self._held_bytes = 0
        super().__init__(sock, loop, owner)
        self._advance()

    @property
    def is_full(self) -> bool:
        return self.pending_bytes + self._held_bytes > FULL_BYTES

    def write(self, data: bytes) -> None:
        if not data or not self.is_open:
            return
        if self._is_ready:
            self._tls.write(data)
            self._drain()
        else:
            self._held.append(data)
            self._held_bytes += len(data)

    def send(self, data: bytes) -> None:
        self.write(data)

    def end(self) -> None:
        if self.is_open and self._is_ready:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            self._drain()
        super().end()

    def _drain(self) -> None:
        if data := self._out_bio.read():
            self._queue(data)

    def _take(self, data: bytes) -> None:
        if not data:
            self.has_ended = True
            self._set_mask()
            if not self._is_ready:
                self._break(OSError(0, "closed within the TLS handshake"))
                return
            # a FIN without close_notify: whoever counts on the close to end its content was cut short
            self._break(OSError(0, "closed without close_notify (RFC 8446 §6.1)"))
            return
        self._in_bio.write(data)
        self._advance()

    def _advance(self) -> None:
        plain, ended = bytearray(), False
        try:
            if not self._is_ready:
                self._tls.do_handshake()
                self._is_ready = True
                for held in self._held:
                    self._tls.write(held)
                self._held, self._held_bytes = [], 0
            while piece := self._tls.read(RECEIVE_BYTES):
                plain += piece
            ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLError as error:
            if self._fin_wanted:
                return  # we have ended; what the peer says in ignorance of it is nothing to us
            self._drain()
            self.flush()
            self._break(OSError(0, f"TLS: {error.reason or error}"))
            return
        self._drain()
        if plain:
            self.owner.received(self, bytes(plain))
        if ended and self.is_open:
            self.has_ended = True
            self._set_mask()
            self.owner.received(self, b"")
