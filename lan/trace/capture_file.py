"""The file that the tap writes: it grows by whole blocks or not at all, and gives way to a new one when it is full."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lan.trace.frame import Direction
from lan.trace.packet_socket import ENTIRE_BYTES, Seen
from lan.trace.pcapng_format import SWITCH
from lan.trace.pcapng_writing import Way, Writer
from lan.trace.rotation import part, parts


@dataclass(frozen=True, slots=True)
class Capturing:
    """What to keep: the first `snaplen_bytes` of each frame, in `files` files of some `file_bytes` (0: one file)."""

    snaplen_bytes: int = ENTIRE_BYTES
    file_bytes: int = 0
    files: int = 2


@dataclass(frozen=True, slots=True)
class TapPort:
    """A port as the file names it: ``s1:eth1`` whose cable ends at ``pc1:eth0``.

    `hardware` is ``switch``, or ``host`` for a cable without a switch.
    """

    name: str
    peer: str
    hardware: str = SWITCH


class CaptureFile:
    """`frames` were written, `lost` were not, for want of disk (`error` says why)."""

    def __init__(self, path: str, capturing: Capturing | None = None) -> None:
        self.capturing = capturing or Capturing()
        self.writer = Writer(snaplen_bytes=self.capturing.snaplen_bytes)
        self.frames, self.lost, self.error = 0, 0, ""
        self._path, self._full = Path(path), 0
        for old in parts(self._path)[:-1]:  # of an earlier capture by this name
            old.unlink()
        self._ports: list[TapPort] = []
        self._owed: list[bytes] = []
        """Blocks that are to stand before the next frame."""
        self._end = self._begun = 0
        """Where the file ends, and where its first frames stand."""
        self._open()
        self.append([])

    def ways(self, port: TapPort) -> tuple[Way, Way]:
        """What the port's frames are written by, those that come in and those that leave.

        The port is described in the file before its first frame.
        """
        number, block = self.writer.interface(port.name, port.peer, hardware=port.hardware)
        if block:
            self._ports.append(port)
            self._owed.append(block)
        return self.writer.way(number, Direction.IN), self.writer.way(number, Direction.OUT)

    def append(self, seen: Sequence[Seen[Way]]) -> None:
        """Write frames; where the disk refuses, they are lost and counted, the file stays whole."""
        data = self.writer.packets(seen)
        try:
            if self.capturing.file_bytes and self._begun < self._end > self.capturing.file_bytes - len(data):
                self._rotate()
            self._write(b"".join(self._owed))
            self._owed.clear()
            self._begun = self._begun or self._end
            self._write(data)
        except OSError as fault:
            self.error, self.lost = str(fault), self.lost + len(seen)
            return
        self.frames += len(seen)

    def close(self) -> None:
        os.close(self._file)

    def _open(self) -> None:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._end = self._begun = 0
        self._owed = [self.writer.start(frames_before=self.frames)]
        self._owed += [self.writer.interface(port.name, port.peer, hardware=port.hardware)[1] for port in self._ports]

    def _rotate(self) -> None:
        """Give the full file its number, begin a new one, and let the oldest go."""
        self._full += 1
        os.close(self._file)
        self._path.rename(part(self._path, self._full))
        self.writer = Writer(snaplen_bytes=self.capturing.snaplen_bytes)
        self._open()
        for old in parts(self._path)[: -self.capturing.files]:
            old.unlink()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._file, view[written:], self._end + written)
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._end += written
