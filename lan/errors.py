"""What went wrong, said so that the user can mend it.

An error names the thing, where it stands, what was expected and what to do next.  It is raised as
data and rendered once, by the face that the user sees.  It imports nothing of ours.
"""

import difflib
from collections.abc import Callable, Iterable
from typing import Any

OK, FAILED, MISUSED, MACHINE_CANNOT = 0, 1, 2, 3
"""Exit codes of every lan program (exec adds docker's 125, 126 and 127)."""


class LanError(Exception):
    """A fault with its remedy.  `str()` is the whole message, without colour."""

    exit_code = FAILED

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: str | None = None,
        todo: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what, self.expected, self.todo = what, expected, todo
        self.where = None if where is None else str(where)

    def __str__(self) -> str:
        return self.told(str)

    def told(self, tell: Callable[[str], str]) -> str:
        """The whole message, each part of it as `tell` gives it in the reader's language."""
        what, (expected, todo) = tell(self.what), labels(tell)
        lines = [f"{self.where}: {what}" if self.where else what]
        if self.expected:
            lines.append(f"  {expected}  {tell(self.expected)}")
        if self.todo:
            lines.append(f"  {todo}  {tell(self.todo)}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The `error` object of every `--json` answer."""
        return {"what": self.what, "where": self.where, "expected": self.expected, "try": self.todo}


class UsageError(LanError):
    """The words of a command are wrong."""

    exit_code = MISUSED


class TopologyError(LanError):
    """A topology file describes something that can't be built."""

    exit_code = MISUSED


class MachineError(LanError):
    """This machine can't do it: a program, a right or a kernel feature is missing."""

    exit_code = MACHINE_CANNOT


class RunError(LanError):
    """Something that should work failed while it ran: a service, a link, a step."""

    exit_code = FAILED


def labels(tell: Callable[[str], str] = str) -> tuple[str, str]:
    """What stands before what was expected and what to do, of one length."""
    words = tell("expected"), tell("try")
    return words[0].ljust(len(words[1])), words[1].ljust(len(words[0]))


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The known word most like a mistyped one, or None where nothing comes near."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    return found[0] if found else None
