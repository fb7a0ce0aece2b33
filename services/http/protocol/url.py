"""The URLs that a client opens: `http://HOST[:PORT]/PATH?QUERY` and https.  RFC 9110 §4.2, RFC 3986.

Pure.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from lan.errors import UsageError

PORTS = {"http": 80, "https": 443}
_ALLOWED = "!#$%&'()*+,-./:;=?@[]_~"  # what RFC 3986 lets stand in a path and query


@dataclass(frozen=True, slots=True)
class Url:
    """Where to connect, and what to ask for there."""

    scheme: str
    host: str  # a name, or an address without brackets; of a link-local one with its zone
    port: int
    target: str  # path and query, never empty

    @property
    def authority(self) -> str:
        """What the `Host` field says: the port only where it is not the scheme's (RFC 9110 §7.2)."""
        return self._with_port(self.name)

    @property
    def name(self) -> str:
        """The host as others know it: a zone means something on this machine alone (RFC 6874 §4)."""
        return self.host.partition("%")[0] if ":" in self.host else self.host

    def _with_port(self, host: str) -> str:
        host = f"[{host}]" if ":" in host else host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: who shares credentials (RFC 9110 §4.3.1)."""
        return self.scheme, self.host, self.port

    def __str__(self) -> str:
        return f"{self.scheme}://{self._with_port(self.host)}{self.target}"


def parse(text: str) -> Url:
    """A URL as people type it; without a scheme it is http, a fragment stays with the client.  Raises UsageError."""
    full = text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) else f"http://{text}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(text, str(error)) from None
    if parts.scheme not in PORTS:
        raise _wrong(text, f"scheme {parts.scheme!r} is not spoken here")
    if not host or port == 0:
        raise _wrong(text, "no host or port")
    if parts.username is not None:
        raise _wrong(text, "a user name in a URL is not sent (RFC 9110 §4.2.4)")
    if ":" in host:
        host = host.replace("%25", "%", 1)  # RFC 6874 §2
    target = _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")
    return Url(parts.scheme, _ascii_name(text, host), port or PORTS[parts.scheme], target)


def join(base: Url, reference: str) -> Url:
    """What a reference in a page or a Location field means (RFC 3986 §5.2).  Raises UsageError."""
    try:
        full = urljoin(str(base), reference.strip())
        scheme, host = urlsplit(full)[:2]
    except ValueError as error:
        raise _wrong(reference, str(error)) from None
    if scheme not in PORTS:
        raise _wrong(reference, f"scheme {scheme!r} is not spoken here")
    if not host:
        raise _wrong(reference, "no host or port")
    return parse(full)


def _quoted(text: str) -> str:
    return quote(text, safe=_ALLOWED, errors="surrogateescape")


def _ascii_name(text: str, host: str) -> str:
    """The name as DNS knows it: 한국.kr → xn--3e0b707e.kr."""
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"[a-z0-9._:%-]+", name):
        raise _wrong(text, f"{host!r} is no host name")
    return name


def _wrong(text: str, what: str) -> UsageError:
    return UsageError(f"{text}: {what}", expected="http://HOST[:PORT]/PATH or https://…")
