"""Small files that were read a moment ago, for the next who asks.  Pure.

Whether one is still what it was is for `site.py` to say, by the places it was made of.
"""

from collections import OrderedDict
from dataclasses import dataclass

from lan.services.http.origin.resource import Place, Resource

MAX_ENTRIES = 4096
MAX_BYTES = 16 * 1024 * 1024

Key = tuple[str, str | None]
"""Where it lies, and the coding that it is a form of."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in memory.  `places`: its own, and those of the compressed forms beside it."""

    resource: Resource
    places: tuple[Place, ...]


class KeptFiles:
    """So many files, and so many bytes of them; the oldest go first."""

    def __init__(self, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES) -> None:
        self.max_entries, self.max_bytes = max_entries, max_bytes
        self.size_bytes = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()

    def get(self, key: Key) -> Kept | None:
        """What was kept there."""
        return self._kept.get(key)

    def keep(self, key: Key, kept: Kept) -> None:
        """Instead of what was kept there before."""
        self.drop(key)
        self._kept[key] = kept
        self.size_bytes += kept.resource.size_bytes
        while len(self._kept) > self.max_entries or self.size_bytes > self.max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= oldest.resource.size_bytes

    def drop(self, key: Key) -> None:
        """Let it go, where it is kept."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size_bytes -= kept.resource.size_bytes

    def __len__(self) -> int:
        return len(self._kept)
