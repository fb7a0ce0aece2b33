"""What a reading shows: layers, outermost first, each with named fields and their byte ranges.

Every protocol module has one class that is a `Header`; `frame.decode` strings them together.
"""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from lan.wire.frozen import frozen


@frozen
class Field:
    """One named value: bytes `start` to `end` of the frame; `text` is the value in words."""

    name: str
    value: object
    text: str
    start: int
    end: int


@frozen
class Layer:
    """One protocol's own bytes, `start` to `end` of the frame (a header without what it carries)."""

    protocol: str
    title: str
    start: int
    end: int
    fields: tuple[Field, ...]
    problems: tuple[str, ...]


class Header(Protocol):
    """What each protocol's class offers to the views."""

    @property
    def protocol_name(self) -> str:
        """The short name for a table's column, such as ``TCP``."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with it, in words; () when nothing is."""

    def summary(self) -> str:
        """One line for the table's info column."""

    def title(self) -> str:
        """One line above the layer's fields."""

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        """The fields of the header that was read from `data[start:end]`."""


@frozen
class Data:
    """Bytes that no protocol here claims: `what` tells what they are for."""

    length: int
    what: str = "data"
    protocol_name: ClassVar[str] = "Data"
    problems: ClassVar[tuple[str, ...]] = ()

    def summary(self) -> str:
        return f"{self.what}, {count(self.length, 'byte')}"

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field(self.what, data[start:end], preview(data[start:end]), start, end)


@frozen
class Broken:
    """A header too damaged to have values; `problems` says why, () if the capture cut it."""

    protocol_name: str
    problems: tuple[str, ...]

    def summary(self) -> str:
        return self.problems[0] if self.problems else f"{self.protocol_name}, cut short"

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        if start < end:
            yield Field("bytes", data[start:end], preview(data[start:end]), start, end)


def preview(data: bytes, most: int = 48) -> str:
    """Bytes for the eye: as text where they are printable ASCII, else as hex; cut after `most`."""
    shown, more = data[:most], "…" if len(data) > most else ""
    if shown.strip() and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in shown):
        return ascii(shown.decode("ascii"))[1:-1] + more
    return shown.hex(" ") + more


def printable(data: bytes) -> str:
    """Text sent by others, safe to show: what is not printable ASCII becomes ``\\xNN``."""
    return "".join(chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data)


def count(number: int, word: str) -> str:
    """``1 byte``, ``2 bytes``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def time_of_day(milliseconds: int) -> str:
    """Milliseconds since midnight UT as ICMP sends them; the high bit marks another clock.  RFC 792."""
    if milliseconds >= 86_400_000:
        return f"{milliseconds} (no time of day)"
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
