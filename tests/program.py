"""A program of ours as tests start it on loopback: ready when it says so, its ports, its decisions to read."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from .command import CHECKOUT

ENDS_IN_S = 60.0
"""For anything of one program on loopback: generous, for a slow and busy machine."""
PORTS = re.compile(r"([a-z]+) \S+:(\d+)")


class Program:
    """``with Program(module("lan.services.http", "--listen", "127.0.0.1:0"), log) as web: web.port``"""

    def __init__(self, command: list[str], log: Path, *, is_told: bool = True) -> None:
        """Start it, and wait until it is ready; `log` is its decision log where it `is_told` to write one."""
        self.log = log
        self.ready, theirs = os.pipe()
        told = {"LAN_DECISIONS": str(log)} if is_told else {}
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "LAN_READY_FD": str(theirs), **told},
            pass_fds=[theirs],
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(theirs)
        self.ports = self.wait_ready()

    def wait_ready(self) -> dict[str, int]:
        """Its ports by what they speak (``{"http": 8080}``), when it says that it is ready (again)."""
        self.words = os.read(self.ready, 4096).decode()
        if not self.words.startswith("ready "):
            self.process.kill()
            raise AssertionError(f"{self.process.args} is not ready: {self.words or self.process.communicate()}")
        self.ports = {what: int(port) for what, port in PORTS.findall(self.words.removeprefix("ready "))}
        return self.ports

    @property
    def port(self) -> int:
        """The first that it named."""
        return next(iter(self.ports.values()))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def decisions(self, *what: str) -> list[dict[str, Any]]:
        """What it has decided until now, in order; without a word, everything."""
        written = self.log.read_text().rpartition("\n")[0]  # the last line may be under way
        records = [json.loads(line) for line in written.splitlines()]
        return [record for record in records if not what or record["what"] in what]

    def wait_decisions(self, what: str, count: int = 1, text: str = "") -> None:
        """Until so many decisions are logged whose reason holds this text."""
        wait_until(lambda: sum(text in one["reason"]["text"] for one in self.decisions(what)) >= count)

    @contextmanager
    def held(self) -> Iterator[None]:
        """It is not run meanwhile: what comes, comes for it at once, however slowly it was sent."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def peak_kib(self) -> int:
        """The most memory that it ever held."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found is not None
        return int(found[1])

    def stop(self) -> int:
        """Tell it to end; its exit code."""
        self.process.terminate()
        self.process.communicate(timeout=ENDS_IN_S)
        return self.process.returncode

    def kill(self) -> None:
        """End it, however it stands."""
        self.process.kill()
        self.process.communicate()
        os.close(self.ready)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self.kill()


def module(name: str, *words: str) -> list[str]:
    """The command that runs a module of ours: ``module("lan.services.http", "--listen", "127.0.0.1:0")``."""
    return [sys.executable, "-m", name, *words]


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look until it is so; fails after a long while."""
    until_s = time.monotonic() + ENDS_IN_S
    while not is_so():
        assert time.monotonic() < until_s, "waited in vain"
        time.sleep(0.01)
