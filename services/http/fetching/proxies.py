"""Through which proxy a URL is asked for, and how a request looks on its way there.  RFC 9110 §3.7, §7.1, §9.3.6.

Pure: settings and URLs in.  The environment is curl's and wget's: `http_proxy`, `https_proxy` and
`no_proxy`; HTTP_PROXY in capitals is not read, for a CGI program's client can set it.
"""

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from lan.errors import UsageError
from lan.services.http.protocol.messages import Headers, Request
from lan.services.http.protocol.url import Url


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and the credentials that it gets (`Basic …`), if any."""

    host: str
    port: int
    authorization: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Route:
    """The way of a connection: the machine that it goes to, through a tunnel to another one or not, with TLS or not.

    Requests with the same route may share a connection.
    """

    host: str
    port: int
    tunnel_to: Url | None = None
    tls_name: str | None = None

    def __str__(self) -> str:
        machine = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        if self.tunnel_to is not None:
            return f"{self.tunnel_to.host}:{self.tunnel_to.port} through {machine}"
        return machine


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """`given`: --proxy (empty: none at all); `user`: --proxy-user; else the environment decides."""

    environment: Mapping[str, str]
    given: str | None = None
    user: str | None = None

    def proxy_for(self, where: Url) -> Proxy | None:
        """The proxy of a URL, or None.  Raises UsageError for one that can't be understood."""
        if self.given is not None:
            return self._parse(self.given, "--proxy") if self.given else None
        names = ("http_proxy",) if where.scheme == "http" else ("https_proxy", "HTTPS_PROXY")
        for name in names:
            text = self.environment.get(name)
            if text:
                return None if self._is_exempt(where) else self._parse(text, name)
        return None

    def _is_exempt(self, where: Url) -> bool:
        text = self.environment.get("no_proxy") or self.environment.get("NO_PROXY") or ""
        return any(_covers(word.strip().lower(), where) for word in text.split(",") if word.strip())

    def _parse(self, text: str, where: str) -> Proxy:
        expected = "http://HOST:PORT, such as http://proxy:3128"
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port or (80 if "://" in text else 3128)
            user = None if parts.username is None else f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        except ValueError as error:
            raise UsageError(f"{text}: {error}", where=where, expected=expected) from None
        if parts.scheme != "http" or not host:
            raise UsageError(f"{text}: no proxy that can be spoken to", where=where, expected=expected)
        return Proxy(host, port, basic(self.user or user))


def basic(user: str | None) -> str | None:
    """``name:password`` → ``Basic bmFt…`` (RFC 7617); None stays None."""
    return None if user is None else "Basic " + base64.b64encode(user.encode()).decode()


def route(where: Url, proxy: Proxy | None) -> Route:
    """The way to a URL: straight, to its proxy, or for https through a tunnel of the proxy."""
    tls_name = where.name if where.scheme == "https" else None
    if proxy is None:
        return Route(where.host, where.port, None, tls_name)
    if tls_name is None:
        return Route(proxy.host, proxy.port)
    return Route(proxy.host, proxy.port, replace(where, target="/"), tls_name)


def to_proxy(request: Request, where: Url, proxy: Proxy, *, proxy_connection: bool = False) -> Request:
    """The request as a proxy gets it: absolute-form (RFC 9112 §3.2.2), with credentials.

    `proxy_connection`: as old browsers did, `Proxy-Connection: Keep-Alive` in place of `Connection` (book 4.5.7).
    """
    made = replace(request, target=f"{where.scheme}://{where.authority}{request.target}")
    if proxy.authorization is not None:
        made = made.with_field("Proxy-Authorization", proxy.authorization)
    if proxy_connection:
        kept = Headers(tuple(pair for pair in made.headers.items if pair[0].lower() != "connection"))
        made = replace(made, headers=kept.with_field("Proxy-Connection", "Keep-Alive"))
    return made


def connect(where: Url, proxy: Proxy, *, proxy_connection: bool = False) -> Request:
    """What asks a proxy for a tunnel (RFC 9110 §9.3.6)."""
    host = f"[{where.name}]" if ":" in where.name else where.name
    authority = f"{host}:{where.port}"
    made = Request("CONNECT", authority, headers=Headers((("Host", authority), ("User-Agent", "lan-fetch"))))
    if proxy.authorization is not None:
        made = made.with_field("Proxy-Authorization", proxy.authorization)
    return made.with_field("Proxy-Connection", "Keep-Alive") if proxy_connection else made


def _covers(word: str, where: Url) -> bool:
    """``*``, ``lan.test`` and ``.lan.test`` (with all below it), an address, a network, each with ``:PORT`` or not."""
    if word == "*":
        return True
    if "/" in word:
        try:
            return ipaddress.ip_address(where.host) in ipaddress.ip_network(word, strict=False)
        except ValueError:
            return False
    name, colon, port = word.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.startswith("[")):
        if int(port) != where.port:
            return False
        word = name
    word = word.strip("[]").lstrip(".")
    return bool(word) and (where.host == word or where.host.endswith(f".{word}"))
