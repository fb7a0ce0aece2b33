"""A client of a smart proxy whose plain requests are passed on by their lines, without events.  See `plain.py`.

Everything else is `smart.Session`'s, also what turns out not to be plain half-way: then the full path
catches up (it reads the request again, and comes to where it would be), and goes on from there.
Nobody must be listening: the decision log needs each exchange's reasons.
"""

import socket

from lan.reasons import Reason
from lan.services.http.protocol.messages import HTTP_1_1
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.downstream import State
from lan.services.http.proxy.plain import Answer
from lan.services.http.proxy.smart import Exchange, Session
from lan.services.http.proxy.upstream import Upstream


class PassingSession(Session):
    """A client's connection."""

    def __init__(self, sock: socket.socket, context: Context, original: Destination | None = None) -> None:
        assert context.plain is not None
        self._requests, self._answers = context.plain
        self._told = ""  # the client's address, where servers are told it
        self._asked = b""  # the plain request under way,
        self._is_head = False
        self._server: Upstream | None = None  # who is asked,
        self._answer: Answer | None = None  # what it says,
        self._left = 0  # and how much of it is still to come
        self._ahead: list[bytes] = []  # what the client sent meanwhile
        self._catches_up_on: Upstream | None = None
        super().__init__(sock, context, original)
        if context.rules.tells_client != "none":
            self._told = self.client_address

    # ---- a request

    def received(self, channel: Channel, data: bytes) -> None:
        if self.state is State.REQUEST and data and self._ask(data):
            return
        if self._server is None:
            super().received(channel, data)
        elif self._answer is None:
            self._catch_up()
            super().received(channel, data)
        else:
            self._ahead.append(data)
            self.client.pause()

    def _ask(self, data: bytes) -> bool:
        """Pass these bytes on, if they are one whole plain request and a connection is kept for it."""
        context = self.context
        if context.log.is_wanted or self._is_stopping or not self.engine.is_idle:
            return False
        found = self._requests.passed(data, client=self._told, original=self.original)
        if found is None:
            return False
        passage, sent = found
        if context.pool.version(passage.hop) != HTTP_1_1:
            return False
        server = self.kept(passage.hop, passage.method)
        if server is None:
            return False
        server.take(self, plain=self)
        self.state, self.has_responded = State.EXCHANGE, False
        self._asked, self._is_head, self._server = data, passage.method == "HEAD", server
        self.heard_s = context.loop.now_s
        self.deadline_s = self.heard_s + context.limits.answer_s
        server.channel.send(sent)
        return True

    # ---- the answer

    def server_sent(self, server: Upstream, data: bytes) -> None:
        """Bytes of the server's, ``b""`` for its FIN, while it is asked plainly."""
        if self._answer is not None:
            return self._pass_content(server, data)
        found = None if self._is_stopping else self._answers.passed(data, is_head=self._is_head)
        if found is None:
            self._catch_up()
            return self.server_said(server, server.engine.receive(data))
        self._answer, sent, self._left = found
        self.client.send(sent)
        if not self._left:
            return self._done(server, self._answer)
        self.has_responded = True
        self.await_content()
        if self.client.is_full:
            server.channel.pause()
        return None

    def _pass_content(self, server: Upstream, data: bytes) -> None:
        if not data:
            return self._cut_short(Reason("RFC 9112 §8", "the server's stream ended within a response"))
        self.heard_s = self.context.loop.now_s
        more = len(data) - self._left
        if more > 0:
            data = data[: self._left]
        self._left -= len(data)
        self.client.send(data)
        if not self._left and self._answer is not None:
            if more > 0:
                server.close(Reason("RFC 9112 §9.2", "bytes that answer no request", seen_bytes=more))
            self._done(server, self._answer)
        elif self.client.is_full:
            server.channel.pause()
        return None

    def _done(self, server: Upstream, answer: Answer) -> None:
        """The exchange is over."""
        self._server = self._answer = None
        if server.channel.is_open:
            server.keep(answer.said)
        self.state, self.has_responded = State.REQUEST, False
        self.deadline_s = self.context.loop.now_s + self.context.limits.idle_s
        if self._ahead:
            ahead, self._ahead = self._ahead, []
            self.client.resume()
            for data in ahead:
                self.received(self.client, data)

    # ---- back to the full path

    def _catch_up(self) -> None:
        """Read the request again, as if it had been sent by the full path."""
        server, self._server = self._server, None
        if server is None:
            return
        self._catches_up_on, server.plain = server, None
        deadline_s, self.state = self.deadline_s, State.REQUEST
        self.go_on(self.engine.receive(self._asked))
        self._catches_up_on, self.deadline_s = None, deadline_s

    def _reach(self, exchange: Exchange) -> None:
        server = self._catches_up_on
        if server is None:
            return super()._reach(exchange)
        server.engine.begin(exchange.going.request)
        exchange.upstream = server
        return None

    def content(self, data: bytes) -> None:
        server, exchange = self._catches_up_on, self.exchange
        if server is None or exchange is None:
            return super().content(data)
        exchange.keep_for_replay(data)
        server.engine.body(data)  # which has been sent
        return None

    # ---- room, trouble and the end

    def client_has_room(self) -> None:
        if self._server is not None:
            self._server.channel.resume()
        else:
            super().client_has_room()

    def server_broke(self, upstream: Upstream, why: Reason) -> None:
        if self._server is upstream and self._answer is not None:
            return self._cut_short(why)
        if self._server is upstream:
            self._catch_up()
        return super().server_broke(upstream, why)

    def _cut_short(self, why: Reason) -> None:
        if self._server is not None:
            return self.farewell(why)
        return super()._cut_short(why)

    def let_go(self, why: Reason) -> None:
        server, self._server = self._server, None
        self._answer, self._ahead = None, []
        if server is not None:
            server.close(why)
        super().let_go(why)

    def expire_exchange(self) -> None:
        if self._server is not None and self._answer is None:
            self._catch_up()
        super().expire_exchange()
