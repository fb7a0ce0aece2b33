"""MistakesError of a topology, collected: all are told at once, not the first alone.

A `Problem` has the four parts of every error in the house (lan/errors.py) and is rendered as one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lan.errors import TopologyError, labels, nearest
from lan.reasons import Sentence
from lan.topo.spec import Where

SHOWN_MAX = 20
"""An error lists so many mistakes and counts the rest; `lan validate` shows them all."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, or with `is_warning` something that works but hardly as meant.  `str()` is its whole text."""

    where: Where | None
    what: str
    expected: str | None = None
    todo: str | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        return self.told()

    def told(self, tell: Callable[[str], str] = str) -> str:
        """The whole text, each part of it as `tell` gives it in the reader's language; a warning says that it is."""
        what = f"{tell(Sentence('warning'))}: {tell(self.what)}" if self.is_warning else self.what
        return TopologyError(what, where=self.where, expected=self.expected, todo=self.todo).told(tell)

    def as_error(self) -> TopologyError:
        """The same as an error on its own."""
        return TopologyError(self.what, where=self.where, expected=self.expected, todo=self.todo)

    def as_json(self) -> dict[str, Any]:
        """The parts of an error, and ``"is_warning"``."""
        return {**self.as_error().as_json(), "is_warning": self.is_warning}


class MistakesError(TopologyError):
    """Everything wrong with a topology.  What, where, expected and todo are the first mistake's."""

    def __init__(self, problems: Sequence[Problem], source: str) -> None:
        first, self.problems, self.source = problems[0], tuple(problems), source
        todo = first.todo or f"lan validate {source} shows every mistake"
        super().__init__(first.what, where=first.where, expected=first.expected, todo=todo)

    def told(self, tell: Callable[[str], str]) -> str:
        """All of them, or the first and how many more."""
        if len(self.problems) == 1:
            return super().told(tell)
        texts = [problem.told(tell) for problem in self.problems[:SHOWN_MAX]]
        if len(self.problems) > SHOWN_MAX:
            more = tell(f"… and {len(self.problems) - SHOWN_MAX} more")
            todo = tell(f"lan validate {self.source} shows every mistake")
            texts.append(f"{more}\n  {labels(tell)[1]}  {todo}")
        return "\n".join(texts)

    def as_json(self) -> dict[str, Any]:
        """As any error, with ``"problems"`` beside: every mistake in the same shape."""
        return {**super().as_json(), "problems": [problem.as_json() for problem in self.problems]}


def raise_problems(problems: Iterable[Problem], source: str = "FILE") -> None:
    """Raise TopologyError where any of these is more than a warning; `source` is what the user named."""
    errors = [problem for problem in problems if not problem.is_warning]
    if errors:
        raise MistakesError(in_file_order(errors), source)


def in_file_order(problems: Iterable[Problem]) -> list[Problem]:
    """The same, sorted by line; those that stand nowhere come last."""

    def line(problem: Problem) -> tuple[bool, int]:
        at = problem.where.line if problem.where else None
        return (at is None, at or 0)

    return sorted(problems, key=line)


class Speller:
    """Nearest words for a few mistakes: comparing words is slow, and nobody reads thousands of guesses."""

    def __init__(self) -> None:
        self._left = SHOWN_MAX

    def meant(self, word: object, known: Iterable[str]) -> str:
        """``; did you mean 'web'?``, or nothing."""
        self._left -= 1
        near = nearest(word, known) if self._left >= 0 and isinstance(word, str) and len(word) < 64 else None
        return f"; did you mean {near!r}?" if near else ""
