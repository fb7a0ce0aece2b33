"""Programs that a face started on a device by itself (`lan exec`): if the face dies, they end.

A session's processes carry its number in their environment, which children inherit; a daemon that a
user starts on purpose lives on when the face ends in order, and only then.
"""

import contextlib
import os
import secrets
import signal
from pathlib import Path

VARIABLE = "LAN_EXEC"


def new() -> str:
    """A number for a session."""
    return secrets.token_hex(8)


def end(session: str) -> None:
    """End all processes of a session that the agent's /proc shows, and what they start meanwhile."""
    mark = f"{VARIABLE}={session}".encode()
    killed: set[int] = set()
    while found := {pid for pid in _processes() if _carries(Path(f"/proc/{pid}"), mark)} - killed:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found


def _processes() -> list[int]:
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def _carries(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
