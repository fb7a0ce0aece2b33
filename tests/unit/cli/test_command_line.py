"""The command line itself: help of a verb, and what an interrupt leaves on the screen."""

import argparse

import pytest

from lan.cli import command_line, dispatch
from lan.cli.screen import Screen
from lan.cli.verbs import status


def test_help_of_a_verb_is_what_the_verb_itself_says(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for words in (["help", "status"], ["status", "--help"]):
        with pytest.raises(SystemExit) as ended:
            command_line.main(words)
        assert ended.value.code == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] and said[0].startswith("usage: lan status")
    assert command_line.main(["help", "sttus"]) == 2
    assert "did you mean 'status'" in capsys.readouterr().err


def test_an_interrupt_takes_the_progress_away_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(options: argparse.Namespace, screen: Screen) -> int:
        screen.is_terminal = True
        screen.progress("half done")
        raise KeyboardInterrupt

    monkeypatch.setattr(status, "run", run)
    assert command_line.main(["status"]) == 130
    assert capsys.readouterr().out.endswith("half done\x1b[0m\r\x1b[2Kinterrupted\n")


def test_a_command_is_read_without_the_catalogue_of_its_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def spoken() -> None:
        raise AssertionError("nothing is told yet")

    monkeypatch.setattr(dispatch, "spoken", spoken)
    assert command_line.parse(["trace", "-l", "office"])[1].lan == "office"
