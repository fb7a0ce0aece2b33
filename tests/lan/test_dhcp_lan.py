"""The DHCP server and client over a real cable, in namespaces of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What the story of the test's mark came to."""
    bubble = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        bubble[1:1] = ["--user", "--map-root-user"]
    command = [*bubble, sys.executable, str(HERE / "dhcp_over_a_cable.py"), request.param, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("problems") == []
    return found


@pytest.mark.parametrize("seen", ["office"], indirect=True)
def test_a_pc_gets_address_route_and_resolver_in_four_messages(seen: dict[str, Any]) -> None:
    assert seen["messages"] == ["DISCOVER", "OFFER", "REQUEST", "ACK"]
    assert (seen["code"], seen["ready"]) == (0, ["ready udp 192.168.100.252:67"])
    assert seen["addresses"] == ["192.168.100.1/24"]
    assert seen["routes"] == [["default", "192.168.100.250"], ["192.168.100.0/24", None]]
    assert seen["resolv"] == "search ark-inflearn.com\nnameserver 192.168.100.254\n"
    assert seen["lease"] == {
        "ip": "192.168.100.1/24", "server": "192.168.100.252", "hostname": "pc1", "mac": "02:00:00:00:00:01",
        "state": "BOUND", "lease_s": 3600,
    }  # fmt: skip
    assert seen["leases"] == [["192.168.100.1", "BOUND"]]
    everyone, pc1 = ["ff:ff:ff:ff:ff:ff", "255.255.255.255"], ["02:00:00:00:00:01", "192.168.100.1"]
    assert seen["to"] == [everyone, pc1, everyone, pc1]
    assert seen["server"] == [
        "offered: a new address from the pool",
        "bound: the client took our offer",
        "acknowledged: the client took our offer",
    ]
    assert seen["client"] == [
        "DISCOVER: it has no address yet",
        "REQUEST: takes the first offer",
        "bound: the server keeps its offer",
    ]


@pytest.mark.parametrize("seen", ["life"], indirect=True)
def test_a_lease_is_renewed_outlives_a_kill_moves_with_the_pool_and_is_given_back(seen: dict[str, Any]) -> None:
    assert seen["ready"] == ["ready bound 192.168.100.1/24", "ready udp 192.168.100.252:67"]
    assert seen["renewal"] == [["192.168.100.1", "192.168.100.252"], ["192.168.100.252", "192.168.100.1"]]
    assert (seen["held"], seen["released"], seen["moved"]) == (["192.168.100.1/24"], [], ["192.168.100.50/24"])
    assert seen["codes"] == [0, 0]
    assert seen["leases"][-2:] == [["192.168.100.1", "RELEASED"], ["192.168.100.50", "BOUND"]]
    assert "NAK" not in seen["messages"]


@pytest.mark.parametrize("seen", ["conflict"], indirect=True)
def test_an_address_that_somebody_has_is_declined(seen: dict[str, Any]) -> None:
    assert seen["messages"] == ["DISCOVER", "OFFER", "REQUEST", "ACK", "DECLINE"]
    assert seen["client"] == "DECLINE: somebody has the address"


@pytest.mark.parametrize("seen", ["nobody"], indirect=True)
def test_a_client_without_a_server_says_so(seen: dict[str, Any]) -> None:
    assert seen["code"] == 1
    assert seen["said"] == (
        "pc1-eth0: no DHCP server gave an address\n"
        "  expected  an offer and an ACK\n"
        "  try       is a server on this LAN, and the cable in?\n"
    )
