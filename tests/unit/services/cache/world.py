"""A client, a cache and an origin for the tests: a dialogue in which only the clock is ours.

``world.ask("/a", Reply(body=b"x", cache_control="max-age=60"))`` asks the cache; the reply is what the
origin gives if it is asked, or a function that makes it of the request.  A question that reaches the origin
without a reply fails the test.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from lan.reasons import Reason
from lan.services.http.cache.cache import Cache
from lan.services.http.cache.decisions import Forward, Refuse, Relay, Repeat, Serve, Stored
from lan.services.http.cache.memory_store import MemoryStore
from lan.services.http.cache.settings import Settings
from lan.services.http.cache.store import Store
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Headers, Request, Response, headers

NOW_S = 1_800_000_000.0


def date(offset_s: float = 0) -> str:
    """A date, counted from the moment at which a world begins."""
    return dates.build(NOW_S + offset_s)


def fields_of(words: dict[str, str | list[str] | None]) -> list[tuple[str, str]]:
    """``cache_control="x"`` → Cache-Control: x; a list makes several lines, None none."""
    pairs = []
    for name, value in words.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                pairs.append((name.replace("_", "-").title(), one))
    return pairs


class Reply:
    """What the origin answers.  `came`: how much of the body arrives before the connection breaks."""

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"body",
        *,
        came: int | None = None,
        delay_s: float = 0.0,
        **fields: str | list[str] | None,
    ) -> None:
        words: dict[str, str | list[str] | None] = {"date": None, "content_length": str(len(body)), **fields}
        if status in (204, 304):
            words["content_length"] = fields.get("content_length")
            body = b""
        self.response = Response(status, headers=headers(fields_of(words)))
        self.body, self.came, self.delay_s = body, came, delay_s
        self.dated = "date" not in fields

    def at(self, now_s: float) -> Response:
        return self.response.with_field("Date", dates.build(now_s)) if self.dated else self.response


Said = Reply | None | Callable[[Request], Reply]


@dataclass
class Got:
    """What the client got, and how it came about."""

    status: int
    headers: Headers
    body: bytes
    source: str  # store, origin or error
    why: Reason
    sent: list[Request] = field(default_factory=list)  # what the origin was asked, in order
    stored: Stored | None = None
    refresh: Forward | None = None
    first: Serve | Forward | Refuse | None = None

    def __getitem__(self, name: str) -> str | None:
        return self.headers.get(name)


class World:
    """A cache at `now_s`, in front of whatever the test lets the origin say."""

    def __init__(self, store: Store | None = None, **settings: object) -> None:
        self.store = MemoryStore(1 << 20) if store is None else store
        self.cache = Cache(self.store, Settings(**settings), secret=b"test")  # type: ignore[arg-type]
        self.now_s = NOW_S

    def passes(self, seconds: float) -> None:
        self.now_s += seconds

    def ask(
        self,
        target: str = "http://web/",
        *replies: Said,
        method: str = "GET",
        scheme: str = "http",
        **fields: str | list[str] | None,
    ) -> Got:
        """One request.  A reply of None: the origin can't be reached."""
        words: dict[str, str | list[str] | None] = {"host": "web", **fields}
        request = Request(method, target, headers=headers(fields_of(words)))
        decision = self.cache.lookup(request, now_s=self.now_s, scheme=scheme)
        return self.go_on(request, decision, list(replies))

    def go_on(self, request: Request, decision: Serve | Forward | Refuse, replies: list[Said]) -> Got:
        """Play the origin until the client has its answer."""
        sent: list[Request] = []
        current: Serve | Forward | Refuse | Relay = decision
        reply: Reply | None = None
        while isinstance(current, Forward):
            assert replies, f"the origin is asked: {current.request} {current.why}"
            sent.append(current.request)
            said = replies.pop(0)
            reply = said(current.request) if callable(said) else said
            if reply is None:
                current = self.cache.failed(current, now_s=self.now_s)
                continue
            requested_s = self.now_s
            self.now_s += reply.delay_s
            response = reply.at(self.now_s)
            step = self.cache.receive(current, response, requested_s=requested_s, now_s=self.now_s)
            current = step.forward if isinstance(step, Repeat) else step
        got = self.result(request, current, reply)
        got.sent, got.first = sent, decision
        return got

    def result(self, request: Request, end: Serve | Refuse | Relay, reply: Reply | None) -> Got:
        if isinstance(end, Refuse):
            return Got(end.status_code, Headers(), b"", "error", end.why)
        if isinstance(end, Serve):
            body = read(end)
            return Got(end.response.status, end.response.headers, body, "store", end.why, refresh=end.refresh)
        assert reply is not None
        stored = None
        came = reply.body if reply.came is None else reply.body[: reply.came]
        if request.method == "HEAD":
            came = b""
        if end.storing is not None:
            step = 3 + len(came) // 10
            for at in range(0, len(came), step):
                end.storing.write(came[at : at + step])
            broken = reply.came is not None
            stored = end.storing.abandon(Reason("test", "it broke off")) if broken else end.storing.end()
        return Got(end.response.status, end.response.headers, came, "origin", end.why, stored=stored)

    def is_stored(self, target: str = "http://web/") -> bool:
        return bool(self.store.find(f"GET {target}"))


def read(served: Serve) -> bytes:
    """The body of a served answer, and its content closed."""
    content, body = served.content, b""
    for piece in served.pieces:
        if isinstance(piece, bytes):
            body += piece
        else:
            assert content is not None
            part = content.read(piece.first, piece.length_bytes)
            assert len(part) == piece.length_bytes
            body += part
    if content is not None:
        content.close()
    return body
