"""Hop-by-hop fields: what belongs to one connection, and so is not forwarded.  RFC 9110 §7.6.1; book 4.3.1.

Pure.  A proxy parses `Connection`, removes every field that it names, removes the fields known to
be hop-by-hop whether named or not, and removes `Connection` itself.

The rule can be turned against what stands behind a proxy: ``Connection: close, Cookie`` would have
the proxy strip a field that the next server decides by.  A sender must not name a field that is
meant for all recipients, so such a message is refused, never silently stripped (`abuse`).
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import Headers

KNOWN = frozenset(
    {
        "connection",
        "proxy-connection",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
    }
)
"""Hop-by-hop whether `Connection` names them or not: RFC 9110 §7.6.1, §11.7, RFC 9112 §7; book 4.3.1."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")

_FOR_ALL = frozenset(
    {
        "accept-ranges", "age", "allow", "authentication-info", "authorization", "cache-control", "cookie", "date",
        "etag", "expect", "expires", "forwarded", "from", "host", "last-modified", "location", "max-forwards",
        "origin", "pragma", "range", "referer", "retry-after", "server", "set-cookie", "strict-transport-security",
        "user-agent", "vary", "via", "www-authenticate", "x-content-type-options", "x-frame-options", "x-real-ip",
    }
)  # fmt: skip
_FOR_ALL_PREFIXES = ("access-control-", "cf-", "content-", "if-", "sec-", "x-forwarded-")


@dataclass(frozen=True, slots=True)
class Removal:
    """The fields that may go on, and the names (lower case) of those that may not."""

    headers: Headers
    removed: tuple[str, ...]
    why: Reason


def options(headers: Headers) -> tuple[str, ...]:
    """The options of `Connection` in lower case, each once; what is no token is no option and is passed over."""
    found = dict.fromkeys(option for option in headers.listed("Connection") if _TOKEN.fullmatch(option))
    return tuple(found)


def is_for_all(name: str) -> bool:
    """Whether this field (lower case) is meant for every recipient: framing, routing, content, access, caching."""
    return name in _FOR_ALL or name.startswith(_FOR_ALL_PREFIXES)


def abuse(headers: Headers) -> Reason | None:
    """Why this message must not be forwarded: `Connection` names a present field that is meant for everybody."""
    present = {name.lower() for name, _ in headers.items}
    for option in options(headers):
        if option in present and is_for_all(option):
            return Reason("RFC 9110 §7.6.1", "Connection names a field that is meant for all recipients", field=option)
    return None


def remove(headers: Headers, *, keep: frozenset[str] = frozenset()) -> Removal:
    """These fields without the hop-by-hop ones; `keep` are known ones (lower case) that the caller replaces or relays.

    A field that `Connection` names goes even then.  Ask `abuse` first.
    """
    named = set(options(headers))
    kept, removed = [], []
    for pair in headers.items:
        name = pair[0].lower()
        if name in named or (name in KNOWN and name not in keep):
            removed.append(name)
        else:
            kept.append(pair)
    gone = tuple(dict.fromkeys(removed))
    text = "hop-by-hop fields end here" if gone else "no hop-by-hop field"
    return Removal(
        Headers(tuple(kept)),
        gone,
        Reason("RFC 9110 §7.6.1; book 4.3.1", text, **({"removed": ", ".join(gone)} if gone else {})),
    )


def remove_from_trailers(trailers: Headers, head: Headers) -> Headers:
    """The trailer fields that may go on: none that `Connection` of their `head` names, none that frames, routes,
    authenticates or controls caching, for it would come too late to be obeyed (RFC 9110 §6.5.1)."""
    named = set(options(head))
    return Headers(
        tuple(
            pair
            for pair in trailers.items
            if not ((name := pair[0].lower()) in named or name in KNOWN or is_for_all(name))
        )
    )
