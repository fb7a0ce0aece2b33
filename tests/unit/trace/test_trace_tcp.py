"""TCP connections: how they open, carry, close, and what was sent again."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.trace.frame import Frame
from lan.trace.trackers.tcp import CloseKind, Connection, Tracker
from lan.trace.trackers.tcp_states import State

from .talk import FIRST_SEQ, Talk, play

OPEN = "pc1 SYN, web SYN+ACK, pc1 ACK, "


def track(frames: Iterable[Frame]) -> list[Connection]:
    tracker = Tracker()
    for frame in frames:
        tracker.add(frame)
    return tracker.connections


def test_the_handshake_moves_both_sides_and_is_kept() -> None:
    frames = Talk().open()
    [connection] = track(frames)
    assert connection.handshake == frames
    assert connection.states == [
        (State.SYN_SENT, State.LISTEN),
        (State.SYN_SENT, State.SYN_RECEIVED),
        (State.ESTABLISHED, State.ESTABLISHED),
    ]
    assert connection.is_open()
    assert not connection.is_closed()
    assert connection.connect_ms == 2.0
    assert (connection.client.isn, connection.server.isn) == (FIRST_SEQ["pc1"], FIRST_SEQ["web"])


@pytest.mark.parametrize(
    ("ending", "kind", "closed_by", "holders", "states"),
    [
        ("pc1 FIN+ACK, web ACK, web FIN+ACK, pc1 ACK", "four segments", "pc1", ("pc1",), "TIME-WAIT CLOSED"),
        ("pc1 FIN+ACK, web FIN+ACK, pc1 ACK", "three segments", "pc1", ("pc1",), "TIME-WAIT CLOSED"),
        ("web FIN+ACK, pc1 ACK, pc1 FIN+ACK, web ACK", "four segments", "web", ("web",), "CLOSED TIME-WAIT"),
        ("web FIN+ACK, pc1 FIN+ACK, web ACK", "three segments", "web", ("web",), "CLOSED TIME-WAIT"),
        ("web FIN+ACK 9, pc1 FIN+ACK, web ACK", "three segments", "web", ("web",), "CLOSED TIME-WAIT"),
        ("pc1 FIN+ACK, web ACK 7, pc1 ACK, web FIN+ACK, pc1 ACK", "four segments", "pc1", ("pc1",), "TIME-WAIT CLOSED"),
        (
            "pc1 FIN+ACK, web FIN+ACK old, pc1 ACK, web ACK",
            "simultaneous",
            "pc1",
            ("pc1", "web"),
            "TIME-WAIT TIME-WAIT",
        ),
        ("web RST+ACK", "RST", "web", (), "CLOSED CLOSED"),
        ("pc1 FIN+ACK, web RST", "RST", "pc1", (), "CLOSED CLOSED"),
        ("pc1 FIN+ACK, web ACK, web FIN+ACK, pc1 ACK, web RST", "four segments", "pc1", ("pc1",), "TIME-WAIT CLOSED"),
    ],
)
def test_how_a_connection_closes(ending: str, kind: str, closed_by: str, holders: tuple[str, ...], states: str) -> None:
    [connection] = track(play(Talk(), OPEN + "pc1 ACK 5, web ACK 6, " + ending))
    assert connection.is_closed()
    assert not connection.is_open()
    assert connection.close_kind == kind
    assert connection.closed_by == closed_by
    assert connection.time_wait_holders == holders
    assert connection.time_wait_holder == (closed_by if closed_by in holders else None)
    assert f"{connection.client.state} {connection.server.state}" == states


@pytest.mark.parametrize(
    ("script", "states"),
    [
        ("pc1 SYN", "SYN-SENT LISTEN"),
        (OPEN + "pc1 FIN+ACK", "FIN-WAIT-1 ESTABLISHED"),
        (OPEN + "pc1 FIN+ACK, web ACK", "FIN-WAIT-2 CLOSE-WAIT"),
        (OPEN + "pc1 FIN+ACK, web ACK, web FIN+ACK", "FIN-WAIT-2 LAST-ACK"),
        (OPEN + "pc1 FIN+ACK, web FIN+ACK old", "FIN-WAIT-1 FIN-WAIT-1"),
        (OPEN + "pc1 FIN+ACK, web FIN+ACK old, pc1 ACK", "CLOSING FIN-WAIT-2"),
    ],
)
def test_what_is_not_closed_yet_has_no_close_kind(script: str, states: str) -> None:
    [connection] = track(play(Talk(), script))
    assert f"{connection.client.state} {connection.server.state}" == states
    assert connection.close_kind is None
    assert not connection.is_closed()


def test_the_frames_of_a_close_are_named() -> None:
    frames = play(Talk(), OPEN + "pc1 ACK 5, pc1 FIN+ACK, web ACK, web FIN+ACK, pc1 ACK")
    [connection] = track(frames)
    assert connection.close_frames == frames[4:]


def test_a_refused_connection_was_never_open() -> None:
    [connection] = track(play(Talk(), "pc1 SYN, web RST+ACK"))
    assert connection.is_refused()
    assert connection.is_closed()
    assert (connection.close_kind, connection.reset_by) == (CloseKind.RESET, "web")


def test_both_may_open_at_once() -> None:
    talk = Talk()
    frames = [talk.say("pc1", "SYN"), talk.say("web", "SYN")]
    frames += [talk.say("pc1", "SYN+ACK", seq=FIRST_SEQ["pc1"]), talk.say("web", "SYN+ACK", seq=FIRST_SEQ["web"])]
    [connection] = track([*frames, talk.say("pc1", "ACK")])
    assert connection.states[-1] == (State.ESTABLISHED, State.ESTABLISHED)
    assert connection.retransmits == []


def test_a_segment_sent_again_is_named_and_its_bytes_count_once() -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"hello")]
    again = talk.say("pc1", "ACK", b"hello", seq=FIRST_SEQ["pc1"] + 1)
    more = talk.say("pc1", "ACK", b"lo world", seq=FIRST_SEQ["pc1"] + 4)
    [connection] = track([*frames, again, more])
    assert connection.client.data == b"hello world"
    assert connection.retransmits == [again, more]


def test_syn_and_fin_are_sent_again_too() -> None:
    talk = Talk()
    first, second = talk.say("pc1", "SYN"), talk.say("pc1", "SYN", seq=FIRST_SEQ["pc1"])
    rest = [talk.say("web", "SYN+ACK"), talk.say("pc1", "ACK"), talk.say("pc1", "FIN+ACK")]
    fin = talk.say("pc1", "FIN+ACK", seq=FIRST_SEQ["pc1"] + 1)
    [connection] = track([first, second, *rest, fin])
    assert connection.retransmits == [second, fin]
    assert connection.syn is first
    assert connection.client.fin is rest[-1]


def test_late_segments_are_not_taken_for_retransmits() -> None:
    talk, isn = Talk(), FIRST_SEQ["pc1"]
    opening = talk.open()
    behind, before = talk.say("pc1", "ACK", b"world", seq=isn + 6), talk.say("pc1", "ACK", b"hello", seq=isn + 1)
    [connection] = track([*opening, behind, before])
    assert connection.client.data == b"helloworld"
    assert (connection.retransmits, connection.client.out_of_order) == ([], [before])


@pytest.mark.parametrize("data", [b"", b"x"])
def test_a_probe_is_no_retransmit(data: bytes) -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"x"), talk.say("web", "ACK")]
    probe = talk.say("pc1", "ACK", data, seq=talk.next["pc1"] - 1)
    [connection] = track([*frames, probe, talk.say("web", "ACK")])
    assert (connection.client.probes, connection.retransmits) == ([probe], [])


def test_the_same_ports_again_are_another_connection() -> None:
    first, second = Talk(), Talk()
    second.next = {"pc1": 77, "web": 88}
    frames = play(first, OPEN + "web FIN+ACK, pc1 FIN+ACK, web ACK") + second.open()
    one, two = track(frames)
    assert (one.client.isn, two.client.isn) == (FIRST_SEQ["pc1"], 77)
    assert one.is_closed()
    assert two.is_open()


@pytest.mark.parametrize("order", ["1023", "1203", "1230"])
def test_a_syn_that_others_overtook_in_the_capture_opens_no_second_connection(order: str) -> None:
    talk = Talk()
    frames = [*talk.open(), talk.say("pc1", "ACK", b"asked")]
    [connection] = track([frames[int(each)] for each in order])
    assert (connection.handshake, connection.client.data) == (frames[:3], b"asked")


def test_a_syn_of_another_number_is_not_the_one_that_was_missed() -> None:
    missed, again = Talk(), Talk()
    missed.open()
    again.next["pc1"] -= 5000
    first, second = track([missed.say("web", "ACK", b"late"), missed.say("pc1", "ACK"), *again.open()])
    assert first.syn is None
    assert second.syn is not None


def test_a_refused_client_that_tries_again_with_the_same_number_begins_anew() -> None:
    first, second = Talk(), Talk()
    one, two = track(play(first, "pc1 SYN, web RST+ACK") + second.open())
    assert one.is_refused()
    assert two.is_open()


def test_a_connection_seen_from_its_middle_on_has_its_client_at_the_higher_port() -> None:
    talk = Talk()
    frames = [talk.say("web", "ACK", b"the end"), talk.say("web", "FIN+ACK"), talk.say("pc1", "FIN+ACK")]
    [connection] = track([*frames, talk.say("web", "ACK")])
    assert (connection.client.device, connection.server.device) == ("pc1", "web")
    assert connection.server.data == b"the end"
    assert (connection.close_kind, connection.closed_by) == (CloseKind.THREE_SEGMENTS, "web")


def test_what_a_router_hands_on_is_no_second_segment() -> None:
    talk = Talk()
    syn = talk.say("pc1", "SYN")
    handed_on = talk.say("pc1", "SYN", seq=FIRST_SEQ["pc1"], via="r1")
    [connection] = track([syn, handed_on, talk.say("web", "SYN+ACK")])
    assert connection.retransmits == []
    assert connection.client.device == "pc1"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 63), st.integers(0, 2), st.binary(max_size=3)), max_size=30))
def test_no_order_of_segments_breaks_it(steps: list[tuple[bool, int, int, bytes]]) -> None:
    talk, frames = Talk(), []
    for from_client, bits, back, data in steps:
        names = "+".join(name for n, name in enumerate(("FIN", "SYN", "RST", "PSH", "ACK", "URG")) if bits >> n & 1)
        who = "pc1" if from_client else "web"
        frames.append(talk.say(who, names or "PSH", data, seq=talk.next[who] - back if back else None))
    for connection in track(frames):
        assert len(connection.states) == len(connection.frames)
        assert repr(connection).count("\n") == 0
        assert connection.close_kind is not None or not connection.is_closed()
