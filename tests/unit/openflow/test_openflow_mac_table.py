"""The MAC address table: learning, moving, ageing, and where a frame goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.openflow.mac_table import Learning, MacTable, Verdict

PC, WEB, DNS = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"


@pytest.fixture
def table() -> MacTable:
    """pc behind port 1, web behind port 3."""
    table = MacTable()
    table.learn(PC, 1, 0.0)
    table.learn(WEB, 3, 0.0)
    return table


@pytest.mark.parametrize(
    ("dst", "in_port", "verdict", "port", "text"),
    [
        (WEB, 1, Verdict.FORWARD, 3, "known unicast: table hit on port 3"),
        (DNS, 1, Verdict.FLOOD, None, "unknown unicast: flooded"),
        ("ff:ff:ff:ff:ff:ff", 1, Verdict.FLOOD, None, "broadcast: flooded"),
        ("01:00:5e:00:00:fb", 1, Verdict.FLOOD, None, "multicast: flooded"),
        ("33:33:00:00:00:01", 1, Verdict.FLOOD, None, "multicast: flooded"),
        ("01:80:c2:00:00:00", 1, Verdict.DROP, None, "multicast reserved 01:80:c2:00:00:00: dropped"),
        ("01:80:c2:00:00:0f", 1, Verdict.DROP, None, "multicast reserved 01:80:c2:00:00:0f: dropped"),
        ("01:80:c2:00:00:10", 1, Verdict.FLOOD, None, "multicast: flooded"),
        (WEB, 3, Verdict.DROP, None, "destination is on the port it came from: filtered"),
    ],
)
def test_where_a_frame_goes_and_why(
    table: MacTable, dst: str, in_port: int, verdict: Verdict, port: int | None, text: str
) -> None:
    decision = table.decide(dst, in_port)
    assert (decision.verdict, decision.port, decision.why.text) == (verdict, port, text)


@pytest.mark.parametrize(
    ("mac", "port", "learning", "text"),
    [
        (DNS, 2, Learning.LEARNED, "learned"),
        (PC, 1, Learning.REFRESHED, "seen again"),
        (PC, 2, Learning.MOVED, "station moved from port 1 to port 2"),
        ("ff:ff:ff:ff:ff:ff", 2, Learning.REFUSED, "a group address can't be a source"),
        ("03:00:00:00:00:01", 2, Learning.REFUSED, "a group address can't be a source"),
    ],
)
def test_what_a_source_teaches(table: MacTable, mac: str, port: int, learning: Learning, text: str) -> None:
    lesson = table.learn(mac, port, 1.0)
    assert (lesson.learning, lesson.why.text) == (learning, text)


def test_a_station_that_moved_is_sought_where_it_is_now(table: MacTable) -> None:
    assert table.learn(PC, 2, 5.0).old_port == 1
    assert table.decide(PC, 3).port == 2
    assert (table.get(PC).learned_s, len(table)) == (5.0, 2)  # type: ignore[union-attr]


def test_a_full_table_keeps_what_it_knows() -> None:
    table = MacTable(capacity=1)
    table.learn(PC, 1, 0.0)
    assert table.learn(WEB, 2, 0.0).why.text == "the table is full"
    assert table.learn(PC, 2, 0.0).learning is Learning.MOVED
    assert table.decide(WEB, 2).verdict is Verdict.FLOOD


def test_a_row_ages_from_the_last_frame_not_from_the_first(table: MacTable) -> None:
    table.learn(PC, 1, 200.0)
    assert [entry.mac for entry in table.age(299.9)] == []
    assert [entry.mac for entry in table.age(300.0)] == [WEB]
    assert [entry.mac for entry in table.age(500.0)] == [PC]
    assert len(table) == 0


def test_touching_a_row_keeps_it_young(table: MacTable) -> None:
    table.touch(WEB, 250.0)
    table.touch(DNS, 250.0)
    assert [entry.mac for entry in table.age(400.0)] == [PC]


def test_a_static_row_neither_ages_nor_moves_nor_is_flushed(table: MacTable) -> None:
    table.add_static(DNS, 7, 0.0)
    assert table.learn(DNS, 2, 1.0).why.text == "a static entry names another port"
    assert table.learn(DNS, 7, 1.0).learning is Learning.REFRESHED
    assert table.flush(7) == [] and table.forget(DNS) is None
    table.age(1e9)
    table.clear()
    assert [(entry.mac, entry.static) for entry in table] == [(DNS, True)]


def test_a_port_that_went_down_takes_its_stations_along(table: MacTable) -> None:
    assert [entry.mac for entry in table.flush(1)] == [PC]
    assert [entry.mac for entry in table] == [WEB]


def test_a_table_prints_as_its_rows(table: MacTable) -> None:
    assert repr(table) == f"<MacTable {PC} 1, {WEB} 3>"
    assert repr(MacTable()) == "<MacTable empty>"


MACS = st.integers(0, 5).map(lambda number: f"02:00:00:00:00:{number:02x}")
STEPS = st.lists(st.tuples(MACS, st.integers(1, 4), st.floats(0, 200)), max_size=40)


@given(STEPS)
def test_the_table_is_the_last_port_each_station_was_heard_on_within_the_age(
    steps: list[tuple[str, int, float]],
) -> None:
    table, heard, now_s = MacTable(age_s=300), dict[str, tuple[int, float]](), 0.0
    for mac, port, pause_s in steps:
        now_s += pause_s
        table.age(now_s)
        table.learn(mac, port, now_s)
        heard[mac] = (port, now_s)
        expected = {mac: port for mac, (port, when_s) in heard.items() if now_s - when_s < 300}
        assert {entry.mac: entry.port for entry in table} == expected
