"""How a process starts out in the bubble: which signals it has, by what it is."""

import os
from pathlib import Path

import pytest

from lan.engine import programs

ORPHAN = """
import os

def main(arguments):
    read, write = os.pipe()
    os.close(read)
    try:
        os.write(write, b"to nobody")
    except BrokenPipeError:
        return 7
"""
"""A service whose peer has hung up, as a switch does that reconnects to its controller."""


def started(tmp_path: Path, *arguments: str) -> programs.Start:
    nothing = os.open(os.devnull, os.O_RDWR)
    return programs.Start(arguments, os.environ, str(tmp_path), (nothing, nothing, nothing))


@pytest.fixture
def orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "orphan_service.py").write_text(ORPHAN)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "orphan_service"


def test_a_service_that_writes_to_a_closed_connection_gets_an_error_and_lives(tmp_path: Path, orphan: str) -> None:
    pid = programs.module(orphan, started(tmp_path), None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_a_program_file_ends_by_sigpipe_as_it_would_in_a_shell(tmp_path: Path) -> None:
    """`yes | head -1` must end: a program file starts with SIGPIPE as exec's callers leave it."""
    pid = programs.executable(started(tmp_path, "sh", "-c", "kill -PIPE $$"), None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -13
