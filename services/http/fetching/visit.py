"""All that one run of lan-fetch asks for: the URLs it was given, where they redirect to, what their pages hold.

Pure: heads, content and ends of responses come in; exchanges to add and requests to send come out.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field

from lan.reasons import Reason
from lan.services.http.fetching import client, proxies, redirects
from lan.services.http.fetching.client import Exchange, Write
from lan.services.http.fetching.page_objects import Scanner
from lan.services.http.fetching.proxies import ProxySettings, Route
from lan.services.http.fetching.redirects import Follow
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, Version
from lan.services.http.protocol.url import Url

CREDENTIALS = frozenset({"authorization", "cookie"})
"""Fields of the command line that another origin does not get."""
_NO_CHARSETS = frozenset({"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape", "utf-7"})
"""What Python knows beside the charsets of pages."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How requests look; `connection` is what `Connection` says, ``auto``: what the strategy needs."""

    method: str = "GET"
    content: bytes | None = None
    connection: str | None = "auto"
    version: Version = HTTP_1_1
    more: tuple[tuple[str, str], ...] = ()
    expects_continue: bool = False
    proxy_connection: bool = False
    proxies: ProxySettings = field(default_factory=lambda: ProxySettings({}))
    is_page: bool = False
    max_redirects: int = 0
    allow_downgrade: bool = False


class Visit:
    """The exchanges of a run, in the order in which they were wanted."""

    def __init__(self, asking: Asking, write: Callable[[Exchange], Write] = lambda exchange: len) -> None:
        """`write` gives each exchange the place where its body goes."""
        self.asking, self._write = asking, write
        self.exchanges: list[Exchange] = []
        self._scanners: dict[int, tuple[Scanner, codecs.IncrementalDecoder]] = {}
        self.decided: list[tuple[int, Reason]] = []
        """Redirections, followed or not, by the exchange's number."""

    def ask(self, where: Url, now_s: float) -> Exchange:
        """A URL of the command line."""
        asking = self.asking
        return self._add(
            Exchange(0, where, asking.method, "page" if asking.is_page else "", asking.content, asked_s=now_s)
        )

    def _add(self, exchange: Exchange) -> Exchange:
        exchange.number = len(self.exchanges) + 1
        exchange.write = self._write(exchange)
        self.exchanges.append(exchange)
        return exchange

    def __getitem__(self, number: int) -> Exchange:
        return self.exchanges[number - 1]

    def route(self, exchange: Exchange) -> Route:
        """The way of its connection.  Raises UsageError for a proxy that can't be understood."""
        return proxies.route(exchange.url, self.asking.proxies.proxy_for(exchange.url))

    def request(self, exchange: Exchange, *, is_last: bool) -> Request:
        """Its request; `is_last`: the connection is to end with it."""
        asking = self.asking
        connection = asking.connection
        if connection == "auto":
            connection = "close" if is_last else "keep-alive" if asking.version < HTTP_1_1 else None
        more = asking.more
        if exchange.is_stranger:
            more = tuple(pair for pair in more if pair[0].lower() not in CREDENTIALS)
        made = client.request_for(
            exchange.url, exchange.method, connection=connection, version=asking.version, more=more
        )
        if self.waits_for_continue(exchange):
            made = made.with_field("Expect", "100-continue")
        proxy = asking.proxies.proxy_for(exchange.url)
        if proxy is not None and exchange.url.scheme == "http":
            made = proxies.to_proxy(made, exchange.url, proxy, proxy_connection=asking.proxy_connection)
        return made

    def waits_for_continue(self, exchange: Exchange) -> bool:
        """Whether its content leaves only after 100 (Continue): RFC 9110 §10.1.1, not in HTTP/1.0."""
        return self.asking.expects_continue and bool(exchange.content) and self.asking.version > HTTP_1_0

    def tunnel(self, where: Url) -> Request:
        """What asks this URL's proxy for a tunnel."""
        proxy = self.asking.proxies.proxy_for(where)
        assert proxy is not None
        return proxies.connect(where, proxy, proxy_connection=self.asking.proxy_connection)

    def head(self, exchange: Exchange, response: Response) -> None:
        """A response's head has come: does it lead on, is it a page?"""
        if redirects.is_redirection(response) and self.asking.max_redirects:
            found = self._follow(exchange, response)
            exchange.is_followed = isinstance(found, Follow)
            self.decided.append((exchange.number, found.why))
        elif exchange.kind == "page" and response.status < 400 and (charset := _charset(response)) is not None:
            self._scanners[exchange.number] = (Scanner(exchange.url), codecs.getincrementaldecoder(charset)("replace"))

    def _follow(self, exchange: Exchange, response: Response) -> Follow | redirects.Stay:
        asking = self.asking
        return redirects.follow(
            response, exchange.url, exchange.method,
            hops=exchange.hops, limit=asking.max_redirects, allow_downgrade=asking.allow_downgrade,
        )  # fmt: skip

    def body(self, exchange: Exchange, data: bytes, now_s: float) -> list[Exchange]:
        """Some of a response's content; the objects of the page that it names."""
        if not exchange.is_followed:
            exchange.write(data)
        if exchange.number not in self._scanners:
            return []
        scanner, decoder = self._scanners[exchange.number]
        wanted = []
        for found in scanner.feed(decoder.decode(data)):
            made = Exchange(0, found.url, kind=found.kind, came_from=exchange.number, asked_s=now_s)
            wanted.append(self._add(made))
        return wanted

    def complete(self, exchange: Exchange, now_s: float) -> list[Exchange]:
        """A response is complete; where its redirection leads."""
        self._scanners.pop(exchange.number, None)
        if not exchange.is_followed or exchange.response is None:
            return []
        found = self._follow(exchange, exchange.response)
        assert isinstance(found, Follow)
        next_one = Exchange(
            0,
            found.url,
            found.method,
            exchange.kind,
            exchange.content if found.keeps_content else None,
            hops=exchange.hops + 1,
            came_from=exchange.number,
            is_stranger=exchange.is_stranger or found.is_elsewhere,
            asked_s=now_s,
        )
        return [self._add(next_one)]


def _charset(response: Response) -> str | None:
    """The charset of an HTML page; None for what is none, or is encoded."""
    kind, *parameters = (response.headers.get("Content-Type") or "").split(";")
    if kind.strip().lower() not in ("text/html", "application/xhtml+xml") or response.headers.get("Content-Encoding"):
        return None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return _known(value.strip(" \"'"))
    return "utf-8"


def _known(charset: str) -> str:
    """A text encoding of this name; latin-1 where there is none: tags and URLs are ASCII in any case."""
    try:
        name = codecs.lookup(charset).name
        b"a".decode(charset, "replace")  # refuses codecs that are no text encodings, such as base64
    except (LookupError, ValueError):
        return "latin-1"
    return "latin-1" if name in _NO_CHARSETS else name
