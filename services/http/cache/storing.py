"""May this response be stored, and what of it?  RFC 9111 §3.

Pure.  Every rule here may say no; `decide` asks them in the order of the section.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from lan.reasons import Reason
from lan.services.http.cache import cache_control
from lan.services.http.cache.cache_control import Directives
from lan.services.http.cache.entry import read_date
from lan.services.http.cache.freshness import HEURISTICALLY_CACHEABLE
from lan.services.http.cache.selection import has_vary_star
from lan.services.http.cache.settings import Settings
from lan.services.http.protocol import dates, hop_by_hop
from lan.services.http.protocol.messages import HTTP_1_1, Headers, Request, Response

NEEDED = frozenset(
    ("age", "cache-control", "content-encoding", "content-length", "content-range", "content-type", "date", "etag")
) | frozenset(("expires", "last-modified", "vary"))
"""Fields that the cache decides by: a directive that keeps one of these out keeps out the whole response."""

OF_ONE_REQUEST = frozenset((407, 412, 416, 417, 421, 426, 428, 429, 431, 511))
"""Status codes that answer more of the request than a cache key holds: its conditions, range, expectation, route,
protocol, size, sender or password; the last four must not be stored, whatever speaks for it (RFC 6585 §3 to §6)."""

Rule = Callable[[Request, Response, Directives, Settings], Reason | None]


@dataclass(frozen=True, slots=True)
class Storable:
    """Keep `response`, which has lost the fields that must not be stored."""

    response: Response
    why: Reason


@dataclass(frozen=True, slots=True)
class NotStorable:
    """Pass it on and forget it."""

    why: Reason


def decide(request: Request, response: Response, settings: Settings, *, received_s: float) -> Storable | NotStorable:
    """Store a response to this request?  Both heads as they were received."""
    directives = cache_control.parse(response.headers.get("Cache-Control"))
    for rule in RULES:
        refused = rule(request, response, directives, settings)
        if refused is not None:
            return NotStorable(refused)
    allowed = _allowed(response, directives, settings)
    if allowed is None:
        text = "no lifetime, nothing that allows storing, and not kept for its status and validators alone"
        return NotStorable(Reason("RFC 9111 §3", text, status=response.status))
    return Storable(stored_form(response, settings, received_s=received_s), allowed)


def stored_form(response: Response, settings: Settings, *, received_s: float) -> Response:
    """The head without fields that must not be stored, and with a `Date` (RFC 9110 §6.6.1)."""
    left_out = kept_out(response, settings)
    fields = Headers(tuple(pair for pair in response.headers.items if pair[0].lower() not in left_out))
    if read_date(fields.get("Date"), now_s=received_s) is None:
        fields = fields.with_field("Date", dates.build(received_s))
    return replace(response, headers=fields, version=HTTP_1_1)  # we send it (RFC 9110 §2.5)


def kept_out(response: Response, settings: Settings) -> frozenset[str]:
    """Names of fields that are not stored: hop by hop, named by `Connection`, by no-cache or by private (§3.1)."""
    named = frozenset(hop_by_hop.options(response.headers)) - NEEDED
    return hop_by_hop.KNOWN | named | excluded_fields(response, settings)


def excluded_fields(response: Response, settings: Settings) -> frozenset[str]:
    """The fields that ``no-cache="…"`` and, in a shared cache, ``private="…"`` keep out of stored answers."""
    directives = cache_control.parse(response.headers.get("Cache-Control"))
    named = directives.fields_of("no-cache") or frozenset()
    if settings.is_shared:
        named |= directives.fields_of("private") or frozenset()
    return named - NEEDED


def is_about_the_whole(directives: Directives, name: str) -> bool:
    """no-cache or private without field names, or naming fields that the cache itself needs."""
    fields = directives.fields_of(name)
    return fields is not None and (not fields or bool(fields & NEEDED))


def has_content(request: Request) -> bool:
    """A request with a body; what a body on GET means is the origin's secret (RFC 9110 §9.3.1)."""
    fields = request.headers
    return fields.get("Transfer-Encoding") is not None or (fields.get("Content-Length") or "0").strip("0 ") != ""


def _method(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if request.method != "GET":
        return Reason("RFC 9111 §3", "answers to this method are not stored", method=request.method)
    if has_content(request):
        return Reason("RFC 9110 §9.3.1", "a GET with content: the key does not hold the content")
    return None


def _status(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if response.status < 200:
        return Reason("RFC 9111 §3", "not a final status", status=response.status)
    if response.status in (206, 304):
        return Reason("RFC 9111 §3", "parts are not stored, and 304 only renews", status=response.status)
    if response.status in OF_ONE_REQUEST:
        return Reason("RFC 9110 §15.5, RFC 6585", "this status is about one request", status=response.status)
    return None


def _no_store(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if cache_control.parse(request.headers.get("Cache-Control")).restricts("no-store"):
        return Reason("RFC 9111 §5.2.1.5", "the request says no-store")
    if directives.permits("must-understand"):
        if response.status not in HEURISTICALLY_CACHEABLE:
            return Reason("RFC 9111 §5.2.2.3", "must-understand, and this status is not", status=response.status)
        return None  # no-store is there for caches that don't know must-understand
    if directives.restricts("must-understand") or directives.restricts("no-store"):
        return Reason("RFC 9111 §5.2.2.5", "the response says no-store")
    return None


def _private(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if settings.is_shared and is_about_the_whole(directives, "private"):
        return Reason("RFC 9111 §5.2.2.7", "private, and this cache is shared")
    return None


def _authorization(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if not settings.is_shared or request.headers.get("Authorization") is None:
        return None
    shared_s = directives.grace_s("s-maxage")
    if shared_s is not None or directives.permits("public") or directives.permits("must-revalidate"):
        return None
    return Reason("RFC 9111 §3.5", "the request has Authorization, and nothing lets others share the answer")


def _vary(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if has_vary_star(response):
        return Reason("RFC 9111 §4.1", "Vary: * never matches another request")
    if own := settings.written.intersection(response.headers.listed("Vary")):
        text = "it varies on what the proxy tells of each client, which no client sends"
        return Reason("RFC 9111 §4.1", text, field=", ".join(sorted(own)))
    return None


def _cookie(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if settings.is_shared and response.headers.get("Set-Cookie") and _explicit(response, directives, settings) is None:
        return Reason("RFC 9111 §7.3", "Set-Cookie, and nothing says that the answer is for all")
    return None


def _end(request: Request, response: Response, directives: Directives, settings: Settings) -> Reason | None:
    """A body that only the close ends may have lost its tail, and nobody could tell (book 4.7.2)."""
    fields = response.headers
    if response.status == 204 or fields.listed("Transfer-Encoding")[-1:] == ("chunked",):
        return None
    if fields.get("Transfer-Encoding") is not None or fields.get("Content-Length") is None:
        return Reason("RFC 9112 §8; book 4.7.2", "only the close would tell where the body ends")
    return None


RULES: tuple[Rule, ...] = (_method, _status, _no_store, _private, _authorization, _vary, _cookie, _end)


def _allowed(response: Response, directives: Directives, settings: Settings) -> Reason | None:
    """The last rule of §3: something must speak for storing."""
    explicit = _explicit(response, directives, settings)
    if explicit is not None:
        return explicit
    has_validator = any(response.headers.get(name) is not None for name in ("ETag", "Last-Modified"))
    if response.status in HEURISTICALLY_CACHEABLE and has_validator:  # without one it would be of no use
        return Reason("RFC 9110 §15.1", "a status that may be kept without a lifetime", status=response.status)
    return None


def _explicit(response: Response, directives: Directives, settings: Settings) -> Reason | None:
    if directives.permits("public"):
        return Reason("RFC 9111 §5.2.2.9", "public")
    if not settings.is_shared and directives.restricts("private"):
        return Reason("RFC 9111 §5.2.2.7", "private, and so is this cache")
    if settings.is_shared and directives.restricts("s-maxage"):
        return Reason("RFC 9111 §5.2.2.10", "it has s-maxage")
    if directives.restricts("max-age"):
        return Reason("RFC 9111 §5.2.2.1", "it has max-age")
    if response.headers.get("Expires") is not None:
        return Reason("RFC 9111 §5.3", "it has Expires")
    return None
