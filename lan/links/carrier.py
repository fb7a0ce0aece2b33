"""Carries the frames of all cables: what the ring hears goes into its `Way`, what is due goes out at the far end.

The shell around `Way`: it owns the sockets, the clock and the order in which directions are due.
"""

import random
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from typing import Any

from lan.links import clocks
from lan.links.chance import Generator
from lan.links.options import Cable
from lan.links.ring import Ring
from lan.links.telling import Course, Teller
from lan.links.way import HELD_MAX_FRAMES, Way

BATCH_FRAMES = 64
"""So many are taken in before those that are due go out."""
BATCH_TAKES_NS = 1_000_000
"""A frame may come while others are taken in, but no later than that."""
SEND_BUFFER_BYTES = 1 << 22
HELD_ALL_MAX_FRAMES, HELD_FULL_FRAMES = 200_000, 1000
"""What all directions together may hold, some 350 MB; beyond that each may hold the second number."""
WEIGHED_EVERY_NS = 100_000_000
LULL_MAX_NS, LULL_MIN_NS = 250_000, 20_000
"""Where frames come fast and none can be due sooner, they are taken in together after so long: see `run`."""


def generator(name: str) -> Generator:
    """Chance by name: the Mersenne Twister, seeded by the name's SHA-512 (Python's `random`, version 2)."""
    return random.Random(name).random


@dataclass(slots=True, eq=False)
class Lane:
    """One direction at work: frames heard at `ifindex` leave by `out`.  `armed_ns` is when it is looked at next."""

    ifindex: int
    out: socket.socket
    way: Way
    armed_ns: int | None = None


@dataclass(slots=True)
class Line:
    """One cable at work."""

    options: Cable
    forward: Lane
    backward: Lane
    sockets: list[socket.socket] = field(default_factory=list)


class Carrier:
    """All cables of one network namespace."""

    def __init__(self, ring: Ring, teller: Teller) -> None:
        self.ring, self._teller = ring, teller
        self.lines: dict[str, Line] = {}
        self._lanes: dict[int, Lane] = {}
        self._timers: list[tuple[int, int, Lane]] = []
        self._touched: dict[Lane, None] = {}
        self._ahead_ns, self._last_ns, self._now_ns, self._armed = 0, 0, 0, 0
        self._missed, self._lull_ns, self._taken_ns, self._weighed_ns = 0, 0, 0, 0

    def add(self, cable: str, ends: tuple[str, str], names: tuple[str, str], options: Cable) -> None:
        """Carry a cable between two interfaces of this namespace; raises OSError where one is missing."""
        sockets, indexes = list[socket.socket](), [socket.if_nametoindex(end) for end in ends]
        try:
            for end in ends:
                sockets.append(_sender(end))
        except OSError:
            for each in sockets:
                each.close()
            raise
        directions = {"forward": (options.forward, 0, 1), "backward": (options.backward, 1, 0)}
        lanes = dict[str, Lane]()
        for name, (direction, come, go) in directions.items():
            record = partial(self._teller.record, Course(cable, names[come], names[go]))
            way = Way(direction, _stream_name(options, cable, name), generator, record)
            lanes[name] = self._lanes[indexes[come]] = Lane(indexes[come], sockets[go], way)
        self.lines[cable] = Line(options, lanes["forward"], lanes["backward"], sockets)
        self._set_lull()

    def set(self, cable: str, options: Cable) -> None:
        """Change a cable's options while frames are under way; KeyError for one that isn't there."""
        line, now_ns = self.lines[cable], time.monotonic_ns()
        is_new_seed = options.seed != line.options.seed
        for name, lane in (("forward", line.forward), ("backward", line.backward)):
            direction = getattr(options, name)
            if is_new_seed:
                lane.way.change(direction, now_ns, _stream_name(options, cable, name), generator)
            elif direction != lane.way.options:
                lane.way.change(direction, now_ns)
            self._arm(lane)
        line.options = options
        self._set_lull()

    def cut(self, cable: str) -> int:
        """Throw away what is under way on a cable; how many frames."""
        line = self.lines[cable]
        return line.forward.way.cut() + line.backward.way.cut()

    def remove(self, cable: str) -> None:
        """Carry it no longer."""
        line = self.lines.pop(cable)
        for lane in (line.forward, line.backward):
            lane.way.cut()
            if self._lanes.get(lane.ifindex) is lane:
                del self._lanes[lane.ifindex]
        for each in line.sockets:
            each.close()
        self._set_lull()

    def show(self, cable: str) -> dict[str, Any]:
        """A cable's options and the state of both directions."""
        line, now_ns = self.lines[cable], time.monotonic_ns()
        state = {name: lane.way.as_json(now_ns) for name, lane in self._both(line)}
        return {"options": line.options.as_json(), **state}

    def _both(self, line: Line) -> list[tuple[str, Lane]]:
        return [("forward", line.forward), ("backward", line.backward)]

    def missed(self) -> int:
        """Frames that this process was too slow to hear, on all cables together."""
        self._missed += self.ring.drops()
        return self._missed

    def run(self, control: socket.socket, serve: Callable[[], bool], has_answers: Callable[[], bool]) -> None:
        """Carry until `serve`, called whenever `control` has something or takes something, is False.

        The kernel notes when each frame comes, so frames that fly for a while need not be taken in at
        once.  When they come faster than the lull, half of the shortest flight, they are let gather
        for so long: fewer wakings, and their senders run on.
        """
        readers: list[Ring | socket.socket] = [self.ring, control]
        count, is_rush = 0, False
        while True:
            patience_s = 0.0 if count == BATCH_FRAMES else self._patience_s(is_rush)
            writers = [control] if has_answers() else []
            readable, writable, _ = select.select(readers[is_rush:], writers, [], patience_s)
            if control in readable:
                self._catch_up()
            if (control in readable or writable) and not serve():
                return
            count = self._take_in()
            is_rush = count > 0 and self._now_ns - self._taken_ns < 2 * self._lull_ns
            if count:
                self._taken_ns = self._now_ns
            self._give_out()
            if self._now_ns >= self._weighed_ns + WEIGHED_EVERY_NS:
                self._weigh()
            if (due_ns := self._teller.due_ns) is not None and due_ns <= time.monotonic_ns():
                self._teller.flush()

    def _catch_up(self) -> None:
        """Take in and give out what came before a request, however late it is read.

        So what it changes is for frames that come after it, and what it is told has counted all that came before it.
        """
        for _ in range(self.ring.slots // BATCH_FRAMES + 1):  # a flood does not keep whoever asks waiting for ever
            is_all = self._take_in() < BATCH_FRAMES
            self._give_out()
            if is_all:
                return

    def _weigh(self) -> None:
        """See that all directions together hold what memory allows."""
        self._weighed_ns = self._now_ns
        is_full = sum(len(lane.way) for lane in self._lanes.values()) > HELD_ALL_MAX_FRAMES
        for lane in self._lanes.values():
            lane.way.may_hold_frames = HELD_FULL_FRAMES if is_full else HELD_MAX_FRAMES

    def _set_lull(self) -> None:
        least_ns = min((lane.way.least_ns() for lane in self._lanes.values()), default=0)
        self._lull_ns = min(least_ns // 2, LULL_MAX_NS) if least_ns >= 2 * LULL_MIN_NS else 0

    def _patience_s(self, is_rush: bool) -> float | None:
        due_ns = self._timers[0][0] if self._timers else None
        if is_rush:
            due_ns = min(self._now_ns + self._lull_ns, due_ns or self._now_ns + self._lull_ns)
        if (telling_ns := self._teller.due_ns) is not None:
            due_ns = telling_ns if due_ns is None else min(due_ns, telling_ns)
        return None if due_ns is None else max(0, due_ns - time.monotonic_ns()) / 1_000_000_000

    def _take_in(self) -> int:
        self._now_ns = time.monotonic_ns()
        self._ahead_ns = clocks.ahead_ns(time.monotonic_ns, time.time_ns)
        count = self.ring.drain(BATCH_FRAMES, self._take)
        for lane in self._touched:
            self._arm(lane)
        self._touched.clear()
        return count

    def _take(self, ifindex: int, real_ns: int, frame: bytes) -> None:
        lane = self._lanes.get(ifindex)
        if lane is None:
            return
        at_ns = real_ns + self._ahead_ns
        if not self._last_ns <= at_ns <= self._now_ns + BATCH_TAKES_NS:  # the kernel's clock was set; ours goes on
            at_ns = min(max(at_ns, self._last_ns), self._now_ns + BATCH_TAKES_NS)
        self._last_ns = at_ns
        lane.way.arrive(at_ns, frame)
        self._touched[lane] = None

    def _arm(self, lane: Lane) -> None:
        due_ns = lane.way.due_ns()
        if due_ns is not None and (lane.armed_ns is None or due_ns < lane.armed_ns):
            lane.armed_ns = due_ns
            self._armed += 1
            heappush(self._timers, (due_ns, self._armed, lane))

    def _give_out(self) -> None:
        timers = self._timers
        now_ns = time.monotonic_ns()
        while timers and timers[0][0] <= now_ns:
            at_ns, _, lane = heappop(timers)
            if lane.armed_ns == at_ns:
                lane.armed_ns = None
            self._send(lane, lane.way.leave(now_ns))
            self._arm(lane)

    def _send(self, lane: Lane, frames: list[bytes]) -> None:
        send, length, unsent = lane.out.send, 0, 0
        for frame in frames:
            try:
                length += send(frame)
            except OSError:  # the end is down or gone, or its buffer is full
                unsent += 1
        lane.way.sent(len(frames) - unsent, length, unsent=unsent)


def _stream_name(options: Cable, cable: str, direction: str) -> str:
    return f"{options.seed}/{cable}/{direction}"


def _sender(interface: str) -> socket.socket:
    """A packet socket that sends by an interface and hears nothing."""
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        out.bind((interface, 0))
        out.setblocking(False)
    except OSError:
        out.close()
        raise
    return out
