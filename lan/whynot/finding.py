"""What comes out: the pieces of the chain in order, each in order or broken, the last one with its remedy."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lan.errors import FAILED, OK
from lan.reasons import Sentence
from lan.whynot.facts import Question


class State(StrEnum):
    """Of one piece."""

    OK, BROKEN = "ok", "broken"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the chain that was looked at.

    `code` names what was found, such as ``route.none``; `evidence` are rows of tables and frames as they
    stand there, `look` is a command that shows it, `remedy` one that mends it, or a `Sentence` that says how.
    """

    piece: str
    device: str
    said: Sentence
    code: str = ""
    evidence: tuple[str, ...] = ()
    frames: tuple[int, ...] = ()
    look: str = ""
    remedy: str = ""

    @property
    def state(self) -> State:
        """Broken where a code says how."""
        return State.BROKEN if self.code else State.OK

    def as_json(self, tell: Callable[[str], str] = str) -> dict[str, Any]:
        """One item of `steps` in ``lan whynot --json``; `tell` gives sentences in the reader's language."""
        return {
            "piece": self.piece,
            "device": self.device,
            "state": self.state.value,
            "code": self.code or None,
            "said": tell(self.said),
            "evidence": [tell(line) for line in self.evidence],
            "frames": list(self.frames),
            "look": self.look or None,
            "remedy": tell(self.remedy) or None,
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The chain as far as it holds; the last step is the broken one, if one is."""

    question: Question
    steps: tuple[Step, ...]

    @property
    def broken(self) -> Step | None:
        """The first broken piece."""
        return self.steps[-1] if self.steps and self.steps[-1].code else None

    @property
    def exit_code(self) -> int:
        """0 where nothing is broken, else 1."""
        return FAILED if self.broken else OK

    def as_json(self, tell: Callable[[str], str] = str) -> dict[str, Any]:
        """The keys of ``lan whynot --json`` besides `schema`."""
        asked = self.question
        return {
            "ok": self.broken is None,
            "question": {"kind": asked.kind, "client": asked.client, "target": asked.target},
            "broken": self.broken.as_json(tell) if self.broken else None,
            "steps": [step.as_json(tell) for step in self.steps],
        }
