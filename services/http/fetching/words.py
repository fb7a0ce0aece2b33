"""The words of lan-fetch, and what they mean.

Pure but for the file behind ``--data @FILE``.
"""

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path

from lan.errors import UsageError
from lan.services.http.arguments import Parser
from lan.services.http.fetching import client, redirects
from lan.services.http.fetching.line import SocketOptions
from lan.services.http.fetching.proxies import ProxySettings
from lan.services.http.fetching.visit import Asking
from lan.services.http.protocol import messages
from lan.services.http.protocol.connection import Client
from lan.services.http.protocol.persistence import Side
from lan.services.http.protocol.url import Url
from lan.services.http.strategies.orders import Patience, Stage
from lan.services.http.strategies.strategy import STRATEGIES, Strategy, strategy

FORM = "application/x-www-form-urlencoded"


def parser() -> Parser:
    """The command line."""
    made = Parser(
        "lan-fetch",
        description="Fetch a URL and show how it went; or many objects, by one of the book's strategies.",
    )
    add = made.add_argument
    add("urls", metavar="URL", nargs="+", help="http://HOST[:PORT]/PATH or https://…")
    add("--connection", choices=("close", "keep-alive", "none"), help="(close; with a strategy what it needs)")
    add("--http1.0", dest="http_1_0", action="store_true", help="speak HTTP/1.0")
    add("--closes-first", choices=tuple(Side), default="client", help="with the first FIN (client)")
    add("-H", "--header", metavar="NAME:VALUE", action="append", default=[], help="a field to send")
    add("-I", "--head", action="store_true", help="ask for the head alone (HEAD)")
    add("--cacert", metavar="FILE", help="trust this authority alone (else SSL_CERT_FILE, the system's)")
    add("--resolve", metavar="HOST:PORT:ADDR", action="append", default=[], help="don't ask DNS for this")
    add("--timeout-s", metavar="S", type=float, default=30.0, help="for everything (30)")
    add("-o", "--output", metavar="FILE", help="where the body goes, instead of the screen; of many URLs a folder")
    add("--json", action="store_true", help="one object instead of the body")
    add("-v", "--verbose", action="store_true", help="phases and heads, with a strategy each decision, on stderr")
    _add_strategies(made)
    _add_requests(made)
    _add_sockets(made)
    return made


def _add_strategies(made: Parser) -> None:
    add = made.add_argument_group("many objects").add_argument
    add("--strategy", metavar="NAME", help=", ".join(STRATEGIES))
    add("--connections", metavar="K", type=int, help="at once to one host (parallel 4, persistent+parallel 2)")
    add("--depth", metavar="N", type=int, help="requests under way on one connection (pipelined 8)")
    add("--page", action="store_true", help="a page with its images, scripts, icons, style sheets and what those name")
    add("--waterfall", action="store_true", help="show the waterfall (the default with a strategy or a page)")
    add("--retries", metavar="N", type=int, help="how often a request is sent again (2; for a single URL 0)")
    add("--retry-non-idempotent", action="store_true", help="send POST and PATCH again, too")
    add("--phase-timeout-s", metavar="PHASE:S", action="append", default=[], help="for dns, connect, tls, wait, …")


def _add_requests(made: Parser) -> None:
    add = made.add_argument_group("requests").add_argument
    add("-X", "--request", metavar="METHOD", help="such as PUT or DELETE")
    add("--data", metavar="TEXT", help="content to send, or @FILE; makes the method POST")
    add("--expect-100", action="store_true", help="send the content when 100 (Continue) has come")
    add("-L", "--follow", action="store_true", help="follow redirections (a page always does)")
    add("--max-redirects", metavar="N", type=int, default=redirects.LIMIT, help=f"in a row ({redirects.LIMIT})")
    add("--allow-downgrade", action="store_true", help="follow from https to http")
    add("--proxy", metavar="URL", help="through this proxy (else http_proxy, https_proxy, no_proxy); '' for none")
    add("--proxy-user", metavar="NAME:PASSWORD", help="what the proxy asks for (Basic)")
    add("--proxy-connection", action="store_true", help="Proxy-Connection: Keep-Alive, as old browsers sent it")


def _add_sockets(made: Parser) -> None:
    add = made.add_argument_group("sockets").add_argument
    add("--nodelay", action=argparse.BooleanOptionalAction, default=True, help="TCP_NODELAY: no Nagle")
    add("--quickack", action=argparse.BooleanOptionalAction, help="TCP_QUICKACK (the kernel decides)")
    add("--sndbuf-bytes", metavar="N", type=int, help="SO_SNDBUF")
    add("--rcvbuf-bytes", metavar="N", type=int, help="SO_RCVBUF")
    add("--linger-s", metavar="S", type=int, help="SO_LINGER; 0 closes by RST")


def is_many(options: argparse.Namespace) -> bool:
    """Whether it is about more than one URL's body."""
    return bool(len(options.urls) > 1 or options.strategy or options.page or options.waterfall)


def strategy_of(options: argparse.Namespace) -> Strategy:
    """The strategy; a single URL goes alone, many as browsers fetch them."""
    alone = len(options.urls) == 1 and not options.page
    name = options.strategy or ("serial" if alone else "persistent+parallel")
    return strategy(name, connections=options.connections, depth=options.depth)


def asking(options: argparse.Namespace, environment: Mapping[str, str], urls: list[Url]) -> Asking:
    """How the requests look.  Raises UsageError for what can't be sent."""
    method, content = _method(options)
    fields = [_field(text) for text in options.header]
    if content is not None and not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", FORM))
    for name, _ in fields:
        if name.lower() in ("content-length", "transfer-encoding"):
            raise UsageError(f"-H {name}: said by lan-fetch itself", todo="leave it out")
    made = Asking(
        method,
        content,
        {"none": None, None: "auto"}.get(options.connection, options.connection),
        messages.HTTP_1_0 if options.http_1_0 else messages.HTTP_1_1,
        tuple(fields),
        options.expect_100,
        options.proxy_connection,
        ProxySettings(environment, options.proxy, options.proxy_user),
        options.page,
        _count("--max-redirects", options.max_redirects) if options.follow or options.page else 0,
        options.allow_downgrade,
    )
    for where in urls:
        made.proxies.proxy_for(where)
        _check(where, made)
    return made


def _method(options: argparse.Namespace) -> tuple[str, bytes | None]:
    content = None if options.data is None else _content(options.data)
    method = options.request or ("HEAD" if options.head else "POST" if content is not None else "GET")
    if method == "CONNECT":
        raise UsageError("-X CONNECT: a tunnel is made for https URLs alone", todo="an https:// URL and --proxy")
    if options.page and method != "GET":
        raise UsageError(f"--page: {method} gets no page", expected="GET")
    if options.expect_100 and not content:
        raise UsageError("--expect-100: no content to wait with", todo="--data TEXT")
    return method, content


def _content(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return Path(text[1:]).read_bytes()
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", where=text[1:]) from None


def _field(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise UsageError(f"-H {text}: no field", expected="NAME:VALUE, such as Accept-Language:ko")
    return name.strip(), value.strip()


def _check(where: Url, made: Asking) -> None:
    connection = None if made.connection == "auto" else made.connection
    request = client.request_for(where, made.method, connection=connection, version=made.version, more=made.more)
    try:
        Client().send(request)
    except ValueError as error:
        raise UsageError(str(error), expected="a method and fields of printable characters in one line") from None


def patience(options: argparse.Namespace) -> Patience:
    """The time-outs.  Raises UsageError."""
    all_s = _seconds("--timeout-s", options.timeout_s)
    limits = dict.fromkeys((f"{stage.value}_s" for stage in Stage if stage is not Stage.IDLE), math.inf)
    for text in options.phase_timeout_s:
        phase, _, seconds = text.partition(":")
        if phase not in set(Stage):
            raise UsageError(f"--phase-timeout-s {text}: no such phase", expected=f"{', '.join(Stage)}, such as wait:5")
        try:
            limits[f"{phase}_s"] = _seconds("--phase-timeout-s", float(seconds))
        except ValueError:
            raise UsageError(f"--phase-timeout-s {text}: no time", expected="PHASE:SECONDS, such as wait:5") from None
    return Patience(**limits, all_s=all_s)


def retries(options: argparse.Namespace) -> int:
    """How often a request is sent again."""
    if options.retries is not None:
        return _count("--retries", options.retries)
    return 2 if is_many(options) else 0


def socket_options(options: argparse.Namespace) -> SocketOptions:
    """What is set on each socket.  Raises UsageError."""
    for word, value, low, high in (
        ("--sndbuf-bytes", options.sndbuf_bytes, 1, 2**30),
        ("--rcvbuf-bytes", options.rcvbuf_bytes, 1, 2**30),
        ("--linger-s", options.linger_s, 0, 3600),
    ):
        if value is not None and not low <= value <= high:
            raise UsageError(f"{word} {value}: out of range", expected=f"{low} to {high}")
    return SocketOptions(
        options.nodelay, options.quickack, options.sndbuf_bytes, options.rcvbuf_bytes, options.linger_s
    )


def known(host: str, port: int, resolves: list[str]) -> list[str]:
    """The address that needs no DNS: --resolve says it, or the URL itself."""
    for text in resolves:
        found = re.fullmatch(r"([^:]+):(\d+):(.+)", text)
        if found is None:
            raise UsageError(f"--resolve {text}: not understood", expected="HOST:PORT:ADDR")
        if (found[1].lower(), int(found[2])) == (host, port):
            return [found[3].strip("[]")]
    is_address = ":" in host or re.fullmatch(r"[\d.]+", host)
    return [host] if is_address else []


def _seconds(word: str, seconds: float) -> float:
    if not seconds > 0:
        raise UsageError(f"{word} {seconds:g}: no time at all", expected="seconds, more than 0")
    return min(seconds, 1e6)


def _count(word: str, count: int) -> int:
    if not 0 <= count <= 1000:
        raise UsageError(f"{word} {count}: out of range", expected="0 to 1000")
    return count
