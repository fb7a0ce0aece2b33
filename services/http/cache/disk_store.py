"""A cache's entries and bodies on disk: whatever moment the process is killed at, what is served is whole.

    FOLDER/lock          held while a process uses the folder
    FOLDER/index         one record for each response, appended (`index_log.py`); rewritten when half of it is old
    FOLDER/drafts/N      bodies on their way in; thrown away at the start
    FOLDER/objects/NN/N  complete bodies, which never change

A body is written as a draft, renamed to its place, and then its record is appended: the record is
what makes it findable.  Killed before, the file is an orphan that is tidied away; killed within the
record, its checksum is wrong, and the index ends before it.  A file name is used again only for a
body without a record.

Nothing is synced on the way: a killed process loses nothing that the kernel has, and what a power cut
tears is found by its length and checksum, the first time that it is opened after a start.  So a power
cut may cost entries, never a wrong byte; a cache can fetch them again, and a sync for each would cost
milliseconds.  Only a rewritten index is synced before it takes the old one's place.
"""

import fcntl
import mmap
import os
import re
import shutil
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from lan.errors import RunError
from lan.services.http.cache import index_log
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.index_log import Slot
from lan.services.http.cache.store import Draft

SHARDS = 256
_BODY = re.compile("[0-9a-f]{16}")
PIECE_BYTES = 256 * 1024
PARSED = 10_000
"""Entries whose heads are kept parsed; others are read again when they are asked for."""

SLACK_BYTES = 1024 * 1024
"""Old records below this are not worth rewriting the index for."""


class DiskContent:
    """A body in a file of its own, from its first byte to its last: `descriptor` is fit for sendfile."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def read(self, offset: int, count: int) -> bytes:
        return os.pread(self.descriptor, count, offset)

    def close(self) -> None:
        os.close(self.descriptor)


class DiskDraft:
    """A body on its way in; its bytes count for the store's bound."""

    def __init__(self, store: "DiskStore", path: Path, serial: int) -> None:
        self.store, self.path, self.serial = store, path, serial
        self.size_bytes = self.crc = self._reserved_bytes = 0
        self._descriptor: int | None = None
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, data: bytes) -> bool:
        if not self.store.reserve(len(data)):
            self.discard()
            return False
        self._reserved_bytes += len(data)
        self.size_bytes += len(data)
        self.crc = zlib.crc32(data, self.crc)
        self._pieces.append(bytes(data))
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= PIECE_BYTES and not self._flush():
            self.discard()
            return False
        return True

    def finish(self) -> bool:
        """All bytes are with the kernel; False: the disk failed."""
        is_whole = self._flush()
        self._close()
        return is_whole

    def give_back(self) -> None:
        """Its bytes count as a draft's no more."""
        self.store.give_back(self._reserved_bytes)
        self._reserved_bytes = 0

    def discard(self) -> None:
        self.give_back()
        self._pieces = []
        if self._descriptor is not None:
            self._close()
        self.path.unlink(missing_ok=True)

    def _flush(self) -> bool:
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            write_all(self._descriptor, b"".join(self._pieces), self.size_bytes - self._waiting_bytes)
        except OSError:
            return False
        self._pieces, self._waiting_bytes = [], 0
        return True

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class DiskStore:
    """At most `most_bytes` of bodies and their records in `folder`, which is made.  One process at a time.

    Raises RunError for a folder that can't be used.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._objects = str(folder / "objects")
        try:
            self._lock = _locked(folder)
            self._index, slots, self._end = _opened(folder)
        except OSError as fault:
            raise RunError(f"no cache can be kept here: {fault.strerror}", where=folder) from fault
        self._slots: OrderedDict[int, Slot] = OrderedDict(slots)  # by serial, the longest unused first
        self._by_hash: dict[int, tuple[int, ...]] = {}
        self._parsed: OrderedDict[int, Entry] = OrderedDict()
        self._size_bytes = self._live_bytes = self._drafted_bytes = 0
        self._serial = max(slots, default=0)
        self._untidy = SHARDS
        self._compact_from = 0  # the index's length from which another attempt at it is worth while
        for slot in slots.values():
            self._count(slot)
        self._make_room(0)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def __len__(self) -> int:
        return len(self._slots)

    def close(self) -> None:
        """Let the folder go."""
        os.close(self._index)
        os.close(self._lock)

    def find(self, key: str) -> tuple[Entry, ...]:
        serials = self._by_hash.get(index_log.hash_of(key), ())
        found = [self._entry(serial) for serial in serials]
        return tuple(entry for entry in found if entry is not None and entry.key == key)

    def draft(self) -> DiskDraft:
        self._serial += 1
        return DiskDraft(self, self.folder / "drafts" / f"{self._serial:016x}", self._serial)

    def keep(self, draft: Draft, entry: Entry) -> bool:
        assert isinstance(draft, DiskDraft)
        record = index_log.put(entry, draft.crc)
        draft.give_back()
        if not (self._make_room(draft.size_bytes + len(record)) and draft.finish()):
            draft.discard()
            return False
        path = self._path(draft.serial)
        try:
            _move(draft.path, path)
            slot = Slot(entry.serial, index_log.hash_of(entry.key), self._end, len(record), draft.size_bytes, draft.crc)
            self._append(record)
        except OSError:
            draft.discard()
            path.unlink(missing_ok=True)
            return False
        slot.is_verified = True
        self._slots[slot.serial] = slot
        self._count(slot)
        self._remember(entry)
        self._tidy()
        self._compact()
        return True

    def replace(self, old: Entry, new: Entry) -> None:
        slot = self._slots.get(old.serial)
        if slot is None:
            return
        record = index_log.put(new, slot.body_crc)
        try:
            at = self._append(record)
        except OSError:
            self.drop([old])  # better none than one that comes back with its old head
            return
        self._size_bytes += len(record) - slot.length
        self._live_bytes += len(record) - slot.length
        slot.offset, slot.length = at, len(record)
        self._slots.move_to_end(slot.serial)
        self._remember(new)
        self._make_room(0)
        self._compact()

    def drop(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.serial in self._slots:
                self._drop(self._slots[entry.serial])

    def open(self, entry: Entry) -> DiskContent | None:
        slot = self._slots.get(entry.serial)
        if slot is None:
            return None
        try:
            descriptor = os.open(self._name(slot.serial), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._drop(slot)
            return None
        if not slot.is_verified and not _is_whole(descriptor, slot):
            os.close(descriptor)
            self._drop(slot)
            return None
        slot.is_verified = True
        self._slots.move_to_end(slot.serial)
        return DiskContent(descriptor)

    def entries(self) -> Iterator[Entry]:
        for serial in list(reversed(self._slots)):
            entry = self._entry(serial)
            if entry is not None:
                yield entry

    def _name(self, serial: int) -> str:
        return f"{self._objects}/{serial % SHARDS:02x}/{serial:016x}"

    def _path(self, serial: int) -> Path:
        return Path(self._name(serial))

    def _entry(self, serial: int) -> Entry | None:
        known = self._parsed.get(serial)
        if known is not None:
            return known
        slot = self._slots.get(serial)
        if slot is None:
            return None
        try:
            entry = index_log.parse(os.pread(self._index, slot.length, slot.offset))
        except (OSError, ValueError, KeyError, TypeError):
            self._drop(slot)
            return None
        self._remember(entry)
        return entry

    def _remember(self, entry: Entry) -> None:
        self._parsed[entry.serial] = entry
        if len(self._parsed) > PARSED:
            self._parsed.popitem(last=False)

    def _count(self, slot: Slot) -> None:
        self._by_hash[slot.key_hash] = (*self._by_hash.get(slot.key_hash, ()), slot.serial)
        self._size_bytes += slot.weight_bytes
        self._live_bytes += slot.length

    def _drop(self, slot: Slot) -> None:
        """Forget it here, in the index, then its body: a record never comes back to a body that is another's."""
        del self._slots[slot.serial]
        self._parsed.pop(slot.serial, None)
        self._size_bytes -= slot.weight_bytes
        self._live_bytes -= slot.length
        others = tuple(serial for serial in self._by_hash[slot.key_hash] if serial != slot.serial)
        if others:
            self._by_hash[slot.key_hash] = others
        else:
            del self._by_hash[slot.key_hash]
        try:
            self._append(index_log.drop(slot.serial))
        except OSError:
            pass  # the record that stays has no body any more, which `open` sees
        self._path(slot.serial).unlink(missing_ok=True)

    def reserve(self, drafted_bytes: int) -> bool:
        """Room for more bytes of a draft; False where even an empty store has none."""
        if not self._make_room(drafted_bytes):
            return False
        self._drafted_bytes += drafted_bytes
        return True

    def give_back(self, drafted_bytes: int) -> None:
        """A draft ended."""
        self._drafted_bytes -= drafted_bytes

    def _make_room(self, more_bytes: int) -> bool:
        """Drop what was not used for longest until this fits, beside all drafts."""
        wanted_bytes = self._drafted_bytes + more_bytes
        if wanted_bytes > self.most_bytes:
            return False
        while self._size_bytes + wanted_bytes > self.most_bytes:
            self._drop(next(iter(self._slots.values())))
        return True

    def _append(self, record: bytes) -> int:
        """Where the record stands now.  Raises OSError; the next record goes over what came of this one."""
        at = self._end
        write_all(self._index, record, at)
        self._end += len(record)
        return at

    def _tidy(self) -> None:
        """Throw away bodies without a record, a folder at a time."""
        if not self._untidy:
            return
        self._untidy -= 1
        folder = self.folder / "objects" / f"{self._untidy:02x}"
        for path in folder.iterdir() if folder.is_dir() else ():
            if _BODY.fullmatch(path.name) and int(path.name, 16) not in self._slots:
                path.unlink(missing_ok=True)

    def _compact(self) -> None:
        """Write the index anew, in the order of use, when more of it is old than alive."""
        if self._end - self._live_bytes <= self._live_bytes + SLACK_BYTES or self._end < self._compact_from:
            return
        draft = self.folder / "index.new"
        descriptor = -1
        try:
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            offsets = self._copy_live(descriptor)
            os.fsync(descriptor)
            draft.replace(self.folder / "index")
        except OSError:  # no room, or no descriptor: the old one goes on
            if descriptor >= 0:
                os.close(descriptor)
            self._compact_from = self._end + SLACK_BYTES
            return
        self._compact_from = 0
        os.close(self._index)
        self._index, self._end = descriptor, os.fstat(descriptor).st_size
        for slot, offset in zip(self._slots.values(), offsets, strict=True):
            slot.offset = offset

    def _copy_live(self, descriptor: int) -> list[int]:
        """The live records to another file; where each stands there."""
        write_all(descriptor, index_log.MAGIC, 0)
        offsets, at = [], len(index_log.MAGIC)
        pieces: list[bytes] = []
        begun_at = at
        for slot in self._slots.values():
            pieces.append(os.pread(self._index, slot.length, slot.offset))
            offsets.append(at)
            at += slot.length
            if at - begun_at >= PIECE_BYTES:
                write_all(descriptor, b"".join(pieces), begun_at)
                pieces, begun_at = [], at
        write_all(descriptor, b"".join(pieces), begun_at)
        return offsets


def write_all(descriptor: int, data: bytes, at: int) -> None:
    """Write every byte from this place on; raises OSError where the disk takes no more."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, at)
        view, at = view[written:], at + written


def _locked(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(descriptor)
        raise RunError("another cache uses this folder", where=folder, todo="a folder for each cache") from taken
    return descriptor


def _opened(folder: Path) -> tuple[int, dict[int, Slot], int]:
    """The index, cut after its last whole record."""
    descriptor = os.open(folder / "index", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    start = os.pread(descriptor, len(index_log.MAGIC), 0)
    if not (index_log.MAGIC.startswith(start) or start.strip(b"\0") == b""):  # NULs: what a power cut may leave
        os.close(descriptor)
        raise RunError("a file called index is here that is no cache's", where=folder, todo="another folder")
    slots, end = _scanned(descriptor)
    os.ftruncate(descriptor, end)
    if end == 0:
        write_all(descriptor, index_log.MAGIC, 0)
    shutil.rmtree(folder / "drafts", ignore_errors=True)
    (folder / "drafts").mkdir(mode=0o700)
    (folder / "objects").mkdir(mode=0o700, exist_ok=True)
    return descriptor, slots, max(end, len(index_log.MAGIC))


def _scanned(descriptor: int) -> tuple[dict[int, Slot], int]:
    size = os.fstat(descriptor).st_size
    if size == 0:
        return {}, 0
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ) as mapped, memoryview(mapped) as view:
        return index_log.scan(view)


def _move(draft: Path, path: Path) -> None:
    try:
        draft.rename(path)
    except FileNotFoundError:
        path.parent.mkdir(exist_ok=True, mode=0o700)
        draft.rename(path)


def _is_whole(descriptor: int, slot: Slot) -> bool:
    """Is the body as long as its record says, with the same checksum?"""
    try:
        if os.fstat(descriptor).st_size != slot.body_bytes:
            return False
        crc, at = 0, 0
        while piece := os.pread(descriptor, PIECE_BYTES, at):
            crc, at = zlib.crc32(piece, crc), at + len(piece)
    except OSError:
        return False
    return crc == slot.body_crc
