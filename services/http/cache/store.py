"""What a cache asks of the place where its entries and bodies lie.  `memory_store.py`, `disk_store.py`.

A store knows nothing of HTTP: it finds entries by their key, keeps bodies whole or not at all, and
drops what was not used for longest when it is full.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from lan.services.http.cache.entry import Entry


class Content(Protocol):
    """The body of a stored response; whoever gets one closes it.  It outlives the entry."""

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; ``b""`` where the body ends."""

    def close(self) -> None:
        """Let it go."""


class Draft(Protocol):
    """A body on its way in.  Nobody can find it before it is kept, with an entry of this serial number."""

    serial: int
    size_bytes: int

    def write(self, data: bytes) -> bool:
        """Take more bytes; False: the store can't (it is full, or the disk failed), and the draft is lost."""

    def discard(self) -> None:
        """Forget it."""


class Store(Protocol):
    """Entries with bodies, at most `most_bytes` of them."""

    most_bytes: int

    @property
    def size_bytes(self) -> int:
        """What all entries take."""

    def __len__(self) -> int: ...

    def find(self, key: str) -> tuple[Entry, ...]:
        """All entries under a key, the oldest first."""

    def draft(self) -> Draft:
        """Begin a body."""

    def keep(self, draft: Draft, entry: Entry) -> bool:
        """Make a complete body findable, with its entry; others make room.  False: it could not be kept."""

    def replace(self, old: Entry, new: Entry) -> None:
        """Another head for the same body, under the same serial number."""

    def drop(self, entries: Iterable[Entry]) -> None:
        """Forget these."""

    def open(self, entry: Entry) -> Content | None:
        """The body, now the most recently used; None where it is gone or damaged, and then the entry is too."""

    def entries(self) -> Iterator[Entry]:
        """All entries, the last used first."""
