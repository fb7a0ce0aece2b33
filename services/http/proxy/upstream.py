"""One connection to a server, from its first request to its last; between them it lies in the pool."""

from typing import Protocol

from lan.reasons import Reason
from lan.services.http.protocol import keep_alive
from lan.services.http.protocol.connection import Client, Event
from lan.services.http.protocol.keep_alive import KeepAlive
from lan.services.http.protocol.messages import Response
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context, peer_of
from lan.services.http.proxy.destination import Destination

MARGIN_S = 1.0
"""How long before a server's own time-out we let a connection go, so that no request meets its FIN."""


class User(Protocol):
    """Whoever has a request under way on the connection."""

    def server_said(self, upstream: "Upstream", events: list[Event]) -> None:
        """What the server sent."""

    def server_has_room(self, upstream: "Upstream") -> None:
        """More can be written."""

    def server_broke(self, upstream: "Upstream", why: Reason) -> None:
        """The connection is gone."""


class PlainUser(User, Protocol):
    """A user who reads the answer to its request by its lines."""

    def server_sent(self, server: "Upstream", data: bytes) -> None:
        """What the server sent, as it came."""


class Upstream:
    """A server's end: channel, engine, and who uses it (None: it is in the pool)."""

    channel: Channel

    def __init__(self, context: Context, destination: Destination, user: User) -> None:
        self.context, self.destination = context, destination
        self.user: User | None = user
        self.plain: PlainUser | None = None  # the user, while it reads by itself
        self.engine = Client()
        self.uses = 0
        self.has_answered = self._is_leaving = False
        self._discarded_bytes = 0
        self.deadline_s = float("inf")
        self.name = str(destination)

    def begin(self, channel: Channel) -> None:
        """It is connected."""
        self.channel = channel
        self.name = peer_of(channel.sock, self.name)

    # ---- what the channel calls

    def received(self, channel: Channel, data: bytes) -> None:
        if self._is_leaving:
            return self._discard(data)
        if self.user is None:
            why = "the server closed a kept connection" if not data else "bytes that answer no request"
            return self.close(Reason("RFC 9112 §9.5" if not data else "RFC 9112 §9.2", why))
        self.has_answered = self.has_answered or bool(data)
        if self.plain is not None:
            return self.plain.server_sent(self, data)
        return self.user.server_said(self, self.engine.receive(data))

    def has_room(self, channel: Channel) -> None:
        if self.user is not None:
            self.user.server_has_room(self)

    def broke(self, channel: Channel, error: OSError) -> None:
        why = Reason("RFC 9293 §3.10.7", "the server's connection broke", error=error.strerror)
        user, self.user, self.plain = self.user, None, None
        self._forget()
        if user is not None:
            user.server_broke(self, why)

    def expire(self) -> None:
        if self._is_leaving:
            return self._leave()
        user = self.user
        why = Reason("RFC 9112 §9.5", "idle for long enough" if user is None else "the server takes too long")
        self.close(why)
        if user is not None:
            user.server_broke(self, why)
        return None

    def fail(self, fault: Exception) -> None:
        self.close(Reason("RFC 9110 §15.6.1", "a fault of the proxy", error=repr(fault)))

    # ---- the pool

    def take(self, user: User, *, plain: PlainUser | None = None) -> None:
        """Out of the pool, for a request of this user."""
        self.user, self.plain, self.has_answered = user, plain, False
        self.deadline_s = float("inf")
        self.context.loop.timed.discard(self)

    def release(self, response: Response | None) -> None:
        """The exchange is over: into the pool, where both sides keep the connection; else closed."""
        persistence = self.engine.persistence
        if not self.channel.is_open or self.channel.has_ended or persistence is None or not self.engine.is_idle:
            self.uses += 1
            return self.close(
                Reason("RFC 9112 §9.3", "the exchange was not completed") if persistence is None else persistence.why
            )
        return self.keep(keep_alive.parse(response.headers) if response is not None else keep_alive.SILENT)

    def keep(self, said: KeepAlive) -> None:
        """Into the pool, for as long as the server said in `Keep-Alive`."""
        self.user = self.plain = None
        self.uses += 1
        if said.max_messages == 0:
            return self.close(Reason("book 4.5.4", "the server said Keep-Alive: max=0"))
        for_s = self.context.limits.upstream_idle_s
        if said.timeout_s is not None:
            for_s = min(for_s, said.timeout_s - MARGIN_S)
        if for_s <= 0:
            return self.close(Reason("book 4.5.4", "the server keeps it for no longer", timeout_s=said.timeout_s))
        self.channel.resume()
        self.deadline_s = self.context.loop.now_s + for_s
        self.context.loop.timed.add(self)
        for other in self.context.pool.park(self, self.destination, self.context.most_kept()):
            other.close(Reason("RFC 9112 §9.4; book 4.5.9", "more connections than two for each client"))
        return None

    def close(self, why: Reason) -> None:
        """Close it, by whoever's wish."""
        self.user = self.plain = None
        self._forget()
        if self.channel.is_open:
            self.channel.close()
            self.context.decide("server closed", why, server=self.name, requests=self.uses)

    def close_when_sent(self, why: Reason) -> None:
        """Close it once what is written has left and the server has ended too, within a moment.

        Till then it is read from: closing with its bytes unread would reset the connection, and what was sent, but
        has not arrived, would be gone (RFC 9112 §9.6).
        """
        self.user = self.plain = None
        self._forget()
        if not self.channel.is_open:
            return
        self._is_leaving = True
        self.channel.resume()
        self.channel.close_when_sent()
        if self.channel.is_open:
            self.deadline_s = self.context.loop.now_s + self.context.limits.stall_s
            self.context.loop.timed.add(self)
        self.context.decide("server closed", why, server=self.name, requests=self.uses)

    def _discard(self, data: bytes) -> None:
        self._discarded_bytes += len(data)
        is_over = self._discarded_bytes > self.context.limits.discard_bytes
        if is_over or (not data and self.channel.fin_sent):
            self._leave()

    def _leave(self) -> None:
        """That it closes has been told."""
        self._forget()
        self.channel.close()

    def _forget(self) -> None:
        self.context.loop.timed.discard(self)
        self.context.pool.drop(self)
