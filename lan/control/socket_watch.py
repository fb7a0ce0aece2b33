"""Sockets of devices, asked for soon after segments that open, end or refuse connections (sock_diag(7)).

A kernel tells of its sockets only when it is asked.  A device is asked `SOON_S` after such a segment came to it or left
it, and no more often than costs one part in `SHARE` of a processor; what changed since the last time is a line.  Where
a connection was in a state that the next segment ends, of which the filter may not tell (an ACK), it is asked once
more; and where nothing had changed, as the segment may not have come to its socket yet.  Who wants all that is known
now has those asked, too, that had a connection.
"""

import socket
import time
from collections.abc import Callable, Mapping

from lan.engine import netns
from lan.trace.kernel_tcp import Asker, Sample

SOON_S = 0.001
AGAIN_S = 0.02
"""After a question that found a connection on its way, or nothing new."""
PASSING = frozenset({"SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "CLOSING", "LAST-ACK"})
"""States that end with the next segment."""
LASTING = frozenset({"LISTEN", "TIME-WAIT"})
"""States that no segment is about to change."""
SHARE = 50
PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
Ends = tuple[str, str, int, str, int]
"""Protocol, local address and port, the peer's ("" and 0 for none)."""
Row = tuple[str, int, int]
"""State, how many wait, how many may."""


class SocketWatch:
    """Of all devices; `say(device, what, **fields)` writes a line."""

    def __init__(self, say: Callable[..., None], home: int) -> None:
        self._say, self._home = say, home
        self._due_s: dict[str, float] = {}
        self._rest_until_s: dict[str, float] = {}
        self._is_second: set[str] = set()
        """Devices whose next question is for what the last one found on its way."""
        self._askers: dict[str, Asker] = {}
        self._known: dict[str, dict[Ends, Row]] = {}

    def trigger(self, device: str, now_s: float) -> None:
        """Something came to a device, or left it, that may have changed its sockets."""
        due_s = max(now_s + SOON_S, self._rest_until_s.get(device, 0.0))
        self._due_s[device] = min(due_s, self._due_s.get(device, due_s))
        self._is_second.discard(device)

    def deadline_s(self) -> float | None:
        """When a device is to be asked next; None where none is."""
        return min(self._due_s.values(), default=None)

    def settle(self, spaces: Mapping[str, int], now_s: float, *, at_once: bool = False) -> None:
        """Ask devices whose time has come; `at_once` all that wait for theirs, or had a connection that may go on."""
        due = [device for device, due_s in self._due_s.items() if at_once or due_s <= now_s]
        going_on = [device for device, known in self._known.items() if at_once and _has_open(known)]
        for device in dict.fromkeys([*due, *going_on]):
            self._due_s.pop(device, None)
            is_second = device in self._is_second
            self._is_second.discard(device)
            if device in spaces:
                began_s = time.thread_time()
                has_changed = self._ask(device, spaces[device])
                self._rest_until_s[device] = time.monotonic() + (time.thread_time() - began_s) * SHARE
                is_passing = any(state in PASSING for state, *_ in self._known[device].values())
                if device in due and not is_second and (is_passing or not has_changed):
                    self._is_second.add(device)
                    self._due_s[device] = max(now_s + AGAIN_S, self._rest_until_s[device])

    def forget(self, device: str) -> None:
        """A device is gone."""
        self._let_go(device)
        self._known.pop(device, None)
        self._is_second.discard(device)
        self._rest_until_s.pop(device, None)

    def _let_go(self, device: str) -> None:
        """Of a question that broke off answers may be left, which the next one is not to read."""
        if (asker := self._askers.pop(device, None)) is not None:
            asker.close()

    def _ask(self, device: str, space: int) -> bool:
        """Whether anything changed.

        What it does not tell of, all of a protocol's or the rest of them, is as before: nothing is gone by that.
        """
        asked_s, before = time.time(), self._known.get(device, {})
        found: dict[Ends, Row] = {}
        told = []
        for protocol, number in PROTOCOLS.items():
            try:
                every = self._asker(device, space).ask(protocol=number, with_info=False)
            except OSError:  # a kernel may lack a protocol's diag module
                self._let_go(device)
                found |= {ends: row for ends, row in before.items() if ends[0] == protocol}
            else:
                found |= {_ends(protocol, one): (one.state, one.queued, one.most_queued) for one in every}
                told.append(protocol)
        self._known[device] = found
        new = [[*ends, *row] for ends, row in found.items() if before.get(ends) != row]
        gone = [list(ends) for ends in before.keys() - found.keys()]
        self._say(device, "sockets", new=new, gone=gone, asked_s=asked_s, of=told)
        return bool(new or gone)

    def _asker(self, device: str, space: int) -> Asker:
        if device not in self._askers:
            with netns.inside(space, self._home):
                self._askers[device] = Asker()
        return self._askers[device]


def _ends(protocol: str, one: Sample) -> Ends:
    is_connected = bool(one.peer_port)
    return protocol, one.local_ip, one.local_port, one.peer_ip if is_connected else "", one.peer_port


def _has_open(known: dict[Ends, Row]) -> bool:
    return any(ends[0] == "tcp" and state not in LASTING for ends, (state, *_) in known.items())
