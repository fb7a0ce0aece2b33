"""Answers to requests that were seen before: the same bytes mean the same request, and get the same answer.

A request's meaning depends on its bytes alone, and an answer on the request, the file, and the second
in Date.  So while the file is unchanged, the answer to known bytes is known too, but for that second.
(A URL as target means something else with TLS and without; such a request is not remembered.)
And a request need not be the same to the last byte: `key` says what of it an answer depends on (for files
that is its `essence`).  Only whole requests without content are remembered, whose answers lie in memory.
The decision log needs the reasons anew, so nothing is cut short while it is written.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from lan.services.http.origin.answer import Answer
from lan.services.http.origin.essence import MAX_REQUEST_BYTES
from lan.services.http.protocol import dates
from lan.services.http.protocol.connection import Server
from lan.services.http.protocol.messages import Request

MAX_ENTRIES = 16384
MAX_ANSWER_BYTES = 128 * 1024
MAX_PIPELINED = 256
MAX_TOGETHER_BYTES = 1024 * 1024
"""Of the answers to pipelined requests; more are given one by one, as the client takes them."""
_DATE = b"\r\nDate: "
MAX_BYTES = 32 * 1024 * 1024
"""Of all answers and of what they are known by."""
_KEYS = 4096


@dataclass(frozen=True, slots=True)
class Known:
    """An answer, all of it.  `closing`: the request, where the connection closes after it.

    `date_at`: where the second stands in it, which alone tells it from a later answer; 0: it is right in this
    second alone.
    """

    whole: bytes
    closing: Request | None
    second: int
    is_current: Callable[[float], bool]
    date_at: int = 0

    def at(self, second: int) -> "Known":
        """The answer in another second."""
        whole, start = self.whole, self.date_at
        date = dates.build(second).encode("ascii")
        whole = b"%b%b%b" % (whole[:start], date, whole[start + len(date) :])
        return Known(whole, self.closing, second, self.is_current, start)


@dataclass(frozen=True, slots=True)
class Made:
    """An answer that was made without the engine, after which the connection stays open.

    `is_current` None: the next request needs another look.
    """

    head: bytes
    body: bytes
    is_current: Callable[[float], bool] | None


class Shortcuts:
    """What one server remembers.  `date`: seconds since 1970; `key`: what of a request its answer depends on;
    `make` answers some requests of which nothing is known yet, at a moment and in a turn of the loop.

    Longer requests than `max_request_bytes` are the engine's.
    """

    def __init__(
        self,
        date: Callable[[], float],
        *,
        key: Callable[[bytes], bytes] | None = None,
        make: Callable[[bytes, float, float], Made | None] | None = None,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._date, self.max_entries, self.max_bytes = date, max_entries, max_bytes
        self.max_request_bytes = min(max_request_bytes, MAX_REQUEST_BYTES)
        self._make = make
        self._key = None if key is None else lru_cache(_KEYS)(key)
        self.size_bytes = 0
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._checked: dict[bytes, Known] = {}
        self._checked_at_s = -1.0

    def answer(self, data: bytes, now_s: float) -> tuple[bytes, Request | None] | None:
        """The answers to all the requests in these bytes, and the last one where it closes; None unless all are known.

        A file is looked at once in a turn of the loop (`now_s`), however many ask for it meanwhile.
        """
        if now_s != self._checked_at_s:
            self._checked_at_s = now_s
            self._checked.clear()
        if (known := self._one(data)) is not None:
            return known.whole, known.closing
        if len(data) > MAX_REQUEST_BYTES * MAX_PIPELINED or not data.endswith(b"\r\n\r\n") or _is_one(data):
            return None
        return self._several(data)

    def _several(self, data: bytes) -> tuple[bytes, Request | None] | None:
        answers: list[bytes] = []
        left_bytes = MAX_TOGETHER_BYTES
        closing: Request | None = None
        for request in data.split(b"\r\n\r\n")[:-1]:
            known = self._one(request + b"\r\n\r\n")
            if known is None or closing is not None:
                return None
            left_bytes -= len(known.whole)
            if left_bytes < 0:
                return None
            answers.append(known.whole)
            closing = known.closing
        return b"".join(answers), closing

    def _one(self, data: bytes) -> Known | None:
        if (checked := self._checked.get(data)) is not None:
            return checked
        if len(data) > self.max_request_bytes:
            return None
        key = data if self._key is None else self._key(data)
        known = self._checked.get(key) or self._still_true(key) or self._made(key)
        if known is not None:
            self._checked[data] = self._checked[key] = known
        return known

    def _still_true(self, key: bytes) -> Known | None:
        known = self._known.get(key)
        if known is None:
            return None
        second = int(self._date())
        if (known.second != second and not known.date_at) or not known.is_current(self._checked_at_s):
            self._forget(key)
            return None
        if known.second != second:
            known = self._known[key] = known.at(second)
        return known

    def _made(self, key: bytes) -> Known | None:
        if self._make is None or not _is_one(key):
            return None
        now_s = self._date()
        made = self._make(key, now_s, self._checked_at_s)
        if made is None or len(made.body) > MAX_ANSWER_BYTES:
            return None
        whole, is_current = made.head + made.body, made.is_current
        known = Known(whole, None, int(now_s), is_current or _never, _date_at(made.head))
        if is_current is not None:
            self._keep(key, known)
        return known

    def _forget(self, key: bytes) -> None:
        self.size_bytes -= len(key) + len(self._known.pop(key).whole)

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, engine: Server, answer: Answer, head: bytes) -> None:
        """Remember this answer to the request that the engine has just read, where it may be given again."""
        if answer.is_current is None or answer.is_planned or answer.upgrade is not None:
            return
        length = answer.length_bytes
        if length is None or length > MAX_ANSWER_BYTES:
            return
        body = answer.content.read(0, length) if answer.content is not None and length else b""
        if len(body) == length:
            self._remember(engine, head + body, answer.is_current, _date_at(head))

    def remember(self, engine: Server, whole: bytes, is_current: Callable[[], bool]) -> None:
        """These are the bytes that answer the request which the engine has just read, for this second at most."""
        self._remember(engine, whole, lambda _turn_s: is_current(), 0)

    def _remember(self, engine: Server, whole: bytes, is_current: Callable[[float], bool], date_at: int) -> None:
        data, request, decision = engine.lone_request_bytes, engine.request, engine.persistence
        if data is None or request is None or decision is None or len(data) > self.max_request_bytes:
            return
        if not request.target.startswith("/"):
            return  # how a URL is answered hangs on the connection too (RFC 9110 §7.4)
        key = data if self._key is None else self._key(data)
        self._keep(key, Known(whole, None if decision.keep else request, int(self._date()), is_current, date_at))

    def _keep(self, key: bytes, known: Known) -> None:
        if key in self._known:
            self._forget(key)
        self._known[key] = known
        self.size_bytes += len(key) + len(known.whole)
        while len(self._known) > self.max_entries or self.size_bytes > self.max_bytes:
            oldest_key, oldest = self._known.popitem(last=False)
            self.size_bytes -= len(oldest_key) + len(oldest.whole)


def _never(_turn_s: float) -> bool:
    return False


def _date_at(head: bytes) -> int:
    """Where the second stands in a head; 0 for nowhere."""
    found = head.find(_DATE)
    return found + len(_DATE) if found >= 0 else 0


def _is_one(data: bytes) -> bool:
    return data.find(b"\r\n\r\n") == len(data) - 4
