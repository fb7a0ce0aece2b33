"""DHCP with the programs of others: dhclient and udhcpc lease from us, we lease from dnsmasq."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent / "lan" / "dhcp_over_a_cable.py"


def story(name: str, folder: Path) -> dict[str, Any]:
    """What came of it; skips where the program is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    bubble = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        bubble[1:1] = ["--user", "--map-root-user"]
    command = [*bubble, sys.executable, str(SCRIPT), name, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(SCRIPT.parent.parent.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["problems"] == []
    return found


@pytest.mark.parametrize("name", ["udhcpc", "dhclient"])
def test_their_client_leases_from_our_server(name: str, tmp_path: Path) -> None:
    seen = story(name, tmp_path)
    assert seen["code"] == 0
    assert seen["messages"] == ["DISCOVER", "OFFER", "REQUEST", "ACK"]
    assert seen["given"][-1].split()[1:] == ["192.168.100.1", "192.168.100.250", "192.168.100.254"]
    assert seen["addresses"] == ["192.168.100.1/24"]
    assert seen["leases"] == [["192.168.100.1", "BOUND"]]


def test_our_client_leases_renews_and_releases_at_dnsmasq(tmp_path: Path) -> None:
    seen = story("dnsmasq", tmp_path)
    assert seen["ready"] == "ready bound 192.168.100.1/24"
    assert seen["addresses"] == ["192.168.100.1/24"]
    assert seen["resolv"] == "search lan.test\nnameserver 192.168.100.254\n"
    assert (seen["code"], seen["left"]) == (0, [])
    # in this order, which the story has waited for; a question whose answer is late is asked again, and answered twice
    assert list(dict.fromkeys(seen["messages"])) == ["DISCOVER", "OFFER", "REQUEST", "ACK", "RELEASE"]
    assert seen["messages"].count("REQUEST") >= 2 and seen["messages"][-1] == "RELEASE"
