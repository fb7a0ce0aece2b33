"""Where cables are: lan graph of the LAN that is up, lan link without both ends."""

import argparse
from typing import Any

import pytest

from lan.cli.screen import Screen
from lan.cli.verbs import graph, link
from lan.control import client
from lan.devices.kinds import schemas
from lan.errors import UsageError
from lan.topo.load import load


def read(verb: Any, *words: str) -> argparse.Namespace:
    """The words of a command line."""
    parser = argparse.ArgumentParser()
    verb.arguments(parser)
    return parser.parse_args(words)


def test_without_a_file_the_lan_that_is_up_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str | None] = []

    def connect(name: str | None) -> argparse.Namespace:
        asked.append(name)
        return argparse.Namespace(spec=load("office", schemas()))

    monkeypatch.setattr(client, "connect", connect)
    for words in ([], ["-l", "mine"], ["office"]):
        assert graph.run(read(graph, *words), Screen()) == 0
    assert asked == [None, "mine"]
    drawn = capsys.readouterr().out
    assert drawn.count("web:eth0") == 3
    with pytest.raises(UsageError, match="not both"):
        graph.run(read(graph, "office", "-l", "mine"), Screen())


@pytest.mark.parametrize("words", [[], ["pc1"]])
def test_a_cable_has_two_ends(words: list[str]) -> None:
    with pytest.raises(UsageError, match="which cable") as caught:
        link.run(read(link, *words), Screen())
    assert caught.value.todo == "lan inspect shows the cables"


def test_words_behind_both_ends_are_what_it_is_told() -> None:
    options = read(link, "pc1", "s1", "flap", "200ms", "5")
    assert (options.a, options.b, options.change) == ("pc1", "s1", ["flap", "200ms", "5"])
