"""Where a LAN keeps what must survive it: traces, leases, logs; and the lock that keeps its name single."""

import fcntl
import os
import shutil
from pathlib import Path

from lan.errors import MachineError, UsageError

_KEPT_FOREVER = "lock"


def base() -> Path:
    """``$XDG_STATE_HOME/lan``."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return Path(home) / "lan"


class StateFolder:
    """One LAN's folder, locked while it lives: by whoever makes it, then by its agent, which inherits the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path / _KEPT_FOREVER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MachineError(
                f"the folder for leases and traces can't be made: {error.strerror}",
                where=path,
                todo="set XDG_STATE_HOME to a folder that you can write",
            ) from error

    def lock(self) -> bool:
        """Take the name; False if another LAN has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @property
    def descriptor(self) -> int:
        """What holds the lock: whoever has a copy of it."""
        return self._lock

    def clear(self) -> None:
        """Start clean."""
        for entry in self.path.iterdir():
            if entry.name != _KEPT_FOREVER:
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink()

    def release(self) -> None:
        """Let go of our hold on the lock; an agent that inherited it keeps it."""
        os.close(self._lock)


def claim(name: str, folder: Path | None, *, another: bool) -> tuple[str, StateFolder]:
    """A free name and its folder, locked and clean.

    `folder` is the user's ``--state``, which is gone on with instead of cleared.  With `another` a
    taken name gets a number (``lan run`` beside a LAN that is up), else UsageError.
    """
    for number in range(1, 1000):
        numbered = name if number == 1 else f"{name}-{number}"
        state = StateFolder(folder or base() / numbered)
        if state.lock():
            if folder is None:
                state.clear()
            return numbered, state
        state.release()
        if not another or folder is not None:
            break
    raise UsageError(
        f"a LAN named {name} is up already",
        expected="one LAN of a name",
        todo=f"--name {name}2 to have another, or lan down -l {name}",
    )
