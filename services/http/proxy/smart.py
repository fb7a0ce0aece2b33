"""One client of a smart proxy: its requests one after the other, each passed to a server and answered.
RFC 9110 §7.6, RFC 9112 §9; book 4.5.7 to 4.5.9.

`forwarding.py` decides what is sent; here it is carried, piece by piece and with back-pressure both
ways.  The client's connection and the servers' know nothing of each other: each is kept or closed by
what its own two ends have said.
"""

import socket

from lan.reasons import Reason
from lan.services.http.protocol import hop_by_hop
from lan.services.http.protocol.events import Body, Closed, End, Event, Fault, Tunnel
from lan.services.http.protocol.messages import HTTP_1_1, NO_HEADERS, Headers, Request, Response
from lan.services.http.proxy import credentials, forwarding, pool
from lan.services.http.proxy.channel import FULL_BYTES, Channel
from lan.services.http.proxy.connector import Connector
from lan.services.http.proxy.context import Context, named
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.downstream import Downstream, State
from lan.services.http.proxy.forwarding import Content, Downward, Here, Onward, Trouble, trouble
from lan.services.http.proxy.upstream import Upstream

MAX_REPLAY_BYTES = 64 * 1024
"""Content kept until its answer begins, so that a request can be sent once more."""
CONTINUE = Response(100, "Continue")


class Exchange:
    """One request that is sent on, and what has become of it."""

    def __init__(self, request: Request, going: Onward) -> None:
        self.request, self.going = request, going
        self.upstream: Upstream | None = None
        self.response: Response | None = None  # as the server gave it
        self.queued: list[bytes] = []  # content that waits for a connection
        self.queued_bytes = 0
        self.replay: list[bytes] | None = []
        self.replay_bytes = 0
        self.trailers = NO_HEADERS
        self.is_read = False  # the whole request, from the client
        self.is_sent = False  # and to the server
        self.is_retry = False

    def keep_for_replay(self, data: bytes) -> None:
        """Keep content at hand while it is little."""
        if self.replay is not None:
            self.replay.append(data)
            self.replay_bytes += len(data)
            if self.replay_bytes > MAX_REPLAY_BYTES:
                self.replay = None

    def unhold(self) -> None:
        """The held content is whole: its length can be told."""
        going, length = self.going, str(self.queued_bytes)
        fields = going.request.headers.without("Expect").with_field("Content-Length", length)
        sent = Request(going.request.method, going.request.target, headers=fields, version=going.request.version)
        self.going = Onward(sent, going.destination, Content.LENGTH, going.why)


class Session(Downstream):
    """A client's connection, and the server that its request under way goes to."""

    def __init__(self, sock: socket.socket, context: Context, original: Destination | None = None) -> None:
        self.original = original
        self.exchange: Exchange | None = None
        self._connector: Connector | None = None
        super().__init__(sock, context)

    # ---- a request

    def begin(self, request: Request) -> None:
        going = credentials.allowed(request, self.context.settings.accounts) or self.plan(request)
        if isinstance(going, Here):
            return self.answer(going)
        return self.carry(request, going)

    def carry(self, request: Request, going: Onward) -> None:
        """See to a request that may go on."""
        self.exchange = Exchange(request, going)
        self.send(self.exchange)

    def plan(self, request: Request) -> Onward | Here:
        """The request as it goes on, or the answer to give here."""
        rules, known = self.context.rules, self.context.pool.version
        return forwarding.onward(request, rules, client=self.client_address, known=known, original=self.original)

    def _next_hop(self, going: Onward) -> Destination:
        return self.context.rules.parent or going.destination

    def send(self, exchange: Exchange) -> None:
        """Find a connection for the request; content that is held must be whole first."""
        if exchange.going.content is Content.HELD:
            if self.engine.expects_continue:
                self.client.write(self.engine.inform(CONTINUE))
            return None
        if self.engine.expects_continue and exchange.going.request.headers.get("Expect") is None:
            self.client.write(self.engine.inform(CONTINUE))  # the server knows no 100: RFC 9110 §10.1.1
        return self._reach(exchange)

    def _reach(self, exchange: Exchange) -> None:
        going, hop = exchange.going, self._next_hop(exchange.going)
        for reason in going.why:
            self.decide("forward", reason, method=going.request.method, target=going.request.target)
        kept: Upstream | None = None
        if not going.is_tunnel and not exchange.is_retry:
            kept = self.kept(hop, exchange.request.method)
        if kept is not None:
            kept.take(self)
            return self._use(exchange, kept)
        upstream = Upstream(self.context, hop, self)

        def connected(channel: Channel) -> None:
            self._connector = None
            upstream.begin(channel)
            self._use(exchange, upstream)
            self.go_on([])

        connector = self.context.connect(hop, upstream, connected, self._failed)
        if self.exchange is exchange and exchange.upstream is None:
            self._connector = connector
        return None

    def kept(self, hop: Destination, method: str) -> Upstream | None:
        """A kept connection to this server.  What may not be sent twice goes over none that has closed by now, though
        we have not come to hear of it in this turn of the loop."""
        while (found := self.context.pool.take(hop)) is not None:
            kept: Upstream = found
            if method in forwarding.IDEMPOTENT or not kept.channel.has_news():
                return kept
            kept.close(Reason("RFC 9112 §9.3.1, §9.5", "closed by now, and the request may not be sent twice"))
        return None

    def _failed(self, here: Here) -> None:
        self._connector = None
        self.in_trouble(here)
        self.go_on([])

    def in_trouble(self, here: Here) -> None:
        """No answer comes from the server, or none that can be passed on, and the client has had nothing yet."""
        self.answer(here)

    def _use(self, exchange: Exchange, upstream: Upstream) -> None:
        exchange.upstream = upstream
        if self.context.log.is_wanted:
            local = named(upstream.channel.sock.getsockname())
            self.decide("connection", pool.reuse(upstream.uses), server=upstream.name, local=local)
        if exchange.going.is_tunnel and self.context.rules.parent is None:
            upstream.engine.is_tunnel = True
            why = Reason("RFC 9110 §9.3.6", "the tunnel is open", to=exchange.going.destination)
            return self._tunnel(Response(200, "Connection established"), why)
        upstream.channel.write(upstream.engine.begin(exchange.going.request))
        queued, exchange.queued, exchange.queued_bytes = exchange.queued, [], 0
        for data in queued:
            upstream.channel.write(upstream.engine.body(data))
        if exchange.is_read:
            self._sent(exchange, upstream)
        else:
            self.client.resume()
        return None

    def content(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            return None
        exchange.keep_for_replay(data)
        if exchange.upstream is not None:
            exchange.upstream.channel.write(exchange.upstream.engine.body(data))
            if exchange.upstream.channel.is_full:
                self.client.pause()
            return None
        exchange.queued.append(data)
        exchange.queued_bytes += len(data)
        if exchange.going.content is Content.HELD:
            if exchange.queued_bytes > self.context.limits.held_bytes:
                text = "too much content of unknown length for a server of which HTTP/1.1 is not known"
                return self.answer(Here(411, Reason("RFC 9112 §6.1", text, limit_bytes=self.context.limits.held_bytes)))
        elif exchange.queued_bytes > FULL_BYTES:
            self.client.pause()
        return None

    def content_end(self, trailers: Headers) -> None:
        exchange = self.exchange
        if exchange is None:
            return None
        self.await_answer()
        exchange.is_read = True
        exchange.trailers = hop_by_hop.remove_from_trailers(trailers, exchange.request.headers)
        if exchange.going.content is Content.HELD and exchange.upstream is None:
            exchange.unhold()
            return self._reach(exchange)
        if exchange.upstream is not None:
            self._sent(exchange, exchange.upstream)
        return None

    def _sent(self, exchange: Exchange, upstream: Upstream) -> None:
        if not exchange.is_sent and not exchange.going.is_tunnel:
            exchange.is_sent = True
            upstream.channel.write(upstream.engine.end(exchange.trailers))

    def client_has_room(self) -> None:
        if self.exchange is not None and self.exchange.upstream is not None:
            self.exchange.upstream.channel.resume()

    # ---- what the server says

    def server_said(self, upstream: Upstream, events: list[Event]) -> None:
        for event in events:
            exchange = self.exchange
            if exchange is None or exchange.upstream is not upstream or self.state is State.CLOSED:
                break
            self.heard_s = self.context.loop.now_s
            if isinstance(event, Response):
                self._response(exchange, upstream, event)
            elif isinstance(event, Body):
                self.pass_content(event.data, upstream)
            elif isinstance(event, End):
                self.pass_end(exchange, upstream, event.trailers)
            elif isinstance(event, Tunnel):
                self._pass_down(event.data, upstream)
            elif isinstance(event, Closed):
                self._server_closed(exchange, upstream)
            elif isinstance(event, Fault):
                self._server_fault(event.why)
        self.go_on([])

    def server_has_room(self, upstream: Upstream) -> None:
        self.client.resume()

    def server_broke(self, upstream: Upstream, why: Reason) -> None:
        exchange = self.exchange
        if exchange is None or exchange.upstream is not upstream:
            return
        if self.state is State.TUNNEL:
            self.farewell(why)  # what it had sent before still goes to the client
        elif exchange.response is None and not upstream.has_answered:
            self._server_closed(exchange, upstream)
        else:
            self._server_fault(why)
        self.go_on([])

    def _response(self, exchange: Exchange, upstream: Upstream, response: Response) -> None:
        self.context.pool.learn(upstream.destination, response.version)
        rules = self.context.rules
        if response.status < 200 and response.status != 101:
            passed = forwarding.interim(response, exchange.request, rules)
            if passed is not None:
                self.client.write(self.engine.inform(passed))
                self.decide("interim", Reason("RFC 9110 §15.2", "1xx is passed on"), status=response.status)
            return None
        exchange.response, exchange.replay = response, None
        sent = exchange.going.request
        down = forwarding.downward(response, exchange.request, sent, rules, now_s=self.context.date())
        if isinstance(down, Here):
            return self.in_trouble(down)
        if response.status == 101 or (exchange.going.is_tunnel and response.status < 300):
            return self._tunnel(down.response, down.why)
        return self.pass_on(exchange, upstream, down)

    def pass_on(self, exchange: Exchange, upstream: Upstream, down: Downward) -> None:
        """A final response's head has come."""
        self.respond(down.response, down.why)

    def pass_content(self, data: bytes, upstream: Upstream) -> None:
        """Some of its content has come."""
        self._pass_down(self.engine.body(data), upstream)

    def _pass_down(self, data: bytes, upstream: Upstream) -> None:
        self.client.write(data)
        if self.client.is_full:
            upstream.channel.pause()

    def pass_end(self, exchange: Exchange, upstream: Upstream, trailers: Headers) -> None:
        """The response is whole."""
        fields = NO_HEADERS
        if trailers.items and exchange.response is not None:
            fields = hop_by_hop.remove_from_trailers(trailers, exchange.response.headers)
        self.client.write(self.engine.end(fields))
        self.exchange = None
        upstream.release(exchange.response)
        self.over()

    def _server_closed(self, exchange: Exchange, upstream: Upstream) -> None:
        """The server closed, or its connection broke, before it answered; or it ended its side of a tunnel."""
        if self.state is State.TUNNEL:
            self.client.end()
            return self._close_when_both_ended(upstream)
        upstream.close(Reason("RFC 9112 §9.5", "the server closed without an answer"))
        why = forwarding.may_retry(
            exchange.request,
            is_reused=upstream.uses > 0,
            has_answered=upstream.has_answered,
            is_replayable=exchange.replay is not None,
        )
        if why is None or exchange.is_retry:
            return self.in_trouble(trouble(Trouble.NO_ANSWER, server=upstream.name))
        self.decide("retry", why, server=upstream.name)
        exchange.upstream, exchange.is_retry, exchange.is_sent = None, True, False
        exchange.queued, exchange.queued_bytes = list(exchange.replay or []), exchange.replay_bytes
        return self._reach(exchange)

    def _server_fault(self, why: Reason) -> None:
        """The server's answer can't be read any further."""
        if self.has_responded:
            return self._cut_short(why)
        return self.in_trouble(trouble(Trouble.BROKEN, because=why))

    def _cut_short(self, why: Reason) -> None:
        """The client has part of an answer, and must see that the rest is missing (RFC 9112 §8)."""
        exchange = self.exchange
        response = None if exchange is None else exchange.response
        has_length = response is not None and response.headers.get("Content-Length") is not None
        if exchange is not None and (exchange.request.version >= HTTP_1_1 or has_length):
            return self.farewell(why)
        self.client.reset()  # only a reset tells that this close does not end the content
        return self.close(why)

    def let_go(self, why: Reason) -> None:
        if self._connector is not None:
            self._connector.give_up()
            self._connector = None
        exchange, self.exchange = self.exchange, None
        if exchange is not None and exchange.upstream is not None:
            if self.state is State.TUNNEL:  # what came from the client goes on: RFC 9110 §9.3.6
                exchange.upstream.close_when_sent(why)
            else:
                exchange.upstream.close(why)

    # ---- tunnels

    def _tunnel(self, response: Response, why: Reason) -> None:
        self.respond(response, why)
        if self.state is not State.CLOSED:
            self.become_tunnel()

    def into_tunnel(self, data: bytes) -> None:
        upstream = self.exchange.upstream if self.exchange is not None else None
        if upstream is not None and data:
            upstream.channel.write(data)
            if upstream.channel.is_full:
                self.client.pause()
        elif upstream is not None:
            upstream.channel.end()
            self._close_when_both_ended(upstream)

    def _close_when_both_ended(self, upstream: Upstream) -> None:
        if self.client.has_ended and upstream.channel.has_ended:
            self.farewell(Reason("book 4.7.4", "both sides have closed"))

    # ---- time

    def expire_exchange(self) -> None:
        """Which side holds the exchange up, and whether that is borne."""
        limits, exchange = self.context.limits, self.exchange
        if self.has_responded and self.client.pending_bytes:
            if self.has_read_enough():
                return self.await_content()
            self.client.reset()
            rate = limits.slowest_bytes_per_s
            return self.close(Reason("RFC 9112 §9.5", "the client reads too slowly", slowest_bytes_per_s=rate))
        if self.has_responded:
            if self.context.loop.now_s - self.heard_s < limits.answer_s:
                self.deadline_s = self.heard_s + limits.answer_s
                return None
            why = Reason("RFC 9110 §15.6.5", "the server stopped within its answer")
            return self._cut_short(why)
        if self.engine.request_complete:
            return self.in_trouble(trouble(Trouble.ANSWER_LATE))
        if self.has_sent_enough():
            return self.await_content()
        if exchange is not None and exchange.upstream is not None and exchange.upstream.channel.is_full:
            return self.answer(trouble(Trouble.ANSWER_LATE, because="it reads too slowly"))
        return self.answer(Here(408, Reason("RFC 9110 §15.5.9", "the request takes too long")))
