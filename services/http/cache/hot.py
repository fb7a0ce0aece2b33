"""Ready answers for what is asked again within the second: a cache of the plain path's own answers.

Pure.  A fresh response without `Vary` gives every plain GET the same answer until its age shows
another second.  A test holds the two paths equal.
"""

from dataclasses import dataclass

from lan.services.http.cache.decisions import Serve
from lan.services.http.cache.policy import Judgement, Use
from lan.services.http.cache.selection import ROUTING_FIELDS
from lan.services.http.cache.store import Store
from lan.services.http.protocol.messages import Request

CAPACITY = 10_000

READ_BY_LOOKUP = ROUTING_FIELDS | frozenset(
    ("cache-control", "pragma", "range", "if-range", "if-match", "if-none-match", "if-modified-since")
) | frozenset(("if-unmodified-since", "content-length", "transfer-encoding"))  # fmt: skip
"""Request fields that can change what `Cache.lookup` says, beside `Host` and those that a response varies on."""

Asked = tuple[str, str, str | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """What the plain path said at `since_s`, and until when it would say the same."""

    served: Serve
    since_s: float
    until_s: float


class HotAnswers:
    """The answers of this second, by scheme, target and Host as they are written."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._ready: dict[Asked, Ready] = {}

    def find(self, request: Request, scheme: str, now_s: float) -> Serve | None:
        """The plain path's answer, or None where it must be asked."""
        asked = _asked(request, scheme)
        ready = self._ready.get(asked) if asked is not None else None
        if ready is None:
            return None
        served, entry = ready.served, ready.served.entry
        if not self._is_right(ready, now_s):
            del self._ready[asked]  # type: ignore[arg-type]
            return None
        content = self.store.open(entry)
        if content is None:
            return None
        if not served.pieces:
            content.close()
            return served
        return Serve(served.response, served.pieces, content, entry, served.why, served.status)

    def holds(self, request: Request, scheme: str, now_s: float) -> bool:
        """Whether `find` has an answer; nothing is opened."""
        asked = _asked(request, scheme)
        ready = self._ready.get(asked) if asked is not None else None
        return ready is not None and self._is_right(ready, now_s)

    def _is_right(self, ready: Ready, now_s: float) -> bool:
        entry = ready.served.entry
        found = self.store.find(entry.key)
        return ready.since_s <= now_s < ready.until_s and len(found) == 1 and found[0] is entry

    def learn(self, request: Request, scheme: str, served: Serve, judgement: Judgement, now_s: float) -> None:
        """Remember an answer, if it is one for everybody."""
        if judgement.use is not Use.FRESH or served.entry.variant or served.entry.has_vary:
            return
        asked = _asked(request, scheme)
        if asked is None:
            return
        if len(self._ready) >= CAPACITY:
            self._ready.clear()
        until_s = now_s + min(1 - judgement.age_s % 1, judgement.remaining_s)
        kept = Serve(served.response, served.pieces, None, served.entry, served.why, served.status)
        self._ready[asked] = Ready(kept, now_s, until_s)


def _asked(request: Request, scheme: str) -> Asked | None:
    """What the answer to a plain GET hangs on; None for any other request."""
    if request.method != "GET":
        return None
    host = None
    for name, value in request.headers.items:
        lower = name.lower()
        if lower in READ_BY_LOOKUP:
            return None
        if lower == "host":
            host = value if host is None else f"{host}, {value}"
    return scheme, request.target, host
