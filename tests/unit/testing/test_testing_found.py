"""What fits a question, until now or waited for, and in which words a test is told what does not."""

from collections import Counter
from functools import partial
from itertools import islice

import pytest

from lan.errors import UsageError
from lan.testing.failing import NotSeen
from lan.testing.found import LONGEST_LIST, WIDEST, listed
from lan.testing.trace import Trace
from lan.testing.watch import Notebook, Watch

from . import played


@pytest.fixture(scope="module")
def trace() -> Trace:
    return played.trace_of(played.Played(played.office()))


def first_after_ping(number: int) -> int:
    """After how many frames the office has so many pings."""
    source, found = played.Played(played.office(), passed=0), 0
    trace = played.trace_of(source)
    while trace.icmp.count < number:
        source.pass_by(1)
        found += 1
    return found


def half_read() -> Trace:
    """One ping is taken in, and the second has passed."""
    one, two = first_after_ping(1), first_after_ping(2)
    return played.trace_of(played.Played(list(islice(played.office(), two)), passed=one, unread=two - one))


def told(check: object) -> list[str]:
    assert callable(check)
    with pytest.raises(NotSeen) as failed:
        check()
    return str(failed.value).splitlines()


def test_what_has_passed_counts_though_nobody_has_read_it() -> None:
    assert half_read().icmp.count == 2
    assert told(half_read().icmp.one)[0] == "trace.icmp.one(): 2 of 2 pings fit, not 1"
    assert told(half_read().icmp(sequence=2).none)[0] == "trace.icmp(sequence=2).none(): 1 of 2 pings fits"
    assert [each.sequence for each in half_read().icmp.all()] == [1, 2]
    assert half_read().icmp.first().sequence == 1


def test_what_fits_is_counted_in_words(trace: Trace) -> None:
    assert told(trace.icmp(sequence=1).none)[0] == "trace.icmp(sequence=1).none(): 1 of 2 pings fits"
    assert told(lambda: trace.icmp(sequence=1)[1])[0] == "trace.icmp(sequence=1)[1]: 1 of 2 pings fits"
    assert told(lambda: trace.icmp(sequence=1).exactly(2))[0] == "trace.icmp(sequence=1).exactly(2): 1 of 2 pings fits"
    assert told(lambda: trace.icmp.exactly(3))[0] == "trace.icmp.exactly(3): 2 of 2 pings fit"
    assert told(trace.icmp(sequence=9).one)[0] == "trace.icmp(sequence=9).one(): none of 2 pings fits"
    one = played.trace_of(played.Played(played.office()[: first_after_ping(1)]))
    assert told(one.icmp(sequence=9).first)[0] == "trace.icmp(sequence=9).first(): none of 1 ping fits"


def test_what_fits_is_shown_and_where_nothing_does_all_that_there_is(trace: Trace) -> None:
    for asked in (lambda: trace.icmp(sequence=1)[1], lambda: trace.icmp(sequence=1).exactly(2)):
        assert [line.split("echo ")[1].split()[0] for line in told(asked)[1:]] == ["seq=1"]
    for asked in (lambda: trace.icmp(sequence=9)[0], trace.icmp(sequence=9).first, trace.icmp(sequence=9).one):
        assert [line.split("echo ")[1].split()[0] for line in told(asked)[1:]] == ["seq=1", "seq=2"]


def test_a_look_is_written_down_as_the_test_asked(trace: Trace) -> None:
    watch = Watch(played.Played(played.office()), lambda: played.DEVICES, notebook=Notebook())
    asked = Trace(watch).icmp(client="pc1")
    for question, ask, count in (
        ("trace.icmp(client='pc1').first()", asked.first, 1),
        ("trace.icmp(client='pc1').exactly(2)", lambda: asked.exactly(2), 2),
        ("trace.icmp(client='pc1').all()", asked.all, 2),
        ("trace.icmp(client='pc1')(sequence=1).one()", asked(sequence=1).one, 1),
    ):
        ask()
        written = watch.notebook.looks[-1]
        assert written.question == question.replace("')(", "', ") and len(written.found) == count
    told(asked(sequence=9).one)
    assert len(watch.notebook.looks[-1].found) == 2
    told(Trace(Watch(played.Played([]), lambda: played.DEVICES, notebook=watch.notebook)).icmp.one)
    assert watch.notebook.looks[-1].question == "trace.icmp.one()" and watch.notebook.looks[-1].found == ()
    early = played.Played(played.office()[:44])
    told(Trace(Watch(early, lambda: played.DEVICES, notebook=watch.notebook)).tcp.one)
    instead = early.timeline.since(0).first_sightings
    assert watch.notebook.looks[-1].found == tuple(instead[-LONGEST_LIST:]) and len(instead) > LONGEST_LIST


def test_a_question_is_told_as_it_was_written(trace: Trace) -> None:
    def is_long(path: str) -> bool:
        return len(path) > 9

    assert str(trace.icmp) == "trace.icmp" and repr(trace.icmp) == "<trace.icmp: 2 of 2 pings>"
    asked = trace.http(path=is_long, method=partial(str.__eq__, "GET"))
    assert str(asked) == "trace.http(path=is_long, method=…)"
    assert repr(trace.icmp(sequence=2)) == "<trace.icmp(sequence=2): 1 of 2 pings>"


def test_a_value_fits_by_itself_by_its_text_or_by_a_function(trace: Trace) -> None:
    assert trace.http(status=200).count == trace.http(status="200").count == 3
    assert trace.http(status=lambda status: status == 200).count == 3 and trace.http(status="20").count == 0
    assert trace.http(path="/", status=404).count == 0, "all that is asked for must be true"
    addresses = trace.tcp(server=lambda name: name.startswith("192.168.100.253"))
    unanswered = played.trace_of(played.Played(played.office()[:58])).http
    assert unanswered.count == 1 and unanswered(status="None").count == 0, "a number alone may be given as text"
    assert addresses.count == trace.tcp(server="web").count == 5
    assert trace.tcp(server=lambda name: name == "pc1").count == 0
    assert trace.tcp(server_port=lambda port: port > 80).count == 2


def test_what_cannot_be_asked_for_is_told_with_what_can(trace: Trace) -> None:
    for wrong, what, expected in (
        ({"statu": 200}, "trace.http can't be asked for 'statu'; did you mean 'status'?", "one of "),
        ({"qqqqqq": 200}, "trace.http can't be asked for 'qqqqqq'", "one of "),
        (
            {"client": "pc11"},
            "trace.http(client='pc11'): the LAN has no such device; did you mean 'pc1'?",
            "an address",
        ),
        ({"client": "qqqqqq"}, "trace.http(client='qqqqqq'): the LAN has no such device", "an address, or one of s1, "),
    ):
        with pytest.raises(UsageError) as refused:
            trace.http(**wrong)
        assert refused.value.what == what
        assert str(refused.value.expected).startswith(expected)
    assert trace.http(client="10.9.9.9").count == 0, "an address may be anybody's"


def test_of_many_devices_twenty_are_named() -> None:
    many = [f"h{number}" for number in range(1, 26)]
    with pytest.raises(UsageError) as refused:
        Trace(Watch(played.Played([]), lambda: many)).http(client="qqqqqq")
    assert refused.value.expected == "an address, or one of " + ", ".join(many[:20])


def test_a_long_list_has_its_last_lines_and_a_long_line_its_beginning() -> None:
    assert listed(["x"] * LONGEST_LIST) == ["    x"] * LONGEST_LIST
    many = listed(str(number) for number in range(LONGEST_LIST + 3))
    assert many == ["    … 3 more before", *(f"    {number}" for number in range(3, LONGEST_LIST + 3))]
    assert listed(["a", "b", "c"], most=2) == ["    … 1 more before", "    b", "    c"]
    assert listed(["x" * WIDEST, "x" * (WIDEST + 1)]) == ["    " + "x" * WIDEST, "    " + "x" * (WIDEST - 1) + "…"]


def test_what_passed_instead_is_counted_by_protocol() -> None:
    source = played.Played(played.office()[:8])
    counts = Counter(frame.packet.protocol for frame in source.timeline.since(0).first_sightings)
    expected = ", ".join(f"{count} of {protocol}" for protocol, count in sorted(counts.items()))
    assert told(played.trace_of(source).tcp.one)[-1] == f"    what passed instead: {expected}" and len(counts) > 1
