"""What a word or a file becomes: Mininet's names, addresses and ports, and the line that said each thing."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mininet.topo import Topo

from lan.errors import LanError, TopologyError, UsageError
from lan.topo.assemble import assemble
from lan.topo.load import inspect, load, topologies
from lan.topo.schema import KindSchema, Option
from lan.topo.spec import Lan, Where, lan_from_json, mac_address
from lan.topo.stock import Recorder
from lan.topo.validate import validate

Kinds = Mapping[str, KindSchema]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, body: str, name: str = "mine.py") -> str:
    text = "from mininet.topo import Topo\nclass Mine(Topo):\n    def build(self, *args, **kwargs):\n"
    (folder / name).write_text(text + "".join(f"        {line}\n" for line in body.splitlines()))
    return name


def cables(lan: Lan) -> list[tuple[str, str]]:
    return [(link.a.interface, link.b.interface) for link in lan.links]


def test_the_office_is_as_the_seed_says(kinds: Kinds) -> None:
    lan = load("office", kinds)
    assert lan.name == "office" and lan.warnings == ()
    assert {name: device.kind for name, device in lan.devices.items()} == {
        "s1": "switch",
        "pc1": "pc",
        "dhcp": "dhcp-server",
        "dns": "dns-server",
        "web": "web-server",
    }
    assert lan.devices["pc1"].options["dhcp"] is True
    addresses = {host.name: host.options["ip"] for host in lan.hosts}
    assert addresses == {
        name: f"192.168.100.{n}/24" for name, n in (("pc1", 1), ("dhcp", 252), ("web", 253), ("dns", 254))
    }
    names = ("www.ark-inflearn.com", "ark-inflearn.com")
    assert lan.devices["dns"].options["zone"] == dict.fromkeys(names, "192.168.100.253")
    assert lan.devices["web"].options["names"] == list(names) and lan.devices["web"].options["https"] is True
    assert all(link.b.device == "s1" for link in lan.links) and len(lan.links) == 4


@pytest.mark.parametrize("name", sorted(topologies()))
def test_every_topology_we_bring_is_clean_and_travels(name: str, kinds: Kinds) -> None:
    lan = load(name, kinds)
    assert lan.warnings == ()
    assert lan_from_json(lan.as_json()).as_json() == lan.as_json()


def test_a_file_is_shown_as_the_user_named_it(folder: Path, kinds: Kinds) -> None:
    lan = load(write(folder, "self.addHost('h1')\n\nself.addSwitch('s1'); self.addLink('h1', 's1')"), kinds)
    assert lan.name == "mine" and lan.source == "mine.py"
    assert lan.devices["h1"].where == Where("mine.py", 4)
    assert lan.links[0].where == Where("mine.py", 6)
    (folder / "below").mkdir()
    write(folder / "below", "self.addSwitch('s1')")
    assert load("below/mine.py", kinds).devices["s1"].where == Where("below/mine.py", 4)
    assert load(str(folder / "below/mine.py"), kinds, name="other").name == "other"


def test_the_line_is_the_users_even_through_mininets_own_classes(folder: Path, kinds: Kinds) -> None:
    (folder / "mine.py").write_text(
        "from mininet.topo import SingleSwitchTopo\n\ntopos = {'a': lambda: SingleSwitchTopo(3)}\n"
    )
    assert {device.where for device in load("mine.py", kinds).devices.values()} == {Where("mine.py", 3)}


@pytest.mark.parametrize(
    ("word", "hosts", "switches", "links"),
    [
        ("minimal", 2, 1, 2),
        ("single", 2, 1, 2),
        ("single:7", 7, 1, 7),
        ("single,7", 7, 1, 7),
        ("single:k=7", 7, 1, 7),
        ("linear:4", 4, 4, 7),
        ("linear:4,2", 8, 4, 11),
        ("linear:k=2,n=3", 6, 2, 7),
        ("tree:depth=2,fanout=3", 9, 4, 12),
        ("tree:2,3", 9, 4, 12),
        ("tree,depth=3,fanout=1", 1, 3, 3),
        ("reversed:3", 3, 1, 3),
    ],
)
def test_generators_count_as_mininet_does(word: str, hosts: int, switches: int, links: int, kinds: Kinds) -> None:
    lan = load(word, kinds)
    assert (len(lan.hosts), len(lan.switches), len(lan.links)) == (hosts, switches, links)
    assert lan.warnings == () and lan.source == word


def same(lan: Lan, topo: Topo) -> bool:
    wanted = set()
    for _, _, edge in topo.links(withInfo=True):
        ends = (f"{edge['node1']}-eth{edge['port1']}", f"{edge['node2']}-eth{edge['port2']}")
        wanted.add(frozenset(ends))
    return list(lan.devices) == list(topo.g.node) and {frozenset(pair) for pair in cables(lan)} == wanted


def test_generators_are_mininets_own_to_the_port(kinds: Kinds) -> None:
    from mininet.topolib import TorusTopo, TreeTopo

    assert same(load("tree:3,2", kinds), TreeTopo(3, 2))
    switch = KindSchema("switch", True, {"stp": Option("stp", bool)})
    torus = load("torus:3,4,2", {**kinds, "switch": switch})
    assert same(torus, TorusTopo(3, 4, 2))
    assert torus.devices["s2x3"].options == {"dpid": "203", "stp": True}


def test_a_torus_waits_for_spanning_tree(kinds: Kinds) -> None:
    with pytest.raises(UsageError, match="loops"):
        load("torus:3,3", kinds)


def test_hosts_without_address_are_numbered_in_mininets_order(folder: Path, kinds: Kinds) -> None:
    body = """self.addSwitch('s1')
for name in ('h10', 'h2', 'a'):
    self.addLink(self.addHost(name), 's1')
self.addLink(self.addHost('b', ip='10.0.0.9/8'), 's1')
self.addLink(self.addHost('c', ip=None), 's1')"""
    options = {host.name: host.options for host in load(write(folder, body), kinds).hosts}
    assert {name: each["ip"] for name, each in options.items()} == {
        "a": "10.0.0.1/8",
        "b": "10.0.0.9/8",
        "c": None,
        "h2": "10.0.0.4/8",
        "h10": "10.0.0.5/8",
    }
    assert load("single:300", kinds).devices["h300"].options["ip"] == "10.0.1.44/8"


def test_a_dhcp_client_gets_no_default_address(folder: Path, kinds: Kinds) -> None:
    lan, _ = inspect(write(folder, "self.addHost('h1', dhcp=True)"), kinds)
    assert "ip" not in lan.devices["h1"].options


def test_an_address_without_prefix_is_mininets_8_in_a_plain_file(folder: Path, kinds: Kinds) -> None:
    lan = load(write(folder, "self.addLink(self.addHost('h1', ip='10.1.2.3'), self.addSwitch('s1'))"), kinds)
    assert lan.devices["h1"].options["ip"] == "10.1.2.3/8"
    assert "has no prefix" in lan.warnings[0]


def test_interfaces_are_named_and_numbered_as_mininet_does(folder: Path, kinds: Kinds) -> None:
    body = """self.addSwitch('s1')
self.addSwitch('s2')
for name in ('h1', 'h2', 'h3'):
    self.addHost(name)
self.addLink('h1', 's1')
self.addLink('h2', 's1', port1=3, port2=7)
self.addLink('s1', 's2')
self.addLink('h3', 's2', intfName1='wan0', addr2='02:00:00:00:00:AA')"""
    lan = load(write(folder, body), kinds)
    assert cables(lan) == [
        ("h1-eth0", "s1-eth1"),
        ("h2-eth3", "s1-eth7"),
        ("s1-eth3", "s2-eth1"),
        ("wan0", "s2-eth2"),
    ]
    assert lan.links[3].b.mac == "02:00:00:00:00:aa"


def test_mac_addresses_are_the_same_each_time_and_the_written_one_is_the_first_ports(
    folder: Path, kinds: Kinds
) -> None:
    body = """self.addSwitch('s1')
self.addSwitch('s2')
self.addHost('h1', mac='02:00:00:00:00:01')
self.addLink('h1', 's1', port1=1)
self.addLink('h1', 's2', port1=0)"""
    lan = load(write(folder, body), kinds)
    assert [link.end("h1").mac for link in lan.links] == [mac_address("h1", "h1-eth1"), "02:00:00:00:00:01"]
    assert load("mine.py", kinds).links == lan.links
    macs = [port.mac for link in load("linear:30,5", kinds).links for port in (link.a, link.b)]
    assert len(set(macs)) == len(macs)


SEVERAL = """from mininet.topo import Topo
class One(Topo):
    def build(self): self.addSwitch('s1')
class Two(Topo):
    def build(self, hosts=2, name='s1'):
        self.addSwitch(name)
        for n in range(hosts): self.addLink(self.addHost(f'h{n}'), name)
class _Hidden(Topo): pass
"""


@pytest.mark.parametrize(
    ("tail", "word", "devices"),
    [
        ("", "mine.py:One", ["s1"]),
        ("", "mine.py:Two", ["s1", "h0", "h1"]),
        ("", "mine.py:Two,1", ["s1", "h0"]),
        ("", "mine.py:Two,1,s9", ["s9", "h0"]),
        ("", "mine.py:Two,name=s9,hosts=0", ["s9"]),
        ("topos = {'only': One}", "mine.py", ["s1"]),
        ("topos = {'only': One}", "mine.py:Two", ["s1", "h0", "h1"]),
        ("topos = {'a': One, 'b': lambda n=1: Two(n)}", "mine.py:b", ["s1", "h0"]),
        ("topos = {'a': One, 'b': lambda n=1: Two(n)}", "mine.py:b,2", ["s1", "h0", "h1"]),
        ("del One, Two\nmy = Topo()\nmy.addSwitch('s5')", "mine.py", ["s5"]),
    ],
)
def test_a_file_with_several_topologies_is_told_which(
    tail: str, word: str, devices: list[str], folder: Path, kinds: Kinds
) -> None:
    (folder / "mine.py").write_text(SEVERAL + tail + "\n")
    assert list(load(word, kinds).devices) == devices


def test_two_topos_in_one_file_keep_their_own_lines(folder: Path, kinds: Kinds) -> None:
    (folder / "mine.py").write_text(SEVERAL + "a = One()\nb = One()\ntopos = {'a': lambda: a, 'b': One}\n")
    assert load("mine.py:a", kinds).devices["s1"].where == Where("mine.py", 3)
    assert load("mine.py:b", kinds).warnings == ()


@pytest.mark.parametrize(
    "word", ["mine.py:Too", "mine.py", "mine.py:", "ofice", "nothing.py", ".", "..", "./", "\0.py", ""]
)
def test_words_that_lead_nowhere_are_usage_errors(word: str, folder: Path, kinds: Kinds) -> None:
    (folder / "mine.py").write_text(SEVERAL)
    with pytest.raises(UsageError) as error:
        load(word, kinds)
    assert error.value.expected


def test_a_mistyped_name_gets_the_nearest(folder: Path, kinds: Kinds) -> None:
    with pytest.raises(UsageError, match="did you mean 'office'"):
        load("ofice", kinds)
    with pytest.raises(UsageError, match="did you mean 'single'"):
        load("singel:3", kinds)


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 80])
def test_a_lans_name_is_a_plain_word(name: str, kinds: Kinds) -> None:
    with pytest.raises(UsageError, match="can't name a LAN"):
        load("office", kinds, name=name)


def test_a_file_may_import_what_lies_beside_it_and_nothing_of_that_stays(tmp_path: Path, kinds: Kinds) -> None:
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "common_part.py").write_text(f"SWITCH = 's{number}'\n")
        text = "from common_part import SWITCH\nfrom mininet.topo import Topo\ntopo = Topo()\ntopo.addSwitch(SWITCH)\n"
        (tmp_path / str(number) / "mine.py").write_text(text)
    before = (list(sys.path), set(sys.modules), Topo.addNode, Topo.addLink)
    found = [list(load(str(tmp_path / number / "mine.py"), kinds).devices) for number in ("1", "2")]
    assert found == [["s1"], ["s2"]]
    assert (list(sys.path), set(sys.modules), Topo.addNode, Topo.addLink) == before


def test_a_failing_file_leaves_nothing_either(folder: Path, kinds: Kinds) -> None:
    before = (list(sys.path), Topo.addNode, Topo.addLink)
    with pytest.raises(TopologyError):
        load(write(folder, "1 / 0"), kinds)
    assert (list(sys.path), Topo.addNode, Topo.addLink) == before


def test_what_a_file_prints_stays_out_of_our_answers(
    folder: Path, kinds: Kinds, capsys: pytest.CaptureFixture[str]
) -> None:
    load(write(folder, "print('hello')\nself.addSwitch('s1')"), kinds)
    assert capsys.readouterr() == ("", "hello\n")


def test_a_fault_beside_the_file_is_told_at_the_line_that_led_there(folder: Path, kinds: Kinds) -> None:
    (folder / "part_one.py").write_text("\n\nraise RuntimeError('no')\n")
    (folder / "part_two.py").write_text("class A(\n")
    for number, module in enumerate(("part_one", "part_two"), 1):
        (folder / "mine.py").write_text("\n" * number + f"import {module}\n")
        with pytest.raises(TopologyError) as error:
            load("mine.py", kinds)
        assert error.value.where == f"mine.py:{number + 1}"


@pytest.mark.parametrize(
    "text", [b"\xff\xfe", b"\0", b"# coding: nonsense\n", b"(" * 500, b"x = " + b"-" * 100_000 + b"1"]
)
def test_a_file_that_is_no_python_is_a_topology_error(text: bytes, folder: Path, kinds: Kinds) -> None:
    (folder / "mine.py").write_bytes(text)
    with pytest.raises(TopologyError):
        load("mine.py", kinds)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("class Broken(Topo)\n    pass\n", "mine.py:1: syntax error: expected ':'"),
        ("if True:\n        x = 1\n    y = 2\n", "mine.py:3: syntax error: unindent does not match"),
        ("\nx = (1,\n", "mine.py:2: syntax error: '(' was never closed"),
    ],
)
def test_a_syntax_error_is_told_by_its_line(text: str, told: str, folder: Path, kinds: Kinds) -> None:
    (folder / "mine.py").write_text(text)
    with pytest.raises(TopologyError) as error:
        load("mine.py", kinds)
    assert str(error.value).startswith(told) and "Traceback" not in str(error.value)


def test_a_stranger_whose_words_fail_is_still_told(folder: Path, kinds: Kinds) -> None:
    body = """class Bad:
    def __repr__(self): raise ValueError
self.addHost('h1', env=Bad())
class Fault(Exception):
    def __str__(self): raise ValueError
"""
    with pytest.raises(TopologyError, match="<Bad> is not a mapping"):
        load(write(folder, body), kinds)
    with pytest.raises(TopologyError, match="Fault"):
        load(write(folder, body + "raise Fault"), kinds)


NAMES = st.sampled_from(["single", "linear", "tree", "reversed", "torus", "minimal", "office", "x.py", ""])
PARAMETERS = st.lists(
    st.one_of(
        st.integers(-5, 40).map(str),
        st.integers().map(str),
        st.sampled_from(["k=2", "n=3", "depth=2", "1e9", "nan", "", "inf", "=", "k="]),
    ),
    max_size=4,
).map(",".join)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.builds("{}{}{}".format, NAMES, st.sampled_from(":,"), PARAMETERS)))
def test_any_word_is_a_lan_or_an_error_of_ours(word: str) -> None:
    kinds: dict[str, Any] = {"pc": KindSchema("pc", False, {}), "switch": KindSchema("switch", True, {})}
    try:
        lan = load(word, kinds)
    except LanError as error:
        assert isinstance(error, (UsageError, TopologyError)) and error.what
    else:
        assert lan.devices


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=80))
def test_any_text_as_a_file_is_a_lan_or_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "mine.py"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises((UsageError, TopologyError)):
        load(str(path), {})


KEYS = ["ip", "mac", "dhcp", "gateway", "dns", "pool", "zone", "names", "kind", "cls", "defaultRoute", "dpid", "x"]
SHORT = st.text(max_size=5)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.lists(SHORT, max_size=2),
    st.dictionaries(SHORT, SHORT, max_size=2),
    st.sampled_from(["10.0.0.1/8", "10.0.0.1", "10.0.0.0/33", "10.0.0.1-20", "pc", "dhcp-server", "switch"]),
)
OPTIONS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)
DEVICES = st.lists(st.tuples(st.one_of(st.sampled_from(["a", "b", "s1"]), st.text(max_size=20)), OPTIONS), max_size=5)
LOOSE = {
    kind: KindSchema(kind, kind == "switch", {name: Option(name, object) for name in names})
    for kind, names in {
        "pc": [],
        "switch": [],
        "dhcp-server": ["pool"],
        "dns-server": ["zone"],
        "web-server": ["names"],
    }.items()
}
"""Kinds that take any value, so that every rule gets to see it."""


@settings(max_examples=300, deadline=None)
@given(DEVICES, OPTIONS)
def test_any_options_are_judged_without_falling(
    devices: list[tuple[str, dict[str, Any]]], on_link: dict[str, Any]
) -> None:
    recorder, topo = Recorder(None, "x"), Topo()
    with recorder.in_force():
        topo.addSwitch("s0")
        for name, options in devices:
            (topo.addSwitch if name.startswith("s") else topo.addHost)(name, **options)
            topo.addLink(name, "s0", **on_link)
    lan, problems = assemble(recorder.of(topo), "x", "x")
    for problem in (*problems, *validate(lan, LOOSE)):
        assert str(problem)


def calls(word: str, kinds: Kinds) -> int:
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        load(word, kinds)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("word", ["single:{}", "linear:{}", "linear:2,{}"])
def test_twice_the_hosts_are_twice_the_work(word: str, kinds: Kinds) -> None:
    load(word.format(100), kinds)
    assert calls(word.format(400), kinds) < 2.3 * calls(word.format(200), kinds)


def test_the_example_in_the_readme_is_clean(folder: Path, kinds: Kinds) -> None:
    readme = (topologies()["office"].parent / "README.md").read_text()
    (folder / "mine.py").write_text(readme.partition("```python\n")[2].partition("```")[0])
    lan = load("mine.py", kinds)
    assert lan.warnings == () and len(lan.devices) == 4
