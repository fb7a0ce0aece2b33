"""Exchanges with servers that no client waits for: validation in the background, and answers read to their end.
RFC 5861 §3."""

from collections.abc import Mapping

from lan.reasons import Reason
from lan.services.http.cache.decisions import Forward, Relay, Repeat, Serve, Storing
from lan.services.http.protocol.connection import Event
from lan.services.http.protocol.events import Body, Closed, End, Fault
from lan.services.http.protocol.messages import Request, Response
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context, named
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Here, Onward
from lan.services.http.proxy.upstream import Upstream

MAX_DRAINED_BYTES = 64 * 1024


def as_framed(came: Response, passed_on: Response) -> Response:
    """The head that is passed on, with the framing as it came: the cache judges by it whether the end is told."""
    framing = came.headers.get("Transfer-Encoding")
    return passed_on if framing is None else passed_on.with_field("Transfer-Encoding", framing)


class Drain:
    """Reads an answer that nobody wants to its end, where that is near, so that the connection can be used again."""

    def __init__(self, upstream: Upstream, response: Response | None) -> None:
        self._response, self._drained = response, 0
        upstream.user = self
        if upstream.engine.is_idle or upstream.engine.persistence is not None:
            upstream.release(response)
        else:
            upstream.channel.resume()
            upstream.deadline_s = upstream.context.loop.now_s + upstream.context.limits.stall_s
            upstream.context.loop.timed.add(upstream)

    def server_said(self, upstream: Upstream, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Body):
                self._drained += len(event.data)
                if self._drained > MAX_DRAINED_BYTES:
                    return upstream.close(Reason("RFC 9112 §9.3", "the rest of an unwanted answer is too long"))
            elif isinstance(event, End):
                return upstream.release(self._response)
            elif isinstance(event, Fault | Closed):
                return upstream.close(Reason("RFC 9112 §8", "the server ended within an unwanted answer"))
        return None

    def server_has_room(self, upstream: Upstream) -> None:
        pass

    def server_broke(self, upstream: Upstream, why: Reason) -> None:
        pass


class Refresh:
    """One validation in the background, from its request to what the store keeps of its answer.

    `client` is the address of who asked for what is stale, `ends` both ends of that connection, for the log: so the
    request of ours is tied to the client's.
    """

    def __init__(
        self,
        context: Context,
        forward: Forward,
        *,
        client: str,
        ends: Mapping[str, str],
        original: Destination | None,
    ) -> None:
        assert context.caching is not None
        self.context, self.forward, self.caching = context, forward, context.caching
        self._ends, self._own = ends, dict[str, str]()
        self._storing: Storing | None = None
        self._response: Response | None = None
        self._requested_s = context.date()
        going = forwarding.onward(
            forward.request, context.rules, client=client, known=context.pool.version, original=original
        )
        if isinstance(going, Here):
            self._failed(going)
            return
        self._sent: Request = going.request
        self._reach(going)

    def _reach(self, going: Onward) -> None:
        hop = self.context.rules.parent or going.destination
        kept: Upstream | None = self.context.pool.take(hop)
        if kept is not None:
            kept.take(self)
            return self._use(kept)
        upstream = Upstream(self.context, hop, self)

        def connected(channel: Channel) -> None:
            upstream.begin(channel)
            self._use(upstream)

        self.context.connect(hop, upstream, connected, self._failed)
        return None

    def _use(self, upstream: Upstream) -> None:
        upstream.deadline_s = self.context.loop.now_s + self.context.limits.answer_s
        self.context.loop.timed.add(upstream)
        if self.context.log.is_wanted:
            self._own = {"server": upstream.name, "local": named(upstream.channel.sock.getsockname())}
            self.context.decide("refresh", self.forward.why, **self._ends, **self._own)
        upstream.channel.write(upstream.engine.begin(self._sent) + upstream.engine.end())

    def server_said(self, upstream: Upstream, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Response) and event.status >= 200:
                self._received(upstream, event)
            elif isinstance(event, Body) and self._storing is not None:
                self._storing.write(event.data)
            elif isinstance(event, End):
                storing, self._storing = self._storing, None
                if storing is not None:
                    self.context.decide("stored", storing.end().why, uri=self.forward.uri, **self._own)
                self.caching.touch()
                return upstream.release(self._response)
            elif isinstance(event, Fault):
                return self._broke(upstream, event.why)
            elif isinstance(event, Closed):
                return self._broke(upstream, Reason("RFC 9112 §9.5", "the server closed without an answer"))
            if upstream.user is not self:
                return None
        return None

    def _received(self, upstream: Upstream, response: Response) -> None:
        self.context.pool.learn(upstream.destination, response.version)
        now_s = self.context.date()
        down = forwarding.downward(response, self.forward.original, self._sent, self.context.rules, now_s=now_s)
        if isinstance(down, Here):
            return self._broke(upstream, down.why)
        self._response = response
        head = as_framed(response, down.response)
        outcome = self.caching.cache.receive(self.forward, head, requested_s=self._requested_s, now_s=now_s)
        status = {} if isinstance(outcome, Repeat) else {"cache_status": outcome.status.build()}
        self.context.decide("refreshed", outcome.why, uri=self.forward.uri, **self._own, **status)
        if isinstance(outcome, Relay):
            self._storing = outcome.storing
        elif isinstance(outcome, Serve) and outcome.content is not None:
            outcome.content.close()
        return None

    def _broke(self, upstream: Upstream, why: Reason) -> None:
        upstream.close(why)
        self.server_broke(upstream, why)

    def server_has_room(self, upstream: Upstream) -> None:
        pass

    def server_broke(self, upstream: Upstream, why: Reason) -> None:
        if self._storing is not None:
            self._storing.abandon(why)
            self._storing = None
        elif self._response is None:
            self._failed(forwarding.trouble(forwarding.Trouble.NO_ANSWER, because=why))

    def _failed(self, here: Here) -> None:
        outcome = self.caching.cache.failed(self.forward, now_s=self.context.date(), status_code=here.status)
        if isinstance(outcome, Serve) and outcome.content is not None:
            outcome.content.close()
        self.context.decide("not refreshed", here.why, uri=self.forward.uri)
