"""What lies under a path: the files of a folder, or one page that is kept in memory.

The only part of the origin server that touches files.  A name is first opened as a mere place
(O_PATH), so that looking at a FIFO or a device does nothing; then the kernel says where that place
really is, links followed, and only a regular file inside the root is opened to be read.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.origin.answer import Content, Memory
from lan.services.http.origin.encodings import ENDINGS
from lan.services.http.origin.media_types import media_type
from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import Entry, Folder, Found, Listing, Nothing, Place, Resource, Signature

INDEX = "index.html"
SMALL_BYTES = 128 * 1024
"""A file as small as this is read whole; a larger one is left open, for sendfile."""
MOST_ENTRIES = 5000

_OUT = Reason("RFC 9110 §17.3", "a link that leads out of the root")


class Directory:
    """The files under one folder; `listing`: a folder without an index shows what it holds."""

    def __init__(self, root: FilePath, *, listing: bool = False) -> None:
        self.root, self.listing = root.resolve(), listing
        if not self.root.is_dir():
            raise UsageError(f"--root {root}: no such folder", expected="a folder with the files to serve")
        self._prefix = str(self.root).rstrip("/") + "/"

    def find(self, path: Path) -> Found:
        """The file under this path, opened; the index of a folder where the path ends in a slash."""
        full = self._full(path)
        found = self._look(full, full.rpartition("/")[2])
        if isinstance(found, Nothing) and found.status == 404 and path.is_folder:
            return self._without_index(path) or found
        return found

    def find_encoded(self, path: Path, coding: str) -> Resource | Nothing:
        """The precompressed form of the file under this path."""
        full = self._full(path)
        found = self._look(full + ENDINGS[coding], full.rpartition("/")[2], coding)
        if isinstance(found, Resource | Nothing):
            return found
        return Nothing(403, Reason("RFC 9110 §17.3", "not a regular file"))

    def is_current(self, place: Place) -> bool:
        """Whether `stat` still says the same of the file."""
        try:
            return _signature(os.stat(place.path)) == place.signature  # noqa: PTH116 - Path.stat costs as much again
        except OSError:
            return False

    def _full(self, path: Path) -> str:
        """Where the path would lie; whether that is inside the root is for the kernel to say."""
        return self._prefix + "/".join((*path.segments, INDEX) if path.is_folder else path.segments)

    def _look(self, full: str, name: str, coding: str | None = None) -> Resource | Folder | Nothing:
        try:
            place = os.open(full, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))
        except OSError as error:
            return Nothing(403 if isinstance(error, PermissionError) else 404, _why(error))
        try:
            return self._open(place, full, name, coding)
        finally:
            os.close(place)

    def _open(self, place: int, full: str, name: str, coding: str | None) -> Resource | Folder | Nothing:
        if not self._is_inside(place):
            return Nothing(403, _OUT)
        facts = os.fstat(place)
        if stat.S_ISDIR(facts.st_mode):
            return Folder()
        if not stat.S_ISREG(facts.st_mode):
            return Nothing(403, Reason("RFC 9110 §17.3", "not a regular file"))
        try:
            content = _content(os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC), facts.st_size)
        except OSError as error:
            return Nothing(403, _why(error))
        size_bytes = len(content.data) if isinstance(content, Memory) else facts.st_size
        return Resource(
            name,
            size_bytes,
            int(facts.st_mtime),
            f"{facts.st_mtime_ns:x}-{facts.st_size:x}" + (f"-{coding}" if coding else ""),
            content,
            media_type(name),
            tuple(_codings(full, facts)) if coding is None else (),
            coding,
            Place(full, _signature(facts)),
        )

    def _is_inside(self, place: int) -> bool:
        really = os.readlink(f"/proc/self/fd/{place}")  # noqa: PTH115 - one look for each file that is served
        return really.startswith(self._prefix) or really == str(self.root)

    def _without_index(self, path: Path) -> Listing | Nothing | None:
        """What a folder without an index shows; None where there is no folder."""
        try:
            place = os.open(self._full(Path(path.segments)), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if not self._is_inside(place):
                return Nothing(403, _OUT)
            if not self.listing:
                return Nothing(403, Reason("RFC 9110 §15.5.4", f"a folder without {INDEX}"))
            return self._list(place)
        except OSError as error:
            return Nothing(403, _why(error))
        finally:
            os.close(place)

    def _list(self, place: int) -> Listing:
        entries: list[Entry] = []
        with os.scandir(f"/proc/self/fd/{place}") as found:
            for one in found:
                if len(entries) == MOST_ENTRIES:
                    return Listing(tuple(entries), is_whole=False)
                if (entry := self._entry(one)) is not None:
                    entries.append(entry)
        return Listing(tuple(sorted(entries, key=lambda entry: (not entry.is_folder, entry.name))))

    def _entry(self, one: os.DirEntry[str]) -> Entry | None:
        """What could be served of this name; nothing of a link that leads out, a device, a FIFO."""
        try:
            if one.is_symlink() and not FilePath(one.path).resolve().is_relative_to(self.root):
                return None
            facts = one.stat()
        except (OSError, RuntimeError):  # gone, or a loop of links
            return None
        is_folder = stat.S_ISDIR(facts.st_mode)
        if not is_folder and not stat.S_ISREG(facts.st_mode):
            return None
        return Entry(one.name, is_folder, facts.st_size, int(facts.st_mtime))


class OnePage:
    """A site of one page, `/` and `/index.html`."""

    def __init__(self, page: bytes, modified_s: int) -> None:
        self.page, self.modified_s = page, modified_s

    def find(self, path: Path) -> Found:
        """The page, or nothing."""
        if path.segments not in ((), (INDEX,)) or (path.segments and path.is_folder):
            return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))
        tag = f"{self.modified_s:x}-{len(self.page):x}"
        return Resource(INDEX, len(self.page), self.modified_s, tag, Memory(self.page), place=Place(INDEX, ()))

    def find_encoded(self, path: Path, coding: str) -> Resource | Nothing:
        """It has one form alone."""
        return Nothing(404, Reason("RFC 9110 §15.5.5", "no such form", coding=coding, path=path.text))

    def is_current(self, place: Place) -> bool:
        """A page in memory stays what it is."""
        return place.path == INDEX


class File:
    """An open file."""

    start_bytes = 0

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self.descriptor, count, offset)

    def close(self) -> None:
        os.close(self.descriptor)


def _content(descriptor: int, size_bytes: int) -> Content:
    if size_bytes > SMALL_BYTES:
        return File(descriptor)
    try:
        return Memory(os.pread(descriptor, size_bytes, 0))
    finally:
        os.close(descriptor)


def _codings(full: str, facts: os.stat_result) -> Iterator[str]:
    """The compressed forms beside a file; one that is older than the file is not its form any more."""
    for coding, ending in ENDINGS.items():
        try:
            form = os.stat(full + ending)  # noqa: PTH116
        except OSError:
            continue
        if stat.S_ISREG(form.st_mode) and form.st_mtime_ns >= facts.st_mtime_ns:
            yield coding


def _signature(facts: os.stat_result) -> Signature:
    """What a change of the file's bytes, of its rights or of a link to it can't leave as it is."""
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _why(error: OSError) -> Reason:
    return Reason("RFC 9110 §15.5", error.strerror or str(error))
