"""Which request goes on which connection, and when.  RFC 9112 §9; book 4.3 to 4.7.

Pure.  What happened comes in, with its moment (seconds of a clock that never jumps); what to do about
it comes out as orders, each with its reason.  The order of calls is the owner's: requests that a
response makes necessary (a page's objects, a redirect) are added before `complete` is told of it.

A request is queued, then sent on one connection, and ends once: complete, or given up.  It goes back
to the queue where its connection ended before its response began, and only if it may be repeated.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import islice

from lan.reasons import Reason
from lan.services.http.strategies.orders import (
    WAITED_FOR,
    Asked,
    Close,
    GiveUp,
    Host,
    Kept,
    Open,
    Order,
    Patience,
    Retry,
    Send,
    Stage,
)
from lan.services.http.strategies.strategy import Strategy

_ENOUGH = Reason("book 4.5.9", "nothing more to ask: an idle connection is a burden on its server")


@dataclass(slots=True)
class _Connection:
    number: int
    host: Host
    since_s: float
    stage: Stage = Stage.DNS
    is_ready: bool = False
    is_proven: bool = False
    """A response on it has shown HTTP/1.1 and persistence."""
    under_way: list[int] = field(default_factory=list)
    """Requests without a complete response, the oldest first."""
    has_begun: bool = False
    """The oldest one's response has begun."""
    left: int | None = None
    """How many more requests it takes; None: any number."""
    idle_s: float | None = None
    served: int = 0


@dataclass(slots=True)
class _HostMemory:
    limit: int
    is_proven: bool = False
    broke_a_pipeline: bool = False


class Pool:
    """The connections of one client to all its hosts."""

    def __init__(
        self,
        strategy: Strategy,
        patience: Patience | None = None,
        *,
        retries: int = 2,
        retry_any_method: bool = False,
        started_s: float = 0.0,
    ) -> None:
        """`retries`: how often a request is sent again; `retry_any_method`: POST and PATCH too."""
        self.strategy, self.patience = strategy, patience or Patience()
        self.retries, self.retry_any_method, self.started_s = retries, retry_any_method, started_s
        self._asked: dict[int, Asked] = {}
        self._queues: dict[Host, deque[int]] = {}
        self._alone: set[int] = set()
        self._tries: Counter[int] = Counter()
        self._connections: dict[int, _Connection] = {}
        self._hosts: dict[Host, _HostMemory] = {}
        self._opened = 0

    @property
    def is_done(self) -> bool:
        """Every request has ended, and no connection is left."""
        return not any(self._queues.values()) and not self._connections

    def add(self, asked: Asked) -> None:
        """One more request; `advance` begins it.  Raises ValueError for a number that was used before."""
        if asked.number in self._asked:
            raise ValueError(f"request {asked.number} is there already")
        self._asked[asked.number] = asked
        self._queues.setdefault(asked.host, deque()).append(asked.number)
        self._hosts.setdefault(asked.host, _HostMemory(self.strategy.per_host))

    # What happened

    def staged(self, number: int, stage: Stage, now_s: float) -> None:
        """A connection that is being opened has reached this stage."""
        connection = self._connections.get(number)
        if connection is not None and not connection.is_ready:
            connection.stage, connection.since_s = stage, now_s

    def connected(self, number: int, now_s: float) -> list[Order]:
        """A connection stands, with TLS where there is TLS."""
        connection = self._connections.get(number)
        if connection is not None and not connection.is_ready:
            connection.is_ready = True
            connection.stage, connection.since_s = Stage.IDLE, now_s
        return self.advance(now_s)

    def progressed(self, number: int, now_s: float, *, has_begun: bool = False) -> None:
        """Bytes have passed; `has_begun`: they were of the response to the oldest request under way."""
        connection = self._connections.get(number)
        if connection is None:
            return
        connection.since_s = now_s
        if has_begun and connection.under_way:
            connection.has_begun, connection.stage = True, Stage.RECEIVE

    def retire(self, number: int) -> None:
        """A connection takes no request behind those that are under way on it."""
        connection = self._connections.get(number)
        if connection is not None and connection.under_way:
            connection.left = 0

    def complete(self, number: int, kept: Kept, now_s: float) -> list[Order]:
        """The response to the oldest request under way is complete."""
        connection = self._connections.get(number)
        if connection is None or not connection.under_way:
            return self.advance(now_s)
        connection.under_way.pop(0)
        connection.has_begun, connection.since_s = False, now_s
        connection.served += 1
        connection.stage = Stage.WAIT if connection.under_way else Stage.IDLE
        self._learn(connection, kept)
        orders: list[Order] = []
        if not kept.is_kept or (connection.left == 0 and not connection.under_way):
            orders = self._end(connection, kept)
        return orders + self.advance(now_s)

    def closed(self, number: int, why: Reason, now_s: float) -> list[Order]:
        """A connection is gone, or can't be had: by its server, by a fault, by us."""
        connection = self._connections.pop(number, None)
        if connection is None:
            return []
        orders = self._lose(connection, why) if connection.is_ready else self._fail(connection, why)
        return orders + self.advance(now_s)

    def deadline_s(self) -> float | None:
        """The moment at which `expire` has work to do; None while there is none."""
        moments = [one.since_s + self._limit_s(one) for one in self._connections.values()]
        if self.patience.all_s is not None and not self.is_done:
            moments.append(self.started_s + self.patience.all_s)
        return min(moments, default=None)

    def expire(self, now_s: float, heard_s: float | None = None) -> list[Order]:
        """Close what has waited too long.  The request that waited is given up; those behind it are sent again.

        `heard_s`: all that came until then is told (None: until now).  What is late is judged by it: whoever was
        not run for a while has not yet seen what lies in his sockets.
        """
        heard_s, all_s = now_s if heard_s is None else heard_s, self.patience.all_s
        if all_s is not None and heard_s >= self.started_s + all_s:
            return self._give_all_up(all_s)
        orders: list[Order] = []
        for connection in list(self._connections.values()):
            if heard_s < connection.since_s + self._limit_s(connection):
                continue
            del self._connections[connection.number]
            stage = connection.stage
            why = Reason("book 4.7.4", f"{WAITED_FOR[stage]} within {self._limit_s(connection):g} s")
            orders.append(Close(connection.number, stage is not Stage.IDLE, why))
            if not connection.is_ready:
                orders += self._fail(connection, why)
            elif connection.under_way:
                orders.append(GiveUp(connection.under_way.pop(0), why))
                connection.has_begun = False
                orders += self._lose(connection, why, is_late=True)
        return orders + self.advance(now_s)

    def _give_all_up(self, all_s: float) -> list[Order]:
        orders: list[Order] = []
        why = Reason("--timeout-s", f"its turn did not come within {all_s:g} s")
        for connection in self._connections.values():
            late = Reason("--timeout-s", f"{WAITED_FOR[connection.stage]} within {all_s:g} s")
            orders.append(Close(connection.number, True, late))
            orders += [GiveUp(number, late) for number in connection.under_way]
            if not connection.is_ready:
                why = late
        orders += [GiveUp(number, why) for host in self._waiting() for number in self._queues[host]]
        self._connections.clear()
        self._queues.clear()
        return orders

    # What to do

    def advance(self, now_s: float) -> list[Order]:
        """Send what can be sent, open what is missing, close what is no longer needed."""
        orders: list[Order] = []
        for host in self._waiting():
            queue = self._queues[host]
            while queue and (found := self._place(self._asked[queue[0]])) is not None:  # nobody is overtaken
                orders.append(self._send(*found, queue.popleft(), now_s))
        orders += self._open(now_s)
        if not self._waiting() and not any(one.under_way for one in self._connections.values()):
            orders += [Close(number, not one.is_ready, _ENOUGH) for number, one in self._connections.items()]
            self._connections.clear()
        return orders

    def _waiting(self) -> list[Host]:
        """The hosts for which requests wait, the longest waiting one first."""
        return sorted((host for host, queue in self._queues.items() if queue), key=lambda host: self._queues[host][0])

    def _place(self, asked: Asked) -> tuple[_Connection, Reason] | None:
        """The connection on which this request can go now, and why there."""
        ready = [one for one in self._connections.values() if one.is_ready and one.host == asked.host and one.left != 0]
        for connection in ready:
            if not connection.under_way:
                return connection, self._why_idle(connection)
        for connection in sorted(ready, key=lambda one: len(one.under_way)):
            if (why := self._why_pipelined(connection, asked)) is not None:
                return connection, why
        return None

    def _why_idle(self, connection: _Connection) -> Reason:
        if not self.strategy.is_kept:
            return Reason(self.strategy.why.source, "a connection of its own")
        if not connection.served:
            return Reason(self.strategy.why.source, "the first request on a new connection")
        return Reason("RFC 9112 §9.3; book 4.5.8", "used again: no new handshake", served=connection.served)

    def _why_pipelined(self, connection: _Connection, asked: Asked) -> Reason | None:
        """Why this request may leave before the last one is answered; None where it must not."""
        before = [self._asked[number] for number in connection.under_way]
        host = self._hosts[connection.host]
        if len(before) >= self.strategy.depth:
            return None
        if not all(one.is_idempotent and not one.waits for one in (asked, *before)):  # RFC 9112 §9.3.2; book 4.6
            return None
        if asked.number in self._alone or any(one.number in self._alone for one in before):
            return None
        if not connection.is_proven and (not host.is_proven or host.broke_a_pipeline):
            return None
        text = "the server is known as HTTP/1.1 and persistent, and the method may be repeated"
        return Reason("RFC 9112 §9.3.2; book 4.6", text, under_way=len(before))

    def _send(self, connection: _Connection, why: Reason, number: int, now_s: float) -> Send:
        if not connection.under_way:
            connection.stage, connection.since_s = Stage.WAIT, now_s
        connection.under_way.append(number)
        if connection.left is not None:
            connection.left -= 1
        return Send(connection.number, number, not self.strategy.is_kept, why)

    def _open(self, now_s: float) -> list[Order]:
        """A new connection for each request that no connection waits for, as far as the limits go."""
        orders: list[Order] = []
        standing = Counter(one.host for one in self._connections.values())
        for host in self._in_want(standing):
            if len(self._connections) >= self.strategy.in_all:
                idle = self._idle_elsewhere(host)
                if idle is None:
                    continue
                del self._connections[idle.number]
                standing[idle.host] -= 1
                orders.append(Close(idle.number, False, Reason("book 4.4.2", "its place is needed for another host")))
            self._opened += 1
            self._connections[self._opened] = _Connection(
                self._opened, host, now_s, left=None if self.strategy.is_kept else 1
            )
            standing[host] += 1
            orders.append(Open(self._opened, host, self._why_open(host, standing[host])))
        return orders

    def _in_want(self, standing: Counter[Host]) -> list[Host]:
        """A host for each connection that it may have and has not, in the order of the requests that wait for it."""
        opening = Counter(one.host for one in self._connections.values() if not one.is_ready)
        wants: list[tuple[int, Host]] = []
        for host in self._waiting():
            room = max(0, self._hosts[host].limit - standing[host])
            unserved = islice(self._queues[host], opening[host], opening[host] + room)
            wants += [(number, host) for number in unserved]
        return [host for _, host in sorted(wants, key=lambda want: want[0])]

    def _why_open(self, host: Host, standing: int) -> Reason:
        limit = self._hosts[host].limit
        if limit == 1:
            return self.strategy.why
        source = f"{self.strategy.why.source}; RFC 9112 §9.4"
        return Reason(
            source, "a request waits, and the limit of connections allows one more", now=standing, limit=limit
        )

    def _idle_elsewhere(self, host: Host) -> _Connection | None:
        """An idle connection to a host for which nothing waits."""
        wanted = self._waiting()
        for one in self._connections.values():
            if one.is_ready and not one.under_way and one.host != host and one.host not in wanted:
                return one
        return None

    # What is lost

    def _learn(self, connection: _Connection, kept: Kept) -> None:
        host = self._hosts[connection.host]
        host.is_proven = kept.pipelines
        connection.is_proven = kept.pipelines
        if kept.max_requests is not None:
            allowed = max(0, kept.max_requests - len(connection.under_way))
            connection.left = allowed if connection.left is None else min(connection.left, allowed)
        connection.idle_s = kept.idle_s

    def _end(self, connection: _Connection, kept: Kept) -> list[Order]:
        """Close in order after a complete response; what was pipelined behind it was not served."""
        del self._connections[connection.number]
        orders: list[Order] = []
        if connection.under_way:
            text = "the server closed in order before its turn came, so it was not served"
            orders += self._requeue(connection.under_way, Reason("RFC 9112 §9.3.2, §9.6; book 4.6", text))
        why = kept.why
        if kept.is_kept and not self.strategy.is_kept:
            why = Reason(self.strategy.why.source, "a connection is for one object")
        elif kept.is_kept:
            why = Reason("book 4.5.4", "the server's Keep-Alive allows no further request")
        return [*orders, Close(connection.number, False, why)]

    def _lose(self, connection: _Connection, why: Reason, *, is_late: bool = False) -> list[Order]:
        """The fate of each request that was under way; `is_late`: the oldest is given up already."""
        orders: list[Order] = []
        under_way = list(connection.under_way)
        was_pipelined = is_late or len(under_way) > 1
        if connection.has_begun and under_way:
            orders.append(GiveUp(under_way.pop(0), Reason("RFC 9112 §8; book 4.7.2", why.text)))
        elif under_way and not is_late:
            self._tries[under_way[0]] += 1
        again: list[int] = []
        for number in under_way:
            if (refusal := self._no_retry(number, why)) is not None:
                orders.append(GiveUp(number, refusal))
            else:
                again.append(number)
        if again and was_pipelined:
            self._alone.update(again)
            self._hosts[connection.host].broke_a_pipeline = True
            text = (
                f"the pipeline broke, and it is unanswered and may be repeated; it is not pipelined again: {why.text}"
            )
            return orders + self._requeue(again, Reason("RFC 9112 §9.3.2; book 4.6", text))
        return orders + self._requeue(
            again, Reason("RFC 9112 §9.3.1; book 4.7.3", f"unanswered, and it may be repeated: {why.text}")
        )

    def _no_retry(self, number: int, why: Reason) -> Reason | None:
        """Why this request, sent and unanswered, must not be sent again."""
        asked = self._asked[number]
        if not asked.is_idempotent and not self.retry_any_method:
            text = f"{asked.method} may have been applied, so it is not repeated by itself: {why.text}"
            return Reason("RFC 9110 §9.2.2; book 4.7.3", text)
        if self._tries[number] > self.retries:
            return Reason("book 4.7.3", f"{why.text}{', again and again' if self.retries else ''}")
        return None

    def _requeue(self, numbers: list[int], why: Reason) -> list[Order]:
        for number in reversed(numbers):
            self._queues.setdefault(self._asked[number].host, deque()).appendleft(number)
        return [Retry(number, why) for number in numbers]

    def _fail(self, connection: _Connection, why: Reason) -> list[Order]:
        """A connection can't be had: with no other to that host, its requests are given up."""
        host = connection.host
        others = sum(one.host == host for one in self._connections.values())
        if others:
            self._hosts[host].limit = others
            return []
        lost = self._queues.pop(host, deque())
        return [GiveUp(number, why) for number in lost]

    def _limit_s(self, connection: _Connection) -> float:
        own = self.patience.of(connection.stage)
        if connection.stage is Stage.IDLE and connection.idle_s is not None:
            return min(own, connection.idle_s)
        return own
