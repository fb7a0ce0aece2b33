"""lan-fetch in this process, as tests ask it, and what it says."""

import io
import json
import time
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from lan.services.http import fetch


def asked(*words: str) -> tuple[int, dict[str, Any]]:
    """lan-fetch's exit code and what it says with --json."""
    code, out, _ = shown(*words, "--json")
    return code, json.loads(out)


def shown(*words: str) -> tuple[int, str, str]:
    """Exit code, output and error output."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = fetch.main(list(words))
    return code, out.getvalue(), err.getvalue()


def outcomes(said: dict[str, Any]) -> list[str]:
    """``200``, or why there is no response."""
    return [str(one["error"]["what"] if "error" in one else one["status"]) for one in said["objects"]]


def sources(said: dict[str, Any], what: str) -> list[str]:
    """The rules by which such decisions were taken."""
    return [one["reason"]["source"] for one in said["decisions"] if one["what"] == what]


class Clock:
    """The time by which lan-fetch goes in a test: it stands until it is told to go on.  Nothing is late before, however
    slow the machine is."""

    def __init__(self) -> None:
        self.now_s = time.monotonic()

    def __call__(self) -> float:
        return self.now_s

    def go_on(self, by_s: float) -> None:
        self.now_s += by_s
