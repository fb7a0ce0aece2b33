"""A proxy's sessions without a network: sockets that the test plays, a loop whose time stands still until it is set.

A `World` holds one client's session of a kind and the servers that it has connected to.  What each socket was
sent, and whether it was ended, closed or reset, is all that anybody outside could see.
"""

import errno
import socket
import struct
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from lan.services.http.proxy.caching import Caching
from lan.services.http.proxy.channel import Channel
from lan.services.http.proxy.context import Context
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.hits import Hits
from lan.services.http.proxy.loop import IN, OUT, RECEIVE_BYTES
from lan.services.http.proxy.plain import Answers, Requests
from lan.services.http.proxy.pool import Pool
from lan.services.http.proxy.settings import Limits

WEB = Destination("http", "web", 80)
GATEWAY = Rules("p", Mode.GATEWAY, upstream=WEB)
ROOM = 1 << 30


class PlayedSocket:
    """One end of a connection: the test fills `arrived`, and looks at `sent`."""

    def __init__(self, number: int, room: int = ROOM) -> None:
        self.number, self.room = number, room
        self.arrived: list[bytes | OSError] = []
        self.sent = b""
        self.acknowledged_bytes = 0
        self.ended = self.closed = self.was_reset = False

    def fileno(self) -> int:
        return self.number

    def send(self, data: bytes) -> int:
        if self.ended or self.closed:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        count = min(self.room, len(data))
        if not count:
            raise BlockingIOError
        self.room -= count
        self.sent += bytes(data[:count])
        return count

    def recv(self, count: int, flags: int = 0) -> bytes:
        if not self.arrived:
            raise BlockingIOError
        if flags == socket.MSG_PEEK:
            return b""
        data = self.arrived.pop(0)
        if isinstance(data, OSError):
            raise data
        assert len(data) <= count
        return data

    def recv_into(self, room: memoryview) -> int:
        data = self.recv(len(room))
        room[: len(data)] = data
        return len(data)

    def shutdown(self, how: int) -> None:
        assert how == socket.SHUT_WR
        self.ended = True

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        self.was_reset = self.was_reset or option == socket.SO_LINGER

    def getsockopt(self, level: int, option: int, size: int = 0) -> Any:
        return struct.pack("=120xQ", self.acknowledged_bytes) if option == socket.TCP_INFO else errno.ECONNRESET

    def getpeername(self) -> tuple[str, int]:
        return "10.0.0.9", 40000 + self.number

    def getsockname(self) -> tuple[str, int]:
        return "10.0.0.1", 3128

    def close(self) -> None:
        self.closed = True


class PlayedLoop:
    """The loop's surface; nothing runs but what `World` runs."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.timed: set[Any] = set()
        self.dirty: list[Any] = []
        self.posted: list[Callable[[], None]] = []
        self.watched: dict[int, tuple[Any, int]] = {}
        self.room = memoryview(bytearray(RECEIVE_BYTES))

    def watch(self, sock: PlayedSocket, watched: Any, mask: int) -> None:
        self.watched[sock.number] = (watched, mask)

    def change(self, sock: PlayedSocket, mask: int) -> None:
        self.watched[sock.number] = (self.watched[sock.number][0], mask)

    def forget(self, sock: PlayedSocket, *, close: bool = True) -> None:
        self.watched.pop(sock.number, None)
        if close:
            sock.close()

    def post(self, action: Callable[[], None]) -> None:
        self.posted.append(action)


class PlayedContext(Context):
    """The context of one played proxy: whoever it connects to answers at once."""

    servers: list[PlayedSocket]

    def connect(self, destination: Destination, owner: Any, connected: Any, failed: Any) -> Any:
        def answered() -> None:
            self.servers.append(PlayedSocket(10 + len(self.servers)))
            connected(Channel(self.servers[-1], self.loop, owner))  # type: ignore[arg-type]

        self.loop.post(answered)
        return SimpleNamespace(give_up=lambda: None)


class World:
    """A client's connection to a proxy (others may follow), and all servers that the proxy connects to."""

    def __init__(
        self,
        kind: Callable[..., Any],
        rules: Rules = GATEWAY,
        *,
        is_heard: bool = False,
        room: int = ROOM,
        plain: tuple[Requests, Answers] | None = None,
        caches: bool = False,
        hits: int = 0,
    ) -> None:
        """`hits`: how many whole answers a caching proxy remembers."""
        self.loop = PlayedLoop()
        self.caching = Caching(self.loop, "c", None, 1) if caches else None  # type: ignore[arg-type]
        self.decisions: list[str] = []
        log = SimpleNamespace(is_wanted=is_heard, append=lambda what, why, **keys: self.decisions.append(what))
        self.context = PlayedContext(
            self.loop, log, Limits(), SimpleNamespace(accounts=None), rules, None, None, None, set(), Pool(), Counter(),
            date=self.date, caching=self.caching, plain=plain or (Requests(rules), Answers(rules)),
        )  # type: ignore[arg-type]  # fmt: skip
        if self.caching is not None:
            self.context.hits = Hits(self.caching.store, max_hits=hits)
        self.servers = self.context.servers = []
        self.clients: list[PlayedSocket] = []
        self._kind, self._room = kind, room
        self.connect()

    def connect(self) -> None:
        """Another client comes; the one before stays as it is."""
        self.client = PlayedSocket(1 - len(self.clients), self._room)
        self.clients.append(self.client)
        self.session = self._kind(self.client, self.context, None)
        self.context.sessions.add(self.session)

    def date(self) -> float:
        """Seconds since 1970."""
        return 1_000_000_000.0 + self.loop.now_s

    def arrive(self, sock: PlayedSocket, what: bytes | OSError) -> None:
        """Bytes, ``b""`` for a FIN, or an error come; they wait while nobody reads."""
        if not sock.closed:
            sock.arrived.append(what)
            self.run()

    def give_room(self, count: int) -> None:
        """The client takes so many bytes more."""
        self.client.room += count
        if (found := self.loop.watched.get(self.client.number)) is not None and found[1] & OUT:
            found[0].ready(OUT)
        self.run()

    def run(self) -> None:
        """All that can happen, happens."""
        self._settle()
        while ready := [one for one in (*self.clients, *self.servers) if one.arrived and self._is_read(one)]:
            self.loop.watched[ready[0].number][0].ready(IN)
            self._settle()

    def pass_time(self, seconds: float) -> None:
        """So much later, and whose deadline that was has heard of it."""
        self.loop.now_s += seconds
        for timed in [one for one in self.loop.timed if one.deadline_s <= self.loop.now_s]:
            if timed in self.loop.timed:
                timed.expire()
        self.run()

    def seen(self) -> list[tuple[bytes, bool, bool, bool, int]]:
        """What everybody outside has got: bytes, FIN, close, RST; and how much of theirs is not read."""
        ends = (*self.clients, *self.servers)
        return [(one.sent, one.ended, one.closed, one.was_reset, len(one.arrived)) for one in ends]

    def _is_read(self, sock: PlayedSocket) -> bool:
        return bool(self.loop.watched.get(sock.number, (None, 0))[1] & IN)

    def _settle(self) -> None:
        while self.loop.dirty or self.loop.posted:
            if self.loop.dirty:
                self.loop.dirty.pop().flush()
            else:
                self.loop.posted.pop(0)()
