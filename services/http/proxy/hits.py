"""Whole answers from the store to requests that everybody gets the same answer to, by the lines that decide it.

A cache of the full path's own answers (`cached.py`): what it gave to one plain GET it would give to every
request whose lines are the same, but for those that no rule of the proxy or the cache reads, as long as the
entry is the only one under its key, and fresh.  Only the numbers of `Age` and of ``ttl`` in `Cache-Status`
change, once a second.  RFC 9111 §4, §5.1; RFC 9211.

Pure, beside the store.  A test holds the two equal.
"""

from dataclasses import dataclass

from lan.services.http.cache.decisions import Serve
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.hot import READ_BY_LOOKUP
from lan.services.http.cache.store import Store
from lan.services.http.protocol.head import MAX_FIELDS
from lan.services.http.protocol.messages import Request
from lan.services.http.protocol.target import scheme_of
from lan.services.http.proxy import plain
from lan.services.http.proxy.plain import MAX_HEAD_BYTES, Lines

MAX_HITS = 8192
MAX_BYTES = 32 * 1024 * 1024
MAX_PIPELINED_BYTES = 1024 * 1024
"""Answers to pipelined requests in one go: more go one by one, as the client takes them."""
_END = b"\r\n\r\n"

Told = tuple[bytes, ...]


@dataclass(slots=True)
class Hit:
    """An answer, right from `since_s` until `until_s`.  Where the two numbers stand in it, and how long they are."""

    whole: bytes
    entry: Entry
    lifetime_s: float
    closes: bool
    age_at: int
    age_digits: int
    ttl_at: int
    ttl_digits: int
    weight_bytes: int
    since_s: float = 0.0
    until_s: float = 0.0

    def renew(self, now_s: float) -> bool:
        """Set the numbers as they are now; False where the answer is not right any more."""
        entry, whole = self.entry, self.whole
        age_s = entry.current_age_s(now_s)
        left_s = self.lifetime_s - age_s
        if left_s <= 0 or now_s < entry.received_s:
            return False
        age, ttl = b"%d" % age_s, b"%d" % (int(round(self.lifetime_s, 3)) - int(age_s))
        between = whole[self.age_at + self.age_digits : self.ttl_at]
        rest = whole[self.ttl_at + self.ttl_digits :]
        self.whole = b"%b%b%b%b%b" % (whole[: self.age_at], age, between, ttl, rest)
        self.age_digits, self.ttl_digits = len(age), len(ttl)
        self.ttl_at = self.age_at + len(age) + len(between)
        self.since_s, self.until_s = now_s, now_s + min(1 - age_s % 1, left_s)
        return True


class Hits:
    """The answers of one proxy's store, as long as its rules are the same."""

    def __init__(
        self,
        store: Store,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_hits: int = MAX_HITS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.store, self.max_hits, self.max_bytes = store, max_hits, max_bytes
        self.max_head_bytes = min(max_head_bytes, MAX_HEAD_BYTES)
        self.size_bytes = 0
        self._lines = Lines(plain.READ | READ_BY_LOOKUP)
        self._hits: dict[Told, Hit] = {}

    def __len__(self) -> int:
        return len(self._hits)

    def answer(self, data: bytes, now_s: float) -> tuple[bytes, bool] | None:
        """The answers to all requests in these bytes, and whether the connection closes then; None: ask further."""
        if data.find(_END) + 4 == len(data):
            hit = self._find(data[:-4], now_s)
            return None if hit is None else (hit.whole, hit.closes)
        if not data.endswith(_END):
            return None
        answers: list[bytes] = []
        size_bytes, closes = 0, False
        for head in data[:-4].split(_END):
            hit = None if closes else self._find(head, now_s)
            if hit is None:
                return None
            answers.append(hit.whole)
            size_bytes += len(hit.whole)
            if size_bytes > MAX_PIPELINED_BYTES:
                return None
            closes = hit.closes
        return b"".join(answers), closes

    def _find(self, head: bytes, now_s: float) -> Hit | None:
        lines = head.split(b"\r\n")
        seen = self._lines.plain
        told = [line for line in lines if line not in seen]
        hit = self._hits.get(tuple(told))
        if hit is None:
            told = self._lines.read(told)
            hit = self._hits.get(tuple(told))
        if hit is None or told[0] is not lines[0] or len(lines) > MAX_FIELDS or len(head) + 4 > self.max_head_bytes:
            return None
        found = self.store.find(hit.entry.key)
        if len(found) != 1 or found[0] is not hit.entry or not self._is_right(hit, now_s):
            self._forget(tuple(told))
            return None
        return hit

    def _is_right(self, hit: Hit, now_s: float) -> bool:
        """Its numbers are those of now; once a second the store hears that the entry is used."""
        if hit.since_s <= now_s < hit.until_s:
            return True
        content = self.store.open(hit.entry) if hit.renew(now_s) else None
        if content is not None:
            content.close()
        return content is not None

    def learn(
        self,
        data: bytes,
        request: Request,
        whole: bytes,
        served: Serve,
        lifetime_s: float,
        now_s: float,
        *,
        closes: bool,
    ) -> None:
        """The full path gave this answer to everybody who asks so: `data` is the whole of `request`."""
        hit = _hit(whole, served, lifetime_s, weight_bytes=len(data) + len(whole), closes=closes)
        if hit is None or not hit.renew(now_s) or hit.whole != whole:
            return
        if set(request.connection_options) - {"keep-alive", "close"} or len(data) > self.max_head_bytes:
            return  # Connection may be about any field
        if scheme_of(request) not in (None, "http"):
            return  # whether we answer for such a URL hangs on the connection too (RFC 9110 §7.4)
        told = tuple(self._lines.read(data[:-4].split(b"\r\n")))
        self._forget(told)
        self._hits[told] = hit
        self.size_bytes += hit.weight_bytes
        while len(self._hits) > self.max_hits or self.size_bytes > self.max_bytes:
            self._forget(next(iter(self._hits)))

    def _forget(self, told: Told) -> None:
        hit = self._hits.pop(told, None)
        if hit is not None:
            self.size_bytes -= hit.weight_bytes


def _hit(whole: bytes, served: Serve, lifetime_s: float, *, weight_bytes: int, closes: bool) -> Hit | None:
    """The answer with the places of its two numbers; None where they don't stand as the cache writes them."""
    age, ttl_s = served.response.headers.get("Age"), served.status.ttl_s
    if age is None or ttl_s is None:
        return None
    ttl, end = b"%d" % ttl_s, whole.find(_END)
    marked = b"\r\nAge: %b\r\nCache-Status: " % age.encode()
    at = whole.find(marked, 0, end)
    line_end = whole.find(b"\r\n", at + len(marked))
    if at < 0 or not whole.endswith(b"; ttl=" + ttl, 0, line_end):
        return None
    return Hit(whole, served.entry, lifetime_s, closes, at + 7, len(age), line_end - len(ttl), len(ttl), weight_bytes)
