"""Why a device did what it did: one short sentence, where it is written, and the facts of the case.

Every core in the house returns its decisions with a `Reason`; the decision log, the trace and the
tests read it.  A `Sentence` is a text that a face can tell in another language.  It imports nothing of ours.
"""

from dataclasses import dataclass, field
from typing import Any


class Sentence(str):
    """An English sentence with its facts in their places, which remembers both: ``Sentence("{who} waits", who="web")``.

    `template` is what catalogues translate (`lan.language.catalogue`); a fact may be a sentence itself.  Everywhere
    else it is the text that it reads as.
    """

    __slots__ = ("facts", "template")
    template: str
    facts: dict[str, object]

    def __new__(cls, template: str, /, **facts: object) -> "Sentence":
        made = super().__new__(cls, template.format_map(facts))
        made.template, made.facts = template, facts
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        """Copies are made of the template, not of the text, whose facts may have braces."""
        return (self.template,), self.facts


@dataclass(frozen=True, slots=True, init=False)
class Reason:
    """One decision's cause.

    `source` is where the rule stands ("RFC 2131 §4.3.1"), `text` the plain sentence, `facts` the
    values it rests on, by keyword: ``Reason("RFC 2131 §4.3.1", "no address left", pool="…")``.
    """

    source: str
    text: str
    facts: tuple[tuple[str, str], ...] = field(default=())

    def __init__(self, source: str, text: str, **facts: object) -> None:
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "facts", tuple((key, str(value)) for key, value in facts.items()))

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Reason":
        """What `as_json` made; raises KeyError, TypeError or AttributeError for anything else."""
        reason = cls(str(told["source"]), str(told["text"]))
        facts = tuple((str(key), str(value)) for key, value in told.get("facts", {}).items())
        object.__setattr__(reason, "facts", facts)
        return reason

    def __str__(self) -> str:
        facts = ", ".join(f"{key} {value}" for key, value in self.facts)
        return f"{self.text} ({facts}; {self.source})" if facts else f"{self.text} ({self.source})"

    def as_json(self) -> dict[str, Any]:
        """The shape in the decision log: ``{"source", "text", "facts": {…}}``."""
        return {"source": self.source, "text": self.text, "facts": dict(self.facts)}


def because(source: str, words: Sentence, **facts: object) -> Reason:
    """A reason that faces can tell in any language."""
    return Reason(source, words, **facts)
