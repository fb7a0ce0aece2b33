"""The proxy's shell: words and signals in, a proxy that runs.

lan serve proxy --kind dumb|smart|cache [--upstream URL] --listen ADDR:PORT
"""

import argparse
import ssl
import sys

from lan.services.http import authority, life
from lan.services.http.protocol.tls import client_context
from lan.services.http.proxy import settings
from lan.services.http.proxy.server import ProxyServer
from lan.services.http.proxy.settings import Settings
from lan.services.shell import DecisionLog


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; read the settings anew on SIGHUP."""
    return life.in_words_of_its_own(lambda: run(settings.parser().parse_args(arguments)))


def run(options: argparse.Namespace) -> int:
    """One proxy, or several in processes of their own on the same ports.  Raises LanError where it can't begin."""
    now = settings.read(options)
    if now.workers == 1:
        return serve(options)
    return life.live_together(options, {"listen": now.listen, "tls_listen": now.tls_listen}, lambda: serve(options))


def serve(options: argparse.Namespace) -> int:
    """The life of a proxy.  Raises LanError where it can't begin."""
    log = DecisionLog("proxy", echo=options.verbose)
    server = ProxyServer(log)

    def load() -> None:
        now = settings.read(options)
        server.apply(now, client_context(None if now.cacert is None else str(now.cacert)), _tls(now))

    return life.live(server, load, log)


def _tls(now: Settings) -> ssl.SSLContext | None:
    """What is shown to clients."""
    return None if now.tls_listen is None else authority.server_tls(now.certificate, now.key, now.tls_listen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
