"""What all connections of one proxy share."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from lan.reasons import Reason
from lan.services.http.proxy.caching import Caching
from lan.services.http.proxy.channel import Channel, Owner, TlsChannel
from lan.services.http.proxy.connector import Connected, Connector, Failed, Reach
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Rules
from lan.services.http.proxy.hits import Hits
from lan.services.http.proxy.loop import Loop
from lan.services.http.proxy.plain import Answers, Requests
from lan.services.http.proxy.pool import Pool, most_kept
from lan.services.http.proxy.resolver import Resolver
from lan.services.http.proxy.settings import Limits, Settings
from lan.services.shell import DecisionLog


class Served(Protocol):
    """One client's connection."""

    def stop(self) -> None:
        """The proxy ends: finish what is under way, begin nothing."""

    def close(self, why: Reason) -> None:
        """Close now."""


@dataclass(slots=True)
class Context:
    """The proxy's settings as they are, its loop, and its log.

    `tls` is for servers reached by https, `to_clients` for clients that reach the proxy so.
    """

    loop: Loop
    log: DecisionLog
    limits: Limits
    settings: Settings
    rules: Rules
    reach: Reach
    resolver: Resolver
    tls: ssl.SSLContext
    sessions: set[Served]
    pool: Pool[Any]
    clients: Counter[str]
    to_clients: ssl.SSLContext | None = None
    caching: Caching | None = None
    hits: Hits | None = None
    plain: tuple[Requests, Answers] | None = None
    date: Callable[[], float] = field(default=time.time)

    def connect(self, destination: Destination, owner: Owner, connected: Connected, failed: Failed) -> Connector:
        """Begin a connection to this destination."""
        return Connector(
            self.loop, self.resolver, self.reach, destination=destination, owner=owner, connected=connected,
            failed=failed, name_s=self.limits.name_s, connect_s=self.limits.connect_s,
            tls=self.tls if destination.scheme == "https" else None,
        )  # fmt: skip

    def accept(self, sock: socket.socket, owner: Owner) -> Channel:
        """A client's connection, under TLS where clients come so."""
        if self.to_clients is None:
            return Channel(sock, self.loop, owner)
        return TlsChannel(sock, self.loop, owner, self.to_clients)

    def count(self, client: str, change: int) -> None:
        """A connection of this client has come or gone."""
        self.clients[client] += change
        if not self.clients[client]:
            del self.clients[client]

    def most_kept(self) -> int:
        """How many idle connections to servers are kept now."""
        return most_kept(len(self.clients), self.limits.upstream_idle, len(self.sessions))

    def decide(self, what: str, why: Reason, **keys: object) -> None:
        """Log a decision."""
        self.log.append(what, why, **keys)


def peer_of(sock: socket.socket, otherwise: str) -> str:
    """The other end's address; `otherwise`, where it has reset the connection already, which will be told next."""
    try:
        return named(sock.getpeername())
    except OSError:
        return otherwise


def named(address: tuple[str, int]) -> str:
    """``192.168.100.253:80``, ``[::1]:80``."""
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
