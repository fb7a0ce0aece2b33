"""What all connections of a caching proxy share: the cache, who waits for whom, and the table to show."""

import secrets
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from lan.services.http.cache import rows
from lan.services.http.cache.cache import Cache
from lan.services.http.cache.collapse import Collapse
from lan.services.http.cache.disk_store import DiskStore
from lan.services.http.cache.memory_store import MemoryStore
from lan.services.http.cache.settings import Settings
from lan.services.http.proxy.loop import Loop

MB = 1_000_000
TABLE_EVERY_S = 0.25
TABLE_AFTER_S = 0.05
"""A change is in the table so soon, unless another was written within `TABLE_EVERY_S`."""


class Caching:
    """One cache over its store.  Raises RunError for a folder that can't be used."""

    def __init__(self, loop: Loop, name: str, folder: Path | None, size_mb: int) -> None:
        self.loop = loop
        self.store: MemoryStore | DiskStore
        self.store = MemoryStore(size_mb * MB) if folder is None else DiskStore(folder, size_mb * MB)
        self.cache = Cache(self.store, _settings(name, size_mb), secret=secrets.token_bytes(16))
        self.collapse: Collapse[Any] = Collapse()
        self.table: Path | None = None
        self._written_s = -TABLE_EVERY_S
        self.deadline_s = 0.0

    def set(self, name: str, size_mb: int, table: Path | None, *, tells_client: str = "none") -> None:
        """Go on by these settings; `tells_client`: the field in which servers are told of the client, if any."""
        written = frozenset() if tells_client == "none" else frozenset((tells_client,))
        self.cache.settings = replace(_settings(name, size_mb), written=written)
        self.store.most_bytes, self.table = size_mb * MB, table
        self.touch()

    def touch(self) -> None:
        """Something was stored, used or dropped: the table is written soon."""
        if self.table is not None and self not in self.loop.timed:
            self.deadline_s = max(self.loop.now_s + TABLE_AFTER_S, self._written_s + TABLE_EVERY_S)
            self.loop.timed.add(self)

    def expire(self) -> None:
        """Write the table."""
        self.loop.timed.discard(self)
        self._written_s = self.loop.now_s
        if self.table is not None:
            rows.write(self.table, self.cache, time.time())

    def fail(self, fault: Exception) -> None:
        """The table could not be written; the cache goes on without."""

    def close(self) -> None:
        """Write the table once more, and let the folder go."""
        self.expire()
        if isinstance(self.store, DiskStore):
            self.store.close()


def _settings(name: str, size_mb: int) -> Settings:
    """No object may take more than a quarter of the room."""
    return Settings(name=name, max_object_bytes=min(Settings().max_object_bytes, size_mb * MB // 4))
