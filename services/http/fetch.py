"""lan-fetch, the browser of the command line: one URL, its body, and how long each phase took.

    lan-fetch http://www.ark-inflearn.com/      -v shows phases and heads, --json everything but the body

It says `Connection: close` and, when the response is complete, sends the first FIN, as in the
book's figures; then it waits for the server's FIN, and so holds TIME_WAIT.  Certificates are
checked, names and addresses alike.
"""

import argparse
import importlib
import json
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lan.errors import FAILED, OK, LanError, UsageError
from lan.services.http import client, messages, stream, url
from lan.services.http.arguments import Parser
from lan.services.http.client import Exchange, Phase, Times
from lan.services.http.messages import Request, Response
from lan.services.http.persistence import Side
from lan.services.http.stream import Deadline, Stream
from lan.services.http.url import Url

CLOSE_WITHIN_S = 6.0  # a little longer than our server lingers
INTERRUPTED = 130
Say = Callable[..., None]
Write = Callable[[bytes], object]
Secure = Callable[[Stream], Stream]


def main(arguments: list[str]) -> int:
    """Fetch one URL: 0 for a response below 400, 1 for any other end, 2 for wrong words."""
    as_json = "--json" in arguments
    try:
        return fetch(parser().parse_args(arguments))
    except LanError as error:
        print(json.dumps({"schema": 1, "ok": False, "error": error.as_json()}, ensure_ascii=False)) if as_json else None
        print(f"lan-fetch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone; let nothing be flushed into it at exit
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        return FAILED


def parser() -> Parser:
    """The command line."""
    made = Parser("lan-fetch", description="Fetch a URL and show how it went.")
    made.add_argument("url", metavar="URL", help="http://HOST[:PORT]/PATH or https://…")
    made.add_argument("--connection", choices=("close", "keep-alive", "none"), default="close", help="(close)")
    made.add_argument("--http1.0", dest="http_1_0", action="store_true", help="speak HTTP/1.0")
    made.add_argument("--closes-first", choices=tuple(Side), default="client", help="with the first FIN (client)")
    made.add_argument("-H", "--header", metavar="NAME:VALUE", action="append", default=[], help="a field to send")
    made.add_argument("-I", "--head", action="store_true", help="ask for the head alone (HEAD)")
    made.add_argument("--cacert", metavar="FILE", help="trust this authority alone (else SSL_CERT_FILE, the system's)")
    made.add_argument("--resolve", metavar="HOST:PORT:ADDR", action="append", default=[], help="don't ask DNS for this")
    made.add_argument("--timeout-s", metavar="S", type=float, default=30.0, help="for everything (30)")
    made.add_argument("-o", "--output", metavar="FILE", help="where the body goes, instead of the screen")
    made.add_argument("--json", action="store_true", help="one object instead of the body")
    made.add_argument("-v", "--verbose", action="store_true", help="phases and heads, on stderr")
    return made


def fetch(options: argparse.Namespace) -> int:
    """One exchange from name to FIN, and what is printed of it."""
    where = url.parse(options.url)
    exchange = Exchange(_request(where, options))
    secure = _secure(where, options)
    say = _say if options.verbose else _say_nothing
    with ExitStack() as stack:
        write = _output(options, stack)
        times = Times(time.monotonic())
        line = _open(where, options, times, secure, say)
        try:
            _exchange(exchange, line, times, write, say)
        except BaseException:
            line.sock.close()
            raise
        first, is_closed = line.close(Side(options.closes_first), CLOSE_WITHIN_S)
    times.end(Phase.CLOSE, time.monotonic())
    lasted = times.as_json()
    ending = "" if is_closed else ", the other end did not follow"
    say(f"* close    first FIN from the {first}{ending}", lasted["close"])
    assert exchange.response is not None
    facts: dict[str, Any] = {
        "local": line.local,
        "peer": line.peer,
        "closed_first": first.value,
        "is_closed": is_closed,
    }
    if line.agreed:
        facts["tls"] = line.agreed
    if options.json:
        print(json.dumps(_report(where, exchange, exchange.response, facts, lasted), ensure_ascii=False))
    return _verdict(exchange.response)


def _secure(where: Url, options: argparse.Namespace) -> Secure | None:
    """What makes a connection a TLS one, for https."""
    if where.scheme != "https":
        return None
    tls = importlib.import_module("lan.services.http.tls")  # by name: plain HTTP need not wait for OpenSSL
    context = tls.client_context(options.cacert)
    return lambda plain: tls.TlsStream(plain, context, where.host)


def _open(where: Url, options: argparse.Namespace, times: Times, secure: Secure | None, say: Say) -> Stream:
    deadline = Deadline(_positive(options.timeout_s))
    addresses = _known(where, options.resolve)
    if not addresses:
        addresses = stream.resolve(where.host, where.port, deadline)
        times.end(Phase.DNS, time.monotonic())
        say(f"* dns      {where.host} → {', '.join(addresses)}", times.as_json()["dns"])
    line = stream.connect(addresses, where.port, deadline)
    times.end(Phase.CONNECT, time.monotonic())
    say(f"* connect  {line.local} → {line.peer}", times.as_json()["connect"])
    if secure is None:
        return line
    line = secure(line)
    times.end(Phase.TLS, time.monotonic())
    say(f"* tls      {line.agreed['version']}, for {', '.join(line.agreed['names'])}", times.as_json()["tls"])
    return line


def _exchange(exchange: Exchange, line: Stream, times: Times, write: Write, say: Say) -> None:
    line.send(exchange.send())
    times.end(Phase.SEND, time.monotonic())
    _say_head(exchange.request, ">", say)
    data = line.receive()
    times.end(Phase.WAIT, time.monotonic())
    while True:
        write(exchange.receive(data))
        if exchange.is_complete:
            break
        data = line.receive()
    times.end(Phase.RECEIVE, time.monotonic())
    lasted = times.as_json()
    say("* wait     for the first byte", lasted["wait"])
    if exchange.response is not None:
        _say_head(exchange.response, "<", say)
    say(f"* receive  {exchange.body_bytes} bytes of body", lasted["receive"])


def _request(where: Url, options: argparse.Namespace) -> Request:
    more = []
    for text in options.header:
        name, colon, value = text.partition(":")
        if not colon:
            raise UsageError(f"-H {text}: no field", expected="NAME:VALUE, such as Accept-Language:ko")
        more.append((name.strip(), value.strip()))
    request = client.request_for(
        where,
        "HEAD" if options.head else "GET",
        connection=None if options.connection == "none" else options.connection,
        version=messages.HTTP_1_0 if options.http_1_0 else messages.HTTP_1_1,
        more=tuple(more),
    )
    try:
        messages.build(request)
    except ValueError as error:
        raise UsageError(str(error), expected="a field of printable characters in one line") from None
    return request


def _known(where: Url, resolves: list[str]) -> list[str]:
    """The address that needs no DNS: --resolve says it, or the URL itself."""
    for text in resolves:
        found = re.fullmatch(r"([^:]+):(\d+):(.+)", text)
        if found is None:
            raise UsageError(f"--resolve {text}: not understood", expected="HOST:PORT:ADDR")
        if (found[1].lower(), int(found[2])) == (where.host, where.port):
            return [found[3].strip("[]")]
    is_address = ":" in where.host or re.fullmatch(r"[\d.]+", where.host)
    return [where.host] if is_address else []


def _positive(timeout_s: float) -> float:
    if not timeout_s > 0:
        raise UsageError(f"--timeout-s {timeout_s:g}: no time at all", expected="seconds, more than 0")
    return min(timeout_s, 1e6)


# What is printed


def _say(text: str, lasted_ms: float | None = None) -> None:
    print(text if lasted_ms is None else f"{text:<66}{lasted_ms:>9.1f} ms", file=sys.stderr)


def _say_nothing(text: str, lasted_ms: float | None = None) -> None:
    pass


def _say_head(head: Request | Response, mark: str, say: Say) -> None:
    for text in (head.start_line(), *(f"{name}: {value}" for name, value in head.headers.items)):
        say(f"{mark} {text}")


def _output(options: argparse.Namespace, stack: ExitStack) -> Write:
    if options.output is not None:
        try:
            return stack.enter_context(Path(options.output).open("wb")).write
        except OSError as error:
            raise UsageError(f"can't be written: {error.strerror}", where=options.output) from None
    if options.json:
        return len
    binary = getattr(sys.stdout, "buffer", None)  # a test's stdout has none
    if binary is None:
        return lambda data: sys.stdout.write(data.decode("utf-8", "replace"))
    stack.callback(sys.stdout.flush)
    return lambda data: binary.write(data)


def _report(where: Url, exchange: Exchange, response: Response, facts: dict[str, Any], lasted: dict[str, float]) -> Any:
    return {
        "schema": 1,
        "ok": response.status < 400,
        "url": str(where),
        "status": response.status,
        "phrase": response.phrase,
        "version": f"{response.version[0]}.{response.version[1]}",
        "headers": [list(pair) for pair in response.headers.items],
        "body_bytes": exchange.body_bytes,
        "persistence": {"keep": exchange.persistence.keep, "reason": exchange.persistence.why.as_json()},
        **facts,
        "times_ms": lasted,
    }


def _verdict(response: Response) -> int:
    if response.status < 400:
        return OK
    print(f"lan-fetch: the server answered {response.status} {response.phrase}", file=sys.stderr)
    return FAILED


def program() -> None:
    """The command lan-fetch."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
