"""Bytes, sixteen a line: offset, hex, printable characters.  Plain rows; faces draw them."""

from collections.abc import Iterator
from dataclasses import dataclass

ROW_BYTES = 16


@dataclass(frozen=True, slots=True)
class HexRow:
    """One line: `offset` of its first byte, its bytes, and which of them are marked (offsets in the line)."""

    offset: int
    data: bytes
    marked: range

    @property
    def hex(self) -> str:
        """``0800 45 …``: always as wide as sixteen bytes; a wider gap in the middle."""
        words = [f"{byte:02x}" for byte in self.data]
        return f"{' '.join(words[:8]):<23}  {' '.join(words[8:]):<23}"

    @property
    def text(self) -> str:
        """The bytes as characters; a dot for what is no printable ASCII."""
        return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in self.data)

    def __str__(self) -> str:
        return f"{self.offset:04x}  {self.hex}  {self.text}"


def rows(data: bytes, start: int = 0, end: int = 0) -> Iterator[HexRow]:
    """All bytes; those from `start` to `end` are marked."""
    for offset in range(0, len(data), ROW_BYTES):
        piece = data[offset : offset + ROW_BYTES]
        marked = range(min(max(start - offset, 0), len(piece)), min(max(end - offset, 0), len(piece)))
        yield HexRow(offset, piece, marked)
