"""The tables of docs/testing.md hold all words that there are, and no others."""

import re
from pathlib import Path

import pytest

from lan.testing.conversations.http import SeenMessage
from lan.testing.events import KINDS
from lan.testing.marking import WORDS
from lan.testing.trace import Trace
from lan.trace.trackers import arp
from lan.trace.trackers.tcp import CloseKind

PAGE = (Path(__file__).parents[3] / "docs/testing.md").read_text()
EVERYWHERE = {"told", "frames", "client", "server"}
"""What is said of all kinds in one sentence."""


def row(first: str) -> list[str]:
    """The cells of the table row that begins so."""
    [line] = [line for line in PAGE.splitlines() if line.startswith(f"| `{first}` |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`\.?(\w+)`", cell))


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_its_row(name: str) -> None:
    chosen, told = (words(cell) for cell in row(f"trace.{name}"))
    assert chosen == set(KINDS[name].criteria)
    seen = KINDS[name].seen
    assert isinstance(seen, type)
    shown = public(seen)
    assert told - EVERYWHERE == shown - EVERYWHERE - {"longest_gap"}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_its_events(name: str) -> None:
    assert words(row(f"{name}.")[0]) == set(KINDS[name].events)


def test_what_a_message_tells_is_there() -> None:
    [sentence] = re.findall(r"Of a `\.request` or `\.response`: (.*?)\.\s", PAGE, re.DOTALL)
    assert set(re.findall(r"`\.(\w+)", sentence)) == public(SeenMessage)


def test_what_a_trace_can_be_asked_is_there() -> None:
    asked = public(Trace) - set(KINDS) - {"after", "last", "timeline"}
    assert [name for name in sorted(asked) if f"trace.{name}" not in PAGE] == []


@pytest.mark.parametrize("kind", [*CloseKind, *arp.Kind])
def test_what_a_kind_may_be_is_there(kind: str) -> None:
    assert f'`"{kind}"`' in PAGE


def test_the_words_of_the_mark_are_there() -> None:
    table = PAGE[PAGE.index("| Word of the mark |") : PAGE.index("`pytest --lan WHAT`")]
    assert {"what", *re.findall(r"^\| `(\w+)=", table, re.MULTILINE)} == set(WORDS)
