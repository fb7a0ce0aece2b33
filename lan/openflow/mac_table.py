"""The MAC address table: which station is behind which port, and where a frame must go.

IEEE 802.1D-2004 §7.7 to §7.9 (802.1Q §8.6 to §8.8), a switch without VLANs.  Pure: time is an
argument, in seconds of any one clock.  `switch.py` turns what is decided here into flows.
"""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lan.reasons import Reason

AGE_S = 300
"""The ageing time that 802.1D table 7-5 recommends."""
CAPACITY = 8192
"""Stations that a common L2 switch can remember."""
BROADCAST = "ff:ff:ff:ff:ff:ff"
RESERVED_PREFIX = "01:80:c2:00:00:0"
"""802.1D table 7-10: frames to these sixteen addresses never leave the cable they came over."""


class Verdict(enum.Enum):
    """What happens to a frame."""

    FORWARD = "forwarded"
    FLOOD = "flooded"
    DROP = "dropped"


@dataclass(frozen=True, slots=True)
class Decision:
    """Where one frame goes: to `port` for FORWARD, to every port but its own for FLOOD."""

    verdict: Verdict
    port: int | None
    why: Reason


class Learning(enum.Enum):
    """What a frame's source address taught the table."""

    LEARNED = "learned"
    MOVED = "moved"
    REFRESHED = "refreshed"
    REFUSED = "not learned"


@dataclass(frozen=True, slots=True)
class Lesson:
    """The outcome of learning from one frame; `old_port` is set when the station moved."""

    learning: Learning
    why: Reason
    old_port: int | None = None


@dataclass(slots=True)
class Entry:
    """One row.  `learned_s` is when the station came to this port, `seen_s` when it last sent."""

    mac: str
    port: int
    learned_s: float
    seen_s: float
    static: bool = False


def is_group(mac: str) -> bool:
    """Whether the address names many stations (the I/G bit; broadcast included).  IEEE 802 §8.2."""
    return bool(int(mac[1], 16) & 1)


class MacTable:
    """Learns sources, decides destinations.  MAC addresses are lower-case text, ports are numbers."""

    def __init__(self, *, age_s: float = AGE_S, capacity: int = CAPACITY) -> None:
        self.age_s, self.capacity = age_s, capacity
        self._entries: dict[str, Entry] = {}

    def __repr__(self) -> str:
        rows = ", ".join(f"{entry.mac} {entry.port}" for entry in self)
        return f"<MacTable {rows or 'empty'}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Rows, by port and then address."""
        return iter(sorted(self._entries.values(), key=lambda entry: (entry.port, entry.mac)))

    def get(self, mac: str) -> Entry | None:
        return self._entries.get(mac)

    def learn(self, mac: str, port: int, now_s: float) -> Lesson:
        """Note that `mac` sent a frame into `port`.  802.1D §7.8."""
        entry = self._entries.get(mac)
        if is_group(mac):
            return _refused("a group address can't be a source", mac=mac)
        if entry is None:
            return self._add(mac, port, now_s)
        if entry.static and entry.port != port:
            return _refused("a static entry names another port", mac=mac, port=entry.port)
        old_port, entry.port, entry.seen_s = entry.port, port, now_s
        if old_port == port:
            return Lesson(Learning.REFRESHED, Reason("802.1D §7.8", "seen again", mac=mac, port=port))
        entry.learned_s = now_s
        why = Reason("802.1D §7.8", f"station moved from port {old_port} to port {port}", mac=mac)
        return Lesson(Learning.MOVED, why, old_port)

    def _add(self, mac: str, port: int, now_s: float) -> Lesson:
        if len(self._entries) >= self.capacity:
            return _refused("the table is full", mac=mac, capacity=self.capacity)
        self._entries[mac] = Entry(mac, port, now_s, now_s)
        return Lesson(Learning.LEARNED, Reason("802.1D §7.8", "learned", mac=mac, port=port))

    def add_static(self, mac: str, port: int, now_s: float) -> None:
        """Enter a row that neither ages nor moves.  802.1D §7.9.1."""
        self._entries[mac] = Entry(mac, port, now_s, now_s, static=True)

    def touch(self, mac: str, now_s: float) -> None:
        """Note that the station was heard on the port where it is known."""
        if mac in self._entries:
            self._entries[mac].seen_s = now_s

    def forget(self, mac: str) -> Entry | None:
        """Take out a dynamic row; None if there was none."""
        entry = self._entries.get(mac)
        return None if entry is None or entry.static else self._entries.pop(mac)

    def age(self, now_s: float) -> list[Entry]:
        """Take out what has been silent for `age_s`.  802.1D §7.9.2."""
        return self._take_out(lambda entry: now_s - entry.seen_s >= self.age_s)

    def flush(self, port: int) -> list[Entry]:
        """Take out what was learned on a port that went down."""
        return self._take_out(lambda entry: entry.port == port)

    def clear(self) -> list[Entry]:
        """Take out every dynamic row."""
        return self._take_out(lambda entry: True)

    def _take_out(self, goes: Callable[[Entry], bool]) -> list[Entry]:
        gone = [entry for entry in self if not entry.static and goes(entry)]
        for entry in gone:
            del self._entries[entry.mac]
        return gone

    def decide(self, dst: str, in_port: int) -> Decision:
        """Where a frame to `dst` goes that came in by `in_port`.  802.1D §7.7."""
        if dst.startswith(RESERVED_PREFIX):
            return Decision(Verdict.DROP, None, Reason("802.1D §7.12.6", f"multicast reserved {dst}: dropped"))
        if dst == BROADCAST:
            return Decision(Verdict.FLOOD, None, Reason("802.1D §7.7", "broadcast: flooded"))
        if is_group(dst):
            return Decision(Verdict.FLOOD, None, Reason("802.1D §7.7", "multicast: flooded", dst=dst))
        entry = self._entries.get(dst)
        if entry is None:
            return Decision(Verdict.FLOOD, None, Reason("802.1D §7.7", "unknown unicast: flooded", dst=dst))
        if entry.port == in_port:
            why = Reason("802.1D §7.7", "destination is on the port it came from: filtered", dst=dst, port=in_port)
            return Decision(Verdict.DROP, None, why)
        why = Reason("802.1D §7.7", f"known unicast: table hit on port {entry.port}", dst=dst)
        return Decision(Verdict.FORWARD, entry.port, why)


def _refused(text: str, **facts: object) -> Lesson:
    return Lesson(Learning.REFUSED, Reason("802.1D §7.8", text, **facts))
