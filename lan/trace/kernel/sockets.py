"""Sockets of devices, as their kernels said when they were asked: after segments that open, end or refuse.  Pure.

Between two questions nobody knows: a socket's state is certain at the moments when its device was asked, and what a
frame did to it is confirmed by the first of them after it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ANY = ("0.0.0.0", "::")
LATE_NS = 1_000_000_000
"""A question later than this after a frame says nothing about it any more."""
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
        self._asked: dict[str, list[int]] = {}
        self._held: dict[tuple[str, Ends], list[tuple[int, Held | None]]] = {}
        self._at_port: dict[tuple[str, str, int], list[Ends]] = {}
        """Sockets without a peer, by device, protocol and port."""

    def take(self, time_ns: int, device: str, record: dict[str, Any]) -> None:
        """What changed since the device was asked before: ``{"new": [[…ends, state, queued, most]], "gone": […]}``."""
        self._asked.setdefault(device, []).append(time_ns)
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

    def asked_after(self, device: str, at_ns: int, before_ns: int | None = None) -> int | None:
        """When a device was asked first after a moment, soon enough, and before another; None where it was not."""
        asked = self._asked.get(device, [])
        at = bisect_left(asked, at_ns)
        if at == len(asked) or asked[at] - at_ns > LATE_NS or (before_ns is not None and asked[at] >= before_ns):
            return None
        return asked[at]

    def state(self, device: str, ends: Ends, asked_ns: int) -> str:
        """A connection's state at a moment when its device was asked, ``CLOSED`` where it had no such socket."""
        held = _at(self._held.get((device, ends), []), asked_ns)
        return "CLOSED" if held is None else held.state

    def taking(self, device: str, protocol: str, ip: str, port: int, asked_ns: int) -> Held | None:
        """The socket that took what came for a port then: one that listens, or of UDP any; None for none."""
        return next(self._taking(device, protocol, ip, port, asked_ns), None)

    def _taking(self, device: str, protocol: str, ip: str, port: int, asked_ns: int) -> Iterator[Held]:
        for ends in self._at_port.get((device, protocol, port), ()):
            held = _at(self._held[device, ends], asked_ns)
            if held is not None and ends[1] in (ip, *ANY) and (protocol == "udp" or held.state == "LISTEN"):
                yield held


def _ends(values: list[Any]) -> Ends:
    protocol, local_ip, local_port, peer_ip, peer_port = values
    return str(protocol), str(local_ip), int(local_port), str(peer_ip), int(peer_port)


def _at(told: list[tuple[int, Held | None]], asked_ns: int) -> Held | None:
    at = bisect_right(told, asked_ns, key=lambda one: one[0])
    return told[at - 1][1] if at else None
