"""Which stored responses can answer a request: the cache key and `Vary`.  RFC 9111 §2, §4.1.

Pure.  The primary key is method and target URI, scheme and authority included.  Fields that many
origins build their pages from although no `Vary` names them (`ROUTING_FIELDS`) always belong to the
secondary key: who sends one fills the cache only for those who send the same.
"""

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from lan.services.http.cache.entry import Entry, Variant
from lan.services.http.protocol.messages import Headers, Request, Response

ROUTING_FIELDS = frozenset(
    (
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-scheme",
        "x-forwarded-server",
        "x-forwarded-ssl",
        "x-host",
        "x-http-host-override",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-host",
        "x-original-url",
        "x-rewrite-url",
    )
)
"""Request fields that change the answer of origins which trust them, and so poison a cache that does not key them."""

_LISTS_WITHOUT_CASE = frozenset(("accept-charset", "accept-encoding", "accept-language", "te"))
_LISTS_WITHOUT_ORDER = frozenset(("accept-charset", "accept-encoding"))
_LISTS = _LISTS_WITHOUT_CASE | {"accept", "cache-control", "prefer"}
_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)")
_BLANKS = re.compile(r"[ \t]*([,;])[ \t]*")
_ZEROS = re.compile(r":0+(?=[0-9]+\Z)")
"""Before a port: it is the same number."""
_PORTS = {"http": ":80", "https": ":443"}


def target_uri(request: Request, *, scheme: str = "http") -> str | None:
    """The target URI, RFC 9110 §7.1, the same for all spellings of its scheme, host and port.

    `scheme` is that of the connection, for a target in origin form; what follows a ``+`` in it tells the
    connection's way, which another may not share whatever it names.  The path keeps every byte: two spellings
    may be two resources to the origin.  None where the target names no resource of its own (``*``, CONNECT's
    authority) or no host is known.
    """
    target = request.target
    if target.startswith("/"):
        authority, path = request.headers.get("Host") or "", target
    else:
        found = _ABSOLUTE.fullmatch(target)
        if found is None:
            return None
        _, plus, way = scheme.partition("+")
        scheme, authority, path = f"{found[1]}{plus}{way}", found[2], found[3]
    if not authority or "#" in target or any(mark in authority for mark in "/?#@, \t"):
        return None
    scheme, authority = scheme.lower(), _ZEROS.sub(":", authority.lower())
    authority = authority.removesuffix(_PORTS.get(scheme.partition("+")[0], "")).removesuffix(":")
    return f"{scheme}://{authority}{path if path.startswith('/') else '/' + path}"


def primary_key(uri: str) -> str:
    """What a GET of this URI is stored under; it answers a HEAD too (RFC 9110 §9.3.2)."""
    return f"GET {uri}"


def same_origin(uri: str, reference: str) -> str | None:
    """A URI reference made absolute, if scheme, host and port are those of `uri`; None otherwise (§4.4).

    A reference knows no way: it is taken for one of `uri`'s.
    """
    scheme, _, rest = uri.partition("://")
    try:
        joined = urlsplit(urljoin(f"{scheme.partition('+')[0]}://{rest}", reference.strip()))
        other = target_uri(Request("GET", joined._replace(fragment="").geturl()), scheme=scheme)
    except ValueError:
        return None
    return other if other is not None and _origin(other) == _origin(uri) else None


def _origin(uri: str) -> list[str]:
    return uri.split("/", 3)[:3]  # a way may have colons, which no scheme has


def has_vary_star(response: Response) -> bool:
    """`Vary` with a member ``*`` never matches (§4.1)."""
    return "*" in response.headers.listed("Vary")


def variant(request: Request, response: Response) -> Variant:
    """The request fields that this response depends on, with their values: the secondary key."""
    sent = {name.lower() for name, _ in request.headers.items}
    names = {*response.headers.listed("Vary"), *(ROUTING_FIELDS & sent)}
    return tuple((name, "*" if name == "*" else normal(request.headers, name)) for name in sorted(names))


def matches(entry: Entry, fields: Headers) -> bool:
    """Do a request's fields ask for this variant?"""
    keyed = {name for name, _ in entry.variant}
    if any(name.lower() in ROUTING_FIELDS and name.lower() not in keyed for name, _ in fields.items):
        return False
    return all(value == normal(fields, name) for name, value in entry.variant)  # no field is called *


def normal(fields: Headers, name: str) -> str | None:
    """A field's value, the same for all spellings that mean the same (§4.1); None where it is absent.

    Lines are combined.  Of lists whose definition allows it, blanks go, and case and order where they
    don't matter.  Of a field that we don't know nothing else changes.
    """
    value = fields.get(name)
    if value is None or name not in _LISTS:
        return value if value is None else value.strip(" \t")
    value = _BLANKS.sub(r"\1", value.strip(" \t"))
    if name in _LISTS_WITHOUT_CASE:
        value = value.lower()
    elements = [element for element in value.split(",") if element] if '"' not in value else [value]
    return ",".join(sorted(elements) if name in _LISTS_WITHOUT_ORDER else elements)


def candidates(entries: Iterable[Entry], request: Request) -> list[Entry]:
    """The entries that could answer, best first: those that name what they vary on, then the most recent (§4.1)."""
    found = [entry for entry in entries if matches(entry, request.headers)]
    return sorted(found, key=lambda entry: (entry.has_vary, entry.date_s, entry.received_s), reverse=True)
