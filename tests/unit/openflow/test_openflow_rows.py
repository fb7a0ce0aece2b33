"""Rows for `show mac`: the controller's file, and the kernel bridge's own table."""

import json
from pathlib import Path

import pytest

from lan.errors import RunError
from lan.openflow import bridge, rows
from lan.openflow.fabric import Fabric
from lan.openflow.rows import Row
from lan.openflow.switch import Install, Note, Switch

PC, WEB, PINNED = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99"
HELLO = bytes.fromhex("ffffffffffff020000000001") + bytes(48)


def test_what_is_written_is_read_with_its_age(tmp_path: Path) -> None:
    switch = Switch("s1")
    switch.connect({1: "s1-eth1"})
    switch.receive(HELLO, 1, 1000.0)
    switch.add_static(PINNED, 2, 1000.0)
    rows.write(tmp_path / "mac.json", [switch], 1001.0)
    assert rows.read(tmp_path / "mac.json", 1012.5) == [
        Row("s1", PC, 1, "s1-eth1", 12.5, False),
        Row("s1", PINNED, 2, "2", None, True),
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["mac.json"]


def test_before_the_first_table_there_are_no_rows(tmp_path: Path) -> None:
    assert rows.read(tmp_path / "none.json", 0.0) == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"switches": 1}', '{"switches": {"s1": {"rows": [{}]}}}'])
def test_a_file_that_is_not_ours_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mac.json"
    path.write_text(text)
    with pytest.raises(RunError, match=r"mac\.json: not a table of MAC addresses"):
        rows.read(path, 0.0)


def test_a_row_is_one_json_object() -> None:
    row = Row("s1", PC, 1, "s1-eth1", 2.0, False)
    assert list(row.as_json()) == ["switch", "mac", "port", "interface", "age_s", "static"]


STATIONS = json.dumps(  # bridge -s -j fdb show br s1
    [
        {"mac": "33:33:00:00:00:01", "ifname": "s1", "flags": ["self"], "state": "permanent"},
        {"mac": WEB, "ifname": "s1-eth2", "used": 2, "updated": 7, "flags": [], "master": "s1", "state": ""},
        {"mac": PC, "ifname": "s1-eth1", "used": 2, "updated": 0, "flags": [], "master": "s1", "state": ""},
        {"mac": PINNED, "ifname": "s1-eth2", "used": 2, "updated": 2, "master": "s1", "state": "static"},
        {"mac": "e6:e2:dd:59:3c:a6", "ifname": "s1-eth1", "master": "s1", "state": "permanent"},
        {"mac": "01:00:5e:00:00:01", "ifname": "s1-eth1", "flags": ["self"], "state": "permanent"},
    ]
)
LINKS = json.dumps(  # ip -j -d link show master s1
    [{"ifname": f"s1-eth{n}", "linkinfo": {"info_slave_data": {"no": hex(n)}}} for n in (1, 2)]
)


def test_the_kernels_table_gives_the_same_rows_without_its_own_addresses() -> None:
    assert bridge.parse("s1", STATIONS, LINKS) == [
        Row("s1", PC, 1, "s1-eth1", 0.0, False),
        Row("s1", WEB, 2, "s1-eth2", 7.0, False),
        Row("s1", PINNED, 2, "s1-eth2", None, True),
    ]


def test_a_bridge_without_ports_has_no_rows() -> None:
    assert bridge.parse("s1", "", "") == []


def test_a_bridge_that_does_not_exist_is_named() -> None:
    with pytest.raises(RunError, match="nosuchbridge"):
        bridge.read("nosuchbridge")


class Owner:
    """Hears what a fabric says."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.ready: list[int] = []

    def note(self, switch: str, note: Note) -> None:
        self.log.append((switch, note.what))


def test_a_lan_is_ready_when_every_datapath_has_its_flows() -> None:
    owner = Owner()
    fabric = Fabric(owner.note, lambda: None, owner.ready.append, datapaths=2)
    for number in (1, 2):
        fabric.connect(number, f"s{number}", {})
    fabric.barrier(1)
    assert owner.ready == []
    fabric.barrier(1)
    fabric.barrier(2)
    assert owner.ready == [2]
    fabric.disconnect(2)
    fabric.connect(2, "s2", {})
    fabric.barrier(2)
    assert owner.ready == [2, 2]


def test_each_switch_remembers_for_as_long_as_it_is_said_to() -> None:
    fabric = Fabric(Owner().note, lambda: None, lambda _: None, age_of={"s1": 20, "s2": 300}.__getitem__)
    for number, age_s in ((1, 20), (2, 300)):
        fabric.connect(number, f"s{number}", {})
        flows = [action.flow for action in fabric.receive(number, HELLO, 4, 0.0) if isinstance(action, Install)]
        assert max(flow.idle_timeout_s for flow in flows) == age_s


def test_each_switch_learns_for_itself_and_its_notes_are_logged_not_sent() -> None:
    owner = Owner()
    fabric = Fabric(owner.note, lambda: None, owner.ready.append)
    fabric.connect(1, "s1", {})
    fabric.connect(2, "s2", {})
    actions = fabric.receive(2, HELLO, 4, 0.0)
    assert not [action for action in actions if isinstance(action, Note)]
    assert owner.log == [("s2", "learned"), ("s2", "flooded")]
    assert [len(switch.table) for switch in fabric.switches.values()] == [0, 1]
    fabric.port_up(2, 4, "s2-eth4")
    assert fabric.switches[2].ports == {4: "s2-eth4"}
    fabric.port_down(2, 4)
    fabric.flow_removed(2, 1, idle=True, now_s=0.0)
    fabric.count(2, {}, 0.0)
    assert owner.log[-1] == ("s2", "forgotten")
