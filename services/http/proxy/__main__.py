"""The proxy's shell: words and signals in, a proxy that runs.

lan serve proxy --kind dumb|smart|cache [--upstream URL] --listen ADDR:PORT
"""

import argparse
import signal
import ssl
import sys

from lan.errors import LanError
from lan.reasons import Reason
from lan.services.http.protocol.tls import client_context
from lan.services.http.proxy import settings
from lan.services.http.proxy.server import ProxyServer
from lan.services.http.proxy.settings import Settings
from lan.services.shell import DecisionLog, announce_ready


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; read the settings anew on SIGHUP."""
    try:
        return serve(settings.parser().parse_args(arguments))
    except LanError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def serve(options: argparse.Namespace) -> int:
    """The life of a proxy.  Raises LanError where it can't begin."""
    asked: set[int] = set()
    log = DecisionLog("proxy", echo=options.verbose)
    server = ProxyServer(log)
    load(server, options)

    def note(number: int, _frame: object) -> None:
        asked.add(number)
        server.loop.wake()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, note)
    _announce(server)
    while not asked & {signal.SIGTERM, signal.SIGINT}:
        if signal.SIGHUP in asked:
            asked.discard(signal.SIGHUP)
            _reload(server, options, log)
        server.step()
    server.stop()
    return 0


def load(server: ProxyServer, options: argparse.Namespace) -> None:
    """Read the settings, and serve by them."""
    now = settings.read(options)
    server.apply(now, _tls(now))


def _reload(server: ProxyServer, options: argparse.Namespace, log: DecisionLog) -> None:
    try:
        load(server, options)
    except LanError as error:
        print(error, file=sys.stderr, flush=True)
        log.append("kept", Reason("SIGHUP", "the new settings don't work, the old ones stay", error=error.what))
        return
    _announce(server)


def _announce(server: ProxyServer) -> None:
    host, port = server.address
    announce_ready(f"proxy {host}:{port}")


def _tls(now: Settings) -> ssl.SSLContext:
    return client_context(None if now.cacert is None else str(now.cacert))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
