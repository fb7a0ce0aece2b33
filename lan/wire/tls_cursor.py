"""Numbers and vectors of TLS's presentation language, taken from a range of bytes.  RFC 8446 §3."""


class Cut(Exception):  # noqa: N818 - not an error: the reading ends here
    """The bytes end before what is wanted."""


class Cursor:
    """Takes big-endian numbers and byte strings from a range, and raises Cut at its end."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def take(self, length: int) -> bytes:
        if self.at + length > self.end:
            raise Cut
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> "Cursor":
        """The bytes behind a length of `size` bytes, which may be cut short."""
        length = self.number(size)
        inner = Cursor(self.data, self.at, min(self.at + length, self.end))
        self.at += length
        return inner

    def rest(self) -> bytes:
        """All that is left of the range."""
        taken, self.at = self.data[self.at : self.end], max(self.at, self.end)
        return taken

    def numbers(self, size: int) -> list[int]:
        """Whole numbers to the end of the range."""
        return [self.number(size) for _ in range((self.end - self.at) // size)]

    def has_more(self) -> bool:
        return self.at < self.end
