"""What the user sees: tables and lines, with colour on a terminal, plain otherwise, or JSON.

Sentences, titles of columns and errors are told in the reader's language; JSON is the same in every language.
Rich is imported only where a terminal is there to show it: it costs 50 ms.
"""

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lan import readable
from lan.errors import LanError, RunError
from lan.trace.views.cells import cells, cut, pad

if TYPE_CHECKING:
    from lan.language.catalogue import Language

STATES = ("ready", "up", "ok", "ended", "down", "failed", "starting", "stopped", "broken")
"""Words of a cell that say how something is; colours and other languages have them."""
SCHEMA = 1
"""Of every `--json` answer: keys are only ever added under one number."""


class Screen:
    """Standard output as a face of lan."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.is_terminal = sys.stdout.isatty() and not json and "NO_COLOR" not in os.environ

    def data(self, answer: dict[str, Any]) -> None:
        """One JSON object, with its schema."""
        self._put(readable.as_json({"schema": SCHEMA, **answer}))

    def line(self, text: str = "", style: str = "") -> None:
        """A line for people; nothing in JSON mode."""
        if self.json:
            return
        if type(text) is not str:
            text = spoken().retell(text)
        text = harmless(text)
        if self.is_terminal and style:
            _rich().line(text, style)
        else:
            self._put(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
        """A table for people."""
        if self.json:
            return
        language = spoken()
        columns = [language.say(language.retell(name)) for name in columns]
        texts = [["" if cell is None else harmless(str(cell)) for cell in row] for row in rows]
        if self.is_terminal:
            _rich().table(columns, texts, title, language.say)
            return
        texts = [[language.say(cell) if cell in STATES else cell for cell in row] for row in texts]
        lines = [title] if title else []
        widths = [max([cells(name), *(cells(row[at]) for row in texts)]) for at, name in enumerate(columns)]
        for row in [list(columns), *texts]:
            lines.append("  ".join(pad(text, width) for text, width in zip(row, widths, strict=True)).rstrip())
        self._put("\n".join(lines))

    def error(self, error: LanError) -> None:
        """What went wrong and its remedy, to standard error (as JSON: to standard output)."""
        if self.json:
            self.data({"ok": False, "error": error.as_json()})
        elif sys.stderr.isatty() and "NO_COLOR" not in os.environ:
            _rich().error(error, spoken().know_again)
        else:
            print(f"lan: {error.told(spoken().know_again)}", file=sys.stderr, flush=True)

    def _put(self, text: str) -> None:
        """Write a line, now.  Raises RunError where the output takes no more, as on a full disk."""
        try:
            print(text, flush=True)
        except BrokenPipeError:  # the reader had enough: the command line knows
            raise
        except OSError as error:
            silence()
            self.json = False  # the error is told where errors are
            raise RunError(f"the output can't be written: {error.strerror}") from error

    def progress(self, text: str) -> None:
        """What is being done now: replaced by the next on a terminal, nothing elsewhere."""
        if self.is_terminal:
            text = spoken().know_again(text) if text else ""
            sys.stdout.write(f"\r\x1b[2K\x1b[2m{text}\x1b[0m" if text else "\r\x1b[2K")
            sys.stdout.flush()


def silence() -> None:
    """What waits for an output that takes no more is let go, or Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


CONTROLS = {code: "·" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
"""What would move the cursor, colour or rename the terminal: files and packets are written by others."""


def harmless(text: str) -> str:
    """The text without characters that a terminal obeys."""
    return text.translate(CONTROLS)


def width(screen: Screen, otherwise: int = 100) -> int:
    """Characters of a line: the terminal's, or where there is none what `COLUMNS` or else `otherwise` says."""
    return shutil.get_terminal_size((otherwise, 24)).columns


def fitting(text: str, screen: Screen) -> str:
    """A line as far as the terminal shows it, cut with …; whole where nobody looks."""
    if not screen.is_terminal or cells(text) <= (limit := width(screen)):
        return text
    return cut(text, limit - 1) + "…"


def spoken() -> "Language":
    """The language of whoever reads, as the environment has it."""
    made: Language = importlib.import_module("lan.language.catalogue").language_of(os.environ)
    return made


def _rich() -> Any:
    return importlib.import_module("lan.cli.rich_screen")
