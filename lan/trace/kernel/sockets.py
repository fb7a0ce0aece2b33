"""Sockets of devices, as their kernels said when they were asked: after segments that open, end or refuse.  Pure.

Between two questions nobody knows: a socket's state is certain at the moments when its device was asked, and what a
frame did to it is confirmed by one of them after it, before another frame.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

ANY = ("0.0.0.0", "::")
PROTOCOLS = ("tcp", "udp")
LATE_NS = 2_000_000_000
"""A question later than this after a frame says nothing about it any more."""
REST_NS = 60_000_000_000
"""A connection's ports are hardly another's sooner: TIME-WAIT lasts as long."""
MOST_QUESTIONS = 16
Ends = tuple[str, str, int, str, int]
"""Protocol, local address and port, the peer's ("" and 0 for none)."""


@dataclass(frozen=True, slots=True)
class Held:
    """A socket at a moment when its device was asked: at one that listens `queued` wait, of `most` at most."""

    state: str
    queued: int = 0
    most: int = 0

    @property
    def is_full(self) -> bool:
        """Whether one that listens drops SYNs (sk_acceptq_is_full of Linux)."""
        return self.state == "LISTEN" and self.queued >= self.most


class Sockets:
    """Of all devices; `take` records in the order in which they came."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], list[tuple[int, int]]] = {}
        """By device and protocol: when it was asked, and when it had answered."""
        self._held: dict[tuple[str, Ends], list[tuple[int, Held | None]]] = {}
        self._at_port: dict[tuple[str, str, int], list[Ends]] = {}
        """Sockets without a peer, by device, protocol and port."""

    def take(self, time_ns: int, device: str, record: dict[str, Any]) -> None:
        """What changed since the device was asked before: ``{"new": [[…ends, state, queued, most]], "gone": […]}``.

        ``asked_s`` is when it was asked, ``of`` the protocols that it told of.
        """
        asked_ns = round(record.get("asked_s", record["time_s"]) * 1e9)
        for protocol in record.get("of", PROTOCOLS):
            self._asked.setdefault((device, protocol), []).append((asked_ns, time_ns))
        for *ends, state, queued, most in record["new"]:
            self._add(device, _ends(ends), time_ns, Held(state, queued, most + 1))
        for ends in record["gone"]:
            self._add(device, _ends(ends), time_ns, None)

    def _add(self, device: str, ends: Ends, time_ns: int, held: Held | None) -> None:
        told = self._held.get((device, ends))
        if told is None:
            told = self._held[device, ends] = []
            protocol, _, port, peer_ip, _ = ends
            if not peer_ip:
                self._at_port.setdefault((device, protocol, port), []).append(ends)
        told.append((time_ns, held))

    def begin(self, device: str, time_ns: int) -> None:
        """A device begins, and has no sockets yet."""
        for (name, _), told in self._held.items():
            if name == device:
                told.append((time_ns, None))

    def answered_after(self, device: str, protocol: str, at_ns: int) -> int | None:
        """When a device had told of its sockets, asked first after a moment and soon enough; None where it was not."""
        asked_ns, answered_ns = next(self._questions(device, protocol, at_ns), (0, None))
        return answered_ns if answered_ns is not None and asked_ns - at_ns <= LATE_NS else None

    def is_held(self, device: str, ends: Ends, state: str, at_ns: int, before_ns: int | None) -> bool:
        """Whether a device that was asked between two moments had a connection in a state, ``CLOSED`` for none.

        What it had by the first question may not have reached the socket yet: the next one counts too.
        """
        for asked_ns, answered_ns in islice(self._questions(device, ends[0], at_ns), MOST_QUESTIONS):
            if asked_ns - at_ns > REST_NS or (before_ns is not None and answered_ns >= before_ns):
                return False
            held = _at(self._held.get((device, ends), []), answered_ns)
            if (held.state if held is not None else "CLOSED") == state:
                return True
        return False

    def _questions(self, device: str, protocol: str, at_ns: int) -> Iterator[tuple[int, int]]:
        """When it was asked, and when it had answered, from a moment on."""
        asked = self._asked.get((device, protocol), [])
        return (asked[at] for at in range(bisect_left(asked, (at_ns, 0)), len(asked)))

    def taking(self, device: str, protocol: str, ip: str, port: int, answered_ns: int) -> Held | None:
        """The socket that took what came for a port then: one that listens, or of UDP any; None for none."""
        return next(self._taking(device, protocol, ip, port, answered_ns), None)

    def _taking(self, device: str, protocol: str, ip: str, port: int, answered_ns: int) -> Iterator[Held]:
        for ends in self._at_port.get((device, protocol, port), ()):
            held = _at(self._held[device, ends], answered_ns)
            if held is not None and ends[1] in (ip, *ANY) and (protocol == "udp" or held.state == "LISTEN"):
                yield held


def _ends(values: list[Any]) -> Ends:
    protocol, local_ip, local_port, peer_ip, peer_port = values
    return str(protocol), str(local_ip), int(local_port), str(peer_ip), int(peer_port)


def _at(told: list[tuple[int, Held | None]], answered_ns: int) -> Held | None:
    at = bisect_right(told, answered_ns, key=lambda one: one[0])
    return told[at - 1][1] if at else None
