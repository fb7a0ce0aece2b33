"""A cache's entries and bodies in memory: bounded by bytes, the longest unused goes first.

Pure.  Nothing of it survives the process.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from lan.services.http.cache.entry import Entry
from lan.services.http.cache.store import Draft

ENTRY_BYTES = 1024
"""Counted for an entry's own objects, beside the text of its head."""


class MemoryContent:
    """A body at hand."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, offset: int, count: int) -> bytes:
        return self.data[offset : offset + count]

    def close(self) -> None:
        pass


class MemoryDraft:
    """A body on its way in; its bytes count for the store's bound."""

    def __init__(self, store: "MemoryStore", serial: int) -> None:
        self.store, self.serial = store, serial
        self.pieces: list[bytes] = []
        self.size_bytes = 0

    def write(self, data: bytes) -> bool:
        if not self.store.reserve(len(data)):
            self.discard()
            return False
        self.pieces.append(bytes(data))
        self.size_bytes += len(data)
        return True

    def discard(self) -> None:
        self.store.give_back(self.size_bytes)
        self.pieces, self.size_bytes = [], 0


class MemoryStore:
    """At most `most_bytes` of entries, bodies and drafts."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: OrderedDict[int, tuple[Entry, bytes]] = OrderedDict()  # by serial, the longest unused first
        self._by_key: dict[str, list[int]] = {}
        self._kept_bytes = self._drafted_bytes = self._serial = 0

    @property
    def size_bytes(self) -> int:
        return self._kept_bytes

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: str) -> tuple[Entry, ...]:
        serials = self._by_key.get(key, ())
        if len(serials) == 1:  # asked for each hit
            return (self._kept[serials[0]][0],)
        return tuple(self._kept[serial][0] for serial in serials)

    def draft(self) -> MemoryDraft:
        self._serial += 1
        return MemoryDraft(self, self._serial)

    def keep(self, draft: Draft, entry: Entry) -> bool:
        assert isinstance(draft, MemoryDraft)
        body = b"".join(draft.pieces)
        draft.discard()
        weight = weight_bytes(entry)
        if not self._make_room(weight):
            return False
        self._kept[entry.serial] = (entry, body)
        self._by_key.setdefault(entry.key, []).append(entry.serial)
        self._kept_bytes += weight
        return True

    def replace(self, old: Entry, new: Entry) -> None:
        if old.serial in self._kept:
            kept, body = self._kept.pop(old.serial)
            self._kept[old.serial] = (new, body)
            self._kept_bytes += weight_bytes(new) - weight_bytes(kept)
            self._make_room(0)

    def drop(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.serial not in self._kept:
                continue
            kept, _ = self._kept.pop(entry.serial)
            self._kept_bytes -= weight_bytes(kept)
            serials = self._by_key[kept.key]
            serials.remove(entry.serial)
            if not serials:
                del self._by_key[kept.key]

    def open(self, entry: Entry) -> MemoryContent | None:
        if entry.serial not in self._kept:
            return None
        self._kept.move_to_end(entry.serial)
        return MemoryContent(self._kept[entry.serial][1])

    def entries(self) -> Iterator[Entry]:
        return iter([entry for entry, _ in reversed(self._kept.values())])

    def reserve(self, drafted_bytes: int) -> bool:
        """Room for more bytes of a draft; False where even an empty store has none."""
        self._drafted_bytes += drafted_bytes
        if self._make_room(0):
            return True
        self._drafted_bytes -= drafted_bytes
        return False

    def give_back(self, drafted_bytes: int) -> None:
        """A draft ended."""
        self._drafted_bytes -= drafted_bytes

    def _make_room(self, more_bytes: int) -> bool:
        """Drop what was not used for longest until this fits."""
        wanted = self._drafted_bytes + more_bytes
        if wanted > self.most_bytes:
            return False
        while self._kept_bytes + wanted > self.most_bytes:
            self.drop([next(iter(self._kept.values()))[0]])
        return True


def weight_bytes(entry: Entry) -> int:
    """What an entry counts: its body, the text of its head and key, and the objects around them."""
    fields = sum(len(name) + len(value) for name, value in entry.response.headers.items)
    return entry.size_bytes + fields + len(entry.key) + ENTRY_BYTES
