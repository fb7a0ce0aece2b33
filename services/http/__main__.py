"""The web server's shell: words and signals in, a server that runs.

lan serve http --root DIR --listen ADDR:PORT [--tls] [--app echo] [--faults]
"""

import argparse
import os
import socket
import ssl
import sys
import time

from lan.services.http import authority, life
from lan.services.http.origin import settings
from lan.services.http.origin.assembly import Assembly
from lan.services.http.origin.server import Server
from lan.services.http.origin.settings import Settings
from lan.services.shell import DecisionLog


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; read the settings anew on SIGHUP."""
    return life.in_words_of_its_own(lambda: run(settings.parser().parse_args(arguments)))


def run(options: argparse.Namespace) -> int:
    """One server, or several in processes of their own on the same ports.  Raises LanError where it can't begin."""
    if options.workers == 1:
        return serve(options)
    now = settings.read(options)
    return life.live_together(options, {"listen": now.listen, "tls_listen": now.tls_listen}, lambda: serve(options))


def serve(options: argparse.Namespace) -> int:
    """The life of a server.  Raises LanError where it can't begin."""
    log = DecisionLog("http", echo=options.verbose)
    server = Server(log)
    assembly = Assembly(socket.gethostname(), int(time.time()), os.urandom(16))

    def load() -> None:
        now = settings.read(options)
        server.apply(now, assembly.origin(now), _tls(now))

    return life.live(server, load, log)


def _tls(now: Settings) -> ssl.SSLContext | None:
    return None if now.tls_listen is None else authority.server_tls(now.certificate, now.key, now.tls_listen)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
