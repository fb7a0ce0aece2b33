"""The learning switch on a real Open vSwitch: pings pass, flows appear, the MAC address table is right."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
HOUSE = HERE.parent.parent
pytestmark = pytest.mark.skipif(shutil.which("ovs-vswitchd") is None, reason="Open vSwitch is not installed")


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What `switch_in_ovs.py` saw, in a bubble of its own."""
    bubble = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        bubble[1:1] = ["--user", "--map-root-user"]
    controller = [sys.executable, "-m", "lan.openflow.controller"]
    command = [*bubble, sys.executable, str(HERE / "switch_in_ovs.py"), *controller]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_is_ready_once_its_datapath_has_flows(seen: dict[str, Any]) -> None:
    assert seen["ready"] == "ready 1 datapaths on tcp 127.0.0.1:6653\n"


def test_hosts_reach_each_other_and_the_answer_to_the_first_arp_is_not_flooded(seen: dict[str, Any]) -> None:
    assert seen["pings"] == 3
    assert seen["first notes"][:4] == ["learned 01 1", "flooded 01 1", "learned 02 2", "forwarded 02 2"]


def test_the_table_names_each_stations_port(seen: dict[str, Any]) -> None:
    assert seen["table"] == {"01": 1, "02": 2}


def test_each_station_has_its_two_flows(seen: dict[str, Any]) -> None:
    flows = "\n".join(seen["flows"])
    for number in (1, 2):
        mac = f"02:00:00:00:00:0{number}"
        assert (
            f"idle_timeout=300, send_flow_rem priority=10,in_port={number},dl_src={mac} actions=goto_table:1" in flows
        )
        assert f"table=1, priority=10,dl_dst={mac} actions=output:{number}" in flows
    assert len(seen["flows"]) == 5 + 2 * 2 + 1 or len(seen["flows"]) == 5 + 2 * 2


def test_a_station_that_moves_is_found_at_its_new_port(seen: dict[str, Any]) -> None:
    assert seen["pings after the move"] >= 1  # Open vSwitch drops its cached flow a little after the answer
    assert seen["table after the move"] == {"01": 3, "02": 2}


def test_a_pulled_cable_empties_its_port(seen: dict[str, Any]) -> None:
    assert seen["after the cable was pulled"][-2:] == ["port down  2", "forgotten 02 2"]


def test_a_station_that_talks_through_flows_alone_does_not_age(seen: dict[str, Any]) -> None:
    assert seen["pings on"] >= 38  # what crosses while a new controller fills the tables anew may be lost
    assert [what for what in seen["while talking"] if what.startswith("aged")] == []


def test_it_ends_when_told_and_the_next_one_takes_over(seen: dict[str, Any]) -> None:
    assert (seen["exit"], seen["exit again"]) == (0, 0)
    assert seen["ready again"] == seen["ready"]
