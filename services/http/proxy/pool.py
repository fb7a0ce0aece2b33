"""Kept connections to servers: which one is used again, and how many are kept.  RFC 9112 §9.3, §9.4; book 4.5.9.

Pure: it holds things of any type by their destination, newest first, and says which must go.
The book's measure: two connections for each client, so that a proxy with N clients holds about 2N.
"""

from collections import OrderedDict
from collections.abc import Hashable
from itertools import islice
from typing import Generic, TypeVar

from lan.reasons import Reason
from lan.services.http.protocol.messages import Version
from lan.services.http.proxy.destination import Destination

T = TypeVar("T", bound=Hashable)
MAX_REMEMBERED = 4096


def most_kept(clients: int, each: int, connections: int = 0) -> int:
    """How many idle connections a proxy with so many clients keeps, at `each` for one.

    Clients that have more connections to the proxy than that (a test's load, another proxy) are served by as
    many on the other side: one that is closed now is opened again with the next request.
    """
    return max(max(1, clients) * each, connections)


class Pool(Generic[T]):
    """Idle connections, and what is known of servers."""

    def __init__(self) -> None:
        self._idle: dict[T, Destination] = {}  # the longest idle first
        self._by: dict[Destination, dict[T, None]] = {}  # and so here
        self._versions: OrderedDict[Destination, Version] = OrderedDict()

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, destination: Destination) -> T | None:
        """The connection to this server that was used last, now no longer kept; None: a new one is needed."""
        waiting = self._by.get(destination)
        if waiting is None:
            return None
        found, _ = waiting.popitem()
        if not waiting:
            del self._by[destination]
        del self._idle[found]
        return found

    def park(self, connection: T, destination: Destination, most: int) -> list[T]:
        """Keep this connection; those that must be closed, so that at most `most` are kept, the longest idle first."""
        self._idle[connection] = destination
        self._by.setdefault(destination, {})[connection] = None
        gone = list(islice(self._idle, max(0, len(self._idle) - most)))
        for one in gone:
            self.drop(one)
        return gone

    def drop(self, connection: T) -> None:
        """Keep it no more."""
        destination = self._idle.pop(connection, None)
        if destination is not None:
            waiting = self._by[destination]
            del waiting[connection]
            if not waiting:
                del self._by[destination]

    def all(self) -> list[T]:
        """All that are kept."""
        return list(self._idle)

    def learn(self, destination: Destination, version: Version) -> None:
        """Remember the HTTP version of a server's response (RFC 9110 §2.5)."""
        self._versions[destination] = version
        self._versions.move_to_end(destination)
        if len(self._versions) > MAX_REMEMBERED:
            self._versions.popitem(last=False)

    def version(self, destination: Destination) -> Version | None:
        """The HTTP version of this server, if a response has told it."""
        return self._versions.get(destination)


def reuse(uses: int) -> Reason:
    """Why a request goes over this connection."""
    if uses:
        return Reason("RFC 9112 §9.3; book 4.5.9", "over a kept connection to the server", used_before=uses)
    return Reason("RFC 9112 §9.3", "over a new connection to the server")
