"""Filters: what each means of the office's frames, what a mistake shows, and that nothing breaks the reader."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.trace.filter import compile_filter
from lan.trace.filter_fields import ALIASES, FIELDS, Kind
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline
from lan.wire import dhcp

from .talk import Talk, play

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
NAMES = ("pc1", "web", "dns", "dhcp", "s1")


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


@pytest.fixture(scope="module")
def meant(office: Timeline) -> Callable[[str], list[int]]:
    """The numbers of the frames that a filter lets through, each frame once."""

    def numbers(text: str) -> list[int]:
        wanted = compile_filter(text, devices=NAMES)
        return [frame.number for frame in office.all_first_sightings if wanted(frame, office)]

    return numbers


CASES = {
    "dhcp": lambda p: p.dhcp is not None,
    "dhcp.type = offer": lambda p: p.dhcp is not None and p.dhcp.type is dhcp.OFFER,
    "arp.request": lambda p: p.arp is not None and p.arp.operation == 1,
    "not (tcp or udp)": lambda p: p.tcp is None and p.udp is None,
    "! tcp && ! udp": lambda p: p.tcp is None and p.udp is None,
    "tcp.flags.fin": lambda p: p.tcp is not None and bool(p.tcp.flags & 1),
    "tcp.flags.fin = 0": lambda p: p.tcp is not None and not p.tcp.flags & 1,
    "tcp.port==80": lambda p: p.tcp is not None and 80 in (p.tcp.src_port, p.tcp.dst_port),
    "tcp.port in {81, 0x1bb}": lambda p: p.tcp is not None and {p.tcp.src_port, p.tcp.dst_port} & {81, 443},
    "tcp.port != 80": lambda p: p.tcp is not None and 80 not in (p.tcp.src_port, p.tcp.dst_port),
    "ip.src == 192.168.100.252/30": lambda p: p.ipv4 is not None and int(p.ipv4.src.split(".")[3]) >= 252,
    "eth.dst = FF-FF-FF-FF-FF-FF": lambda p: p.ethernet is not None and p.ethernet.is_broadcast(),
    "http.status >= 200 and http.status < 300": lambda p: p.http is not None and p.http.status == 200,
    "http.host contains 'ARK'": lambda p: p.http is not None and p.http.kind == "request",
    "dns.name matches '^www[.]'": lambda p: p.dns is not None and p.dns.questions[0].name.startswith("www."),
    "tls.sni": lambda p: p.tls is not None and p.tls.server_name,
    "ICMP.Type eq 8": lambda p: p.icmp is not None and p.icmp.type == 8,
    "length > 300": lambda p: len(p.data) > 300,
    "type=arp or type=HTTP": lambda p: p.protocol in ("ARP", "HTTP"),
}


@pytest.mark.parametrize("text", CASES)
def test_a_filter_means_what_it_says(text: str, office: Timeline, meant: Callable[[str], list[int]]) -> None:
    expected = [frame.number for frame in office.all_first_sightings if CASES[text](frame.packet)]
    assert meant(text) == expected
    assert 0 < len(expected) < len(office.all_first_sightings)


def test_devices_are_asked_for_by_name(office: Timeline, meant: Callable[[str], list[int]]) -> None:
    assert meant("src=pc1 and dst=web and tcp.flags.syn") == [conn.frames[0].number for conn in office.tcp]
    assert meant("dst=everyone") == meant("eth.dst=ff:ff:ff:ff:ff:ff")
    assert meant("dst=192.168.100.254 and dns") == meant("dst=dns and dns")
    hops = compile_filter("from=s1 and to=web and http.request")
    assert all(frame.from_device == "s1" for frame in office.frames if hops(frame, office))
    assert sum(hops(frame, office) for frame in office.frames) == len(meant("http.request"))


def test_and_binds_more_than_or_and_not_more_than_and(meant: Callable[[str], list[int]]) -> None:
    assert meant("arp or tcp and not tcp") == meant("arp")
    assert meant("(arp or tcp) and not tcp") == meant("arp")
    assert meant("not not arp") == meant("arp")


def test_a_segment_is_known_by_its_connection_wherever_it_was_seen(office: Timeline) -> None:
    first, second = office.tcp[:2]
    wanted = compile_filter("tcp.stream = 1 and tcp.seq = 1 and tcp.len > 0")
    found = [frame for frame in office.frames if wanted(frame, office)]
    assert {office.journey(frame)[0].number for frame in found} <= {frame.number for frame in second.frames}
    assert len(found) == 4, "request and response, each on two cables"
    assert not any(wanted(frame, office) for frame in first.frames)


def test_what_is_remarkable_about_segments_is_asked_for_by_wiresharks_words() -> None:
    talk = Talk()
    frames = play(talk, "pc1 SYN, web SYN+ACK, pc1 ACK, pc1 ACK 5")
    again = talk.say("pc1", "ACK", b"x" * 5, seq=talk.next["pc1"] - 5)
    timeline = Timeline(switches=["s1"])
    timeline.feed([*frames, again])
    wanted = compile_filter("tcp.analysis.retransmission")
    assert [frame.number for frame in timeline.frames if wanted(frame, timeline)] == [again.number]


def test_times_have_units(office: Timeline) -> None:
    late = compile_filter("time >= 10ms and time < 0.5s")
    begun = office.frames[0].time_ns
    for frame in office.frames:
        assert late(frame, office) == (10_000_000 <= frame.time_ns - begun < 500_000_000)


MISTAKES = """\
tcp.flag.fin and x|there is no field 'tcp.flag.fin'; did you mean 'tcp.flags.fin'?|0|12
arp and dst=wbe|no device is named 'wbe'; did you mean 'web'?|12|15
type=arpp|no frame is of type 'arpp'; did you mean 'arp'?|5|9
tcp.port == http|tcp.port is a number, not 'http'|12|16
(tcp or udp|this bracket is not closed|0|1
tcp) or udp|this bracket closes none|3|4
tcp and|it ends too soon|7|8
tcp.port =|it ends too soon|10|11
tcp adn udp|'adn' stands where nothing is expected; did you mean 'and'?|4|7
tcp tcp.port|'tcp.port' stands where nothing is expected|4|12
dns=1|dns is there or not, and has no value|3|4
src>pc1|src is a device, of which none is greater|3|4
tcp.len contains 3|tcp.len is a number, and contains nothing|8|16
ip.src=300.1.2.3|'300.1.2.3' is no IP address|7|16
eth.src=1:2|'1:2' is no MAC address|8|11
time<soon|'soon' is no time|5|9
http.host = 'ark|this quotation mark closes nowhere|12|16
info matches '['|no regular expression|13|16
tcp.flags.syn = maybe|set or not, and never 'maybe'|16|21
'tcp'|'tcp' stands where a field is expected|0|5
tcp.port in 80|a set is expected|11|12
tcp.port in {80|it ends too soon|15|16
tcp & udp|'&' is no word of a filter|4|5
"""


@pytest.mark.parametrize("line", MISTAKES.splitlines())
def test_a_mistake_shows_its_place_and_the_nearest_right_word(line: str) -> None:
    text, words, start, end = line.rsplit("|", 3) if "||" not in line else ("", "", "0", "0")
    with pytest.raises(UsageError) as raised:
        compile_filter(text, devices=NAMES)
    said, shown, carets = raised.value.what.split("\n")
    assert words in said
    assert shown == f"    {text}"
    begun = int(start)
    length = 1 if "quotation" in words else int(end) - begun
    assert carets == " " * (4 + begun) + "^" * length


def test_an_empty_filter_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="it is empty"):
        compile_filter("  ")


def test_brackets_without_end_are_refused_before_the_stack_ends() -> None:
    with pytest.raises(UsageError, match="more than 50 brackets"):
        compile_filter("(" * 5_000 + "tcp")
    assert compile_filter("not " * 2_001 + "tcp")
    with pytest.raises(UsageError, match="100003 characters"):
        compile_filter("(" * 100_000 + "tcp")


def test_every_other_word_stands_for_a_field_and_every_field_is_explained() -> None:
    assert set(ALIASES.values()) <= set(FIELDS)
    assert not set(ALIASES) & set(FIELDS)
    assert all(field.help and field.name == name for name, field in FIELDS.items())


WORDS = st.sampled_from([
    *FIELDS, "and", "or", "not", "(", ")", "==", "!=", ">", "contains", "matches", "in", "{", "}", ",", "80", "pc1",
    "'x'", "10.0.0.0/8", "3ms", "[", '"', "\\", "&", "0x", "\0", "é", "\u2028",
])  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join)))
@example("tcp.port in {80,}")
@example("time<1.s")
@example("number=1_000")
@example("number=١")
def test_any_text_is_a_filter_or_a_mistake_with_its_place(office: Timeline, text: str) -> None:
    try:
        wanted = compile_filter(text)
    except UsageError as error:
        said = error.what.split("\n")
        assert len(said) == 3 and set(said[2].strip()) == {"^"}
        assert len(said[2]) <= len(text) + 5
    else:
        for frame in office.all_frames[::9]:
            assert wanted(frame, office) in (True, False)


def test_the_values_of_a_field_are_of_its_kind(office: Timeline) -> None:
    kinds = {Kind.NUMBER: int, Kind.TIME: float, Kind.TEXT: str, Kind.DEVICE: str, Kind.MAC: str, Kind.ADDRESS: str}
    for field in FIELDS.values():
        for frame in office.all_frames[::7]:
            for value in field.values(frame, office):
                assert isinstance(value, kinds.get(field.kind, int)), field.name
