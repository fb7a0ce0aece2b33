"""The `Via` field: through which intermediaries a message has come.  RFC 9110 §7.6.3.

Pure.  ``Via: 1.0 fred, 1.1 p.example.net (proxy)``: each recipient that forwards adds itself at the
end, and a request that already names us runs in a circle.
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import Headers, Version

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HOP = re.compile(rf"(?:{_TOKEN}/)?{_TOKEN}[ \t]+(?P<by>[^\s,()]+)")


@dataclass(frozen=True, slots=True)
class Hop:
    """One recipient: the protocol it received by, without ``HTTP/``, and its name or pseudonym."""

    protocol: str
    by: str


def parse(value: str) -> tuple[Hop, ...]:
    """The hops in their order; comments are dropped, and so is what reads as no hop.

    A comment without end hides what others have added behind it from nobody: it ends with its element.
    """
    found = []
    for element in _without_comments(value).split(","):
        words = element.split()
        if len(words) == 2 and _HOP.fullmatch(" ".join(words)):
            found.append(Hop(words[0].removeprefix("HTTP/"), words[1]))
    return tuple(found)


def _without_comments(value: str) -> str:
    """The value but for ``(comments)``, which nest and may hold any character after a backslash (RFC 9110 §5.6.5)."""
    kept: list[str] = []
    depth, escaped = 0, False
    for char in value:
        if depth and escaped:
            escaped = False
        elif depth and char == "\\":
            escaped = True
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(char)
    if depth:
        return ",".join(element.partition("(")[0] for element in value.split(","))
    return "".join(kept)


def append(headers: Headers, received: Version, name: str) -> Headers:
    """These fields with us as the last hop of one `Via`; `received` is the version of the message as it came."""
    hop = f"{received[0]}.{received[1]} {name}"
    before = headers.get("Via")
    return headers.with_field("Via", f"{before}, {hop}" if before else hop)


def loop(headers: Headers, name: str) -> Reason | None:
    """Why this request must not go on: it has passed here before.  Names compare without case."""
    value = headers.get("Via")
    if value is not None and any(hop.by.lower() == name.lower() for hop in parse(value)):
        return Reason("RFC 9110 §7.6.3; RFC 5842 §7.2", "the request has passed here before", via=name)
    return None
