"""Settings for some paths of a site: the first pattern that fits a path decides.

Pure.  A pattern is a path in which ``*`` stands for anything, slashes too: ``/img/*``, ``*.css``, ``/``.
"""

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Routes(Generic[Value]):
    """Patterns and what each sets, in their order."""

    def __init__(self, patterns: Mapping[str, Value] | None = None) -> None:
        self.patterns = dict(patterns or {})
        self._compiled = [(compile_pattern(pattern), value) for pattern, value in self.patterns.items()]

    def find(self, path: str) -> Value | None:
        """What is set for this path (decoded, without a query); None where no pattern fits."""
        for pattern, value in self._compiled:
            if pattern.fullmatch(path):
                return value
        return None

    def __bool__(self) -> bool:
        return bool(self._compiled)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole paths."""
    return re.compile(".*".join(re.escape(piece) for piece in re.split(r"\*+", pattern)), re.DOTALL)
