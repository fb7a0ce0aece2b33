"""What a cable does to frames: one meaning, whoever carries them.  tc-netem(8), IEEE 802.3 §4.4.2.

A frame that enters one end of a cable lives through these, in this order:

1. loss: it is gone.  A frame that is lost is not duplicated.
2. duplicate: a second one follows it directly, and is no longer subject to 1 and 2.
3. corrupt: one bit of it, any, is turned.
4. queue: it waits for the wire behind earlier frames; where the queue is full it is dropped (tail drop).
5. rate: it is on the wire for its bits: itself, the padding to 60 bytes, 4 of FCS, 8 of preamble
   and start delimiter, 12 of gap.
6. delay: it flies.  Jitter adds to this; the frames that `reorder` picks do not fly, they are there
   at once, and so overtake.

The queue's limit counts the frames that wait for the wire: neither the one on it nor those that fly.
Pure data; `words` parses and renders it.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

UNIFORM, NORMAL, PARETO, PARETONORMAL = "uniform", "normal", "pareto", "paretonormal"
DISTRIBUTIONS = (UNIFORM, NORMAL, PARETO, PARETONORMAL)
"""Of the jitter, as tc has them: `jitter_s` is half the width of the first and the standard deviation of the
second; the others have a long tail of late frames."""

SHORTEST_BYTES, AROUND_BYTES = 60, 4 + 8 + 12
"""A frame without its FCS is padded to 60 bytes; FCS, preamble with start delimiter, and gap go with each."""
DEFAULT_QUEUE_FRAMES = 1000
"""Linux's own (txqueuelen), and so that of Mininet's `bw`."""

DELAY_MAX_S = 60.0
RATE_MIN_BPS, RATE_MAX_BPS = 1_000, 1_000_000_000
"""From 1 kbit/s to Mininet's largest `bw`."""
QUEUE_MAX_FRAMES, QUEUE_MAX_BYTES = 100_000, 256 * 1024 * 1024
GAP_MAX = 1_000_000
SEED_MAX = 2**63 - 1


def wire_bytes(frame_bytes: int) -> int:
    """What a frame costs on the wire; `frame_bytes` from the destination address on, without FCS."""
    return max(frame_bytes, SHORTEST_BYTES) + AROUND_BYTES


@dataclass(frozen=True, slots=True)
class GilbertElliott:
    """Loss in bursts: a good and a bad state, a chance to change between them with each frame.

    Probabilities: `p` from good to bad, `r` back, of loss in the bad state (tc's 1-h) and in the
    good one (1-k).  Gilbert 1960, Elliott 1963.
    """

    p: float
    r: float
    bad_loss: float = 1.0
    good_loss: float = 0.0

    def share(self) -> float:
        """The share of frames lost in the long run."""
        if self.p + self.r == 0:
            return self.good_loss
        bad = self.p / (self.p + self.r)
        return bad * self.bad_loss + (1 - bad) * self.good_loss


@dataclass(frozen=True, slots=True)
class Direction:
    """What happens to the frames that one end sends.  Shares are probabilities from 0 to 1.

    `gap` N reorders the Nth frame at the earliest, counted from the last that was (tc's gap).
    A rate without a limit of its own has one of `DEFAULT_QUEUE_FRAMES`.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    distribution: str = UNIFORM
    loss: float | GilbertElliott = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    reorder: float = 0.0
    gap: int = 1
    rate_bps: int | None = None
    queue_frames: int | None = None
    queue_bytes: int | None = None

    @property
    def is_plain(self) -> bool:
        """True for a perfect cable: nothing is done to any frame."""
        return self == PLAIN

    def limit_frames(self) -> int | None:
        """How many frames may wait for the wire; None where bytes count, or nothing."""
        if self.rate_bps is None or self.queue_bytes is not None:
            return None
        return DEFAULT_QUEUE_FRAMES if self.queue_frames is None else self.queue_frames

    def serialization_s(self, frame_bytes: int) -> float:
        """How long a frame is on the wire: 0 without a rate."""
        return 0.0 if self.rate_bps is None else wire_bytes(frame_bytes) * 8 / self.rate_bps

    def as_json(self) -> dict[str, Any]:
        """The fields that differ from a perfect cable's; a burst loss is ``{"p", "r", "bad_loss", "good_loss"}``."""
        shown: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                shown[each.name] = _as_json(value) if isinstance(value, GilbertElliott) else value
        return shown

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `as_json` wrote; TypeError for an unknown field."""
        loss = data.get("loss", 0.0)
        return cls(**{**data, "loss": GilbertElliott(**loss) if isinstance(loss, dict) else loss})


PLAIN = Direction()


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable's two directions: `forward` is what its first end sends, `backward` its second.

    The same seed treats the same frames (by number, each direction for itself) in the same way.
    """

    forward: Direction = PLAIN
    backward: Direction = PLAIN
    seed: int = 0

    @property
    def is_plain(self) -> bool:
        """True where neither direction does anything: such a cable needs nobody to carry its frames."""
        return self.forward.is_plain and self.backward.is_plain

    def without_options(self) -> Self:
        """The same cable, perfect: `lan link … reset`.  It keeps its seed."""
        return replace(self, forward=PLAIN, backward=PLAIN)

    def as_json(self) -> dict[str, Any]:
        """``{"forward", "backward", "seed"}``."""
        return {"forward": self.forward.as_json(), "backward": self.backward.as_json(), "seed": self.seed}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `as_json` wrote."""
        forward, backward = data.get("forward", {}), data.get("backward", {})
        return cls(Direction.from_json(forward), Direction.from_json(backward), data.get("seed", 0))


def _as_json(loss: GilbertElliott) -> dict[str, float]:
    return {each.name: getattr(loss, each.name) for each in fields(loss)}
