"""Doctor: each lack gets its verdict and the command that mends it."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lan.doctor.diagnosis import Diagnosis, State, diagnose
from lan.doctor.facts import Facts, Package, Trial
from lan.doctor.probe import packages, probe

HOUSE = Path(__file__).resolve().parents[3]
REFUSED = Trial("Operation not permitted")
UNTRIED = Trial(tried=False)
GOOD = Facts(python=(3, 12, 3), user="ann", is_root=False, environment="/env", subordinate_ids=65_536)
ROOT = replace(GOOD, user="root", is_root=True, subordinate_ids=0)
MISSING = Package("run", "openvswitch-switch", "ovs-vswitchd", "the switch", installed=False)


def remedies(diagnosis: Diagnosis) -> list[str | None]:
    return [check.remedy for check in diagnosis.checks if check.state is not State.OK]


@pytest.mark.parametrize("facts", [GOOD, ROOT, replace(GOOD, tun_opens=False, datapath="userspace, no TAP")])
def test_a_machine_that_lacks_nothing_is_ready(facts: Facts) -> None:
    found = diagnose(facts)
    assert (found.verdict, found.exit_code, remedies(found)) == ("ready", 0, [])


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        (replace(GOOD, packages=(MISSING,)), "sudo apt-get install --no-install-recommends openvswitch-switch"),
        (
            replace(GOOD, subordinate_ids=0, next_free_id=165_536),
            "sudo usermod --add-subuids 165536-231071 --add-subgids 165536-231071 ann",
        ),
        (replace(GOOD, open_files_limit=1024), "sudo prlimit --pid $$ --nofile=65536:65536"),
    ],
)
def test_a_lack_that_leaves_something_is_partly_ready(facts: Facts, remedy: str) -> None:
    found = diagnose(facts)
    assert (found.verdict, found.exit_code, remedies(found)) == ("partly ready", 0, [remedy])


NO_NAMESPACES = replace(GOOD, namespaces=REFUSED, overlay=UNTRIED, bridge=UNTRIED, netem=UNTRIED)


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(GOOD, python=(3, 10, 0)), "distribution"),
        (replace(GOOD, environment_faults=("rich 15.0.0 is missing",)), "rm -r /env"),
        (NO_NAMESPACES, "sudo"),
        (replace(NO_NAMESPACES, in_chroot=True), "pivot_root"),
        (replace(NO_NAMESPACES, userns_clone=0), "kernel.unprivileged_userns_clone=1"),
        (replace(NO_NAMESPACES, max_user_namespaces=0), "user.max_user_namespaces"),
        (replace(NO_NAMESPACES, confined_by_apparmor=True), "apparmor_restrict_unprivileged_userns=0"),
        (replace(NO_NAMESPACES, is_root=True), "--privileged"),
        (replace(GOOD, overlay=REFUSED), "5.11"),
        (replace(GOOD, datapath=None, bridge=REFUSED), "openvswitch-switch"),
    ],
)
def test_what_no_lan_runs_without_blocks(facts: Facts, word: str) -> None:
    found = diagnose(facts)
    [remedy] = remedies(found)
    assert (found.verdict, found.exit_code) == ("blocked", 3)
    assert word in str(remedy)


def test_without_netem_the_userspace_link_serves() -> None:
    found = diagnose(replace(GOOD, netem=Trial("Error: Specified qdisc kind is unknown.")))
    [cables] = [check for check in found.checks if check.name == "cables"]
    assert (found.verdict, remedies(found)) == ("ready", [])
    assert "userspace link" in cables.detail and "qdisc kind is unknown'" in cables.detail
    assert "netem" in next(check for check in diagnose(GOOD).checks if check.name == "cables").detail


def test_without_open_vswitch_the_bridge_serves() -> None:
    assert diagnose(replace(GOOD, datapath=None)).verdict == "ready"


def test_root_needs_no_range_of_user_ids() -> None:
    assert "user ids" not in [check.name for check in diagnose(ROOT).checks]


def test_text_and_json_tell_the_same() -> None:
    found = diagnose(replace(GOOD, packages=(MISSING,)))
    text = "\n".join(found.lines())
    for check in found.as_json()["checks"]:
        assert check["detail"] in text
        assert check["remedy"] is None or check["remedy"] in text
    assert found.as_json()["verdict"] == found.lines()[0] == "partly ready"


def test_the_probe_leaves_the_machine_as_it_was() -> None:
    before = inventory()
    facts = probe()
    assert facts.user and facts.python >= (3, 11)
    assert [now - then for now, then in zip(inventory(), before, strict=True)] == [set(), set(), set()]


def inventory() -> tuple[set[str], ...]:
    """Interfaces, mounts and children: what a clumsy probe would leave behind."""
    children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True)
    mounts = Path("/proc/self/mounts").read_text()
    return (
        {link.name for link in Path("/sys/class/net").iterdir()},
        set(mounts.splitlines()),
        set(children.stdout.split()) - {"ps"},
    )


def test_every_line_of_the_list_of_packages_is_understood() -> None:
    lines = [line for line in (HOUSE / "lan/packages").read_text().splitlines() if not line.startswith("#")]
    groups = [line.split()[0] for line in lines]
    assert len(packages({"run", "user", "peers"})) == len(lines)
    assert groups == sorted(groups, key=["run", "user", "peers"].index)  # bin/lan stops reading at the first peer
