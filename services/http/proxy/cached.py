"""One client of a caching proxy: answered from the store where that is allowed, else as by a smart proxy.  RFC 9111.

`cache/` decides; here its commands are carried out: serve, forward, refuse, relay and store, repeat.
Requests for the same that come while it is being fetched wait for that one answer (collapsed).
"""

import socket

from lan.reasons import Reason
from lan.services.http.cache import decisions, freshness
from lan.services.http.cache.collapse import FOLLOWS, TIRED
from lan.services.http.cache.decisions import Forward, Refuse, Repeat, Serve, Storing
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.caching import Caching
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.downstream import State
from lan.services.http.proxy.forwarding import Downward, Here, Onward
from lan.services.http.proxy.refresh import Drain, Refresh, as_framed
from lan.services.http.proxy.smart import Exchange, Session
from lan.services.http.proxy.upstream import Upstream

PIECE_BYTES = 64 * 1024
FIELD = "Cache-Status"
ONE_ALONE = Reason("RFC 9112 §9.6", "the client asked for one answer alone")


class Serving:
    """A stored answer on its way to the client, piece by piece."""

    def __init__(self, served: Serve) -> None:
        self.served = served
        self._piece = self._offset = 0

    @property
    def length_bytes(self) -> int:
        """How long the whole answer is."""
        return sum(len(piece) if isinstance(piece, bytes) else piece.length_bytes for piece in self.served.pieces)

    def read(self) -> bytes:
        """The next bytes; ``b""`` at the end.  Raises EOFError where the store has lost some."""
        pieces, content = self.served.pieces, self.served.content
        while self._piece < len(pieces):
            piece = pieces[self._piece]
            if isinstance(piece, bytes):
                self._piece += 1
                return piece
            left = piece.length_bytes - self._offset
            if left:
                data = content.read(piece.first + self._offset, min(left, PIECE_BYTES)) if content is not None else b""
                if not data:
                    raise EOFError
                self._offset += len(data)
                return data
            self._piece, self._offset = self._piece + 1, 0
        return b""

    def close(self) -> None:
        """Let the body go."""
        if self.served.content is not None:
            self.served.content.close()


class CachedSession(Session):
    """A client's connection."""

    def __init__(self, sock: socket.socket, context: Context, original: Destination | None = None) -> None:
        assert context.caching is not None
        self.caching: Caching = context.caching
        self._request: Request | None = None
        self._forward: Forward | None = None
        self._requested_s = 0.0
        self._storing: Storing | None = None
        self._serving: Serving | None = None
        self._waits_for: str | None = None  # the collapse key of another's request
        self._leads: str | None = None  # and of ours
        super().__init__(sock, context, original)

    # ---- a request

    def received(self, channel: Channel, data: bytes) -> None:
        if self.state is not State.REQUEST or not self._take_shortcut(data):
            super().received(channel, data)

    def _take_shortcut(self, data: bytes) -> bool:
        """Send the answers that everybody gets now to requests like these; False where they need a closer look."""
        context = self.context
        if self.original is not None or self._is_stopping or self.client.pending_bytes or not self.engine.is_idle:
            return False
        found = None if context.log.is_wanted or context.hits is None else context.hits.answer(data, context.date())
        if found is None:
            return False
        answers, closes = found
        self.caching.touch()
        self.client.send(answers)
        self.heard_s = context.loop.now_s
        self.deadline_s = self.heard_s + context.limits.idle_s
        if closes:
            self.farewell(ONE_ALONE)
        return True

    def carry(self, request: Request, going: Onward) -> None:
        if going.is_tunnel:
            return super().carry(request, going)
        self._request = forwarding.as_seen(request, going)
        return self._look(self._request)

    def _look(self, request: Request, *, has_waited: bool = False) -> None:
        self.caching.touch()
        found = self.caching.cache.lookup(request, now_s=self.context.date(), scheme=self._scheme())
        if isinstance(found, Serve):
            return self._serve(found)
        if isinstance(found, Refuse):
            return self.answer(Here(found.status_code, found.why, ((FIELD, found.status.build()),)))
        who = self.caching.collapse.join(found.collapse_key, self, has_waited=has_waited)
        if who is FOLLOWS:
            self._waits_for = found.collapse_key
            self.decide("cache", who)
            self.deadline_s = self.context.loop.now_s + self.context.limits.collapsed_s
            return None
        if not has_waited:
            self._leads = found.collapse_key
        self.decide("cache", found.why, forwarded=found.forwarded)
        return self._go(request, found)

    def _scheme(self) -> str:
        """What a path's scheme is in the cache: that of the connection.  An intercepted client chose an address, and
        may name any host: what came from that address answers those alone who were going there."""
        if self.original is not None:
            return f"http+{self.original.host}.{self.original.port}"
        return "https" if self.context.rules.is_secured else "http"

    def _go(self, request: Request, forward: Forward) -> None:
        going = self.plan(forward.request)
        if isinstance(going, Here):
            return self.answer(going)
        self._forward, self._requested_s = forward, self.context.date()
        return super().carry(request, going)

    def _go_again(self, request: Request, forward: Forward) -> None:
        if self.state is State.EXCHANGE and self._request is request:
            self._go(request, forward)
            self.content_end(NO_HEADERS)  # which has come before: what is asked again has no content
            self.go_on([])

    def look_again(self) -> None:
        """The request that ours waits for is done."""
        if self._waits_for is not None and self._request is not None and self.state is State.EXCHANGE:
            self._waits_for = None
            self._look(self._request, has_waited=True)
            self.content_end(NO_HEADERS)  # as above
            self.go_on([])

    def _release(self) -> None:
        """Our answer is known: those that wait for it may look."""
        leads, self._leads = self._leads, None
        for who in self.caching.collapse.release(leads):
            self.context.loop.post(who.look_again)

    # ---- from the store

    def _serve(self, served: Serve) -> None:
        self.decide("cache", served.why, cache_status=served.status.build())
        if (stale := served.refresh) is not None:
            Refresh(self.context, stale, client=self.client_address, ends=self._tuple, original=self.original)
        self._serving = Serving(served)
        head = self.respond(served.response, served.why)
        if head and self._serving.length_bytes <= PIECE_BYTES and self._is_for_everybody():
            return self._pour(head)
        return self._pour()

    def _is_for_everybody(self) -> bool:
        if self.original is not None or self._request is None or self._is_stopping or self.context.log.is_wanted:
            return False
        return self.caching.cache.is_hot(self._request, now_s=self.context.date(), scheme=self._scheme())

    def _pour(self, head: bytes = b"") -> None:
        """As much of the stored answer as there is room for; a small one with this `head` is remembered."""
        sent = [head]
        while self._serving is not None and self.state is State.EXCHANGE and not self.client.is_full:
            try:
                data = self._serving.read()
            except EOFError:
                return self.farewell(Reason("RFC 9112 §8", "the store lost a part of the answer"))
            framed = self.engine.body(data) if data else self.engine.end()
            self.client.write(framed)
            sent.append(framed)
            if not data:
                self._serving.close()
                if head:
                    self._learn(self._serving.served, b"".join(sent))
                self._serving = None
                self.over()
        return None

    def _learn(self, served: Serve, whole: bytes) -> None:
        """These bytes answer the request that the engine has just read, as long as the entry is fresh."""
        data, request, decision = self.engine.lone_request_bytes, self._request, self.engine.persistence
        if data is None or request is None or decision is None or self.context.hits is None:
            return
        lifetime_s = freshness.lifetime(served.entry, self.caching.cache.settings).seconds
        self.context.hits.learn(data, request, whole, served, lifetime_s, self.context.date(), closes=not decision.keep)

    def client_has_room(self) -> None:
        if self._serving is not None:
            self._pour()
            self.go_on([])
        else:
            super().client_has_room()

    # ---- from the server

    def pass_on(self, exchange: Exchange, upstream: Upstream, down: Downward) -> None:
        forward, self._forward = self._forward, None
        if forward is None:
            return super().pass_on(exchange, upstream, down)
        now_s = self.context.date()
        self.caching.touch()
        head = down.response if exchange.response is None else as_framed(exchange.response, down.response)
        outcome = self.caching.cache.receive(forward, head, requested_s=self._requested_s, now_s=now_s)
        if isinstance(outcome, decisions.Relay):
            self.decide("cache", outcome.why, cache_status=outcome.status.build())
            self._storing = outcome.storing
            if outcome.storing is None:
                self._release()
            return super().pass_on(exchange, upstream, Downward(outcome.response, down.why))
        self.exchange = None
        Drain(upstream, exchange.response)
        if isinstance(outcome, Repeat):
            self.decide("cache", outcome.why)
            request, again = exchange.request, outcome.forward  # later: the old answer's End is still to be read
            return self.context.loop.post(lambda: self._go_again(request, again))
        self._release()
        return self._serve(outcome)

    def pass_content(self, data: bytes, upstream: Upstream) -> None:
        if self._storing is not None:
            self._storing.write(data)
        super().pass_content(data, upstream)

    def pass_end(self, exchange: Exchange, upstream: Upstream, trailers: Headers) -> None:
        storing, self._storing = self._storing, None
        if storing is not None:
            self.decide("stored", storing.end().why)
            self.caching.touch()
        self._release()
        super().pass_end(exchange, upstream, trailers)

    def in_trouble(self, here: Here) -> None:
        forward, self._forward = self._forward, None
        if forward is None:
            return super().in_trouble(here)
        outcome = self.caching.cache.failed(forward, now_s=self.context.date(), status_code=here.status)
        self.let_go(here.why)
        if isinstance(outcome, Serve):
            self.decide("trouble", here.why)
            return self._serve(outcome)
        return self.answer(Here(outcome.status_code, here.why, (*here.fields, (FIELD, outcome.status.build()))))

    # ---- the end

    def let_go(self, why: Reason) -> None:
        storing, self._storing = self._storing, None
        if storing is not None:
            self.decide("not stored", storing.abandon(why).why)
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.close()
        waits_for, self._waits_for = self._waits_for, None
        if waits_for is not None:
            self.caching.collapse.leave(waits_for, self)
        self._forward = None
        self._release()
        super().let_go(why)

    def expire_exchange(self) -> None:
        if self._waits_for is not None:
            self.decide("cache", TIRED)
            self.caching.collapse.leave(self._waits_for, self)
            return self.look_again()
        return super().expire_exchange()
