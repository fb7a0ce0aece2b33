"""The core of `lan whynot` over facts kept from real LANs: sixty that were broken, each in one way, and sound ones.

`facts.jsonl` was written by ``LAN_ALL=1 LAN_KEEP_FACTS=FILE pytest tests/lan/test_whynot.py`` (what breakages.py makes,
on the kernel's bridge) and then thinned: frames that change nothing were left out, and what devices have in common
stands once, as a `part`.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lan.whynot.chain import diagnose
from lan.whynot.facts import Facts, facts_from_json

from ...lan.breakages import BREAKAGES, SOUND

KEPT = Path(__file__).with_name("facts.jsonl")


@cache
def kept() -> dict[str, Facts]:
    """Name → facts."""
    lines = [json.loads(line) for line in KEPT.read_text().splitlines()]
    parts = [line["part"] for line in lines if "part" in line]
    return {line.pop("name"): facts_from_json(whole(line, parts)) for line in lines if "name" in line}


def whole(line: dict[str, Any], parts: list[Any]) -> dict[str, Any]:
    for room in ("devices", "switches"):
        line[room] = {name: parts[at] for name, at in line[room].items()}
    return line | {"cables": [parts[at] for at in line["cables"]]}


@pytest.mark.parametrize("broken", [each for each in BREAKAGES if each.name in kept()], ids=lambda it: it.name)
def test_the_first_broken_piece_is_named(broken: Any) -> None:
    found = diagnose(kept()[broken.name])
    assert found.broken is not None, found.steps
    assert (found.broken.code, found.broken.device) == (broken.code, broken.device), found.broken
    assert found.broken.evidence or found.broken.look, "it says where to look"


@pytest.mark.parametrize("words", SOUND)
def test_nothing_is_broken_where_all_is_sound(words: str) -> None:
    assert diagnose(kept()[words]).broken is None


def test_all_set_ups_but_those_of_open_vswitch_are_kept() -> None:
    assert {it.name for it in BREAKAGES} - set(kept()) == {it.name for it in BREAKAGES if it.only == "ovs"}
    assert len(kept()) >= 40 + len(SOUND)


def test_nearly_every_finding_has_a_command_that_mends_it() -> None:
    found = {it.name: diagnose(kept()[it.name]).broken for it in BREAKAGES if it.name in kept()}
    without = {name for name, broken in found.items() if broken is None or not broken.remedy}
    assert without <= {"on-link", "resolver-no-server"}, without


def test_facts_are_kept_and_read_as_they_were() -> None:
    for facts in kept().values():
        assert facts_from_json(json.loads(json.dumps(facts.as_json()))) == facts
