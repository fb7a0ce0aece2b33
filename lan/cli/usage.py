"""How a verb's help is told: in the reader's language, in columns that stand where letters are two cells wide."""

import argparse
from collections.abc import Callable, Iterable
from functools import cached_property

from lan.language.catalogue import ENGLISH, Language
from lan.trace.views.cells import wrap


class Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's, by cells; what the catalogue lacks is told as argparse tells it."""

    def __init__(self, prog: str, language: Callable[[], Language] = lambda: ENGLISH) -> None:
        """argparse makes one for each argument; `language` is asked for when there is something to tell."""
        super().__init__(prog)
        self._ask_language = language

    @cached_property
    def _language(self) -> Language:
        return self._ask_language()

    def start_section(self, heading: str | None) -> None:
        super().start_section(None if heading is None else self._language.say(heading))

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        if prefix is None and self._language is not ENGLISH:
            prefix = self._language.say("usage: ")
        super().add_usage(usage, actions, groups, prefix)

    def add_text(self, text: str | None) -> None:
        """A text, paragraph by paragraph."""
        super().add_text(text and told(text, self._language))

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help and self._language.say(action.help)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else wrap(text, width)


def told(text: str, language: Language) -> str:
    """A docstring in a language: its first line and its paragraphs are messages of their own."""
    return "\n\n".join(language.say(paragraph) for paragraph in text.strip().split("\n\n"))
