"""Drawings from the file alone: every device and cable is in them, nothing stands on anything else."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.topo import graph
from lan.topo.layout import layout
from lan.topo.load import load
from lan.topo.schema import KindSchema
from lan.topo.spec import Device, Lan, Link, Port
from lan.topo.svg import svg

Kinds = Mapping[str, KindSchema]

OFFICE = """\
office · 4 hosts · 1 switch · 4 cables

s1
├─ eth1  dhcp:eth0  dhcp-server  192.168.100.252/24
├─ eth2  dns:eth0   dns-server   192.168.100.254/24
├─ eth3  pc1:eth0   pc           DHCP
└─ eth4  web:eth0   web-server   192.168.100.253/24
"""
MERMAID = """\
graph LR
    n0{{"s1"}}
    n1["h1<br/>10.0.0.1/8"]
    n2["h2<br/>10.0.0.2/8"]
    n1 ---|"eth0 – eth1"| n0
    n2 ---|"eth0 – eth2"| n0
"""
DOT = """\
graph "minimal" {
    node [fontname="sans-serif" fontsize=11];
    edge [fontsize=9];
    "s1" [shape=box3d label="s1"];
    "h1" [shape=box label="h1\\n10.0.0.1/8"];
    "h2" [shape=box label="h2\\n10.0.0.2/8"];
    "h1" -- "s1" [taillabel="eth0" headlabel="eth1"];
    "h2" -- "s1" [taillabel="eth0" headlabel="eth2"];
}
"""


def test_the_office_on_a_terminal(kinds: Kinds) -> None:
    assert graph.unicode(load("office", kinds)) == OFFICE


SHAPED = """
from mininet.topo import Topo


class Shaped(Topo):
    def build(self):
        self.addSwitch("s1")
        for number in range(1, 4):
            self.addHost(f"h{number}")
        self.addLink("h1", "s1", delay="50ms", bw=10)
        self.addLink("h2", "s1", params1={"loss": 5}, params2={"delay": "3ms"})
        self.addLink("h3", "s1", at={"3s": "down", "5s-6s": {"loss": 10}})
"""


def test_what_cables_do_is_in_every_drawing(tmp_path: Path, kinds: Kinds) -> None:
    file = tmp_path / "shaped.py"
    file.write_text(SHAPED)
    lan = load(str(file), kinds)
    told = ["bw=10mbit delay=50ms", "h2→s1 loss=5% · s1→h2 delay=3ms", "changes at 3s, 5s, 6s"]
    lines = graph.unicode(lan).splitlines()
    assert [line.rpartition("  ")[2] for line in lines[-3:]] == told
    assert "h2>s1 loss=5% - s1>h2 delay=3ms" in graph.ascii(lan)
    for text in (graph.mermaid(lan), graph.dot(lan), svg(lan)):
        assert all(word in text for word in told), text
    assert '|"eth0 – eth1<br/>bw=10mbit delay=50ms"|' in graph.mermaid(lan)
    assert svg(lan).count("stroke-dasharray") == 3


def test_a_terminal_that_knows_ascii_alone(kinds: Kinds) -> None:
    text = graph.ascii(load("office", kinds))
    assert text.isascii() and "?" not in text
    assert "`- eth4  web:eth0   web-server   192.168.100.253/24" in text


def test_mermaid_and_graphviz(kinds: Kinds) -> None:
    lan = load("minimal", kinds)
    assert graph.mermaid(lan) == MERMAID
    assert graph.dot(lan) == DOT


def test_a_crowd_is_one_line_and_a_long_row_starts_anew(kinds: Kinds) -> None:
    assert graph.unicode(load("single:400", kinds)).splitlines()[3:] == [
        "└─ eth1 …  h1 … h400  400 × pc  10.0.0.1/8 … 10.0.1.144/8"
    ]
    row = graph.unicode(load("linear:20", kinds)).splitlines()
    assert {"s1", "s9", "s17"} <= set(row) and max(map(len, row)) < 80


def test_a_loop_is_told_by_a_mark_at_both_ends_of_its_cable() -> None:
    marked = [line.split()[-3:] for line in graph.unicode(ring(3)).splitlines() if line.endswith("↺")]
    assert marked == [["eth2", "s1:eth2", "↺"], ["eth2", "s3:eth2", "↺"]]


@pytest.mark.parametrize(
    "word", ["office", "two_switches", "single:12", "linear:5,3", "tree:3,2", "tree:2,5", "minimal"]
)
def test_nothing_stands_on_anything_else(word: str, kinds: Kinds) -> None:
    lan = load(word, kinds)
    plan = layout(lan)
    assert set(plan.places) == set(lan.devices)
    hold_apart(plan.places, 100)
    assert all(0 < x < plan.width and 0 < y < plan.height for x, y in plan.places.values())


def test_a_ring_and_islands_stand_apart_too() -> None:
    lan = ring(6, hosts=2)
    places = layout(lan).places
    hold_apart(places, 60)
    assert set(places) == set(lan.devices)
    assert min(places["a"][1], places["b"][1]) > max(y for name, (_, y) in places.items() if name not in ("a", "b"))


def test_the_picture_holds_every_name_and_cable(kinds: Kinds) -> None:
    root = ElementTree.fromstring(svg(load("office", kinds)))
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"s1", "pc1", "dhcp", "dns", "web", "DHCP", "192.168.100.253/24", "eth1", "eth4"} <= texts
    paths = root.iter("{http://www.w3.org/2000/svg}path")
    assert sum(path.get("class") == "cable" for path in paths) == 4


def test_a_crowd_is_one_stack_in_the_picture(kinds: Kinds) -> None:
    text = svg(load("single:4000", kinds))
    assert "h1 … h4000" in text and "4000 × pc" in text and len(text) < 5000


NAMES = st.text(min_size=1, max_size=8)


@st.composite
def lans(draw: st.DrawFn) -> Lan:
    """Any devices, any cables between them: loops, doubles, islands, odd names."""
    names = draw(st.lists(NAMES, min_size=0, max_size=8, unique=True))
    devices = {name: Device(name, draw(NAMES), {}, None, draw(st.booleans())) for name in names}
    pairs = draw(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=12)) if names else []
    links = tuple(
        Link(Port(a, f"{a}-eth{n}", ""), Port(b, f"{b}-eth{n}" if a != b else "x", ""))
        for n, (a, b) in enumerate(pairs)
    )
    return Lan("any", devices, links, "any")


@settings(max_examples=200, deadline=None)
@given(lans())
def test_any_lan_can_be_drawn(lan: Lan) -> None:
    assert graph.unicode(lan) and graph.ascii(lan).isascii() and graph.mermaid(lan) and graph.dot(lan)
    plan = layout(lan)
    assert set(plan.places) == set(lan.devices)
    printable = all(character.isprintable() for name in lan.devices for character in name)
    if printable and all(device.kind.isprintable() for device in lan.devices.values()):
        ElementTree.fromstring(svg(lan))


def hold_apart(places: dict[str, tuple[float, float]], least: float) -> None:
    found = list(places.items())
    for n, (one, (x1, y1)) in enumerate(found):
        for other, (x2, y2) in found[:n]:
            assert abs(x1 - x2) >= least or abs(y1 - y2) >= least, f"{one} stands on {other}"


def ring(switches: int, hosts: int = 0) -> Lan:
    names = [f"s{n}" for n in range(1, switches + 1)]
    devices = {name: Device(name, "switch", {}, None, True) for name in names}
    pairs = list(zip(names, [*names[1:], names[0]], strict=True))
    for name in names:
        for n in range(hosts):
            devices[f"{name}h{n}"] = Device(f"{name}h{n}", "pc")
            pairs.append((f"{name}h{n}", name))
    devices["a"], devices["b"] = Device("a", "pc"), Device("b", "pc")
    pairs.append(("a", "b"))
    links = tuple(Link(Port(a, f"{a}-eth{n}", ""), Port(b, f"{b}-eth{n}", "")) for n, (a, b) in enumerate(pairs))
    return Lan("ring", devices, links, "ring")
