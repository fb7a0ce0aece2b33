"""The `Keep-Alive` field: ``timeout=120, max=5``.  RFC 2068 §19.7.1; book 4.5.4.

Pure.  It is an estimate, not a promise: `timeout` is for how long the sender will likely keep an
idle connection, `max` for how many more messages.  It counts only next to ``Connection: keep-alive``
in HTTP/1.0, and peers of HTTP/1.1 send it too.
"""

import re
from dataclasses import dataclass

from lan.services.http.messages import Headers

_PARAMETER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(?:\"([0-9]{1,9})\"|([0-9]{1,9}))")


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """`timeout_s` and `max_messages` as the sender estimates them; None where it does not say."""

    timeout_s: int | None = None
    max_messages: int | None = None

    def __str__(self) -> str:
        """The field's value; empty where nothing is said."""
        said = (("timeout", self.timeout_s), ("max", self.max_messages))
        return ", ".join(f"{name}={value}" for name, value in said if value is not None)


def parse(headers: Headers) -> KeepAlive:
    """What `Keep-Alive` says; parameters that are unknown or no numbers are passed over, the first of a name counts."""
    numbers: dict[str, int] = {}
    for element in (headers.get("Keep-Alive") or "").split(","):
        if found := _PARAMETER.fullmatch(element.strip(" \t")):
            numbers.setdefault(found[1].lower(), int(found[2] or found[3]))
    return KeepAlive(numbers.get("timeout"), numbers.get("max"))
