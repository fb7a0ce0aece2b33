"""lan stop and lan start: what is said where nothing changes."""

import argparse

import pytest

from lan.cli.screen import Screen
from lan.cli.verbs import stop
from lan.control import client


@pytest.mark.parametrize(
    ("start", "done", "said"),
    [
        (True, [], "web: all that it serves runs already"),
        (False, [], "web serves nothing now"),
        (True, ["http"], "web: http started"),
        (False, ["http", "dns"], "web: http, dns stopped"),
    ],
)
def test_it_says_what_was_done_or_why_nothing(
    start: bool, done: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    up = argparse.Namespace(device=str, ask=lambda message: {"done": done})
    monkeypatch.setattr(client, "connect", lambda name: up)
    assert stop.serve(argparse.Namespace(lan=None, device="web"), Screen(), start=start) == 0
    assert capsys.readouterr().out == f"{said}\n"
