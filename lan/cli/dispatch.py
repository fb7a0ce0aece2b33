"""From a word to a verb: which there are, their modules, and a parser that speaks like the rest of lan."""

import argparse
import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

import lan.cli.verbs
from lan.cli.screen import spoken
from lan.errors import UsageError, nearest


class Parser(argparse.ArgumentParser):
    """Says what is wrong as every other error of lan is said, with the nearest right option."""

    def __init__(self, prog: str, **more: Any) -> None:
        usage = importlib.import_module("lan.cli.usage")  # not for `lan --version`
        super().__init__(prog, formatter_class=lambda prog: usage.Formatter(prog, spoken), **more)

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """`parse_args`, but for what it says of a word too many."""
        options, extra = self.parse_known_args(words)
        if extra:
            word = extra[0].partition("=")[0]
            near = nearest(word, self._option_string_actions) if word.startswith("-") else None
            raise UsageError(
                f"{self.prog}: {extra[0]!r} is no word of it" + (f"; did you mean {near!r}?" if near else ""),
                todo=f"{self.prog} --help",
            )
        return options

    def _check_help(self, action: argparse.Action) -> None:
        """From Python 3.14 on `add_argument` tries each help, for which the catalogue would be read."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")


def verbs() -> list[str]:
    """All verbs there are."""
    return sorted(module.name.rstrip("_") for module in pkgutil.iter_modules(lan.cli.verbs.__path__))


def load(verb: str) -> ModuleType:
    """The module of a verb; a name that Python keeps for itself has an underscore."""
    names = {module.name for module in pkgutil.iter_modules(lan.cli.verbs.__path__)}
    return importlib.import_module(f"lan.cli.verbs.{verb if verb in names else verb + '_'}")
