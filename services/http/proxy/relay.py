"""One client of a dumb proxy, from its first byte to the server's last.  Book 4.5.6.

`dumb.py` reads what little is read.  Then bytes are copied, with back-pressure both ways: the client's
until it has said its one request, the server's until the server closes.  What the client says after
its request stays unread in the kernel: that is the hang.
"""

import enum
import fcntl
import socket
import struct
import termios
from contextlib import suppress

from lan.reasons import Reason
from lan.services.http.protocol import messages
from lan.services.http.protocol.transport import acknowledged_bytes
from lan.services.http.proxy import dumb
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.connector import Connector
from lan.services.http.proxy.context import Context, named, peer_of
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Here
from lan.services.http.proxy.notice import notice


class State(enum.StrEnum):
    """What a relay waits for."""

    REQUEST = "the client's first request"
    CONNECTION = "a connection to the server"
    CLOSE = "the server's close"
    LINGER = "the client's FIN"
    CLOSED = "nothing"


class Relay:
    """A client's connection and, once it is known, the server's."""

    def __init__(self, sock: socket.socket, context: Context, original: Destination | None = None) -> None:
        self.context, self.original = context, original
        self._tuple = {"client": named(sock.getpeername()), "proxy": named(sock.getsockname())}
        self.client = Channel(sock, context.loop, self)
        self.server: Channel | None = None
        self._connector: Connector | None = None
        self._head, self._held, self._left = b"", b"", 0
        self._speaks_on = False  # nobody knows how long the client speaks
        self._discarded = self._acknowledged_bytes = 0
        self.state = State.REQUEST
        self.deadline_s = context.loop.now_s + context.limits.head_s
        context.loop.timed.add(self)
        self._decide("accepted", Reason("RFC 9293 §3.5", "the three-way handshake is done"))

    # ---- what the channels call

    def received(self, channel: Channel, data: bytes) -> None:
        if channel is self.client:
            self._client_said(data)
        elif data:
            self.client.write(data)
            self._heard()
            if self.client.is_full:
                channel.pause()
        else:
            self._server_closed()

    def has_room(self, channel: Channel) -> None:
        if self.state is State.LINGER:
            if self.client.fin_sent and self.client.has_ended:
                self.close(Reason("RFC 9112 §9.6", "both sides have closed"))
        elif channel is self.client and self.server is not None:
            self.server.resume()
        elif channel is self.server and self._speaks_on:
            self.client.resume()

    def broke(self, channel: Channel, error: OSError) -> None:
        who = "client" if channel is self.client else "server"
        self.close(Reason("RFC 9293 §3.10.7", f"the {who}'s connection broke", error=error.strerror))

    def expire(self) -> None:
        if self.state is State.REQUEST:
            return self._refuse(Here(408, Reason("RFC 9110 §15.5.9", "the request takes too long")))
        if self.state is State.LINGER and self.client.pending_bytes and self._takes_on():
            self.deadline_s = self.context.loop.now_s + self.context.limits.stall_s
            return None
        return self.close(Reason("book 4.5.6", "waited in vain", awaited=self.state))

    def fail(self, fault: Exception) -> None:
        self.close(Reason("RFC 9110 §15.6.1", "a fault of the proxy", error=repr(fault)))

    def stop(self) -> None:
        """The proxy ends; what is under way may end by itself."""
        if self.state is not State.CLOSE:
            self.close(Reason("RFC 9112 §9.5", "the proxy is told to stop"))

    # ---- the client

    def _client_said(self, data: bytes) -> None:
        if self.state is State.LINGER:
            self._discarded += len(data)
            if not data or self._discarded > self.context.limits.discard_bytes:
                self.close(Reason("RFC 9112 §9.6", "the client has closed" if not data else "the client goes on"))
        elif self.state is State.REQUEST:
            self._read_on(data)
        elif not data:
            self._decide("half closed", Reason("book 4.7.4", "the client's FIN is passed on"))
            if self.server is not None:
                self.server.end()
        else:
            self._pass_on(data)

    def _read_on(self, data: bytes) -> None:
        if not data:
            return self.close(Reason("RFC 9112 §9.5", "the client closed before its request"))
        self._head += data
        found = dumb.read(self._head, self.context.rules, self.original)
        if isinstance(found, Here):
            return self._refuse(found)
        if found is not None:
            self._decide("relay", found.why, request=found.first.decode("latin-1"))
            self._speaks_on = True
            self._left = (1 << 62) if found.speaks_bytes is None else found.speaks_bytes - found.skipped_bytes
            spoken, self._head = self._head[found.skipped_bytes :], found.first
            self.state = State.CONNECTION
            self.deadline_s = float("inf")  # the connector has its own
            self.client.pause()
            self._held = spoken
            self._connector = self.context.connect(found.destination, self, self._connected, self._refuse)
        return None

    def _connected(self, server: Channel) -> None:
        self._connector, self.server, self.state = None, server, State.CLOSE
        ends = {"server": peer_of(server.sock, "gone"), "local": named(server.sock.getsockname())}
        self._decide("connected", Reason("RFC 9293 §3.5", "the server answers"), **ends)
        server.write(self._head)
        self.client.resume()
        self._pass_on(self._held)
        self._head = self._held = b""

    def _pass_on(self, data: bytes) -> None:
        """The client's bytes, as far as they are its one request."""
        assert self.server is not None
        data, self._left = data[: self._left], self._left - len(data)
        self.server.write(data)
        self._heard()
        if self._left <= 0:
            self._speaks_on = False
            self.client.pause()
            self.client.listen_for_hangup()
            self._decide("deaf", Reason("book 4.5.6", "the client has spoken; the proxy waits for the server's close"))
        elif self.server.is_full:
            self.client.pause()

    # ---- the end

    def _server_closed(self) -> None:
        unread = self._unread_bytes()
        if unread:
            self._decide(
                "ignored", Reason("book 4.5.6", "what the client said after its request was never read"), bytes=unread
            )
        assert self.server is not None
        self.server.close()
        self._farewell(Reason("book 4.5.6", "the server closed, so does the proxy"))

    def _refuse(self, here: Here) -> None:
        response, content = notice(here, now_s=self.context.date())
        self._decide("refused", here.why, status=here.status)
        self.client.write(messages.build(response.with_field("Connection", "close")) + content)
        self._farewell(here.why)

    def _farewell(self, why: Reason) -> None:
        """Our FIN, then the client's: to close with its bytes unread would reset the connection (RFC 9112 §9.6)."""
        self._decide("closing", why)
        self.state, self.deadline_s = State.LINGER, self.context.loop.now_s + self.context.limits.linger_s
        if self.client.pending_bytes:
            self.deadline_s += self.context.limits.stall_s
        self.client.end()
        self.client.resume()

    def close(self, why: Reason) -> None:
        """Close now."""
        if self.state is State.CLOSED:
            return
        self.state = State.CLOSED
        self.context.loop.timed.discard(self)
        self.context.sessions.discard(self)
        if self._connector is not None:
            self._connector.give_up()
        self.client.close()
        if self.server is not None:
            self.server.close()
        self._decide("closed", why)

    # ---- small things

    def _heard(self) -> None:
        self.deadline_s = self.context.loop.now_s + self.context.limits.silence_s

    def _takes_on(self) -> bool:
        """Whether the client has acknowledged enough since this was asked before."""
        before, self._acknowledged_bytes = self._acknowledged_bytes, acknowledged_bytes(self.client.sock)
        limits = self.context.limits
        return self._acknowledged_bytes - before >= limits.stall_s * limits.slowest_bytes_per_s

    def _unread_bytes(self) -> int:
        count = bytearray(4)
        with suppress(OSError):
            fcntl.ioctl(self.client.sock, termios.FIONREAD, count)
        return int(struct.unpack("i", count)[0])

    def _decide(self, what: str, why: Reason, **keys: object) -> None:
        self.context.decide(what, why, **self._tuple, **keys)
