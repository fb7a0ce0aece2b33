"""Faults on demand: how a response is broken on the wire.  The book, 4.5.5 and 4.7; RFC 9112 §8 and §9.

Pure.  A fault is a word with its numbers, such as ``reset:100``; FAULTS below is the list of what
there is.  It is asked for by a request (``/any?fault=reset:100&fault=drip:1:50``, or a field
``Lan-Fault: reset:100, drip:1:50``) where the server allows that, or set for a route
(``"faults": {"/slow/*": "stall:3"}``).  `plan.py` turns faults into steps.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_plus

from lan.services.http.protocol.messages import Request
from lan.services.http.protocol.persistence import Side

LONGEST_S = 600.0
"""A server that waits for longer serves nobody."""


class UnknownFaultError(ValueError):
    """A word that names no fault, or a fault with wrong numbers; `listed` says which there are."""


@dataclass(frozen=True, slots=True)
class Stall:
    """No byte leaves for `seconds_s`, after `after_bytes` of the body."""

    seconds_s: float
    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Drip:
    """The body leaves `piece_bytes` at a time, `interval_s` apart."""

    piece_bytes: int
    interval_s: float


@dataclass(frozen=True, slots=True)
class Faults:
    """How one response is broken; None and False: not in this way.  Bytes are counted in the body as it is sent."""

    content_length: str | None = None
    """``none``: no framing, the close ends the body; ``unclosed``: none, and nothing closes; ``short``, ``long``."""
    early_close_bytes: int | None = None
    """A full close after so many bytes, whatever was promised: a FIN, and a RST for what the client sends then."""
    reset_bytes: int | None = None
    """A RST after so many bytes."""
    stall: Stall | None = None
    half_close_bytes: int | None = None
    """A FIN after so many bytes (-1: the whole body) while the server goes on reading, and never closes first."""
    drip: Drip | None = None
    ignore_keep_alive: str | None = None
    """``claims``: says keep-alive and closes; ``silent``: says nothing and closes."""
    endless: bool = False
    lying_chunk: str | None = None
    """``long``: a chunk-size larger than its data; ``short``: a smaller one; ``bad``: one that is no number."""
    nagle: bool | None = None
    """Whether Nagle's algorithm is on, from this response on for its connection (None: as it was; at first, off)."""
    split_writes: bool = False
    think_s: float = 0.0
    closes_first: Side | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One word: its form for people, what may follow it, and what it sets."""

    form: str
    help: str
    arguments: re.Pattern[str]
    set: Callable[[Faults, tuple[str, ...]], Faults]


def _seconds(text: str) -> float:
    seconds_s = float(text)
    if seconds_s > LONGEST_S:
        raise UnknownFaultError(f"{text} s is longer than {LONGEST_S:g} s")
    return seconds_s


def _kind(form: str, help_text: str, arguments: str, change: Callable[[tuple[str, ...]], dict[str, Any]]) -> Kind:
    return Kind(
        form, help_text, re.compile(arguments, re.ASCII), lambda faults, found: replace(faults, **change(found))
    )


_N = r"(\d{1,15})"
_S = r"(\d{1,5}(?:\.\d{1,6})?)"

FAULTS: dict[str, Kind] = {
    "content-length": _kind(
        "content-length:none|unclosed|short|long", "no length (the close ends it, or nothing does), or a wrong one",
        "(none|unclosed|short|long)", lambda found: {"content_length": found[0]},
    ),
    "early-close": _kind(
        "early-close:BYTES", "a full close after so many bytes of the body", _N,
        lambda found: {"early_close_bytes": int(found[0])},
    ),
    "reset": _kind(
        "reset:BYTES", "a RST after so many bytes of the body", _N, lambda found: {"reset_bytes": int(found[0])}
    ),
    "stall": _kind(
        "stall:SECONDS[:BYTES]", "silence for so long, after so many bytes of the body", f"{_S}(?::{_N})?",
        lambda found: {"stall": Stall(_seconds(found[0]), int(found[1] or 0))},
    ),
    "half-close": _kind(
        "half-close[:BYTES]", "a FIN after so many bytes, while the server goes on reading", f"{_N}?",
        lambda found: {"half_close_bytes": int(found[0] or -1)},
    ),
    "drip": _kind(
        "drip:BYTES:MS", "the body so many bytes at a time, so many milliseconds apart", r"([1-9]\d{0,6}):(\d{1,6})",
        lambda found: {"drip": Drip(int(found[0]), _seconds(str(int(found[1]) / 1000)))},
    ),
    "ignore-keep-alive": _kind(
        "ignore-keep-alive:claims|silent", "says keep-alive, or nothing, and closes", "(claims|silent)",
        lambda found: {"ignore_keep_alive": found[0]},
    ),
    "endless": _kind("endless", "a body without end", "", lambda found: {"endless": True}),
    "lying-chunk": _kind(
        "lying-chunk:long|short|bad", "a chunk-size that its data does not keep, or that is no number",
        "(long|short|bad)", lambda found: {"lying_chunk": found[0]},
    ),
    "nagle": _kind(
        "nagle:on|off", "Nagle's algorithm (TCP_NODELAY off or on)", "(on|off)",
        lambda found: {"nagle": found[0] == "on"},
    ),
    "split-writes": _kind(
        "split-writes", "head and body in separate writes", "", lambda found: {"split_writes": True}
    ),
    "think": _kind("think:SECONDS", "so long before the first byte", _S, lambda found: {"think_s": _seconds(found[0])}),
    "closes-first": _kind(
        "closes-first:client|server", "who sends the first FIN after Connection: close", "(client|server)",
        lambda found: {"closes_first": Side(found[0])},
    ),
}  # fmt: skip
"""Every fault there is, by its word."""


def parse(words: Iterable[str]) -> Faults | None:
    """The faults that these words name; None for no word.  Raises UnknownFaultError."""
    faults = None
    for word in words:
        faults = _add(faults or Faults(), word.strip())
    return faults


def parse_text(text: str) -> Faults | None:
    """Faults in one line, parted by commas, as in ``Lan-Fault``.  Raises UnknownFaultError."""
    return parse(word for word in text.split(",") if word.strip())


def requested(request: Request) -> Faults | None:
    """The faults that a request asks for, in its query and its field `Lan-Fault`.  Raises UnknownFaultError."""
    query = request.target.partition("#")[0].partition("?")[2]
    pairs = (piece.partition("=") for piece in query.split("&"))
    asked = [unquote_plus(value) for name, _, value in pairs if name == "fault"]
    return parse([*asked, *(word for word in (request.headers.get("Lan-Fault") or "").split(",") if word.strip())])


def listed() -> str:
    """What there is, a line each, for people."""
    return "\n".join(f"  {kind.form:40} {kind.help}" for kind in FAULTS.values())


def _add(faults: Faults, word: str) -> Faults:
    name, _, rest = word.partition(":")
    kind = FAULTS.get(name)
    if kind is None:
        raise UnknownFaultError(f"no fault is called {name[:40]!r}")
    found = kind.arguments.fullmatch(rest)
    if found is None:
        raise UnknownFaultError(f"{word[:40]!r} is not of the form {kind.form}")
    return kind.set(faults, found.groups())
