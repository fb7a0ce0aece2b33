"""Events, what may be asked about in words: ``tcp.syn``, ``dhcp.ack``, ``arp.conflict``.  Pure.

Where no event has that name, a filter is meant, as `lan trace --filter` takes it, or a function of a frame.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lan.errors import UsageError, nearest
from lan.testing.conversations.arp import ARP
from lan.testing.conversations.base import Kind
from lan.testing.conversations.dhcp import DHCP
from lan.testing.conversations.dns import DNS
from lan.testing.conversations.http import HTTP
from lan.testing.conversations.icmp import ICMP
from lan.testing.conversations.tcp import TCP
from lan.testing.conversations.tls import TLS
from lan.testing.found import check, fits
from lan.trace.filter import compile_filter
from lan.trace.filter_fields import FIELDS
from lan.trace.frame import Frame
from lan.trace.timeline import Window

KINDS: Mapping[str, Kind[Any, Any]] = {kind.name: kind for kind in (ARP, DHCP, DNS, ICMP, TCP, TLS, HTTP)}
WORDS = [f"{kind.name}.{event}" for kind in KINDS.values() for event in kind.events]


@dataclass(frozen=True, slots=True)
class Event:
    """An event by its word, narrowed by the criteria of its conversation: ``tcp_syn(server="web")``."""

    word: str
    criteria: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, **criteria: object) -> "Event":
        """The same event, only of conversations of which all that is given is true."""
        return Event(self.word, {**self.criteria, **criteria})

    def __str__(self) -> str:
        asked = ", ".join(f"{name}={value!r}" for name, value in self.criteria.items())
        return f"{self.word}({asked})" if asked else self.word


What = str | Event | Callable[[Frame], bool]
"""An event or its word, a filter, or a function that says whether a frame is meant."""


def finder(what: What, devices: Collection[str]) -> Callable[[Window], list[Frame]]:
    """A function that lists the frames of a window that are meant, in order.  Raises UsageError."""
    if isinstance(what, str) and what in WORDS:
        what = Event(what)
    if isinstance(what, Event):
        return _of_event(what, devices)
    if isinstance(what, str):
        return _of_filter(what, devices)
    return lambda window: [frame for frame in window.first_sightings if what(frame)]


def named(what: What) -> str:
    """What was meant, for messages."""
    if isinstance(what, str | Event):
        return str(what)
    return getattr(what, "__name__", repr(what))


def _of_event(event: Event, devices: Collection[str]) -> Callable[[Window], list[Frame]]:
    if event.word not in WORDS:
        raise unknown(event.word)
    name, _, part = event.word.partition(".")
    kind = KINDS[name]
    check(kind, event.criteria, devices)

    def find(window: Window) -> list[Frame]:
        items = [item for item in kind.items(window) if fits(kind, item, window.timeline, event.criteria)]
        frames = {frame.number: frame for item in items for frame in kind.events[part](item) if frame is not None}
        return [frames[number] for number in sorted(frames)]

    return find


def _of_filter(text: str, devices: Collection[str]) -> Callable[[Window], list[Frame]]:
    try:
        is_meant = compile_filter(text, devices=devices)
    except UsageError:
        if text.partition(".")[0] in KINDS and text.replace(".", "").isidentifier():
            raise unknown(text) from None
        raise
    return lambda window: [frame for frame in window.first_sightings if is_meant(frame, window.timeline)]


def unknown(word: str) -> UsageError:
    """The error for a word that no event has."""
    near = nearest(word, [*WORDS, *FIELDS])
    return UsageError(
        f"no event is called {word!r}" + (f"; did you mean {near!r}?" if near else ""),
        expected="one of " + ", ".join(WORDS) + ", or a filter such as 'tcp.flags.fin and dst=web'",
    )
