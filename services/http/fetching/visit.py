"""All that one run of lan-fetch asks for: the URLs it was given, where they redirect to, what their pages hold.

Pure: heads, content and ends of responses come in; exchanges to add and requests to send come out.
"""

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field

from lan.reasons import Reason
from lan.services.http.fetching import client, proxies, redirects
from lan.services.http.fetching.client import Exchange, Write
from lan.services.http.fetching.page_objects import Found, Known, PageScanner, Scanner, SheetScanner
from lan.services.http.fetching.proxies import ProxySettings, Route
from lan.services.http.fetching.redirects import Follow
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, Response, Version
from lan.services.http.protocol.url import Url

AT_HOME = frozenset({"authorization", "cookie", "host"})
"""Fields of the command line that another origin does not get: credentials, and a name that is not its own."""
_PAGES = ("text/html", "application/xhtml+xml")
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
        self._known: dict[int, Known] = {}
        """What was found, by the number of the page and of each of its style sheets."""
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
        made = client.request_for(
            exchange.url, exchange.method, connection=connection, version=asking.version, more=self._more(exchange)
        )
        if self.waits_for_continue(exchange):
            made = made.with_field("Expect", "100-continue")
        proxy = asking.proxies.proxy_for(exchange.url)
        if proxy is not None and exchange.url.scheme == "http":
            made = proxies.to_proxy(made, exchange.url, proxy, proxy_connection=asking.proxy_connection)
        return made

    def _more(self, exchange: Exchange) -> tuple[tuple[str, str], ...]:
        """The command line's fields, as far as they are for this request (RFC 9110 §15.4)."""
        has_lost_content = self.asking.content is not None and exchange.content is None
        return tuple(
            (name, value)
            for name, value in self.asking.more
            if not (exchange.is_stranger and name.lower() in AT_HOME)
            and not (has_lost_content and name.lower().startswith("content-"))
        )

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
        elif response.status < 400 and (scanner := self._scanner(exchange, response)) is not None:
            decoder = codecs.getincrementaldecoder(_charset(response))("replace")
            self._scanners[exchange.number] = scanner, decoder

    def _scanner(self, exchange: Exchange, response: Response) -> Scanner | None:
        """What finds the objects of a page, or of a style sheet of one; None for what names none, or is encoded."""
        if response.headers.get("Content-Encoding"):
            return None
        kind = _media_type(response)
        if exchange.kind == "page" and kind in _PAGES:
            known = self._known[exchange.number] = Known(exchange.url)
            return PageScanner(exchange.url, known)
        if exchange.kind == "stylesheet" and kind == "text/css" and (known_of := self._known_of(exchange)) is not None:
            self._known[exchange.number] = known_of
            return SheetScanner(exchange.url, known_of)
        return None

    def _known_of(self, exchange: Exchange) -> Known | None:
        """What was found of the page that a style sheet is of, by way of redirections or of other sheets."""
        number = exchange.came_from
        while number is not None and number not in self._known:
            number = self[number].came_from
        return None if number is None else self._known[number]

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
        return self._want(exchange, scanner.feed(decoder.decode(data)), now_s)

    def _want(self, exchange: Exchange, found: list[Found], now_s: float) -> list[Exchange]:
        added: list[Exchange] = []
        for one in found:
            is_stranger = exchange.is_stranger or one.url.origin != exchange.url.origin
            wanted = Exchange(
                0, one.url, kind=one.kind, came_from=exchange.number, is_stranger=is_stranger, asked_s=now_s
            )
            added.append(self._add(wanted))
        return added

    def complete(self, exchange: Exchange, now_s: float) -> list[Exchange]:
        """A response is complete; where its redirection leads, or what its last bytes have named."""
        if (scanning := self._scanners.pop(exchange.number, None)) is not None:
            scanner, decoder = scanning
            return self._want(exchange, scanner.feed(decoder.decode(b"", final=True)) + scanner.end(), now_s)
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


def _media_type(response: Response) -> str:
    return (response.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def _charset(response: Response) -> str:
    """The charset of a page or a style sheet."""
    _, *parameters = (response.headers.get("Content-Type") or "").split(";")
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
