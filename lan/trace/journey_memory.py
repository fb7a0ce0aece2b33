"""What following frames must remember, and for how long.  Pure.

`Recent` forgets by time: a device holds a frame no longer than `HOLD_NS`.  `Latest` forgets by number, the one that was
used longest ago: for what may matter as long as a connection lives, of which nobody sees the end for certain.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

from lan.trace.journey import Stop

HOLD_NS = 4_000_000_000
"""The longest that a bridge may keep a frame, 802.1D table 7-3; a router waits 3 s for ARP's answer."""

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K]):
    """Stops by what they were reached with, as long as they may still matter (and up to as long again)."""

    def __init__(self) -> None:
        self._young: dict[K, list[Stop]] = {}
        self._old: dict[K, list[Stop]] = {}
        self._since_ns = 0

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._young) + len(self._old)

    def add(self, key: K, stop: Stop, now_ns: int) -> None:
        """Remember a stop; `now_ns` is its frame's time."""
        away_ns = abs(now_ns - self._since_ns)  # clocks are set back too
        if away_ns > HOLD_NS:
            is_near = away_ns <= 2 * HOLD_NS
            self._old, self._young, self._since_ns = self._young if is_near else {}, {}, now_ns
        self._young.setdefault(key, []).append(stop)

    def get(self, key: K, now_ns: int) -> list[Stop]:
        """Those of a key that got their frame within `HOLD_NS`, oldest first."""
        stops = [*self._old.get(key, ()), *self._young.get(key, ())]
        return [stop for stop in stops if stop.received and abs(now_ns - stop.received.time_ns) <= HOLD_NS]

    def has(self, key: K) -> bool:
        """Whether a key was added `HOLD_NS` ago or later (or a little before)."""
        return key in self._young or key in self._old


class Latest(Generic[K, V]):
    """The `most` values that were set or asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __setitem__(self, key: K, value: V) -> None:
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > self._most:
            self._values.popitem(last=False)

    def get(self, key: K) -> V | None:
        """Its value, which is used now; None where it was never set, or has given way."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key]

    def pop(self, key: K) -> V | None:
        """Its value, which is done with."""
        return self._values.pop(key, None)
