"""lan-fetch, the browser of the command line: a URL, its body, and how long each phase took; or many objects.

    lan-fetch http://www.ark-inflearn.com/      -v shows phases and heads, --json everything but the body
    lan-fetch --strategy pipelined URL URL…     a waterfall: which object on which connection, and when
    lan-fetch --page URL                        a page with its objects, as a browser fetches them

A single URL says `Connection: close` and, when the response is complete, sends the first FIN, as in the
book's figures; then it waits for the server's FIN, and so holds TIME_WAIT.  Certificates are checked,
names and addresses alike.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Literal

from lan import readable
from lan.errors import FAILED, OK, LanError, RunError, UsageError
from lan.services.http.fetching import report, telling, waterfall, words
from lan.services.http.fetching.client import Exchange, Phase, Write
from lan.services.http.fetching.loop import Loop
from lan.services.http.fetching.opening import Means
from lan.services.http.fetching.visit import Visit
from lan.services.http.protocol import tls, url
from lan.services.http.protocol.persistence import Side
from lan.services.http.strategies.pool import Pool
from lan.services.http.strategies.strategy import Strategy

INTERRUPTED = 130


def main(arguments: list[str]) -> int:
    """Fetch: 0 for responses below 400, 1 for any other end, 2 for wrong words."""
    as_json = "--json" in arguments
    try:
        return fetch(words.parser().parse_args(arguments))
    except LanError as error:
        print(readable.as_json({"schema": 1, "ok": False, "error": error.as_json()})) if as_json else None
        print(f"lan-fetch: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone; let nothing be flushed into it at exit
        _write_nowhere()
        return FAILED


def fetch(options: argparse.Namespace) -> int:
    """One run, from the words to what is printed of it."""
    is_many = words.is_many(options)
    urls = [url.parse(text) for text in options.urls]
    strategy = words.strategy_of(options)
    asking = words.asking(options, os.environ, urls)
    for where in urls:
        words.known(where.host, where.port, options.resolve)
    secure = cache(lambda: tls.client_context(options.cacert))
    if any(where.scheme == "https" for where in urls):
        secure()  # reading the authorities takes its time, which is no connection's
    means = Means(
        words.socket_options(options),
        lambda host, port: words.known(host, port, options.resolve),
        secure,
        Side(options.closes_first),
    )
    with ExitStack() as stack:
        visit = Visit(asking, _outputs(options) if is_many else _output(options, stack))
        started_s = time.monotonic()
        for where in urls:
            visit.ask(where, started_s)
        pool = Pool(
            strategy,
            words.patience(options),
            retries=words.retries(options),
            retry_any_method=options.retry_non_idempotent,
            started_s=started_s,
        )
        watcher: telling.Quiet = telling.Quiet()
        if options.verbose:
            watcher = telling.Decisions(started_s) if is_many else telling.Phases()
        loop = Loop(visit, pool, means, watcher)
        loop.run()
    if is_many:
        return _tell_many(options, strategy, loop, watcher, started_s)
    return _tell_one(options, visit.exchanges, loop)


def _tell_one(options: argparse.Namespace, exchanges: list[Exchange], loop: Loop) -> int:
    exchange = exchanges[-1]
    if exchange.error is not None:
        raise exchange.error
    assert exchange.response is not None and exchange.times is not None and exchange.connection is not None
    connection = next(record for record in loop.records if record.number == exchange.connection)
    if connection.closed_s is not None:
        exchange.times.end(Phase.CLOSE, connection.closed_s)
    if options.json:
        said = report.one(exchange, connection)
        if len(exchanges) > 1:
            said["redirects"] = [str(before.url) for before in exchanges[:-1]]
        print(readable.as_json(said))
    if exchange.response.status < 400:
        return OK
    answered = telling.on_screen(f"{exchange.response.status} {exchange.response.phrase}")
    print(f"lan-fetch: the server answered {answered}", file=sys.stderr)
    return FAILED


def _tell_many(
    options: argparse.Namespace, strategy: Strategy, loop: Loop, watcher: telling.Quiet, started_s: float
) -> int:
    exchanges = loop.visit.exchanges
    if options.json:
        said = report.many(strategy, exchanges, loop.records, watcher.orders, started_s)
        print(readable.as_json(said))
    else:
        telling.show(waterfall.draw(report.rows(exchanges, started_s), telling.columns()))
        print(report.summary(strategy, exchanges, loop.records, report.total_ms(exchanges, started_s)))
    return OK if all(exchange.is_ok for exchange in exchanges) else FAILED


def _output(options: argparse.Namespace, stack: ExitStack) -> Callable[[Exchange], Write]:
    """Where the body of a single URL goes: to a file, to the screen, with --json nowhere."""
    if options.output is not None:
        path = Path(options.output)
        file = stack.enter_context(_opened(path, "wb"))
        return lambda exchange: lambda data: _write(file, data, path)
    write: Write = len if options.json else _screen(stack)
    return lambda exchange: write


def _screen(stack: ExitStack) -> Write:
    binary = getattr(sys.stdout, "buffer", None)  # a test's stdout has none
    if binary is None:
        return lambda data: sys.stdout.write(data.decode("utf-8", "replace"))

    def leaves(act: Callable[[], object]) -> None:
        try:
            act()
        except BrokenPipeError:
            raise
        except OSError as error:
            _write_nowhere()
            raise _unwritten(error, "standard output") from None

    stack.callback(lambda: leaves(sys.stdout.flush))
    return lambda data: leaves(lambda: binary.write(data))


def _write_nowhere() -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115


def _outputs(options: argparse.Namespace) -> Callable[[Exchange], Write]:
    """Where the bodies of many objects go: nowhere, or into a folder as ``002-logo.png``.

    A file is open no longer than it is written to: there may be more of them than descriptors.
    """
    if options.output is None:
        return lambda exchange: len
    folder = Path(options.output)
    if not folder.is_dir():
        raise UsageError("no folder", where=folder, expected="a folder, for there are many objects")

    def opened(exchange: Exchange) -> Write:
        last = exchange.url.target.partition("?")[0].rpartition("/")[2]
        name = re.sub(r"[^A-Za-z0-9._-]", "_", last)[-80:] or "index"
        path = folder / f"{exchange.number:03}-{name}"
        _opened(path, "wb").close()
        return lambda data: _append(path, data)

    return opened


def _append(path: Path, data: bytes) -> None:
    with _opened(path, "ab") as file:
        _write(file, data, path)


def _opened(path: Path, mode: Literal["wb", "ab"]) -> FileIO:
    try:
        return path.open(mode, buffering=0)
    except OSError as error:
        raise UsageError(f"can't be written: {error.strerror}", where=path) from None


def _write(file: FileIO, data: bytes, path: Path) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _unwritten(error, path) from None


def _unwritten(error: OSError, where: object) -> RunError:
    return RunError(f"can't be written: {error.strerror}", where=where, todo="-o with another place")


def program() -> None:
    """The command lan-fetch."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
