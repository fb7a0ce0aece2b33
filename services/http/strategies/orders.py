"""What a pool of connections is asked, and what it orders: data between `pool.py` and whoever owns sockets.

Pure.  Connections and requests are numbers, hosts anything that can be compared; each order has its reason.
"""

import enum
from collections.abc import Hashable
from dataclasses import dataclass

from lan.reasons import Reason

IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
"""Methods that may be repeated without asking: RFC 9110 §9.2.2; book 4.7.3."""

Host = Hashable


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits for a connection; `waits`: its content does, for 100 (Continue)."""

    number: int
    host: Host
    method: str = "GET"
    waits: bool = False

    @property
    def is_idempotent(self) -> bool:
        return self.method in IDEMPOTENT


@dataclass(frozen=True, slots=True)
class Open:
    """Open a connection to this host."""

    connection: int
    host: Host
    why: Reason


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request on this connection; where it is the last one there, say ``Connection: close``."""

    connection: int
    request: int
    is_last: bool
    why: Reason


@dataclass(frozen=True, slots=True)
class Close:
    """Close this connection: in order, or at once where its other end can't be waited for."""

    connection: int
    is_abrupt: bool
    why: Reason


@dataclass(frozen=True, slots=True)
class Retry:
    """This request is to be sent again; its `Send` follows when a connection is free."""

    request: int
    why: Reason


@dataclass(frozen=True, slots=True)
class GiveUp:
    """This request gets no response."""

    request: int
    why: Reason


Order = Open | Send | Close | Retry | GiveUp


class Stage(enum.StrEnum):
    """What a connection is waited for: each has a time-out of its own."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    WAIT = "wait"
    RECEIVE = "receive"
    IDLE = "idle"


WAITED_FOR = {
    Stage.DNS: "no answer from DNS",
    Stage.CONNECT: "connecting: no end",
    Stage.TLS: "TLS handshake: no end",
    Stage.WAIT: "waiting for the response: no end",
    Stage.RECEIVE: "the response stands still: nothing",
    Stage.IDLE: "the idle connection was not needed",
}
"""How a time-out is told, before ``within 30 s``."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a connection may stay in each stage without any byte passing, and `all_s` for everything."""

    dns_s: float = 10.0
    connect_s: float = 10.0
    tls_s: float = 10.0
    wait_s: float = 30.0
    receive_s: float = 30.0
    idle_s: float = 15.0
    all_s: float | None = None

    def of(self, stage: Stage) -> float:
        """The limit of a stage."""
        return float(getattr(self, f"{stage.value}_s"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a complete response says of its connection: does it stay, may requests be pipelined on it (RFC 9112
    §9.3.2: HTTP/1.1 and persistent), and what the server's Keep-Alive promises (book 4.5.4)."""

    is_kept: bool
    why: Reason
    pipelines: bool = False
    max_requests: int | None = None
    idle_s: float | None = None
