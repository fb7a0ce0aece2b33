"""Captures that can't be read where they stand, put into a file that can: pipes, compressed, of other links.

The file has no name, and goes with whoever holds it.  Its bytes lie in the folder of temporary files.
"""

import gzip
import stat
import tempfile
import zlib
from io import BufferedIOBase
from pathlib import Path
from typing import IO

from lan.errors import RunError
from lan.reasons import Sentence
from lan.trace.linktypes import AsEthernet, as_ethernet, made_up

PIECE_BYTES = 1 << 20
LEAST_BYTES = 128
"""So many tell what kind of file it is, and of which link."""
GZIP_MAGIC = b"\x1f\x8b"


class Spooled:
    """`path` can be read from any place, as far as `more` has come; `notes` say what could not be done to have it."""

    def __init__(self, path: Path) -> None:
        """Raises OSError, and RunError where the temporary file can't be written; so does `more`."""
        self.path, self.notes = path, list[str]()
        self._source: BufferedIOBase | None = None
        self._made: IO[bytes] | None = None
        self._changing: AsEthernet | None = None
        file = path.open("rb")
        head = file.peek(PIECE_BYTES)
        is_plain = stat.S_ISREG(path.stat().st_mode) and head[:2] != GZIP_MAGIC
        if is_plain and not as_ethernet(head)[1]:
            file.close()
            return
        self._source = gzip.GzipFile(fileobj=file) if head[:2] == GZIP_MAGIC else file
        try:
            self._made = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this
        except OSError as fault:
            raise _no_room(fault) from fault
        self.path = Path(f"/proc/self/fd/{self._made.fileno()}")
        self._begin()

    def _begin(self) -> None:
        """Read as much as tells what it is."""
        head = b""
        while len(head) < LEAST_BYTES and (piece := self._read()):
            head += piece
        if as_ethernet(head)[1]:
            self._changing = AsEthernet()
        self._write(head)

    def more(self) -> bool:
        """Have one more piece, as soon as it comes; False where all is there."""
        if self._source is None:
            return False
        piece = self._read()
        if piece:
            self._write(piece)
            return True
        if self._changing is not None:
            changing, self._changing = self._changing, None
            self._write(changing.end())
            self.notes.append(made_up(changing.links))
        self._source.close()
        self._source = None
        return False

    def _read(self) -> bytes:
        assert self._source is not None
        try:
            return self._source.read1(PIECE_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self.notes.append(f"the compressed file is damaged: {error}")
            return b""

    def _write(self, piece: bytes) -> None:
        assert self._made is not None
        try:
            self._made.write(self._changing.feed(piece) if self._changing is not None else piece)
            self._made.flush()
        except OSError as fault:
            raise _no_room(fault) from fault


def _no_room(fault: OSError) -> RunError:
    """Of the temporary file."""
    told = Sentence("a temporary file is needed, and can't be written: {fault}", fault=fault.strerror or fault)
    return RunError(told, todo=Sentence("set TMPDIR to a folder with room"))
