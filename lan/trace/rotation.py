"""A capture in several files, so that it never grows beyond what its user gave it.

The file that grows has the capture's own name, ``trace.pcapng``; those that are full have a number before the
suffix, ``trace.0001.pcapng``, and the oldest go.  Each is a whole capture file of its own, and says how many
frames were before it (`Writer.start`), so that numbers stay what they were.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lan.trace.pcapng_format import FRAMES_BEFORE

PIECE_BYTES = 4 << 20
HEAD_BYTES = 128
"""A file that is not the first says so in its first block."""


def part(path: Path, number: int) -> Path:
    """The name of a capture's file number `number` (from 1) once it is full."""
    return path.with_name(f"{path.stem}.{number:04}{path.suffix}")


def parts(path: Path) -> list[Path]:
    """The files of a capture that are there, oldest first; the one that grows is last."""
    full = []
    for found in path.parent.glob(f"{path.stem}.*{path.suffix}"):
        number = found.name[len(path.stem) + 1 : -len(path.suffix)]
        if number.isdigit():
            full.append((int(number), found))
    return [*(found for _, found in sorted(full)), *([path] if path.exists() else [])]


def earlier(path: Path) -> list[Path]:
    """The files before a capture's newest, oldest first; [] where it does not say that there were any."""
    if path.exists() and not path.is_file():
        return []  # a pipe, whose first bytes can't be had twice
    with path.open("rb") as file:
        return parts(path)[:-1] if FRAMES_BEFORE in file.read(HEAD_BYTES) else []


def following(path: Path, file: BinaryIO) -> BinaryIO | None:
    """The file that a capture went on in after `file`, opened; None while it did not."""
    return _following(path, file) if _is_full(path, file) else None


class Tail:
    """Reads a capture on as it grows, from its oldest file to the newest."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where there is no such file."""
        self.path = path
        self._file = _open(parts(path) or [path])

    def pieces(self) -> Iterator[bytes]:
        """What has come since the last call, in the order of the files; a file that went meanwhile is left out."""
        while True:
            is_full = _is_full(self.path, self._file)  # asked before reading: what is there then is its last word
            while piece := self._file.read(PIECE_BYTES):
                yield piece
            if not is_full or (there := _following(self.path, self._file)) is None:
                return
            self._file.close()
            self._file = there

    def close(self) -> None:
        self._file.close()


def _is_full(path: Path, file: BinaryIO) -> bool:
    """Whether a file of the capture has got its number."""
    try:
        return not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:  # between two names
        return False


def _following(path: Path, file: BinaryIO) -> BinaryIO | None:
    """The file after this one, or the oldest where this one has gone; None where none is there yet."""
    here, there = os.fstat(file.fileno()), parts(path)
    own = next((at for at, found in enumerate(there) if _is(found, here)), -1)
    return _open(there[own + 1 :]) if there[own + 1 :] else None


def _open(candidates: list[Path]) -> BinaryIO:
    """The first that is still there when it is opened."""
    for candidate in candidates[:-1]:
        try:
            return candidate.open("rb")
        except FileNotFoundError:
            continue
    return candidates[-1].open("rb")


def _is(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except FileNotFoundError:
        return False
