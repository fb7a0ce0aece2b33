"""From a destination to a connection: its addresses, whether they may be reached, the first that answers."""

import errno
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.proxy import access
from lan.services.http.proxy.channel import Channel, Owner, TlsChannel
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Here, Trouble, trouble
from lan.services.http.proxy.loop import OUT, Loop
from lan.services.http.proxy.resolver import Resolver

Connected = Callable[[Channel], None]
Failed = Callable[[Here], None]


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom connections may go to: see `access.refusal`.  `trusted` destinations were named by the proxy's owner."""

    trusted: frozenset[Destination] = frozenset()
    allow_loopback: bool = False


class Connector:
    """One attempt.  Calls one of `connected` and `failed` once, unless it is given up."""

    def __init__(
        self,
        loop: Loop,
        resolver: Resolver,
        reach: Reach,
        *,
        destination: Destination,
        owner: Owner,
        connected: Connected,
        failed: Failed,
        name_s: float,
        connect_s: float,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.loop, self.reach, self.destination, self.owner = loop, reach, destination, owner
        self._connected, self._failed, self._tls = connected, failed, tls
        self._connect_s = connect_s
        self._addresses: list[str] = []
        self._sock: socket.socket | None = None
        self._is_over = False
        self._last = "no address"
        self.deadline_s = loop.now_s + name_s
        loop.timed.add(self)
        resolver.resolve(destination.host, self._resolved)

    def give_up(self) -> None:
        """Nobody waits for it any more."""
        self._is_over = True
        self.loop.timed.discard(self)
        if self._sock is not None:
            self.loop.forget(self._sock)
            self._sock = None

    def expire(self) -> None:
        if self._sock is None:
            self._fail(trouble(Trouble.NO_NAME_IN_TIME, server=self.destination.host))
        else:
            self.loop.forget(self._sock)
            self._sock, self._last = None, "no answer in time"
            self._next(late=True)

    def _resolved(self, addresses: list[str], said: str | None) -> None:
        if self._is_over:
            return None
        if not addresses:
            return self._fail(trouble(Trouble.NO_NAME, server=self.destination.host, resolver=said))
        refused: Reason | None = None
        for address in addresses:
            reason = None if self.destination in self.reach.trusted else self._refusal(address)
            if reason is None:
                self._addresses.append(address)
            else:
                refused = reason
        if refused is not None and not self._addresses:
            return self._fail(Here(403, refused))
        return self._next()

    def _refusal(self, address: str) -> Reason | None:
        return access.refusal(address, allow_loopback=self.reach.allow_loopback)

    def _next(self, *, late: bool = False) -> None:
        """Try the next address; the first bytes of the connection tell whether it took."""
        while self._addresses:
            address = self._addresses.pop(0)
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
            except OSError as error:  # no descriptor is left
                return self._fail(trouble(Trouble.REFUSED, server=self.destination.host, last=error.strerror))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = sock.connect_ex((address, self.destination.port))
            if number in (0, errno.EINPROGRESS):
                self._sock = sock
                self.deadline_s = self.loop.now_s + self._connect_s
                self.loop.watch(sock, self, OUT)
                return None
            sock.close()
            self._last = os.strerror(number).lower()
        where = f"{self.destination.host}:{self.destination.port}"
        return self._fail(trouble(Trouble.CONNECT_LATE if late else Trouble.REFUSED, server=where, last=self._last))

    def ready(self, mask: int) -> None:
        assert self._sock is not None
        sock, self._sock = self._sock, None
        number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self.loop.forget(sock)
            self._last = os.strerror(number).lower()
            return self._next()
        self.loop.forget(sock, close=False)
        self._end()
        if self._tls is not None:
            return self._connected(TlsChannel(sock, self.loop, self.owner, self._tls, self.destination.host))
        return self._connected(Channel(sock, self.loop, self.owner))

    def fail(self, fault: Exception) -> None:
        self._fail(Here(500, Reason("RFC 9110 §15.6.1", "a fault of the proxy", error=repr(fault))))

    def _fail(self, here: Here) -> None:
        if not self._is_over:
            self._end()
            self._failed(here)

    def _end(self) -> None:
        self._is_over = True
        self.loop.timed.discard(self)
