"""What lies under a path: the files of a folder, or one page that is kept in memory.

The only part of the origin server that touches files.  A name is first opened as a mere place
(O_PATH), so that looking at a FIFO or a device does nothing; then the kernel says where that place
really is, links followed, and only a regular file inside the root is opened to be read.

A small file is kept for the next who asks, and given again while `stat` says the same of it and of every
folder on the way to it (`Place`).  That is so for a way without links alone: behind a link, each request is
a new look.  A folder is looked at once in a turn of the server's loop, so for the answers that are known
already a change counts from the next turn on.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.origin.answer import Content, Memory
from lan.services.http.origin.encodings import ENDINGS
from lan.services.http.origin.kept_files import Kept, KeptFiles
from lan.services.http.origin.media_types import media_type
from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import (
    Entry,
    Folder,
    Found,
    Listing,
    Nothing,
    Place,
    Resource,
    Signature,
    is_settled,
)
from lan.services.http.origin.ways import Ways

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
        self._kept = KeptFiles()
        self._ways = Ways(str(self.root))

    def find(self, path: Path, *, now_s: float | None = None, turn_s: float | None = None) -> Found:
        """The file under this path, opened or kept; the index of a folder where the path ends in a slash."""
        full = self._full(path)
        name = full.rpartition("/")[2]
        found: Found
        if now_s is None:
            found = self._look(full, name, turn_s=turn_s)
        else:
            found = self._kept_or_looked_up(full, name, None, now_s)
        if isinstance(found, Nothing) and found.status == 404 and path.is_folder:
            return self._without_index(path) or found
        return found

    def find_encoded(self, path: Path, coding: str, *, now_s: float | None = None) -> Resource | Nothing:
        """The precompressed form of the file under this path."""
        full = self._full(path)
        form, name = full + ENDINGS[coding], full.rpartition("/")[2]
        found = self._look(form, name, coding) if now_s is None else self._kept_or_looked_up(form, name, coding, now_s)
        if isinstance(found, Resource | Nothing):
            return found
        return Nothing(403, Reason("RFC 9110 §17.3", "not a regular file"))

    def is_current(self, place: Place, turn_s: float | None = None) -> bool:
        """Whether `stat` still says the same of the file, and of the folders on the way to it."""
        try:
            way = self._ways.look(place.path.rpartition("/")[0], turn_s)
            return way == place.way and _signature(os.stat(place.path)) == place.signature  # noqa: PTH116 - Path is slow
        except OSError:
            return False

    def _full(self, path: Path) -> str:
        """Where the path would lie; whether that is inside the root is for the kernel to say."""
        return self._prefix + "/".join((*path.segments, INDEX) if path.is_folder else path.segments)

    def _kept_or_looked_up(self, full: str, name: str, coding: str | None, now_s: float) -> Resource | Folder | Nothing:
        if (kept := self._kept.get((full, coding))) is not None:
            if all(self.is_current(place) for place in kept.places):
                return kept.resource
            self._kept.drop((full, coding))
        found = self._look(full, name, coding)
        if isinstance(found, Resource) and isinstance(found.content, Memory):
            places = _places(found)
            if places and all(is_settled(place, now_s) for place in places):
                self._kept.keep((full, coding), Kept(found, places))
        return found

    def _look(
        self, full: str, name: str, coding: str | None = None, turn_s: float | None = None
    ) -> Resource | Folder | Nothing:
        try:
            place = os.open(full, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))
        except OSError as error:
            return Nothing(403 if isinstance(error, PermissionError) else 404, _why(error))
        try:
            return self._open(place, full, name, coding, turn_s)
        finally:
            os.close(place)

    def _open(
        self, place: int, full: str, name: str, coding: str | None, turn_s: float | None
    ) -> Resource | Folder | Nothing:
        really = self._really(place)
        if really is None:
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
            self._place(full, facts, turn_s) if really == full else None,
        )

    def _really(self, place: int) -> str | None:
        """Where the kernel says that this place is, without any link; None where that is not inside the root."""
        really = os.readlink(f"/proc/self/fd/{place}")  # noqa: PTH115 - one look for each file that is served
        return really if really.startswith(self._prefix) or really == str(self.root) else None

    def _place(self, full: str, facts: os.stat_result, turn_s: float | None) -> Place | None:
        """Where a file lies to which no link leads; None where that has just changed."""
        try:
            return Place(full, _signature(facts), self._ways.look(full.rpartition("/")[0], turn_s))
        except OSError:
            return None

    def _without_index(self, path: Path) -> Listing | Nothing | None:
        """What a folder without an index shows; None where there is no folder."""
        try:
            place = os.open(self._full(Path(path.segments)), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            if self._really(place) is None:
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

    def find(self, path: Path, *, now_s: float | None = None, turn_s: float | None = None) -> Found:
        """The page, or nothing."""
        if path.segments not in ((), (INDEX,)) or (path.segments and path.is_folder):
            return Nothing(404, Reason("RFC 9110 §15.5.5", "no such file"))
        tag = f"{self.modified_s:x}-{len(self.page):x}"
        return Resource(INDEX, len(self.page), self.modified_s, tag, Memory(self.page), place=Place(INDEX, ()))

    def find_encoded(self, path: Path, coding: str, *, now_s: float | None = None) -> Resource | Nothing:
        """It has one form alone."""
        return Nothing(404, Reason("RFC 9110 §15.5.5", "no such form", coding=coding, path=path.text))

    def is_current(self, place: Place, turn_s: float | None = None) -> bool:
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
        if not os.access(full + ending, os.F_OK):  # mostly: an error of stat would cost more
            continue
        try:
            form = os.stat(full + ending)  # noqa: PTH116
        except OSError:
            continue
        if stat.S_ISREG(form.st_mode) and form.st_mtime_ns >= facts.st_mtime_ns:
            yield coding


def _places(found: Resource) -> tuple[Place, ...]:
    """Where a file and its compressed forms lie; none where a link leads there, or one has just gone."""
    place = found.place
    if place is None:
        return ()
    paths = [place.path + ENDINGS[coding] for coding in found.codings]
    try:
        return (place, *(Place(path, _signature(os.stat(path)), place.way) for path in paths))  # noqa: PTH116
    except OSError:
        return ()


def _signature(facts: os.stat_result) -> Signature:
    """What a change of the file's bytes, of its rights or of a link to it can't leave as it is."""
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)


def _why(error: OSError) -> Reason:
    return Reason("RFC 9110 §15.5", error.strerror or str(error))
