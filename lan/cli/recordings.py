"""What LANs that are down left recorded: where none is up to look at, the error says which FILE there is."""

import errno
import os
from pathlib import Path

from lan.control import client, state
from lan.errors import UsageError
from lan.reasons import Sentence

CAPTURE = "trace.pcapng"


def connect(name: str | None) -> client.RunningLan:
    """The LAN of a name, or the only one.  Raises UsageError that names the candidates, recordings too."""
    try:
        return client.connect(name)
    except UsageError as error:
        file = None if name is None and client.running() else recording(name)
        if file is not None and name is not None:
            error.todo = Sentence("give its recording as FILE: {file}", file=file)
        elif file is not None:
            error.todo = Sentence("lan up office, or give the last recording as FILE: {file}", file=file)
        raise


def check_file(file: Path) -> None:
    """Raises UsageError where a FILE is not there, and a LAN of its name is, or was."""
    if len(file.parts) != 1 or os.path.exists(file):  # noqa: PTH110 - Path.exists raises for a folder that is closed
        return
    if file.name in client.names():
        todo: str = f"-l {file}"
    elif (left := recording(file.name)) is not None:
        todo = Sentence("give its recording as FILE: {file}", file=left)
    else:
        return
    raise UsageError(f"{file}: {os.strerror(errno.ENOENT)}", expected="a pcap or pcapng file", todo=todo)


def recording(name: str | None) -> Path | None:
    """What the LAN of a name, or the last of all, left recorded; None where nothing is."""
    found = [folder / CAPTURE for folder in state.base().glob("*") if name in (None, folder.name)]
    return max((file for file in found if file.is_file()), key=lambda file: file.stat().st_mtime, default=None)
