"""What programs of the house said in plain English, known again: so that it can be told in another language.  Pure.

An error comes from where it was raised, over the socket of a LAN or from argparse, as the text that it reads as,
``lan has no verb 'upp'``.  Here are the messages that it may be, ``lan has no verb {word}``, with places for facts.
"""

from collections.abc import Callable, Iterable, Mapping
from string import Formatter
from typing import NamedTuple

WORDS = {"what", "why", "fault", "rest"}
"""Facts that are messages themselves."""
HINT = "; did you mean "
DEEPEST = 4
LEAST_LETTERS = 8
"""A message that begins with a fact and says less of itself, ``{low} to {high}``, has facts of one word.  Where one
begins with a fact, no colon is in that: what stands before a colon is a message's place, and no part of it."""


class Template(NamedTuple):
    """A message with places: `pieces` stand before, between and behind the facts of `names`."""

    text: str
    pieces: tuple[str, ...]
    names: tuple[str, ...]

    def facts(self, text: str) -> dict[str, str] | None:
        """The facts of a text that is this message; None where it is not.  Every fact is as short as it can be."""
        first, *between, last = self.pieces
        if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
            return None
        found, at, end = [], len(first), len(text) - len(last)
        for piece in between:
            place = text.find(piece, at + 1, end)
            if place < 0:
                return None
            found.append(text[at:place])
            at = place + len(piece)
        found.append(text[at:end])
        is_short = not first and sum(map(len, self.pieces)) < LEAST_LETTERS
        if not all(found) or (is_short and any(" " in fact for fact in found)) or (not first and ": " in found[0]):
            return None
        return dict(zip(self.names, found, strict=True))


def template(text: str) -> Template | None:
    """A message as a template; None for one without facts, or with braces of its own (``{TIME: what happens}``)."""
    pieces, names = [""], []
    for literal, name, form, _ in Formatter().parse(text):
        pieces[-1] += literal
        if form:
            return None
        if name is not None:
            names.append(name)
            pieces.append("")
    return Template(text, tuple(pieces), tuple(names)) if names else None


def templates(texts: Iterable[str]) -> list[Template]:
    """Those that have facts; what says most of itself is tried first."""
    found = [made for made in map(template, texts) if made is not None]
    return sorted(found, key=lambda each: -sum(map(len, each.pieces)))


def retold(text: str, known: Mapping[str, str], made: Iterable[Template], finish: Callable[[str], str]) -> str:
    """The text in the language of a catalogue, `known`, as far as it has it."""
    first, *more = text.split("\n")  # below a sentence may stand what it is about, with a mark
    return "\n".join([_Known(known, list(made), finish).retold(first, DEEPEST) or first, *more])


class _Known:
    """A catalogue, for one text: its parts are met on many ways, and each is looked up once."""

    def __init__(self, known: Mapping[str, str], made: list[Template], finish: Callable[[str], str]) -> None:
        self._known, self._made, self._finish = known, made, finish
        self._met: dict[tuple[str, int], str | None] = {}

    def retold(self, text: str, deepest: int) -> str | None:
        """None where it is not known; `deepest`: so many messages may be in each other."""
        if (text, deepest) not in self._met:
            self._met[text, deepest] = self._look_up(text, deepest)
        return self._met[text, deepest]

    def _look_up(self, text: str, deepest: int) -> str | None:
        if text in self._known:
            return self._known[text]
        if not deepest or " " not in text:
            return None

        def inner(words: str) -> str | None:
            return self.retold(words, deepest - 1)

        before, hint, near = text.rpartition(HINT)
        if hint and near.endswith("?"):
            meant = self._known.get(HINT + "{near}?", HINT + "{near}?").format(near=near[:-1])
            return (inner(before) or before) + self._finish(meant)
        for each in self._made:
            if (facts := each.facts(text)) is not None:
                told = {name: (name in WORDS and inner(fact)) or fact for name, fact in facts.items()}
                return self._finish(self._known[each.text].format_map(told))
        return _either_side(text, inner)


def _either_side(text: str, inner: Callable[[str], str | None]) -> str | None:
    """``office.py: no such topology``: of what a colon joins, what is known."""
    parts = text.split(": ")
    for at in range(1, len(parts)):
        left, right = ": ".join(parts[:at]), ": ".join(parts[at:])
        if (told := inner(right)) is not None:
            return f"{left}: {told}"
    for at in range(len(parts) - 1, 0, -1):
        left, right = ": ".join(parts[:at]), ": ".join(parts[at:])
        if " " in left and (told := inner(left)) is not None:
            return f"{told}: {right}"
    return None
