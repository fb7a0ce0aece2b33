"""The map has each cable once, and the way of a journey with its directions."""

from lan.trace.recorded import Held
from lan.trace.views.cable_map import MOST_LINES, Cables, draw

from .journey_wires import Wires


def test_a_flood_goes_to_all_but_where_it_came_from() -> None:
    wires = Wires("s1")
    frames = [
        wires.cross("pc1", "s1", b"x" * 60),
        wires.cross("s1", "web", b"x" * 60),
        wires.cross("s1", "dns", b"x" * 60),
    ]
    wires.cross("pc2", "s1", b"y" * 60)
    timeline = wires.timeline()
    cables = Cables()
    cables.add(Held(timeline).cables())
    lines = draw(cables, timeline.journey_of(frames[0]), frames[1])
    assert [line.text for line in lines] == [
        "s1",
        "├─ to-dns ──▶ dns to-s1",
        "├─ to-pc1 ◀── pc1 to-s1",
        "├─ to-pc2 ─── pc2 to-s1",
        "└─ to-web ──▶ web to-s1",
    ]
    assert [line.is_passed for line in lines] == [True, True, True, False, True]
    assert [line.is_here for line in lines] == [False, False, False, False, True]


def test_a_capture_without_ports_has_no_map() -> None:
    assert draw(Cables(), None, None) == []


def test_of_a_large_lan_the_cables_of_the_journey_are_drawn() -> None:
    cables = Cables()
    cables.ends = {(f"s1:eth{n}", f"h{n}:eth0"): None for n in range(MOST_LINES + 1)}
    assert draw(cables, None, None) == []
