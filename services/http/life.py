"""The life of a server or a proxy: signals in, one round after the other, settings read anew on SIGHUP."""

import argparse
import signal
import socket
import sys
from collections.abc import Callable
from typing import Protocol

from lan.errors import LanError
from lan.reasons import Reason
from lan.services.http.listening import Address, hold, in_words
from lan.services.http.workers import Workers
from lan.services.shell import DecisionLog, announce_ready

ENDING = {signal.SIGTERM, signal.SIGINT}
SIGNALS = (*ENDING, signal.SIGHUP)


class Serving(Protocol):
    """What lives so."""

    @property
    def addresses(self) -> list[tuple[str, Address]]:
        """What it listens on: (what it speaks there, (address, port))."""

    @property
    def waker(self) -> int:
        """A descriptor that never blocks: a byte written to it makes `step` return soon."""

    def step(self) -> None:
        """Wait for what comes next and do it."""

    def stop(self) -> None:
        """End what is under way, close everything."""


def live(server: Serving, load: Callable[[], None], log: DecisionLog) -> int:
    """Serve until SIGTERM or SIGINT; 0.  `load` reads the settings: at first, and on each SIGHUP.

    Raises LanError where it can't begin; settings that are wrong later change nothing.
    """
    asked: set[int] = set()
    load()

    # A signal that comes just before `step` waits is noted only when that ends: the C handler itself must end it
    signal.set_wakeup_fd(server.waker, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, lambda number, _frame: asked.add(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # as a worker is born, see workers.py
    _announce(server)
    while not asked & ENDING:
        if signal.SIGHUP in asked:
            asked.discard(signal.SIGHUP)
            _load_again(server, load, log)
        server.step()
    signal.set_wakeup_fd(-1)
    server.stop()
    return 0


def live_together(options: argparse.Namespace, listens: dict[str, Address | None], serve: Callable[[], int]) -> int:
    """`options.workers` processes that each `serve`, on ports that all of them share.

    `listens`: the name of each option that says an address, and that address; what the kernel chose for a
    port 0 takes its place in the options.  Raises MachineError where a port can't be had.
    """
    held: list[socket.socket] = []
    for name, address in listens.items():
        if address is not None:
            sock, found = hold(address)
            setattr(options, name, in_words(found))
            held.append(sock)
    code = Workers(options.workers, lambda: in_words_of_its_own(serve)).run()
    for sock in held:
        sock.close()
    return code


def in_words_of_its_own(serve: Callable[[], int]) -> int:
    """The exit code of a program; what went wrong is said on stderr."""
    try:
        return serve()
    except LanError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _load_again(server: Serving, load: Callable[[], None], log: DecisionLog) -> None:
    try:
        load()
    except LanError as error:
        print(error, file=sys.stderr, flush=True)
        log.append("kept", Reason("SIGHUP", "the new settings don't work, the old ones stay", error=error.what))
        return
    _announce(server)


def _announce(server: Serving) -> None:
    announce_ready(" ".join(f"{what} {host}:{port}" for what, (host, port) in server.addresses))
