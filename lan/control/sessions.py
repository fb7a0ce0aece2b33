"""Programs that a face started on a device by itself (`lan exec`): if the face dies, they end.

A session's processes carry its number in their environment, which children inherit; a daemon that a
user starts on purpose lives on when the face ends in order, and only then.
"""

import os
import secrets
import signal
from pathlib import Path

VARIABLE = "LAN_EXEC"


def new() -> str:
    """A number for a session."""
    return secrets.token_hex(8)


def end(session: str) -> None:
    """End all processes of a session that the agent's /proc shows."""
    mark = f"{VARIABLE}={session}".encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and _carries(Path(entry.path), mark):
            try:
                os.kill(int(entry.name), signal.SIGKILL)
            except ProcessLookupError:
                pass


def _carries(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
