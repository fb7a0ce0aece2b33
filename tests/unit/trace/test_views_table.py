"""The list of events: Packet Tracer's columns, of devices where they are known and of addresses where they are not."""

from dataclasses import replace
from pathlib import Path

import pytest

from lan.trace.frame import Direction, Frame
from lan.trace.opening import open_capture
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.timeline import Timeline
from lan.trace.views import export, table
from lan.trace.views.decided import Decided

from .talk import Talk, play

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


def as_foreign(frames: list[Frame]) -> list[Frame]:
    """The same bytes, as a program captured them that knows neither ports nor directions."""
    first = [frame for frame in frames if frame.direction is Direction.IN]
    return [Frame(at, frame.time_ns, "eth0", "", Direction.UNKNOWN, frame.data) for at, frame in enumerate(first, 1)]


def test_every_hop_says_the_last_device_and_the_one_that_it_is_at(office: Timeline) -> None:
    discover = [str(row) for row in table.rows(office, every_hop=True)][:4]
    assert [line.split()[3:6] for line in discover] == [
        ["pc1", "s1", "DHCP"],
        ["s1", "dns", "DHCP"],
        ["s1", "dhcp", "DHCP"],
        ["s1", "web", "DHCP"],
    ] or {tuple(line.split()[3:5]) for line in discover} == {
        ("pc1", "s1"),
        ("s1", "dns"),
        ("s1", "dhcp"),
        ("s1", "web"),
    }


def test_the_type_stands_in_its_column_and_not_again_in_the_info(office: Timeline) -> None:
    assert all(not row.words.startswith(row.protocol) for row in table.rows(office))
    columns = table.columns(office)
    assert columns.head.index("info") == columns.line(next(table.rows(office))).index("DISCOVER")


@pytest.mark.parametrize(
    ("number", "time_ms"),
    [(99_999, 9_999.5), (100_000, 9_999.5), (1_000_000, 999_999.999), (10_000_000, 0.0), (1, 36_000_000.0)],
)
def test_columns_stand_whatever_the_number_and_the_time(number: int, time_ms: float, office: Timeline) -> None:
    columns, row = table.columns(office), next(table.rows(office))
    line = columns.line(replace(row, number=number, time_ms=time_ms))
    assert line.index(row.protocol) == columns.head.index("type")
    assert line.split()[:3] == [str(number), f"{time_ms:.3f}", "ms"]
    decision = Decided(round(time_ms * 1e6), "s1", "flood", "nobody knows it", {}).line(0)
    assert decision.index(" ms") == line.index(" ms")


def test_a_foreign_capture_shows_addresses_and_its_columns_are_wide_enough(tmp_path: Path, office: Timeline) -> None:
    file = tmp_path / "foreign.pcapng"
    file.write_bytes(dump(as_foreign(office.frames)))
    timeline = open_capture(file).timeline
    rows = list(table.rows(timeline))
    assert len(rows) == len(timeline.frames), "each frame counts as seen once"
    syn = next(row for row in rows if "[SYN]" in row.info)
    assert (syn.source, syn.destination) == ("192.168.100.1", "192.168.100.253")
    assert [str(row) for row in table.rows(timeline, every_hop=True)] == [str(row) for row in rows]
    columns = table.columns(timeline)
    assert (columns.source, columns.destination) == (15, 15)


def test_a_topology_tells_the_devices_of_a_foreign_capture(tmp_path: Path, office: Timeline) -> None:
    file = tmp_path / "foreign.pcapng"
    file.write_bytes(dump(as_foreign(office.frames)))
    timeline = open_capture(file, devices=office.devices, switches=["s1"]).timeline
    syn = next(row for row in table.rows(timeline) if "[SYN]" in row.info)
    assert (syn.source, syn.destination) == ("pc1", "web")


def test_trouble_is_red_and_other_types_have_their_colours() -> None:
    timeline = Timeline(switches=["s1"])
    timeline.feed(play(Talk(), "pc1 SYN, web RST+ACK"))
    assert [row.style for row in table.rows(timeline)] == ["", table.TROUBLE]
    segment = timeline.frames[0]
    damaged = Frame(3, 0, segment.port, segment.peer, segment.direction, segment.data[:-1] + b"\xff")
    assert table.row(damaged, timeline).style == table.TROUBLE


def test_an_event_is_its_row_and_all_its_layers(office: Timeline) -> None:
    http = office.http[0].request.frames[0]
    told = export.event(http, office)
    assert (told["last_device"], told["at_device"], told["type"], told["connection"]) == ("pc1", "web", "HTTP", 0)
    assert told["layers"] == export.frame(http, office)["layers"]
    assert export.event(office.frames[0], office)["connection"] is None
    hop = export.event(office.journey(http)[-1], office, is_hop=True)
    assert (hop["last_device"], hop["at_device"], hop["connection"]) == ("s1", "web", 0)
