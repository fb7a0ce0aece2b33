"""What a proxy changes in the messages that it passes on, and what it will not pass on.
RFC 9110 §7.6 to §7.8, §9.3.6, RFC 9112 §2.3, §3.2, §6.1; book 4.3, 4.5.

Pure: a request and what is known of both neighbours in, the request to send upstream out, or the
answer that the proxy gives itself; the same for responses.  Each with its reasons.  How the content
is framed again is `connection.py`'s, where to connect `proxy/`'s.
"""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from lan.reasons import Reason
from lan.services.http.protocol import dates, hop_by_hop, max_forwards, via
from lan.services.http.protocol.max_forwards import Step
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Headers, Request, Response, Version
from lan.services.http.protocol.target import scheme_of, split_absolute
from lan.services.http.proxy.destination import Destination, by_authority, by_url

IDEMPOTENT = frozenset(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"))
"""RFC 9110 §9.2.2: doing it twice does what doing it once does."""
NOT_UPGRADED_TO = re.compile(r"(h2c|http|tls|h2|h3)(/.*)?", re.IGNORECASE)
"""Other ways to speak HTTP: inside them the proxy could not apply its rules to each request (RFC 9110 §7.8)."""


class Mode(enum.StrEnum):
    """How requests come to a proxy (RFC 9110 §3.7)."""

    FORWARD = "forward"  # the client chose it, and names each server
    GATEWAY = "gateway"  # it stands for one server, the client may not know
    INTERCEPT = "intercept"  # the network led the client's connection here, the client does not know


class Content(enum.StrEnum):
    """How a request's content travels upstream."""

    NONE = "no content"
    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    HELD = "held until its length is known"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules need to know of this proxy.

    `name` is its pseudonym in `Via`; `upstream` a gateway's server; `parent` the proxy that it asks
    itself; `proxy_connection`: whether that field of a client counts (book 4.5.7);
    `passes_credentials`: whether the parent and not we ask for `Proxy-Authorization`; `is_secured`:
    whether the client comes over TLS.
    """

    name: str
    mode: Mode = Mode.FORWARD
    upstream: Destination | None = None
    parent: Destination | None = None
    connect_ports: frozenset[int] = frozenset((443,))
    proxy_connection: bool = True
    passes_credentials: bool = False
    tells_client: str = "none"  # or x-forwarded-for, or forwarded
    is_secured: bool = False


@dataclass(frozen=True, slots=True)
class Onward:
    """A request to be sent on: to whom, in which words, and what becomes of its content."""

    request: Request
    destination: Destination
    content: Content
    why: tuple[Reason, ...]
    is_tunnel: bool = False


@dataclass(frozen=True, slots=True)
class Here:
    """The proxy answers itself: `status`, more fields, and content (None: the reason in words)."""

    status: int
    why: Reason
    fields: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None


def as_meant(request: Request, rules: Rules) -> Request:
    """The request with `Proxy-Connection` taken for `Connection`, where that is the rule; else as it is.

    Old browsers said ``Proxy-Connection: Keep-Alive`` to proxies, so that one which relays it blindly
    does no harm and one which knows it keeps the connection (book 4.5.7).
    """
    said = request.headers.listed("Proxy-Connection")
    if not said or not rules.proxy_connection or rules.mode is not Mode.FORWARD:
        return request
    options = (*request.connection_options, *(option for option in said if option in ("keep-alive", "close")))
    return request.with_field("Connection", ", ".join(dict.fromkeys(options)))


def unwilling(request: Request, rules: Rules) -> Reason | None:
    """Why the client's connection is not kept though it asked: an HTTP/1.0 client's ``Connection: keep-alive`` may
    have been relayed by a proxy that does not know it, and waits for our close (RFC 9112 §9.3, §C.2.2; book 4.5.5).

    A gateway is an origin server to its clients, and keeps.  `Proxy-Connection` is said to proxies alone.
    """
    if request.version >= HTTP_1_1 or rules.mode is Mode.GATEWAY:
        return None
    heeds = rules.proxy_connection and rules.mode is Mode.FORWARD
    if heeds and "keep-alive" in request.headers.listed("Proxy-Connection"):
        return None
    return Reason("RFC 9112 §9.3; book 4.5.5", "a proxy keeps no connection with an HTTP/1.0 client")


def onward(
    request: Request,
    rules: Rules,
    *,
    client: str,
    known: Callable[[Destination], Version | None],
    original: Destination | None = None,
) -> Onward | Here:
    """The request as it goes upstream, or the answer that is given here.

    `client` is the client's address; `original` where an intercepted connection was going.  `known`
    tells the HTTP version that a server's earlier response had, None where there was none.
    """
    going = _known_going(request, rules, client, original)
    if isinstance(going, Here) or going.is_tunnel:
        return going
    return _for_version(going, known(rules.parent or going.destination), rules)


def _going(request: Request, rules: Rules, client: str, original: Destination | None) -> Onward | Here:
    """The request as it goes to a server of any version."""
    reason = hop_by_hop.abuse(request.headers)
    if reason is not None:
        return Here(400, reason, (("Connection", "close"),))
    if (reason := via.loop(request.headers, rules.name)) is not None:
        return Here(508, reason)
    if (reason := _misdirected(request, rules)) is not None:
        return Here(421, reason)
    try:
        destination, target = _route(request, rules, original)
    except ValueError as error:
        return Here(400, Reason("RFC 9112 §3.2", str(error)))
    if destination is None:
        return _as_last(request, Reason("RFC 9112 §3.2.4", "* asks about this proxy"))
    if request.method == "CONNECT":
        return _connect(request, rules, destination)
    limit = max_forwards.decide(request)
    if limit.step is Step.REFUSE:
        return Here(400, limit.why)
    if limit.step is Step.ANSWER:
        return _as_last(request, limit.why)
    removal = hop_by_hop.remove(limit.headers, keep=_passed(rules))
    fields, why = removal.headers, [removal.why]
    if limit.headers is not request.headers:
        why.append(limit.why)
    if fields.get("Host") is None or (rules.mode is Mode.FORWARD and not target.startswith("*")):
        fields = Headers((("Host", _host(request, destination)), *fields.without("Host").items))
    fields = _with_offers(request, fields, why)
    fields = via.append(_telling_client(fields, rules, client), request.version, rules.name)
    content = _content(request)
    if rules.parent is not None and rules.mode is Mode.FORWARD:
        target = str(destination) + ("" if target == "*" else target)
    return Onward(Request(request.method, target, headers=fields), destination, content, tuple(why))


_known_going = lru_cache(512)(_going)  # the same request, the same rules: clients repeat themselves


def as_seen(request: Request, going: Onward) -> Request:
    """The request that a cache looks up: with the Host that the server is told, and without the fields that
    `Connection` names, which it is not told (RFC 9111 §4.1, §4.4; RFC 9110 §7.6.1).

    Else a client could fill the cache, under fields that the server never saw, for others.
    """
    fields = request.headers
    if named := frozenset(hop_by_hop.options(fields)) - hop_by_hop.KNOWN:
        fields = fields.without(*named)
    if fields.get("Host") is None and request.target.startswith("/"):
        fields = Headers((("Host", going.destination.authority), *fields.items))
    return request if fields is request.headers else replace(request, headers=fields)


def _for_version(going: Onward, known: Version | None, rules: Rules) -> Onward:
    """The request in words that a server of this version reads; None: it is not known yet.

    Chunks are sent to nobody of whom HTTP/1.1 is not known (RFC 9112 §6.1), but for a gateway's own
    server, and where ``Expect: 100-continue`` has the server speak first.
    """
    request, content = going.request, going.content
    if known is not None and known < HTTP_1_1:
        if content is Content.CHUNKED:
            content = Content.HELD
        fields = request.headers.without("TE", "Upgrade", "Connection", "Expect")
        if rules.parent is None:
            fields = fields.with_field("Connection", "Keep-Alive")
        why = Reason("RFC 9110 §6.2; book 4.5.5", "the server is known to speak HTTP/1.0, so that is spoken to it")
        return replace(
            going, request=replace(request, headers=fields, version=HTTP_1_0), content=content, why=(*going.why, why)
        )
    if content is not Content.CHUNKED:
        return going
    knows = known is not None or rules.mode is Mode.GATEWAY or "100-continue" in request.headers.listed("Expect")
    if not knows:
        why = Reason("RFC 9112 §6.1", "no chunks for a server of which HTTP/1.1 is not known")
        return replace(going, content=Content.HELD, why=(*going.why, why))
    return replace(going, request=request.with_field("Transfer-Encoding", "chunked"))


def _misdirected(request: Request, rules: Rules) -> Reason | None:
    """Why a gateway does not answer for this URL: to its clients it is the origin server, which serves a URL of
    https over TLS alone.  A forward proxy goes and secures its own connection (RFC 9110 §4.2.2)."""
    scheme = scheme_of(request)
    if rules.mode is not Mode.GATEWAY or scheme is None or scheme == "http" or (scheme == "https" and rules.is_secured):
        return None
    text = "a URL of https, and the connection has no TLS" if scheme == "https" else "a scheme that is not served here"
    return Reason("RFC 9110 §7.4", text, target=request.target)


def _route(request: Request, rules: Rules, original: Destination | None) -> tuple[Destination | None, str]:
    """Where the request goes, and its target there; None: it is for this proxy.  Raises ValueError."""
    if request.method == "CONNECT":
        return by_authority(request.target, "tcp"), request.target
    if request.target == "*":
        return (None if rules.mode is Mode.FORWARD else rules.upstream or original), "*"
    if not request.target.startswith("/"):
        destination, path = by_url(request.target, request.method)
        if rules.mode is Mode.GATEWAY:
            return rules.upstream, path
        if rules.mode is Mode.INTERCEPT and original is not None:
            return original, request.target  # it was on its way to a proxy
        return destination, path
    if "#" in request.target:
        raise ValueError("a fragment in the target")
    if rules.mode is Mode.GATEWAY:
        return rules.upstream, request.target
    if rules.mode is Mode.INTERCEPT:
        return original or by_authority(request.headers.get("Host") or "", "http"), request.target
    raise ValueError("this is a proxy: it wants the whole URL as target, such as http://host/path")


def _host(request: Request, destination: Destination) -> str:
    """The host that the target names, which may be another than where we go (RFC 9112 §3.2.2); else the server's."""
    named = split_absolute(request.target)
    return destination.authority if named is None else by_authority(named[1], named[0]).authority


def _connect(request: Request, rules: Rules, destination: Destination) -> Onward | Here:
    if rules.mode is Mode.GATEWAY:
        why = Reason("RFC 9110 §9.3.6", "a gateway opens no tunnels")
        return Here(405, why, (("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE"),))
    if destination.port not in rules.connect_ports:
        ports = ", ".join(map(str, sorted(rules.connect_ports)))
        why = Reason("RFC 9110 §9.3.6", "tunnels go to known ports alone", port=destination.port, allowed=ports)
        return Here(403, why)
    if _content(request) is not Content.NONE:
        return Here(400, Reason("RFC 9110 §9.3.6", "CONNECT has no content"))
    removal = hop_by_hop.remove(request.headers, keep=_passed(rules))
    fields = Headers((("Host", destination.authority), *removal.headers.without("Host", "Content-Length").items))
    sent = Request("CONNECT", destination.authority, headers=via.append(fields, request.version, rules.name))
    return Onward(sent, destination, Content.NONE, (removal.why,), is_tunnel=True)


def _as_last(request: Request, why: Reason) -> Here:
    """What the last recipient says to TRACE and OPTIONS (RFC 9110 §9.3.7, §9.3.8)."""
    if request.method == "TRACE":
        return Here(200, why, (("Content-Type", "message/http"),), max_forwards.reflection(request))
    return Here(200, why, (("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT"),), b"")


def _passed(rules: Rules) -> frozenset[str]:
    return frozenset(("proxy-authorization",)) if rules.passes_credentials else frozenset()


def _content(request: Request) -> Content:
    if request.headers.get("Transfer-Encoding") is not None:
        return Content.CHUNKED
    return Content.NONE if request.headers.get("Content-Length") in (None, "0") else Content.LENGTH


def _with_offers(request: Request, fields: Headers, why: list[Reason]) -> Headers:
    """What of the hop's own offers we repeat to the next: trailers we can pass on, a protocol we can let through."""
    if request.version < HTTP_1_1:
        return fields
    options = request.connection_options
    said = []
    if "te" in options and "trailers" in request.headers.listed("TE"):
        fields = fields.with_field("TE", "trailers")
        said.append("TE")
        why.append(Reason("RFC 9110 §10.1.4", "the client takes trailers, and we pass them on"))
    if "upgrade" in options and _content(request) is Content.NONE:
        offered = [name.strip() for name in (request.headers.get("Upgrade") or "").split(",") if name.strip()]
        passed = [name for name in offered if not NOT_UPGRADED_TO.fullmatch(name)]
        if passed:
            fields = fields.with_field("Upgrade", ", ".join(passed))
            said.append("Upgrade")
            why.append(Reason("RFC 9110 §7.8", "we let the client change to", protocols=", ".join(passed)))
        if len(passed) < len(offered):
            text = "a protocol that would hide requests from us is not passed on"
            gone = ", ".join(name for name in offered if name not in passed)
            why.append(Reason("RFC 9110 §7.8", text, protocols=gone))
    return fields.with_field("Connection", ", ".join(said)) if said else fields


def _telling_client(fields: Headers, rules: Rules, client: str) -> Headers:
    if rules.tells_client == "x-forwarded-for":
        before = fields.get("X-Forwarded-For")
        return fields.with_field("X-Forwarded-For", f"{before}, {client}" if before else client)
    if rules.tells_client == "forwarded":  # RFC 7239 §4, §6
        before, node = fields.get("Forwarded"), f'for="[{client}]"' if ":" in client else f"for={client}"
        return fields.with_field("Forwarded", f"{before}, {node}" if before else node)
    return fields


# ---- responses


@dataclass(frozen=True, slots=True)
class Downward:
    """A response to be sent to the client, but for its `Connection` and framing."""

    response: Response
    why: Reason


def interim(response: Response, request: Request, rules: Rules) -> Response | None:
    """A 1xx response as the client gets it; None for one of HTTP/1.0, which knows none.  RFC 9110 §15.2."""
    if request.version < HTTP_1_1 or hop_by_hop.abuse(response.headers) is not None:
        return None
    headers = hop_by_hop.remove(response.headers).headers
    return Response(response.status, response.phrase, headers=via.append(headers, response.version, rules.name))


def downward(response: Response, request: Request, sent: Request, rules: Rules, *, now_s: float) -> Downward | Here:
    """The final response to `request` as it goes to the client, or 502 for one that can't be passed on.

    `sent` is the request as it went upstream.  Raises nothing: the engine has checked the framing.
    """
    if response.headers.get("Date") is None:
        response = response.with_field("Date", dates.build(now_s))  # RFC 9110 §6.6.1
    return _known_coming(response, request, sent, rules)


def _coming(response: Response, request: Request, sent: Request, rules: Rules) -> Downward | Here:
    reason = hop_by_hop.abuse(response.headers)
    if reason is not None:
        return Here(502, reason)
    codings = response.headers.listed("Transfer-Encoding")
    if codings not in ((), ("chunked",)):
        text = "a transfer coding that nobody asked for"
        return Here(502, Reason("RFC 9112 §6.1, §7.4", text, codings=", ".join(codings)))
    keep: set[str] = set()
    if response.status == 407:
        if rules.parent is None or not rules.passes_credentials:
            return Here(502, Reason("RFC 9110 §15.5.8", "407 from a server to which we are no client of a proxy"))
        keep.add("proxy-authenticate")
    if response.status == 101:
        return _switched(response, sent, rules)
    if codings and request.version >= HTTP_1_1:  # trailers go on, and so does what announces them (RFC 9110 §6.6.2)
        keep.add("trailer")
    removal = hop_by_hop.remove(response.headers, keep=frozenset(keep))
    fields = removal.headers
    if response.status == 426 and (wanted := response.headers.get("Upgrade")) is not None:
        fields = fields.with_field("Upgrade", wanted).with_field("Connection", "Upgrade")  # RFC 9110 §15.5.22
    if codings:
        fields = fields.without("Content-Length")  # RFC 9112 §6.3 rule 3
    fields = via.append(fields, response.version, rules.name)
    return Downward(Response(response.status, response.phrase, headers=fields), removal.why)


_known_coming = lru_cache(512)(_coming)


def _switched(response: Response, sent: Request, rules: Rules) -> Downward | Here:
    """101: both sides agree, and from here on we copy bytes (RFC 9110 §7.8)."""
    offered, chosen = sent.headers.listed("Upgrade"), response.headers.listed("Upgrade")
    if not chosen or any(name not in offered for name in chosen):
        return Here(502, Reason("RFC 9110 §7.8", "101 to a protocol that was not offered", protocols=", ".join(chosen)))
    fields = hop_by_hop.remove(response.headers).headers
    fields = via.append(fields, response.version, rules.name)
    fields = fields.with_field("Connection", "Upgrade").with_field("Upgrade", response.headers.get("Upgrade") or "")
    why = Reason("RFC 9110 §7.8", "both sides agree to change", protocol=", ".join(chosen))
    return Downward(Response(101, response.phrase, headers=fields), why)


# ---- trouble upstream


class Trouble(enum.StrEnum):
    """What can go wrong between us and the next server."""

    NO_NAME = "its name has no address"
    NO_NAME_IN_TIME = "no answer from DNS in time"
    REFUSED = "it can't be connected to"
    CONNECT_LATE = "no connection in time"
    ANSWER_LATE = "no answer in time"
    NO_ANSWER = "it closed without an answer"
    BROKEN = "its answer can't be read"


def trouble(what: Trouble, **facts: object) -> Here:
    """What the client is told: 504 where time has run out, 502 for all else (RFC 9110 §15.6.3, §15.6.5)."""
    late = what in (Trouble.NO_NAME_IN_TIME, Trouble.CONNECT_LATE, Trouble.ANSWER_LATE)
    source = "RFC 9110 §15.6.5" if late else "RFC 9110 §15.6.3"
    return Here(504 if late else 502, Reason(source, f"the next server: {what}", **facts))


def may_retry(request: Request, *, is_reused: bool, has_answered: bool, is_replayable: bool) -> Reason | None:
    """Why a request may be sent once more after its connection closed; None: it may not.  RFC 9112 §9.3.1; book 4.7.2.

    Only on a connection that had been used before (the server may have closed it just when we wrote),
    only before the first byte of an answer, only methods that may be repeated, and only with their
    content still at hand (`is_replayable`).
    """
    if is_reused and not has_answered and is_replayable and request.method in IDEMPOTENT:
        text = "the kept connection closed before an answer, and the method may be repeated"
        return Reason("RFC 9112 §9.3.1; book 4.7.2", text, method=request.method)
    return None
