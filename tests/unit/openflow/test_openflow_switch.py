"""A switch's flows: played on a small model of two flow tables, they do what 802.1D says."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.openflow.mac_table import MacTable, Verdict
from lan.openflow.switch import FIXED_FLOWS, REFUSED_S, Action, Flow, Install, Note, Port, Remove, Send, Switch

PORTS = (1, 2, 3)
PC, WEB, DNS, ALL = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03", "ff:ff:ff:ff:ff:ff"


def frame(src: str, dst: str) -> bytes:
    return bytes.fromhex((dst + src).replace(":", "")) + b"\x08\x00" + bytes(46)


@dataclass
class Datapath:
    """An OpenFlow datapath with ports 1 to 3: flow tables, and the switch it asks."""

    switch: Switch
    flows: list[Flow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.obey(self.switch.connect({number: f"s1-eth{number}" for number in PORTS}))

    def obey(self, actions: list[Action]) -> set[int]:
        """Change the flows; the ports where frames left."""
        left: set[int] = set()
        for action in actions:
            if isinstance(action, Install):
                new = action.flow
                self.flows = [flow for flow in self.flows if key(flow) != key(new)] + [new]
            elif isinstance(action, Remove):
                self.flows = [flow for flow in self.flows if action.cookie is not None and flow.cookie != action.cookie]
            elif isinstance(action, Send):
                assert isinstance(action.output, int) or action.output is Port.FLOOD
                left |= leave(action.output, action.in_port)
            else:
                self.notes.append(action)
        return left

    def receive(self, src: str, dst: str, in_port: int, now_s: float = 0.0) -> set[int]:
        """The ports where the frame leaves."""
        table: int | None = 0
        left: set[int] = set()
        while table is not None:
            hits = [flow for flow in self.flows if flow.table == table and matches(flow, src, dst, in_port)]
            best = max(hits, key=lambda flow: flow.priority)
            if best.output is Port.CONTROLLER:
                self.asked += 1
                left |= self.obey(self.switch.receive(frame(src, dst), in_port, now_s))
            elif best.output is not None:
                left |= leave(best.output, in_port)
            table = best.goto
        return left

    def idle(self, mac: str, now_s: float) -> None:
        """The flow that learned `mac` has idled out."""
        [flow] = [flow for flow in self.flows if flow.match.eth_src == mac and flow.tell_removal]
        self.flows.remove(flow)
        self.obey(self.switch.flow_removed(flow.cookie, idle=True, now_s=now_s))

    def texts(self) -> list[str]:
        return [note.why.text for note in self.notes]


def key(flow: Flow) -> tuple[object, ...]:
    return flow.table, flow.priority, flow.match


def leave(output: int | Port, in_port: int) -> set[int]:
    """OpenFlow never sends a frame back by the port it came from, unless told so by name."""
    return (set(PORTS) if isinstance(output, Port) else {output}) - {in_port}


def matches(flow: Flow, src: str, dst: str, in_port: int) -> bool:
    match = flow.match
    return match.in_port in (None, in_port) and covers(match.eth_src, src) and covers(match.eth_dst, dst)


def covers(pattern: str | None, mac: str) -> bool:
    if pattern is None:
        return True
    value, _, mask = pattern.partition("/")
    bits = number(mask or ALL)
    return number(value) & bits == number(mac) & bits


def number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


@pytest.fixture
def datapath() -> Datapath:
    return Datapath(Switch("s1"))


def test_the_first_frame_is_flooded_and_teaches_its_source(datapath: Datapath) -> None:
    assert datapath.receive(PC, ALL, 1) == {2, 3}
    assert datapath.texts() == ["learned", "broadcast: flooded"]
    assert datapath.notes[-1].keys == {"in_port": 1, "src": PC, "dst": ALL, "out": "flood"}


def test_an_answer_goes_to_the_asker_alone_and_is_not_flooded_first(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    assert datapath.receive(WEB, PC, 3) == {1}
    assert datapath.texts()[-2:] == ["learned", "known unicast: table hit on port 1"]


def test_a_known_pair_never_asks_again(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    datapath.receive(WEB, PC, 3)
    asked = datapath.asked
    assert (datapath.receive(PC, WEB, 1), datapath.receive(WEB, PC, 3)) == ({3}, {1})
    assert datapath.receive(PC, DNS, 1) == {2, 3}
    assert datapath.receive(PC, ALL, 1) == {2, 3}
    assert datapath.asked == asked


def test_a_known_station_that_moves_is_noticed_although_its_peers_have_flows_there(datapath: Datapath) -> None:
    for src, dst, port in ((PC, ALL, 1), (WEB, ALL, 3), (DNS, WEB, 2), (PC, WEB, 1)):
        datapath.receive(src, dst, port)
    assert datapath.receive(PC, WEB, 2) == {3}
    assert "station moved from port 1 to port 2" in datapath.texts()
    assert datapath.receive(WEB, PC, 3) == {2}
    assert not [flow for flow in datapath.flows if flow.match.in_port == 1]


def test_a_station_ages_only_when_its_flow_idles_out(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1, now_s=0.0)
    [learning] = [flow for flow in datapath.flows if flow.match.eth_src == PC]
    assert (learning.idle_timeout_s, learning.tell_removal) == (300, True)
    assert datapath.receive(WEB, PC, 3, now_s=10_000.0) == {1}
    datapath.idle(PC, now_s=10_300.0)
    assert datapath.receive(WEB, PC, 3, now_s=10_301.0) == {1, 2}
    assert "aged out: silent for 300 s" in datapath.texts()


def test_the_removal_of_a_flow_that_was_already_replaced_changes_nothing(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    [old] = [flow for flow in datapath.flows if flow.match.eth_src == PC]
    datapath.receive(PC, ALL, 2)
    assert datapath.switch.flow_removed(old.cookie, idle=True, now_s=1.0) == []
    assert datapath.receive(WEB, PC, 3) == {2}


def test_a_flow_deleted_by_hand_is_learned_again(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    [flow] = [flow for flow in datapath.flows if flow.match.eth_src == PC]
    datapath.flows.remove(flow)
    datapath.obey(datapath.switch.flow_removed(flow.cookie, idle=False, now_s=1.0))
    assert datapath.texts()[-1] == "its flow was deleted by hand"
    datapath.receive(PC, ALL, 1)
    assert datapath.receive(WEB, PC, 3) == {1}


def test_counters_that_grow_keep_a_row_young_and_one_that_stands_lets_it_go(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1, now_s=0.0)
    datapath.receive(WEB, ALL, 3, now_s=0.0)
    pc, web = (next(flow.cookie for flow in datapath.flows if flow.match.eth_src == mac) for mac in (PC, WEB))
    datapath.obey(datapath.switch.count({pc: 5, web: 0, 999: 7}, now_s=200.0))
    assert [(entry.mac, entry.seen_s) for entry in datapath.switch.table] == [(PC, 200.0), (WEB, 0.0)]
    datapath.obey(datapath.switch.count({pc: 5, web: 0}, now_s=301.0))
    assert [entry.mac for entry in datapath.switch.table] == [PC]
    assert datapath.receive(PC, WEB, 1) == {2, 3}


def test_a_pulled_cable_takes_the_stations_behind_it(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    datapath.obey(datapath.switch.port_down(1))
    assert datapath.texts()[-1] == "port 1 went down"
    assert datapath.receive(WEB, PC, 3) == {1, 2}
    assert not [flow for flow in datapath.flows if PC in (flow.match.eth_src, flow.match.eth_dst)]


def test_a_port_is_named_when_it_comes_and_goes_and_not_when_it_stays(datapath: Datapath) -> None:
    for change in (datapath.switch.port_up(1, "s1-eth1"), datapath.switch.port_up(9, "s1-eth9")):
        datapath.obey(change)
    for change in (datapath.switch.port_down(1), datapath.switch.port_down(1), datapath.switch.port_up(1, "s1-eth1")):
        datapath.obey(change)
    assert datapath.texts() == ["port 9 came up", "port 1 went down", "port 1 came up"]


def test_frames_under_way_while_the_flow_is_put_in_are_sent_but_teach_nothing(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    actions = datapath.switch.receive(frame(PC, ALL), 1, 0.0)
    assert [type(action) for action in actions] == [Note, Send]


@pytest.mark.parametrize(
    ("src", "dst"),
    [(PC, "01:80:c2:00:00:00"), (PC, "01:80:c2:00:00:0e"), ("01:00:00:00:00:09", PC), (ALL, ALL)],
)
def test_what_must_not_be_forwarded_is_dropped_by_flow_and_by_core(datapath: Datapath, src: str, dst: str) -> None:
    assert (datapath.receive(src, dst, 1), datapath.asked) == (set(), 0)
    [note] = datapath.switch.receive(frame(src, dst), 1, 0.0)
    assert isinstance(note, Note) and note.what == "dropped"
    assert len(datapath.switch.table) == 0


def test_what_is_shorter_than_a_header_is_dropped(datapath: Datapath) -> None:
    [note] = datapath.switch.receive(bytes(13), 1, 0.0)
    assert isinstance(note, Note) and note.why.text == "shorter than an Ethernet header"


def test_a_full_table_still_forwards_and_does_not_ask_for_each_frame() -> None:
    datapath = Datapath(Switch("s1", capacity=1))
    datapath.receive(PC, ALL, 1)
    assert datapath.receive(WEB, PC, 3) == {1}
    assert datapath.texts()[-2:] == ["the table is full", "known unicast: table hit on port 1"]
    asked = datapath.asked
    assert (datapath.receive(WEB, PC, 3), datapath.receive(PC, WEB, 1), datapath.asked) == ({1}, {2, 3}, asked)
    [flow] = [flow for flow in datapath.flows if flow.match.eth_src == WEB]
    assert (flow.hard_timeout_s, flow.tell_removal) == (REFUSED_S, False)


def test_a_static_station_is_served_on_its_port_alone(datapath: Datapath) -> None:
    datapath.obey(datapath.switch.add_static(PC, 1, 0.0))
    assert datapath.receive(PC, ALL, 2) == {1, 3}
    assert datapath.receive(WEB, PC, 3) == {1}
    datapath.obey(datapath.switch.connect({}))
    assert datapath.receive(WEB, PC, 3) == {1}


def test_a_datapath_that_comes_again_starts_from_nothing(datapath: Datapath) -> None:
    datapath.receive(PC, ALL, 1)
    datapath.obey(datapath.switch.connect({1: "s1-eth1"}))
    assert datapath.flows == list(FIXED_FLOWS)
    assert len(datapath.switch.table) == 0


MACS = st.sampled_from([PC, WEB, DNS, ALL, "01:80:c2:00:00:01", "01:00:5e:00:00:01"])


@given(st.lists(st.tuples(MACS, MACS, st.sampled_from(PORTS)), max_size=30))
def test_flows_and_core_together_forward_as_a_bridge_without_flows(frames: list[tuple[str, str, int]]) -> None:
    datapath, bridge = Datapath(Switch("s1")), MacTable()
    for src, dst, in_port in frames:
        assert datapath.receive(src, dst, in_port) == bridged(bridge, src, dst, in_port)
        assert repr(datapath.switch.table) == repr(bridge)


def bridged(bridge: MacTable, src: str, dst: str, in_port: int) -> set[int]:
    """Where a bridge that looks at every frame would send it."""
    if number(src) >> 40 & 1 or dst.startswith("01:80:c2:00:00:0"):
        return set()
    bridge.learn(src, in_port, 0.0)
    decision = bridge.decide(dst, in_port)
    if decision.verdict is Verdict.FLOOD:
        return set(PORTS) - {in_port}
    return set() if decision.port is None else {decision.port}


@given(st.binary(max_size=80), st.integers(1, 65535))
def test_no_bytes_upset_the_switch(data: bytes, in_port: int) -> None:
    assert Switch("s1").receive(data, in_port, 0.0)
