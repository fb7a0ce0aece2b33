"""A step of a scenario and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lan.trace.frame import Frame


@dataclass(frozen=True, slots=True)
class Verdict:
    """One step: what was done by whom, whether the packets show it, and what they show instead.

    `who` reads ``pc1 ⇄ dhcp``; `detail` says what was seen; `frames` are the ones it rests on.
    """

    name: str
    who: str
    what: str
    ok: bool
    detail: str = ""
    ms: float | None = None
    frames: Sequence[Frame] = field(default=())
    is_check: bool = False
    """Whether it is one of the checks behind the seven steps."""

    def as_json(self, number: int) -> dict[str, Any]:
        """``{"n", "name", "ok", "detail", "frames", …}``; keys are only ever added."""
        return {
            "n": number,
            "name": self.name,
            "ok": self.ok,
            "detail": f"{self.what}: {self.detail}" if self.detail and not self.ok else self.detail or self.what,
            "frames": [frame.number for frame in self.frames],
            "who": self.who,
            "what": self.what,
            "ms": self.ms,
        }


def span_ms(frames: Sequence[Frame]) -> float | None:
    """From the first frame to the last."""
    return (frames[-1].time_ns - frames[0].time_ns) / 1e6 if frames else None
