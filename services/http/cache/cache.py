"""An HTTP cache, whole: requests and responses in, decisions out.  RFC 9111; book chapter 7.

Pure, beside its store.  A proxy calls `lookup` for each request; where that says `Forward` it sends
the request on and calls `receive` with the head that comes back, or `failed` where none comes.  The
rules stand in `storing.py`, `selection.py`, `freshness.py`, `policy.py` and `validation.py`.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from lan.reasons import Reason
from lan.services.http.cache import freshness, policy, selection, storing, validation
from lan.services.http.cache.cache_control import Directives
from lan.services.http.cache.cache_status import CacheStatus, Forwarded
from lan.services.http.cache.decisions import Forward, Refuse, Relay, Repeat, Serve
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.hot import HotAnswers
from lan.services.http.cache.incoming import Incoming
from lan.services.http.cache.policy import Judgement, Use
from lan.services.http.cache.settings import Settings
from lan.services.http.cache.store import Store
from lan.services.http.protocol import dates, ranges
from lan.services.http.protocol.messages import Request, Response, headers
from lan.services.http.protocol.ranges import Representation, Span

SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""RFC 9110 §9.2.1; every other method, known or not, may change what is stored."""

MOST_INVALIDATIONS = 10_000
"""Remembered, so that an answer sent before an invalidation is not stored after it."""

OF_CONDITIONS = frozenset(
    ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range")
)


class Cache:
    """One cache over one store.  `secret` keeps multipart boundaries from being guessed (`ranges.apply`)."""

    def __init__(self, store: Store, settings: Settings = Settings(), *, secret: bytes = b"") -> None:  # noqa: B008
        self.store, self.settings, self.secret = store, settings, secret
        self._hot = HotAnswers(store)
        self._moment = 0  # counts what happens, to tell before from after
        self._invalidated: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0  # the moment of the latest invalidation that is no longer remembered
        self._refreshing: set[str] = set()

    def lookup(self, request: Request, *, now_s: float, scheme: str = "http") -> Serve | Forward | Refuse:
        """What to do with a client's request; `scheme` is that of its connection, for origin-form targets."""
        self._moment += 1
        ready = self._hot.find(request, scheme, now_s)
        if ready is not None:
            return ready
        uri = selection.target_uri(request, scheme=scheme)
        alone = _goes_alone(request, uri)
        if uri is None or alone is not None:
            forwarded, why = alone or (Forwarded.BYPASS, _no_resource(request))
            if forwarded is not Forwarded.METHOD and policy.wishes(request).restricts("only-if-cached"):
                return self._only_if_cached(why)
            return Forward(request, request, why, forwarded, uri, began=self._moment)
        wanted = policy.wishes(request)
        served = self._from_store(request, uri, scheme, wanted, now_s)
        if isinstance(served, Serve):
            return served
        if wanted.restricts("only-if-cached"):
            return self._only_if_cached(served.why)
        return served

    def _only_if_cached(self, because: Reason) -> Refuse:
        why = Reason("RFC 9111 §5.2.1.7", f"only-if-cached, but {because.text}")
        return Refuse(504, why, CacheStatus(self.settings.name, detail=why.text))

    def is_hot(self, request: Request, *, now_s: float, scheme: str = "http") -> bool:
        """Whether `lookup` gave everybody's answer to this request, and would give the same one now."""
        return self._hot.holds(request, scheme, now_s)

    def receive(
        self, forward: Forward, response: Response, *, requested_s: float, now_s: float
    ) -> Serve | Relay | Repeat:
        """What to do with the final head that came for a `Forward`; `requested_s`: when it was sent."""
        self._refreshed(forward)
        method = forward.original.method
        if forward.uri is not None and method not in SAFE and 200 <= response.status < 400:
            self._invalidate(forward.uri, response)
        if response.status == 304 and forward.asked:
            return self._validated(forward, response, requested_s, now_s)
        if response.status >= 500 and forward.stored and forward.key is not None:
            served = self._instead(forward, now_s, response.status)
            if isinstance(served, Serve):
                return served
        if method == "HEAD" and response.status == 200 and forward.key is not None:
            self._described(forward, response, requested_s, now_s)
        return self._relayed(forward, response, requested_s, now_s)

    def failed(self, forward: Forward, *, now_s: float, status_code: int = 502) -> Serve | Refuse:
        """No answer came, or none whole: a stored one where that is allowed, or an error.

        `status_code` is the error where no rule names one: 502, or 504 after a time-out.
        """
        self._refreshed(forward)
        served = self._instead(forward, now_s, None)
        if isinstance(served, Serve):
            return served
        status = CacheStatus(self.settings.name, forwarded=forward.forwarded, detail=served.text)
        return Refuse(504 if forward.stored else status_code, served, status)

    def _from_store(self, request: Request, uri: str, scheme: str, wanted: Directives, now_s: float) -> Serve | Forward:
        key = selection.primary_key(uri)
        while True:
            entries = self.store.find(key)
            found = selection.candidates(entries, request)
            if not found:
                why, forwarded = _miss(entries)
                return self._forward(request, uri, forwarded, why)
            judgement = policy.judge(found[0], wanted, self.settings, now_s=now_s)
            if judgement.use is Use.VALIDATE:
                forwarded = Forwarded.REQUEST if judgement.by_request else Forwarded.STALE
                return self._forward(request, uri, forwarded, judgement.why, stored=found)
            status = CacheStatus(self.settings.name, hit=True, ttl_s=judgement.ttl_s)
            served = self._serve(request, found[0], judgement, status)
            if served is not None:
                self._hot.learn(request, scheme, served, judgement, now_s)
                refresh = self._refresh(request, uri, found[0]) if judgement.use is Use.REFRESH else None
                return served if refresh is None else replace(served, refresh=refresh)

    def _forward(
        self, request: Request, uri: str, forwarded: Forwarded, why: Reason, stored: Sequence[Entry] = ()
    ) -> Forward:
        sent, asked = validation.ask(request, stored)
        key = selection.primary_key(uri)
        collapse_key = key if request.method == "GET" and _is_shareable(request) else None
        return Forward(sent, request, why, forwarded, uri, key, asked, tuple(stored), self._moment, collapse_key)

    def _refresh(self, request: Request, uri: str, entry: Entry) -> Forward | None:
        """A validation of our own: target, Host, and the fields that the response varies on (§4.3.1)."""
        if entry.key in self._refreshing:
            return None
        self._refreshing.add(entry.key)
        names = {"host", *(name for name, _ in entry.variant)}
        fields = headers(pair for pair in request.headers.items if pair[0].lower() in names)
        plain = Request("GET", request.target, headers=fields)
        why = Reason("RFC 5861 §3", "validated in the background", uri=uri)
        return replace(self._forward(plain, uri, Forwarded.STALE, why, stored=[entry]), is_refresh=True)

    def _refreshed(self, forward: Forward) -> None:
        if forward.is_refresh and forward.key is not None:
            self._refreshing.discard(forward.key)

    def _serve(self, request: Request, entry: Entry, judgement: Judgement, status: CacheStatus) -> Serve | None:
        """The answer made of an entry; None where its body is gone."""
        content = self.store.open(entry)
        if content is None:
            return None
        aged = entry.response.with_field("Age", str(int(judgement.age_s)))
        head, pieces, why = self._part(request, entry, status.on(aged), judgement.why)
        if not pieces or request.method == "HEAD":
            content.close()
            return Serve(head, (), None, entry, why, status)
        return Serve(head, pieces, content, entry, why, status)

    def _part(
        self, request: Request, entry: Entry, whole: Response, why: Reason
    ) -> tuple[Response, tuple[bytes | Span, ...], Reason]:
        """The whole of it, a range of it, or the news that the client has it."""
        unchanged = validation.answers(request, entry)
        if unchanged is not None:
            return validation.not_modified(whole), (), unchanged
        everything = (Span(0, entry.size_bytes - 1),) if entry.size_bytes else ()
        if request.headers.get("Range") is None or entry.response.status != 200:
            return whole, everything, why
        stored = Representation(entry.size_bytes, entry.etag, entry.modified_s, entry.date_s)
        choice = ranges.choose(request, stored)
        if isinstance(choice, ranges.Whole):
            return whole, everything, why
        selected = ranges.apply(whole, choice, size_bytes=entry.size_bytes, secret=self.secret)
        return selected.response, selected.pieces, selected.why

    def _validated(
        self, forward: Forward, response: Response, requested_s: float, now_s: float
    ) -> Serve | Relay | Repeat:
        """A 304 came for conditions of which some are ours (§4.3.3)."""
        assert forward.key is not None
        request = forward.original
        own_conditions = request.headers.get("If-None-Match") is not None
        entries = selection.candidates(self.store.find(forward.key), request)
        asked = () if own_conditions else [entry for entry in forward.asked if entry in entries]
        found = validation.identify(entries, response, asked=asked, now_s=now_s)
        renewed = [self._renew(request, entry, response, requested_s, now_s) for entry in found]
        for entry in renewed:
            served = self._serve_validated(forward, entry, now_s)
            if served is not None:
                return served
        etag = response.headers.get("ETag")
        if etag in validation.tags(request.headers.get("If-None-Match")):
            return self._relayed(forward, response, requested_s, now_s)
        why = Reason("RFC 9111 §4.3.4", "the 304 is about none of the stored responses", etag=etag)
        return Repeat(replace(forward, request=request, asked=(), stored=()), why)

    def _serve_validated(self, forward: Forward, entry: Entry, now_s: float) -> Serve | None:
        age_s = entry.current_age_s(now_s)
        remaining_s = freshness.lifetime(entry, self.settings).seconds - age_s
        why = Reason("RFC 9111 §4.3.3", "validated: the origin says it is still good")
        judgement = Judgement(Use.FRESH, why, age_s, remaining_s)
        name, ttl_s = self.settings.name, judgement.ttl_s
        status = CacheStatus(name, forwarded=forward.forwarded, forwarded_status=304, ttl_s=ttl_s)
        served = self._serve(forward.original, entry, judgement, status)
        if isinstance(self._storable(forward.original, entry), storing.NotStorable):
            self.store.drop([entry])
        return served

    def _storable(self, request: Request, entry: Entry) -> storing.Storable | storing.NotStorable:
        """Would the renewed head be stored?  It may say no-store, or private, now."""
        get = replace(request, method="GET")
        return storing.decide(get, entry.response, self.settings, received_s=entry.received_s)

    def _renew(
        self, request: Request, entry: Entry, response: Response, requested_s: float, received_s: float
    ) -> Entry:
        moments = {"requested_s": requested_s, "received_s": received_s}
        new = validation.updated(request, entry, response, self.settings, **moments)
        self.store.replace(entry, new)
        return new

    def _described(self, forward: Forward, response: Response, requested_s: float, now_s: float) -> None:
        """A HEAD's 200 renews the stored answers to GET, or shows that they are outdated (§4.3.5)."""
        assert forward.key is not None
        for entry in selection.candidates(self.store.find(forward.key), forward.original):
            if entry.response.status != 200 or not validation.same_representation(entry, response):
                self.store.replace(entry, replace(entry, is_invalid=True))
                continue
            new = self._renew(forward.original, entry, response, requested_s, now_s)
            if isinstance(self._storable(forward.original, new), storing.NotStorable):
                self.store.drop([new])

    def _instead(self, forward: Forward, now_s: float, status_code: int | None) -> Serve | Reason:
        """A stored answer in place of an error, or why not (§4.2.4, RFC 5861 §4)."""
        if not forward.stored or forward.key is None:
            return Reason("RFC 9110 §15.6", "nothing is stored that could answer")
        wanted = policy.wishes(forward.original)
        found = selection.candidates(self.store.find(forward.key), forward.original)
        for entry in found[:1]:
            may, why = policy.on_error(entry, wanted, self.settings, now_s=now_s, status=status_code)
            if not may:
                return why
            judgement = policy.judge(entry, wanted, self.settings, now_s=now_s)
            status = CacheStatus(
                self.settings.name,
                forwarded=forward.forwarded,
                forwarded_status=status_code,
                ttl_s=judgement.ttl_s,
                detail=why.text,
            )
            served = self._serve(forward.original, entry, replace(judgement, why=why), status)
            if served is not None:
                return served
        return Reason("RFC 9110 §15.6", "what was stored is gone")

    def _relayed(self, forward: Forward, response: Response, requested_s: float, now_s: float) -> Relay:
        if response.headers.get("Date") is None:
            response = response.with_field("Date", dates.build(now_s))
        verdict: storing.Storable | storing.NotStorable
        if forward.key is None:
            verdict = storing.NotStorable(forward.why)
        else:
            verdict = storing.decide(forward.original, response, self.settings, received_s=now_s)
        incoming = None
        if isinstance(verdict, storing.Storable):
            incoming = Incoming(self, forward, response, verdict, requested_s, now_s)
        elif response.status < 500 and (response.status < 400 or response.status in freshness.HEURISTICALLY_CACHEABLE):
            self._superseded(forward, response)
        status = CacheStatus(
            self.settings.name,
            forwarded=forward.forwarded,
            forwarded_status=response.status,
            stored=incoming is not None,
            detail=None if incoming is not None else verdict.why.text,
        )
        return Relay(status.on(response), incoming, verdict.why, status)

    def _superseded(self, forward: Forward, response: Response) -> None:
        """A GET's answer that may not be stored: those that it was asked for instead of go all the same."""
        if forward.original.method == "GET" and response.status not in (206, 304):
            self.store.drop(forward.stored)

    def _invalidate(self, uri: str, response: Response) -> None:
        """An unsafe request succeeded: what is stored of its target, and of what it names, goes (§4.4)."""
        named = [response.headers.get(name) for name in ("Location", "Content-Location")]
        others = [selection.same_origin(uri, reference) for reference in named if reference is not None]
        for one in dict.fromkeys([uri, *(other for other in others if other is not None)]):
            key = selection.primary_key(one)
            self.store.drop(self.store.find(key))
            self._moment += 1
            self._invalidated[key] = self._moment
            self._invalidated.move_to_end(key)
        while len(self._invalidated) > MOST_INVALIDATIONS:
            self._forgotten = self._invalidated.popitem(last=False)[1]

    def is_outdated(self, key: str, began: int) -> bool:
        """Was this key invalidated after the request of that moment went out?"""
        return self._invalidated.get(key, self._forgotten) > began


def _goes_alone(request: Request, uri: str | None) -> tuple[Forwarded, Reason] | None:
    """Why nothing stored is even looked for, or None."""
    if request.method not in ("GET", "HEAD"):
        return Forwarded.METHOD, Reason("RFC 9111 §4", "this method is written through", method=request.method)
    if storing.has_content(request):
        return Forwarded.BYPASS, Reason("RFC 9110 §9.3.1", "a request with content: the key does not hold the content")
    for name in validation.FOR_THE_ORIGIN:
        if request.headers.get(name) is not None:
            return Forwarded.BYPASS, Reason("RFC 9111 §4.3.2", f"{name} is for the origin to judge")
    return None


def _no_resource(request: Request) -> Reason:
    return Reason("RFC 9110 §7.1", "the target has no URI to store under", target=request.target)


def _miss(entries: Sequence[Entry]) -> tuple[Reason, Forwarded]:
    if entries:
        why = Reason("RFC 9111 §4.1", "stored for other request fields alone", variants=len(entries))
        return why, Forwarded.VARY_MISS
    return Reason("RFC 9111 §4", "nothing is stored for this URI"), Forwarded.URI_MISS


def _is_shareable(request: Request) -> bool:
    """May others wait for this request's answer?  Not where it is about this client alone."""
    alone = OF_CONDITIONS | {"authorization", "upgrade"} | selection.ROUTING_FIELDS
    if any(name.lower() in alone for name, _ in request.headers.items):
        return False
    return not policy.wishes(request).items
