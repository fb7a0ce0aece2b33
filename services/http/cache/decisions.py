"""What a cache tells its proxy to do: the commands that `cache.py` gives.

Pure.  A request leads to `Serve`, `Forward` or `Refuse`; what comes back for a `Forward` leads to
`Serve`, `Relay` or `Repeat`.
"""

from dataclasses import dataclass
from typing import Protocol

from lan.reasons import Reason
from lan.services.http.cache.cache_status import CacheStatus, Forwarded
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.store import Content
from lan.services.http.protocol.messages import Request, Response
from lan.services.http.protocol.ranges import Span


@dataclass(frozen=True, slots=True)
class Forward:
    """Send `request` towards the origin, then call `Cache.receive` with its answer, or `Cache.failed`.

    `original` is the client's request and `key` what its answer is stored under (None: never).
    `asked`: the stored responses that conditions were added for.  `collapse_key`: requests with the
    same one may wait for this one's answer (`collapse.py`); None: this one goes alone.
    """

    request: Request
    original: Request
    why: Reason
    forwarded: Forwarded
    uri: str | None = None
    key: str | None = None
    asked: tuple[Entry, ...] = ()
    stored: tuple[Entry, ...] = ()
    began: int = 0
    collapse_key: str | None = None
    is_refresh: bool = False


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer the client from the store: the head, then the pieces, spans of which are read from `content`.

    Whoever takes it closes `content`.  `refresh`: validate this in the background (RFC 5861 §3);
    nobody waits for its answer.  Heads are the same object while a hot entry's age is the same second.
    """

    response: Response
    pieces: tuple[bytes | Span, ...]
    content: Content | None
    entry: Entry
    why: Reason
    status: CacheStatus
    refresh: Forward | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this error of the cache's own."""

    status_code: int
    why: Reason
    status: CacheStatus


class Storing(Protocol):
    """The body of a response on its way into the store, piece by piece."""

    def write(self, data: bytes) -> None:
        """Some content, as it goes to the client."""

    def end(self) -> "Stored":
        """The message came to its proper end: keep it, if it is as long as it said."""

    def abandon(self, why: Reason) -> "Stored":
        """It broke off; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a body: the entry that now answers, or None, and why."""

    entry: Entry | None
    why: Reason


@dataclass(frozen=True, slots=True)
class Relay:
    """Pass this response on, and give its content to `storing`, if there is one, until `end` or `abandon`.

    `why` tells whether it is stored, by which rule.
    """

    response: Response
    storing: Storing | None
    why: Reason
    status: CacheStatus


@dataclass(frozen=True, slots=True)
class Repeat:
    """The answer fits no stored response: send this, and pass nothing on."""

    forward: Forward
    why: Reason
