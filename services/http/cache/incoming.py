"""A response's body on its way into the store.  RFC 9111 §3.3; book 4.7.2: what was cut off is not kept.

Pure.  Nothing is findable before the message came to its proper end with the length that it said.
"""

from collections.abc import Sequence
from typing import Protocol

from lan.reasons import Reason
from lan.services.http.cache import selection
from lan.services.http.cache.decisions import Forward, Stored
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.settings import Settings
from lan.services.http.cache.store import Store
from lan.services.http.cache.storing import Storable
from lan.services.http.protocol.messages import Response


class Keeper(Protocol):
    """What an incoming body needs of its cache."""

    store: Store
    settings: Settings

    def is_outdated(self, key: str, began: int) -> bool:
        """Was this key invalidated after the request of that moment went out?"""


class Incoming:
    """One body: `write` its pieces, then `end` or `abandon`, once."""

    def __init__(
        self,
        keeper: Keeper,
        forward: Forward,
        response: Response,
        storable: Storable,
        requested_s: float,
        received_s: float,
    ) -> None:
        self.keeper, self.forward, self.storable = keeper, forward, storable
        self.requested_s, self.received_s = requested_s, received_s
        self.announced_bytes = _announced_bytes(response)
        self.most_bytes = min(keeper.settings.max_object_bytes, keeper.store.most_bytes // 2)
        self.size_bytes = 0
        self.lost: Reason | None = None
        self._draft = keeper.store.draft()
        self._check_size(self.announced_bytes or 0)

    def write(self, data: bytes) -> None:
        """Some content; what will not be stored is dropped at once."""
        if self.lost is not None:
            return
        self.size_bytes += len(data)
        self._check_size(self.size_bytes)
        if self.lost is None and not self._draft.write(data):
            self.lost = Reason("RFC 9111 §2", "the store has no room for it")

    def _check_size(self, size_bytes: int) -> None:
        """One answer must not drive all others out."""
        if size_bytes > self.most_bytes:
            self.abandon(Reason("RFC 9111 §2", "too large for this cache", most_bytes=self.most_bytes))

    def end(self) -> Stored:
        """The message is complete: keep it, in place of what it was asked for instead of."""
        assert self.forward.key is not None
        announced_bytes = self.announced_bytes
        if announced_bytes is not None and announced_bytes != self.size_bytes:
            text = "the body is not as long as Content-Length says"
            why = Reason("RFC 9112 §8; book 4.7.2", text, announced=announced_bytes, came=self.size_bytes)
            return self.abandon(why)
        if self.keeper.is_outdated(self.forward.key, self.forward.began):
            return self.abandon(Reason("RFC 9111 §4.4", "invalidated while it was on its way"))
        if self.lost is not None:
            return Stored(None, self.lost)
        return self._keep(self.forward.key)

    def abandon(self, why: Reason) -> Stored:
        """Keep nothing."""
        if self.lost is None:
            self._draft.discard()
            self.lost = why
        return Stored(None, self.lost)

    def _keep(self, key: str) -> Stored:
        store, request = self.keeper.store, self.forward.original
        response = self.storable.response
        if response.status != 204:
            response = response.with_field("Content-Length", str(self.size_bytes))
        variant = selection.variant(request, response)
        moments = (self.requested_s, self.received_s)
        entry = Entry(self._draft.serial, key, variant, response, self.size_bytes, *moments)
        before = store.find(key)
        self.lost = Reason("RFC 9111 §3", "it has been stored")
        if not store.keep(self._draft, entry):
            return Stored(None, Reason("RFC 9111 §2", "the store has no room for it"))
        store.drop(_replaced(before, entry, selection.candidates(before, request), self.keeper.settings))
        return Stored(entry, self.storable.why)


def _replaced(before: Sequence[Entry], entry: Entry, same: Sequence[Entry], settings: Settings) -> list[Entry]:
    """Those that would have answered the same request, and the oldest of too many variants."""
    others = [other for other in before if other not in same]
    excess = max(0, len(others) + 1 - settings.most_variants)
    return [*same, *others[:excess]]


def _announced_bytes(response: Response) -> int | None:
    """Content-Length where it counts: not beside Transfer-Encoding (RFC 9112 §6.3)."""
    length = response.headers.get("Content-Length")
    if length is None or response.headers.get("Transfer-Encoding") is not None:
        return None
    values = {value.strip() for value in length.split(",")}
    return int(values.pop()) if len(values) == 1 and length.isascii() and length.strip().isdigit() else -1
