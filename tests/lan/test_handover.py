"""A LAN from any process, and devices that come and go while it runs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.control import handover
from lan.control.client import RunningLan
from lan.control.launch import Launch
from lan.devices.kinds import schemas
from lan.engine import openvswitch
from lan.errors import MachineError, UsageError
from lan.topo.load import load
from lan.topo.spec import Lan

PATIENCE_S = 20.0


@pytest.fixture
def spec() -> Lan:
    return load("single:2", schemas())


SWITCHES = [
    "bridge",
    pytest.param("ovs", marks=pytest.mark.skipif(not openvswitch.installed(), reason="no Open vSwitch")),
]


@pytest.fixture(params=SWITCHES)
def lan(request: pytest.FixtureRequest, spec: Lan, tmp_path: Path) -> Iterator[RunningLan]:
    made = handover.up(spec, Launch(state=tmp_path, switch=request.param, trace=False))
    yield made.lan
    made.lan.down()


def answered(lan: RunningLan, *pairs: tuple[str, str]) -> list[bool]:
    return [rtt is not None for _, _, rtt in lan.ping_all(pairs, PATIENCE_S)]


def test_a_process_with_threads_gets_a_lan_that_ends_with_its_lifeline(spec: Lan, tmp_path: Path) -> None:
    idle = threading.Event()
    thread = threading.Thread(target=idle.wait)
    thread.start()
    try:
        made = handover.up(spec, Launch(state=tmp_path, switch="bridge"))
        assert answered(made.lan, ("h1", "h2")) == [True] and made.times_ms
        made.lan.burst()
        with pytest.raises(Exception, match="gone"):
            made.lan.describe()
    finally:
        idle.set()
        thread.join()


def test_what_can_not_be_made_is_told_as_by_launch_itself(spec: Lan, tmp_path: Path) -> None:
    first = handover.up(spec, Launch(state=tmp_path, switch="bridge"))
    try:
        with pytest.raises(Exception, match="is up already") as told:
            handover.up(spec, Launch(state=tmp_path, switch="bridge"))
        assert told.value.exit_code == UsageError.exit_code  # type: ignore[attr-defined]
    finally:
        first.lan.down()


def test_a_folder_that_can_not_be_is_told_too(spec: Lan) -> None:
    with pytest.raises(Exception, match="can't be made") as told:
        handover.up(spec, Launch(state=Path("/proc/nowhere"), switch="bridge"))
    assert told.value.exit_code == MachineError.exit_code  # type: ignore[attr-defined]


def test_hosts_and_switches_come_while_it_runs(lan: RunningLan) -> None:
    lan.add_device("s2", "switch", {})
    lan.add_link("s2", "s1")
    lan.add_device("h3", "pc", {"ip": "10.0.0.3/8"})
    link = lan.add_link("h3", "s2", a_interface="wan", a_mac="02:00:00:00:00:09")
    assert [str(link.a), link.a.mac, str(link.b)] == ["h3:wan", "02:00:00:00:00:09", "s2:eth2"]
    assert answered(lan, ("h1", "h3"), ("h3", "h2")) == [True, True]
    assert list(lan.spec.devices) == ["s1", "h1", "h2", "s2", "h3"] and len(lan.spec.links) == 4


def test_devices_and_cables_go_while_it_runs(lan: RunningLan) -> None:
    lan.device("h2").run(["true"])  # so that it has processes to lose
    lan.remove_device("h2")
    assert [str(link.a) for link in lan.spec.links] == ["h1:eth0"]
    lan.add_device("h2", "pc", {"ip": "10.0.0.22/8"})
    lan.add_link("h2", "s1")
    lan.add_link("h2", "s1")
    lan.remove_link("h2", "s1", "h2-eth1")
    assert answered(lan, ("h1", "h2"), ("h2", "h1")) == [True, True]
    assert lan.device("h2").run(["hostname"]).stdout == "h2\n"
    lan.remove_device("s1")
    assert lan.spec.links == () and "h1" in lan.spec.devices


def test_addresses_that_the_description_lacks_are_given(lan: RunningLan) -> None:
    lan.device("h2").run(["ip", "address", "add", "10.0.9.9/8", "dev", "h2-eth0"])
    [(_, _, rtt)] = lan.ping_all([("h1", "h2")], PATIENCE_S, addresses={"h2": "10.0.9.9"})
    assert rtt is not None
    assert [rtt for _, _, rtt in lan.ping_all([("h1", "h2")], 0.1, addresses={"h2": "10.0.9.10"})] == [None]


@pytest.mark.parametrize(("name", "kind", "words"), [("h1", "pc", "is there already"), ("h9", "pcc", "unknown kind")])
def test_a_device_that_can_not_be_added_is_refused(lan: RunningLan, name: str, kind: str, words: str) -> None:
    with pytest.raises(Exception, match=words):
        lan.add_device(name, kind, {})


def test_an_interface_that_is_taken_is_refused(lan: RunningLan) -> None:
    with pytest.raises(Exception, match="h1-eth0 already"):
        lan.add_link("h1", "s1", a_interface="h1-eth0")
