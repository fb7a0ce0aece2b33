"""A large capture file opened by each verb that takes any size, for benchmarks/trace.py: first screen, last, memory.

Each verb is the program as a user starts it, Python's start included; those that take a terminal have one.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[1]
ROWS, COLUMNS = 32, 120
DEADLINE_S = 120.0
END_KEY = b"\x1b[F"


@dataclass(slots=True)
class Look:
    """Seconds until the first screen and until the last were there, and the most memory that the process took."""

    verb: str
    first_s: float
    last_s: float | None
    memory_mb: float


@dataclass(slots=True)
class _Program:
    process: subprocess.Popen[bytes]
    output: int
    began: float
    seen: bytes = field(default=b"")

    def until(self, pattern: bytes) -> float:
        """Wait for it to write what fits; seconds since it was started.  Raises TimeoutError."""
        limit = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.seen, re.DOTALL):
            left = limit - time.monotonic()
            if left <= 0 or not select.select([self.output], [], [], left)[0]:
                raise TimeoutError(f"{self.process.args!r} wrote no {pattern!r}, but {self.seen[-500:]!r}")
            self.seen += os.read(self.output, 1 << 16)
        return time.monotonic() - self.began

    def press(self, key: bytes) -> None:
        self.seen = b""
        os.write(self.output, key)

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@contextmanager
def _started(words: list[str], *, on_terminal: bool) -> Iterator[_Program]:
    environment = os.environ | {"PYTHONPATH": str(HOUSE), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "lan.cli", *words]
    began = time.monotonic()
    if on_terminal:
        output, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    else:
        output, theirs = os.pipe()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, env=environment)
    os.close(theirs)
    try:
        yield _Program(process, output, began)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(output)


def looks(file: Path, frames: int) -> Iterator[Look]:
    """Each verb with the file, which has so many frames; the last is one of a TCP connection."""
    name, last = str(file), str(frames).encode()
    with _started(["view", name], on_terminal=True) as view:
        first_s = view.until(rb"DISCOVER.*Quit")
        view.until(rb"of \d+ frames(?!.*% read)")
        view.press(END_KEY)
        began = time.monotonic()
        view.until(rb"TCP")
        yield Look("lan view", first_s, time.monotonic() - began, view.memory_mb())
    with _started(["step", name], on_terminal=True) as step:
        first_s = step.until(rb"1/\d+.*quit")
        step.press(b"G")
        began = time.monotonic()
        step.until(last + b"/" + last)
        yield Look("lan step", first_s, time.monotonic() - began, step.memory_mb())
    for number in (1, frames):
        with _started(["pdu", str(number), name], on_terminal=False) as pdu:
            first_s = pdu.until(rb"PDU %d .*Layers" % number)
            pdu.until(rb"another: ")
            yield Look(f"lan pdu {number}", first_s, None, pdu.memory_mb())
    with _started(["trace", name], on_terminal=False) as trace:
        first_s = trace.until(rb"DISCOVER.*\n")
        memory_mb = 0.0
        try:
            while os.read(trace.output, 1 << 20):
                memory_mb = max(memory_mb, trace.memory_mb())
        except (ProcessLookupError, IndexError):
            pass
        yield Look("lan trace, all of it", first_s, time.monotonic() - trace.began, memory_mb)
