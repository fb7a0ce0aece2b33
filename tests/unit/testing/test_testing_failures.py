"""How checks fail: in words, with what passed instead; never as a pass where the capture lost frames."""

from collections.abc import Callable

import pytest

from lan.errors import UsageError
from lan.testing import evidence
from lan.testing.failing import NotCertain, NotSeen
from lan.testing.trace import Trace
from lan.testing.watch import Notebook, Watch
from lan.testing.word import Word, end
from lan.testing.words import tcp_syn
from lan.trace.pcapng import load

from ..trace.dialogues import SAID, told
from . import played


def trace_with(drops: int = 0) -> Trace:
    return played.trace_of(played.Played(played.office(), drops=drops))


def said(check: Callable[[], object], error: type[Exception] = NotSeen) -> str:
    with pytest.raises(error) as failed:
        check()
    return str(failed.value)


def test_none_and_too_many_are_told_with_what_passed_instead() -> None:
    trace = trace_with()
    assert said(trace.http(path="/missing").one).splitlines() == [
        "trace.http(path='/missing').one(): none of 3 HTTP transactions fits",
        "    HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 39 bytes",
        "    HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 39 bytes",
        "    HTTP pc1 → web: GET www.ark-inflearn.com/ → 200 OK, 0 bytes, truncated",
    ]
    assert said(trace.http.one).splitlines()[0] == "trace.http.one(): 3 of 3 HTTP transactions fit, not 1"
    assert said(trace.icmp(client="pc1").none).splitlines()[:2] == [
        "trace.icmp(client='pc1').none(): 2 of 2 pings fit",
        "    ICMP pc1 → 192.168.100.253: echo seq=1 0.11 ms",
    ]
    assert "2 of 2 pings fit" in said(lambda: trace.icmp.exactly(3))
    assert "none of 5 TCP connections fits" in said(trace.tcp(client="dns").first)


def test_one_that_is_not_there_is_told_as_what_was_not_seen() -> None:
    trace = trace_with()
    assert trace.icmp[1].sequence == 2 and trace.icmp[-1].sequence == 2 and len(trace.icmp[1:9]) == 1
    assert said(lambda: trace.icmp[2]).splitlines()[0] == "trace.icmp[2]: 2 of 2 pings fit"
    assert said(lambda: trace.tcp(client="dns")[0]).startswith("trace.tcp(client='dns')[0]: none of 5 TCP")


def test_where_nothing_of_the_kind_passed_what_did_is_counted() -> None:
    trace = played.trace_of(played.Played(played.office(), passed=48))
    assert said(trace.tcp(client="dns").first).endswith("RST")
    nothing = played.trace_of(played.Played([]))
    assert said(nothing.tcp.one).splitlines() == [
        "trace.tcp.one(): none of 0 TCP connections fits",
        "    nothing passed at all",
    ]
    source = played.Played(played.office()[:48])
    assert "what passed instead: 5 of ARP, 4 of DHCP" in said(played.trace_of(source).tcp.one)


def test_a_value_that_never_comes_is_told() -> None:
    trace = played.trace_of(played.Played(played.office()[:28]))
    assert said(lambda: trace.icmp.one().rtt_ms) == (
        "ICMP pc1 → 192.168.100.253: echo seq=1 no answer: no reply (waited 10 s)"
    )
    trace = played.trace_of(played.Played(played.office()[:58]))
    assert "no response came to its end" in said(lambda: trace.http.one().status)
    assert "it has not ended" in said(lambda: trace.tcp.one().closed_by)


def test_what_must_never_pass_is_told_with_its_frames() -> None:
    words = said(lambda: trace_with().never("tcp.rst")).splitlines()
    assert words[0] == "trace.never(tcp.rst): it passed 3 times" and len(words) == 4 and "RST" in words[1]
    waited, instead = said(lambda: trace_with().wait_for("dhcp.nak")).splitlines()
    assert waited.endswith("not seen in 10 s") and "what passed instead: 7 of ARP, 4 of DHCP" in instead


CERTAIN: dict[str, Callable[[Trace], object]] = {
    "none": lambda trace: trace.http(path="/missing").none(),
    "never": lambda trace: trace.never("arp.conflict"),
    "one": lambda trace: trace.tls.one(),
    "exactly": lambda trace: trace.icmp.exactly(2),
    "count": lambda trace: trace.icmp.count,
    "all": lambda trace: trace.icmp.all(),
    "len": lambda trace: len(trace.icmp),
    "seen": lambda trace: trace.seen("tcp.syn"),
    "order": lambda trace: trace.order("dns.answer", "tcp.syn"),
    "syns": lambda trace: trace.tcp.first().syns,
    "retransmits": lambda trace: trace.tcp.first().retransmits,
    "out_of_order": lambda trace: trace.tcp.first().out_of_order,
    "asked": lambda trace: trace.dns.first().asked,
    "conflict": lambda trace: trace.arp.first().is_conflict,
    "gaps": lambda trace: trace.http.first().gaps,
    "position": lambda trace: trace.http.first().position,
}


@pytest.mark.parametrize("check", CERTAIN)
def test_where_frames_were_lost_nothing_is_certain(check: str) -> None:
    CERTAIN[check](trace_with())
    assert "not seen for certain: the capture lost 2 frames" in said(lambda: CERTAIN[check](trace_with(2)), NotCertain)


def test_what_was_seen_was_seen_and_losses_before_a_window_are_not_its_own() -> None:
    source = played.Played(played.office(), passed=48, drops=2)
    trace = played.trace_of(source)
    assert trace.dns.first().answers and trace.dhcp.first().is_granted
    later = trace.since_here()
    source.pass_by(200)
    assert later.tcp.count == 5
    source.drops += 1
    assert "lost 1 frame" in said(lambda: later.tcp.count, NotCertain)
    assert "lost 3 frames" in said(lambda: later.whole.tcp.count, NotCertain)


MISTAKES: dict[str, tuple[Callable[[Trace], object], str]] = {
    "criterion": (lambda trace: trace.http(pth="/"), "did you mean 'path'?"),
    "device": (lambda trace: trace.tcp(client="pc11"), "did you mean 'pc1'?"),
    "event": (lambda trace: trace.never("tcp.sin"), "did you mean 'tcp.syn'?"),
    "kind of event": (lambda trace: trace.order("dhpc.ack"), "did you mean"),
    "field": (lambda trace: trace.never("tcp.flags.fon"), "did you mean 'tcp.flags.fin'?"),
    "device of a filter": (lambda trace: trace.never("src=pc11 and tcp"), "did you mean 'pc1'?"),
    "criterion of an event": (lambda trace: trace.seen(tcp_syn(sever="web")), "did you mean 'server'?"),
    "role": (lambda trace: trace.tcp.first().closed_by == "sever", "did you mean 'server'?"),
    "role, denied": (lambda trace: trace.tcp.first().closed_by != "pc2", "did you mean 'pc1'?"),
    "close": (lambda trace: trace.tcp.first().close_kind == "4 segments", "did you mean 'four segments'?"),
    "cause": (lambda trace: trace.http.first().gaps[0].cause == "delayed ack", "did you mean 'delayed ACK'?"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_misspelt_word_is_told_with_the_nearest_right_one(mistake: str) -> None:
    use, hint = MISTAKES[mistake]
    assert hint in said(lambda: use(trace_with()), UsageError)


def test_a_word_has_several_names_and_a_device_called_server_is_that_device() -> None:
    assert end("web", "10.0.0.2", "server", ["web", "pc1"]) == "server"
    assert end("web", "10.0.0.2", "server", ["web", "server"]) != "server"
    assert end("web", "10.0.0.2", "server", ["web", "pc1"]) == Word("web", [])
    assert repr(end("web", "10.0.0.2", "server", ["web"])) == "<web, 10.0.0.2, server>"
    assert Word("a", ["a", "b"]) != 7 and str(Word("a", [])) == "a"


def watched(frames: int) -> tuple[Watch, Trace]:
    watch = Watch(played.Played(played.office()[:frames]), lambda: played.DEVICES, notebook=Notebook())
    return watch, Trace(watch)


def test_the_evidence_draws_what_was_looked_at_last() -> None:
    watch, trace = watched(146)
    assert trace.tcp(client="pc1").first().syns == 1
    text = evidence.explain(watch.notebook.looks, watch.timeline)
    assert text.count("SYN seq=0") == 1 and "FIN+ACK" in text and "TIME-WAIT" in text
    trace.never("dhcp.nak")
    assert trace.dns[1].rcode == "NXDOMAIN"
    heads, *rungs, end = evidence.explain(watch.notebook.looks, watch.timeline).splitlines()[-4:]
    assert heads.split() == end.split() == ["pc1", "dns"]
    assert "nix.lan.test" in rungs[0] and rungs[0].endswith("▶│") and "│◀" in rungs[1]


def test_frames_that_were_asked_for_are_drawn_too() -> None:
    watch, trace = watched(146)
    assert len(trace.seen("tcp.flags.fin and src=web")) == 3
    heads, *rungs, _ = evidence.explain(watch.notebook.looks, watch.timeline).splitlines()[1:]
    assert set(heads.split()) == {"pc1", "web"} and len(rungs) == 3 and all("FIN" in rung for rung in rungs)
    assert trace.wait_for("tcp.rst").packet.tcp is not None
    assert "RST" in evidence.explain(watch.notebook.looks, watch.timeline)
    with pytest.raises(NotSeen):
        trace.wait_for("dhcp.nak")
    assert watch.notebook.looks[-1].found == tuple(trace.frames[-8:])


def test_a_long_conversation_is_shown_without_its_middle() -> None:
    watch, trace = watched(146)
    watch.notebook.note("everything", trace.frames)
    lines = evidence.explain(watch.notebook.looks, watch.timeline).splitlines()
    assert 1 <= lines.count(f"{'':>11} …") <= evidence.RUNGS and len(lines) < 60
    assert max(map(len, lines)) <= 80


def test_what_was_sent_again_is_shown_however_long_the_conversation() -> None:
    talk = ["0 pc1 SYN", "0.1 web SYN+ACK", "0.2 pc1 ACK"]
    talk += [f"{at} pc1 ACK request / {at}.5 web ACK response" for at in range(1, 31)]
    talk.insert(18, f"15.8 web ACK response seq={1 + 14 * len(SAID['response'])}")
    source = played.Played([])
    source.timeline = told(" / ".join(talk))
    watch = Watch(source, lambda: played.DEVICES)
    assert Trace(watch).tcp.one().retransmits == 1
    text = evidence.explain(watch.notebook.looks, watch.timeline)
    assert text.count("seq=561") == 1 and "seq=521" not in text


def test_a_connection_is_drawn_once_however_it_was_looked_at() -> None:
    watch, trace = watched(146)
    assert trace.tcp.first().syns == trace.http.first().position
    text = evidence.explain(watch.notebook.looks, watch.timeline)
    assert text.count("SYN seq=0") == 1 and text.index("TCP pc1") < text.index("HTTP pc1") < text.index("SYN seq=0")


def test_the_capture_has_the_tests_frames_and_comments_where_it_looked() -> None:
    watch, trace = watched(146)
    assert trace.icmp(sequence=2).one().is_answered
    frames = load(evidence.capture(watch.notebook.looks, watch.timeline, after=20))
    assert len(frames) == 126
    said_so = [frame for frame in frames if "the test looked at this" in frame.comment]
    assert [frame.packet.icmp is not None for frame in said_so] == [True, True]
    assert "derived" in said_so[0].comment  # and each frame has its reasons


def test_a_test_has_a_file_of_its_name() -> None:
    assert evidence.file_name("tests/test_a.py::TestB::test_c[pc1/x]") == "test_a.TestB-test_c-pc1-x.pcapng"
