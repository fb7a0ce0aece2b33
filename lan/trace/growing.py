"""Logs that others still write: the lines that have come, each once, and none before it is whole."""

from pathlib import Path


class GrowingLogs:
    """Remembers how far each file was read; one that has become shorter is read from its beginning."""

    def __init__(self) -> None:
        self._read: dict[Path, int] = {}

    def fresh(self, path: Path) -> list[str]:
        """The whole lines of a file since the last call; [] where it is not there (yet), or has not grown."""
        at = self._read.get(path, 0)
        try:
            size = path.stat().st_size
            if size == at:
                return []
            if size < at:  # it was begun anew
                at = self._read[path] = 0
            with path.open("rb") as file:
                file.seek(at)
                whole, end, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self._read[path] = at + len(whole) + len(end)
        return whole.decode(errors="replace").split("\n") if end else []
