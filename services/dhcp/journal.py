"""The lease table on disk: one JSON object a line, the last line of an address counts.

A line is on the disk before the ACK that it stands for leaves (RFC 2131 §4.3.1 asks for stable
storage; §3.1 step 4).  The file grows by appending alone, and is written anew, then renamed over the
old one, when the server starts and when most of it is old: killed at any moment it holds every lease
that a client was told of, and perhaps one torn line at its end, which nobody was told of.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lan.errors import MachineError
from lan.services.dhcp.leases import Lease, Leases, lease_from_json

SLACK_BYTES = 1024 * 1024
"""Old lines below this are not worth writing the file anew for."""


class Journal:
    """The open file of these leases, which go on changing; `path` None keeps nothing."""

    def __init__(self, path: Path | None, leases: Leases) -> None:
        self.path, self._leases = path, leases
        self._descriptor: int | None = None
        self._size_bytes = self._most_bytes = 0
        try:
            self._begin()
        except MachineError:
            self.close()
            raise

    def append(self, leases: Iterable[Lease]) -> None:
        """Write the leases and wait until the disk has them; raises MachineError."""
        data = b"".join(_line(lease) for lease in leases)
        if self._descriptor is None or not data:
            return
        try:
            self._size_bytes += len(data)
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fdatasync(self._descriptor)
        except OSError as fault:
            raise _unwritable(self.path, fault) from fault
        if self._size_bytes > self._most_bytes:
            try:
                self._begin()
            except MachineError:  # no room for a second file, or its folder is broken: the one that is open goes on
                self._most_bytes = self._size_bytes + SLACK_BYTES

    def _begin(self) -> None:
        """Write the file anew, and go on with that."""
        if self.path is not None:
            before = self._descriptor
            self._descriptor, self._size_bytes = _rewrite(self.path, self._leases)
            self._most_bytes = 2 * self._size_bytes + SLACK_BYTES
            if before is not None:
                os.close(before)
            _sync_folder(self.path)  # whatever it says, the file that the name stands for is open

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def load(path: Path | None) -> Leases:
    """The table in a journal; empty where there is no file.  Raises MachineError for a foreign file."""
    return Leases(_read(path).values()) if path is not None else Leases()


def read_leases(path: str | Path) -> list[dict[str, Any]]:
    """The journal's table as JSON-able rows, by address, while a server writes or not.

    Keys: mac, client_id, ip, hostname, state, until_s (seconds since 1970).  Empty where there is no file.
    """
    leases = _read(Path(path))
    return [leases[ip].as_json() for ip in sorted(leases)]


def _read(path: Path) -> dict[Any, Lease]:
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}
    except OSError as fault:
        raise MachineError(f"the lease file can't be read: {fault.strerror}", where=path) from fault
    table: dict[Any, Lease] = {}
    for number, line in enumerate(lines, 1):
        try:
            lease = lease_from_json(json.loads(line))
        except (ValueError, KeyError, TypeError) as fault:
            raise MachineError(
                "this line is no lease",
                where=f"{path}:{number}",
                expected="one JSON object a line, as the DHCP server writes it",
                todo="name another file with --leases, or delete this one: its leases are then forgotten",
            ) from fault
        table[lease.ip] = lease
    return table


def _rewrite(path: Path, leases: Leases) -> tuple[int, int]:
    """The compact journal under its name, open for appending, and how long it is."""
    beside = path.with_name(path.name + ".new")
    descriptor = -1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o644)
        data = b"".join(_line(lease) for lease in leases)
        size_bytes = len(data)
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
        beside.rename(path)
    except OSError as fault:
        if descriptor >= 0:
            os.close(descriptor)
        with suppress(OSError):
            beside.unlink(missing_ok=True)  # the old file needs the room
        raise _unwritable(path, fault) from fault
    return descriptor, size_bytes


def _sync_folder(path: Path) -> None:
    """Wait until the disk has the file's name, too; raises MachineError."""
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        raise _unwritable(path, fault) from fault


def _line(lease: Lease) -> bytes:
    return json.dumps(lease.as_json(), separators=(",", ":")).encode() + b"\n"


def _unwritable(path: Path | None, fault: OSError) -> MachineError:
    return MachineError(
        f"the lease file can't be written: {fault.strerror}",
        where=path,
        todo="name a file in a folder that can be written with --leases; no lease is given without it",
    )
