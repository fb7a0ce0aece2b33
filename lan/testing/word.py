"""A word that tests compare with others: a misspelt one is told, not taken for another word.  Pure."""

import ipaddress
from collections.abc import Collection

from lan.errors import UsageError, nearest

CLIENT, SERVER = "client", "server"


class Word:
    """Equal to its text and to its other names; comparing it with a word that nobody knows raises UsageError.

    ``conn.closed_by == "sever"`` would be false for ever, and ``!=`` would pass.
    """

    __slots__ = ("_known", "_names", "text")
    __hash__ = None  # type: ignore[assignment]  # several words are equal to it

    def __init__(self, text: str, known: Collection[str], *, also: Collection[str] = ()) -> None:
        self.text, self._names = text, frozenset({text, *also})
        self._known = [*known, *self._names.difference(known)]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Word):
            return self.text == other.text
        if not isinstance(other, str):
            return NotImplemented
        if other not in self._known and not is_address(other):
            near = nearest(other, self._known)
            raise UsageError(
                f"{self.text!r} compared with {other!r}, which can't be"
                + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(sorted(self._known)),
            )
        return other in self._names

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        others = sorted(self._names - {self.text})
        return f"<{self.text}, {', '.join(others)}>" if others else f"<{self.text}>"


def end(device: str, ip: str, role: str, devices: Collection[str]) -> Word:
    """One end of a conversation: equal to its device, its address and, where no device is so called, its role."""
    roles = {CLIENT, SERVER}.difference(devices)
    return Word(device, [*devices, *roles], also=[ip, *roles.intersection({role})])


def is_address(text: str) -> bool:
    """Whether this is an IP address, or a MAC address with colons."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) == 17 and text.count(":") == 5
    return True
