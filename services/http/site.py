"""What lies under a path: the files of a folder, or one page that is kept in memory.

The only part of the origin server that touches files.  A name is first opened as a mere place
(O_PATH), so that looking at a FIFO or a device does nothing; then the kernel says where that place
really is, links followed, and only a regular file inside the root is opened to be read.
"""

import os
import stat
from pathlib import Path

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.answer import Memory
from lan.services.http.origin import Folder, Nothing, Resource

INDEX = "index.html"


class Directory:
    """The files under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        if not self.root.is_dir():
            raise UsageError(f"--root {root}: no such folder", expected="a folder with the files to serve")

    def find(self, segments: tuple[str, ...], *, is_folder: bool) -> Resource | Folder | Nothing:
        """The file under these segments, opened; the index of a folder where `is_folder`."""
        path = self.root.joinpath(*segments, INDEX) if is_folder else self.root.joinpath(*segments)
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return self._missing(segments, is_folder)
        except OSError as error:
            return Nothing(403 if isinstance(error, PermissionError) else 404, _why(error))
        try:
            return self._open(place, path.name)
        finally:
            os.close(place)

    def _open(self, place: int, name: str) -> Resource | Folder | Nothing:
        link = f"/proc/self/fd/{place}"
        really = Path(link).readlink()
        if not really.is_relative_to(self.root):
            return Nothing(403, Reason("RFC 9110 §17.3", "a link that leads out of the root"))
        facts = os.fstat(place)
        if stat.S_ISDIR(facts.st_mode):
            return Folder()
        if not stat.S_ISREG(facts.st_mode):
            return Nothing(403, Reason("RFC 9110 §17.3", "not a regular file"))
        try:
            content = File(os.open(link, os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            return Nothing(403, _why(error))
        tag = f"{facts.st_mtime_ns:x}-{facts.st_size:x}"
        return Resource(name, facts.st_size, int(facts.st_mtime), tag, content)

    def _missing(self, segments: tuple[str, ...], is_folder: bool) -> Nothing:
        if is_folder and self.root.joinpath(*segments).is_dir():
            return Nothing(403, Reason("RFC 9110 §15.5.4", f"a folder without {INDEX}"))
        return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))


class OnePage:
    """A site of one page, `/` and `/index.html`."""

    def __init__(self, page: bytes, modified_s: int) -> None:
        self.page, self.modified_s = page, modified_s

    def find(self, segments: tuple[str, ...], *, is_folder: bool) -> Resource | Folder | Nothing:
        """The page, or nothing."""
        if segments not in ((), (INDEX,)) or (segments and is_folder):
            return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))
        tag = f"{self.modified_s:x}-{len(self.page):x}"
        return Resource(INDEX, len(self.page), self.modified_s, tag, Memory(self.page))


class File:
    """An open file."""

    start_bytes = 0

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self.descriptor, count, offset)

    def close(self) -> None:
        os.close(self.descriptor)


def _why(error: OSError) -> Reason:
    return Reason("RFC 9110 §15.5", error.strerror or str(error))
