"""The wire of one direction: frames wait in a queue, then each is on the wire for its bits.  IEEE 802.3 §4.

The rate is kept to the nanosecond for each frame: a frame that arrives while the wire is busy begins
when the last bit of the one before it, and the gap, have gone.  Nothing has to be woken for that: when
a frame comes in, the moment at which it will have left is known.
"""

from collections import deque

from lan.links.options import Direction, wire_bytes

NS = 1_000_000_000


class Wire:
    """Rate and queue of one direction; times in ns of one clock that does not go back."""

    __slots__ = ("_costs_ns", "_limit_bytes", "_limit_frames", "_rate_bps", "_starts", "busy_until_ns", "waiting_bytes")

    def __init__(self, way: Direction, *, busy_until_ns: int = 0) -> None:
        """`busy_until_ns`: when what is on it now has left it."""
        self._rate_bps = way.rate_bps
        self._limit_frames, self._limit_bytes = way.limit_frames(), way.queue_bytes
        self._costs_ns: dict[int, int] = {}
        self._starts: deque[tuple[int, int]] = deque()
        self.busy_until_ns = busy_until_ns
        self.waiting_bytes = 0

    def cost_ns(self, frame_bytes: int) -> int:
        """How long a frame is on the wire: nothing without a rate."""
        if self._rate_bps is None:
            return 0
        cost = self._costs_ns.get(frame_bytes)
        if cost is None:
            cost = self._costs_ns[frame_bytes] = round(wire_bytes(frame_bytes) * 8 * NS / self._rate_bps)
        return cost

    def take(self, now_ns: int, frame_bytes: int) -> int | None:
        """When the frame will have left the wire; None where the queue is full, and the frame is not taken."""
        begin = self.busy_until_ns
        if self._rate_bps is None:
            return now_ns if begin <= now_ns else begin
        if begin <= now_ns:
            begin = now_ns
        elif self._is_full(now_ns, frame_bytes):
            return None
        else:
            self._wait(begin, frame_bytes)
        cost = self._costs_ns.get(frame_bytes)
        self.busy_until_ns = end = begin + (self.cost_ns(frame_bytes) if cost is None else cost)
        return end

    def resume(self, now_ns: int, frame_bytes: int) -> int:
        """As `take`, for a frame that waited here before the wire changed: it keeps its place, however full."""
        begin = max(now_ns, self.busy_until_ns)
        if self._rate_bps is not None:
            if begin > now_ns:
                self._wait(begin, frame_bytes)
            self.busy_until_ns = begin + self.cost_ns(frame_bytes)
            return self.busy_until_ns
        return begin

    def waiting_frames(self, now_ns: int) -> int:
        """How many wait for the wire; afterwards `waiting_bytes` is right too."""
        starts = self._starts
        while starts and starts[0][0] <= now_ns:
            self.waiting_bytes -= starts.popleft()[1]
        return len(starts)

    def _is_full(self, now_ns: int, frame_bytes: int) -> bool:
        waiting = self.waiting_frames(now_ns)
        if self._limit_bytes is not None:
            return self.waiting_bytes + frame_bytes > self._limit_bytes
        return self._limit_frames is not None and waiting >= self._limit_frames

    def _wait(self, begin_ns: int, frame_bytes: int) -> None:
        self._starts.append((begin_ns, frame_bytes))
        self.waiting_bytes += frame_bytes
