"""One direction of a cable: frames and their arrival go in, frames that are due and decisions come out.

Pure: times are ns of one clock that does not go back, frames are bytes from the destination address
on.  The order of a frame's life stands in `options`.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any
from zlib import crc32

from lan.links.chance import Generators, Stream
from lan.links.impairments import Impairments
from lan.links.options import DEFAULT_QUEUE_FRAMES, SHORTEST_BYTES, Direction, GilbertElliott
from lan.links.pending import Pending, Underway
from lan.links.wire import NS, Wire
from lan.links.words import loss_text, rate_text, share_text, size_text
from lan.reasons import Reason

HELD_MAX_FRAMES = 100_000
"""What one direction may hold that waits and flies: 1.2 s of full frames at 1 Gbit/s, some 170 MB."""


class What(Enum):
    """What a cable did to a frame."""

    LOST = "lost"
    DUPLICATED = "duplicated"
    CORRUPTED = "corrupted"
    REORDERED = "reordered"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Decision:
    """One frame that did not just pass: its number in this direction, from 0, its length, CRC-32, and arrival.

    `bit` is the one that was turned in a corrupted frame, counted from the first byte's lowest.
    """

    what: What
    frame: int
    length: int
    crc: int
    at_ns: int
    why: Reason
    bit: int | None = None


@dataclass(slots=True)
class Counters:
    """Of one direction.  frames + duplicated = passed + lost + dropped + cut + unsent + those under way.

    `delayed` are those that waited or flew, `dropped` found the queue full, `cut` were on the cable when
    it was pulled, `unsent` found the end down or its buffer full.  `passed_bytes` are without FCS.
    """

    frames: int = 0
    passed: int = 0
    passed_bytes: int = 0
    delayed: int = 0
    lost: int = 0
    duplicated: int = 0
    corrupted: int = 0
    reordered: int = 0
    dropped: int = 0
    cut: int = 0
    unsent: int = 0


class Way:
    """One direction of one cable, under one `Direction` at a time.

    `may_hold_frames` may be lowered by whoever knows what all directions hold.
    """

    __slots__ = (
        "_faults",
        "_order",
        "_pending",
        "_reasons",
        "_record",
        "_streams",
        "_wire",
        "counters",
        "may_hold_frames",
        "options",
    )

    def __init__(self, options: Direction, name: str, make: Generators, record: Callable[[Decision], None]) -> None:
        """`name` (seed, cable, direction) is what chance depends on; `record` takes each decision at once."""
        self.counters, self.may_hold_frames = Counters(), HELD_MAX_FRAMES
        self._record, self._order, self._pending = record, 0, Pending()
        self._streams: Callable[[str], Stream] = lambda purpose: Stream(f"{name}/{purpose}", make)
        self._wire = Wire(options)
        self._obey(options)

    def __len__(self) -> int:
        """How many frames wait and fly."""
        return len(self._pending)

    def _obey(self, options: Direction) -> None:
        self.options = options
        self._faults = Impairments(options, self._streams)
        self._reasons = reasons(options)

    def arrive(self, now_ns: int, frame: bytes) -> None:
        """Take in a frame that the sender's end got at `now_ns`."""
        counters, faults = self.counters, self._faults
        number = counters.frames
        counters.frames = number + 1
        if faults.loses(number):
            counters.lost += 1
            self._decide(What.LOST, number, frame, now_ns)
            return
        self._travel(now_ns, number, frame, again=False)
        if faults.duplicates(number):
            counters.duplicated += 1
            self._decide(What.DUPLICATED, number, frame, now_ns)
            self._travel(now_ns, number, frame, again=True)

    def _travel(self, now_ns: int, number: int, frame: bytes, *, again: bool) -> None:
        """From behind the loss on: damage, queue, wire, flight."""
        counters, faults, length = self.counters, self._faults, len(frame)
        sent = frame
        bit = faults.damages(number, length * 8, again=again)
        if bit is not None:
            counters.corrupted += 1
            self._decide(What.CORRUPTED, number, frame, now_ns, bit)
            sent = with_bit_turned(frame, bit)
        ready_ns = None if len(self._pending) >= self.may_hold_frames else self._wire.take(now_ns, length)
        if ready_ns is None:
            counters.dropped += 1
            self._decide(What.DROPPED, number, frame, now_ns)
            return
        if faults.overtakes(number):
            counters.reordered += 1
            self._decide(What.REORDERED, number, frame, now_ns)
            flight_ns = 0
        else:
            flight_ns = faults.flight_ns(number, again=again)
        due_ns = ready_ns + flight_ns
        if due_ns > now_ns:
            counters.delayed += 1
        self._order += 1
        self._pending.push(Underway(due_ns, self._order, sent, flight_ns))

    def due_ns(self) -> int | None:
        """When the next frame is due at the far end; None where nothing is under way."""
        return self._pending.due_ns()

    def least_ns(self) -> int:
        """No frame that comes in is due sooner than so long after."""
        way = self.options
        flies_ns = 0 if way.jitter_s or way.reorder else self._faults.delay_ns
        return flies_ns + self._wire.cost_ns(SHORTEST_BYTES)

    def leave(self, now_ns: int) -> list[bytes]:
        """The frames that are due, in the order they arrive; whoever sends them counts them by `sent`."""
        return self._pending.pop_until(now_ns)

    def sent(self, frames: int, length: int, *, unsent: int = 0) -> None:
        """Count what became of frames that left: so many frames and bytes passed, so many could not be sent."""
        counters = self.counters
        counters.passed += frames
        counters.passed_bytes += length
        counters.unsent += unsent

    def change(self, options: Direction, now_ns: int, name: str | None = None, make: Generators | None = None) -> None:
        """Obey other options from now on.

        What flies or is on the wire lands when it would have; what waits keeps its place and goes on
        at the new rate, and flies as was decided when it came in.  No frame is lost by it.  `name`
        and `make` come with another seed.
        """
        if name is not None and make is not None:
            self._streams = lambda purpose: Stream(f"{name}/{purpose}", make)
        old, underway = self._wire, self._pending.take_all()
        waiting = list[Underway]()
        busy_until_ns = now_ns
        for item in underway:
            left_ns = item.due_ns - item.flight_ns
            if left_ns - old.cost_ns(len(item.frame)) > now_ns:
                waiting.append(item)
            else:
                busy_until_ns = max(busy_until_ns, left_ns)
                self._pending.push(item)
        self._wire = Wire(options, busy_until_ns=busy_until_ns)
        for item in sorted(waiting, key=lambda each: each.order):
            due_ns = self._wire.resume(now_ns, len(item.frame)) + item.flight_ns
            self._pending.push(item._replace(due_ns=due_ns))
        self._obey(options)

    def cut(self) -> int:
        """Throw away what is under way: the cable was pulled.  How many those were."""
        thrown = len(self._pending.take_all())
        self.counters.cut += thrown
        self._wire = Wire(self.options)
        return thrown

    def as_json(self, now_ns: int) -> dict[str, Any]:
        """The counters by name, and ``waiting_frames``, ``waiting_bytes``, ``flying``."""
        waiting = self._wire.waiting_frames(now_ns)
        flying = len(self._pending) - waiting
        queue = {"waiting_frames": waiting, "waiting_bytes": self._wire.waiting_bytes, "flying": flying}
        return {**asdict(self.counters), **queue}

    def _decide(self, what: What, number: int, frame: bytes, now_ns: int, bit: int | None = None) -> None:
        self._record(Decision(what, number, len(frame), crc32(frame), now_ns, self._reasons[what], bit))


def reasons(options: Direction) -> dict[What, Reason]:
    """Why a cable with these options does each thing."""
    loss, word = options.loss, loss_text(options.loss)
    lost = f"a burst of loss: {word}" if isinstance(loss, GilbertElliott) else f"the cable loses {word} of its frames"
    return {
        What.LOST: Reason("cable option loss", lost),
        What.DUPLICATED: Reason(
            "cable option duplicate", f"the cable doubles {share_text(options.duplicate)} of its frames"
        ),
        What.CORRUPTED: Reason(
            "cable option corrupt", f"the cable turns a bit in {share_text(options.corrupt)} of its frames"
        ),
        What.REORDERED: Reason("cable option reorder", f"{share_text(options.reorder)} of its frames overtake"),
        What.DROPPED: _dropped(options),
    }


def _dropped(options: Direction) -> Reason:
    if options.rate_bps is None:
        return Reason("cable option delay", "more is under way than memory is kept for")
    frames = DEFAULT_QUEUE_FRAMES if options.queue_frames is None else options.queue_frames
    queue = f"{frames} frames" if options.queue_bytes is None else size_text(options.queue_bytes)
    return Reason(
        "cable option max_queue_size", "the queue for the wire is full", queue=queue, bw=rate_text(options.rate_bps)
    )


def with_bit_turned(frame: bytes, bit: int) -> bytes:
    """The frame with one bit changed, counted from the first byte's lowest."""
    turned = bytearray(frame)
    turned[bit >> 3] ^= 1 << (bit & 7)
    return bytes(turned)


__all__ = ["NS", "Counters", "Decision", "Way", "What", "reasons", "with_bit_turned"]
