"""The web server's shell: words and signals in, a server that runs.

lan serve http --root DIR --listen ADDR:PORT [--tls] [--app echo] [--faults]
"""

import argparse
import importlib
import os
import signal
import socket
import ssl
import sys
import time

from lan.errors import LanError, UsageError
from lan.reasons import Reason
from lan.services.http.origin import settings, workers
from lan.services.http.origin.assembly import Assembly
from lan.services.http.origin.server import Server, listen
from lan.services.http.origin.settings import Settings
from lan.services.http.protocol import tls
from lan.services.shell import DecisionLog, announce_ready


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; read the settings anew on SIGHUP."""
    try:
        options = settings.parser().parse_args(arguments)
        return serve(options) if options.workers == 1 else serve_together(options)
    except LanError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def serve_together(options: argparse.Namespace) -> int:
    """Several servers in processes of their own on the same ports.  Raises LanError where they can't begin."""
    now = settings.read(options)
    held = []
    for name, address in (("listen", now.listen), ("tls_listen", now.tls_listen)):
        if address is not None:
            listen(address).close()  # says what stands in the way, such as another server on this port
            sock, (host, port) = workers.hold(address)
            setattr(options, name, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
            held.append(sock)
    return workers.Workers(options.workers, lambda: _serve_or_say(options)).run()


def _serve_or_say(options: argparse.Namespace) -> int:
    try:
        return serve(options)
    except LanError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def serve(options: argparse.Namespace) -> int:
    """The life of a server.  Raises LanError where it can't begin."""
    asked: set[int] = set()
    log = DecisionLog("http", echo=options.verbose)
    server = Server(log)
    assembly = Assembly(socket.gethostname(), int(time.time()), os.urandom(16))
    load(server, options, assembly)

    def note(number: int, _frame: object) -> None:
        asked.add(number)
        server.wake()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, note)
    _announce(server)
    while not asked & {signal.SIGTERM, signal.SIGINT}:
        if signal.SIGHUP in asked:
            asked.discard(signal.SIGHUP)
            _reload(server, options, assembly, log)
        server.step()
    server.stop()
    return 0


def load(server: Server, options: argparse.Namespace, assembly: Assembly) -> None:
    """Read settings, site and certificate, and serve by them."""
    now = settings.read(options)
    server.apply(now, assembly.origin(now), None if now.tls_listen is None else _tls(now))


def _reload(server: Server, options: argparse.Namespace, assembly: Assembly, log: DecisionLog) -> None:
    try:
        load(server, options, assembly)
    except LanError as error:
        print(error, file=sys.stderr, flush=True)
        log.append("kept", Reason("SIGHUP", "the new settings don't work, the old ones stay", error=error.what))
        return
    _announce(server)


def _announce(server: Server) -> None:
    announce_ready(" ".join(f"{scheme} {address}:{port}" for scheme, (address, port) in server.addresses))


def _tls(now: Settings) -> ssl.SSLContext:
    if now.certificate is not None:
        return tls.server_context(now.certificate, now.key)
    if now.key is not None:
        raise UsageError("--key without --certificate", expected="both, or neither to have a certificate made")
    authority = importlib.import_module("lan.services.http.origin.authority")  # by name: it loads cryptography
    return tls.server_context_of(authority.own_certificate(now.tls_listen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
