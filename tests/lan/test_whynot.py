"""`lan whynot` on a LAN that is broken on purpose: the culprit by name, and nothing where all is sound.

A dozen set-ups; with LAN_ALL=1 all of breakages.py, each on both switches.  LAN_KEEP_FACTS=FILE keeps the facts of
each, for tests/unit/whynot.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lan.engine import openvswitch
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.whynot.chain import diagnose
from lan.whynot.collect import collect, question_of
from lan.whynot.facts import Facts

from .breakages import BREAKAGES, SOUND, TOPOLOGY, Breakage

IN_CI = {
    "server-cable", "lossy-cable", "switch-port", "dhcp-stopped", "arp-row-back", "not-forwarding", "web-drops",
    "web-rejects", "wrong-record", "web-stopped", "other-name", "reset",
}  # fmt: skip
ALL = os.environ.get("LAN_ALL") == "1"
PATIENCE_S = 6.0
"""For a DNS or web server that is not run for a while; a few set-ups are silent as long."""


@pytest.fixture(scope="module", params=["bridge", "ovs"] if ALL and openvswitch.installed() else ["bridge"])
def switch(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, switch: str) -> Iterator[Net]:
    file: Path = tmp_path_factory.mktemp("topology") / "breakable.py"
    file.write_text(TOPOLOGY)
    with Factory(tmp_path_factory) as lan, lan.up(str(file), switch=switch) as net:
        yield net


def asked(net: Net, words: str) -> Facts:
    kind, client, *target = words.split()
    return collect(net.running, question_of(net.running, kind, client, *target or [""]), patience_s=PATIENCE_S)


def keep(name: str, facts: Facts) -> None:
    if (file := os.environ.get("LAN_KEEP_FACTS")) is not None:
        with Path(file).open("a") as kept:
            kept.write(json.dumps({"name": name, **facts.as_json()}, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("words", SOUND)
def test_it_says_that_nothing_is_broken_where_nothing_is(net: Net, words: str) -> None:
    facts = asked(net, words)
    keep(words, facts)
    found = diagnose(facts)
    assert found.broken is None, found.broken
    assert found.exit_code == 0


@pytest.mark.parametrize("broken", [each for each in BREAKAGES if ALL or each.name in IN_CI], ids=lambda it: it.name)
def test_it_names_the_first_broken_piece(net: Net, switch: str, broken: Breakage) -> None:
    if broken.only not in ("", switch):
        pytest.skip(f"it is made on {broken.only}")
    with ExitStack() as undone:
        broken.make(net, undone)
        facts = asked(net, broken.ask)
    keep(broken.name, facts)
    found = diagnose(facts)
    assert found.broken is not None, found.steps
    assert (found.broken.code, found.broken.device) == (broken.code, broken.device), found.broken
    assert found.exit_code == 1
