"""The programs of `differ_http.py`, running, and the recorder behind them: the same bytes to many at once."""

import select
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.differ_chain import Recorder, commands
from benchmarks.differ_judge import Stream
from benchmarks.differ_mutants import MUTANTS
from benchmarks.http_rounds import INSTALL
from benchmarks.http_servers import HOUSE, Running, find, launched, wait_listening

OURS = ("smart", "cache", "dumb", "origin", "site")
FIRST_PORT, FIRST_ORIGIN, OWN_PORT = 8001, 9001, 8100
FILES = ("echo/a", "echo/kept", "echo/first", "echo/second", "a")
QUIET_S, AT_MOST_S, OURS_AT_MOST_S = 0.06, 0.6, 5.0


@dataclass
class Came:
    """What came of some bytes: the streams to the recorder behind a program, and what it answered."""

    streams: list[Stream]
    answered: bytes = b""


class Field:
    """Programs by their names, each with its port, and the recorder's port behind it (none behind an origin)."""

    def __init__(self) -> None:
        self.ports: dict[str, int] = {}
        self.origins: dict[str, int] = {}
        self.ours: set[str] = set()
        self.recorder: Recorder

    def start_all(self, stack: ExitStack, folder: Path) -> None:
        """Ours and the others, as they are."""
        found = list(commands(folder, FIRST_PORT, FIRST_ORIGIN))
        deaf = {FIRST_ORIGIN + at for at, (name, *_) in enumerate(found) if name == "dumb"}
        self._record([FIRST_ORIGIN + at for at in range(len(found))], deaf)
        folder.chmod(0o777)  # Squid writes there as another user
        for at, (name, program, words) in enumerate(found):
            if find(program) is None:
                print(f"{name} is left out: no {program} here; {INSTALL}", file=sys.stderr)
                continue
            self.ports[name], self.origins[name] = FIRST_PORT + at, FIRST_ORIGIN + at
            own = folder / name
            own.mkdir()
            stack.enter_context(launched(name, words, FIRST_PORT + at, own))
        make_files(folder)
        for at, (name, what) in enumerate((("origin", ["--app", "echo"]), ("site", ["--root", str(folder / "www")]))):
            own = folder / name
            own.mkdir()
            self.ports[name] = OWN_PORT + at
            listen = ["--listen", f"127.0.0.1:{OWN_PORT + at}"]
            words = [sys.executable, "-m", "lan.cli", "serve", "http", *what, *listen]
            stack.enter_context(launched(name, words, OWN_PORT + at, own))
        self.ours = {name for name in self.ports if name in OURS}

    def start_mutants(self, stack: ExitStack, folder: Path) -> None:
        """Ours alone, each as it is (`smart:`, `origin:`…) and with each of its rules taken out (`smart:no Host`)."""
        make_files(folder)
        names = [f"{kind}:{mutant}" for kind, table in MUTANTS.items() for mutant in ("", *table)]
        self._record([FIRST_ORIGIN + at for at in range(len(names))], set())
        for at, name in enumerate(names):
            self.ports[name] = FIRST_PORT + at
            if name.startswith(("smart:", "cache:")):
                self.origins[name] = FIRST_ORIGIN + at
        words = [sys.executable, "-P", "-m", "benchmarks.differ_mutants"]
        words += [f"{name}:{FIRST_PORT + at}:{FIRST_ORIGIN + at}" for at, name in enumerate(names)]
        one = stack.enter_context(launched("mutants", words, FIRST_PORT, folder, more={"PYTHONPATH": str(HOUSE)}))
        for name, port in self.ports.items():
            wait_listening(Running(name, port, one.process), folder)
        self.ours = set(names)

    def _record(self, ports: list[int], closing: set[int]) -> None:
        self.recorder = Recorder(ports, closing)
        self.recorder.start()

    def ask(self, names: list[str], data: bytes) -> dict[str, Came]:
        """The same bytes to each of these programs, and what came of them.

        Ours get our FIN behind the bytes, and are waited for until theirs; others until all is quiet.
        """
        self.recorder.take()
        came = {name: Came([]) for name in names}
        open_ones: dict[socket.socket, str] = {}
        for name in names:
            if (sock := _sent(self.ports[name], data, ends=name in self.ours)) is not None:
                open_ones[sock] = name
        began = heard = time.monotonic()
        left = set(open_ones)
        while left:
            now = time.monotonic()
            is_quiet = now > min(max(heard, self.recorder.heard_s) + QUIET_S, began + AT_MOST_S)
            if is_quiet and (not any(open_ones[one] in self.ours for one in left) or now > began + OURS_AT_MOST_S):
                break
            for sock in select.select(list(left), [], [], 0.01)[0]:
                heard = time.monotonic()
                if (piece := _received(sock)) is None:
                    left.discard(sock)
                else:
                    came[open_ones[sock]].answered += piece
        for sock in open_ones:
            sock.close()
        time.sleep(0.003)
        self.recorder.settle()
        taken = self.recorder.take()
        for name in names:
            if name in self.origins:
                came[name].streams = [stream for stream in taken[self.origins[name]] if stream.data]
        return came


def make_files(folder: Path) -> None:
    """What `site` serves: files that contain their own path."""
    for name in FILES:
        (folder / "www" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "www" / name).write_text("/" + name)


def _sent(port: int, data: bytes, *, ends: bool) -> socket.socket | None:
    try:
        sock = socket.create_connection(("127.0.0.1", port), 5)
        sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_WR)
    except OSError:
        return None
    sock.setblocking(False)
    return sock


def _received(sock: socket.socket) -> bytes | None:
    """Some bytes; None: no more come."""
    try:
        return sock.recv(65536) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
