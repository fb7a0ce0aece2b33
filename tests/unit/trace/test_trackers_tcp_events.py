"""What is remarkable about TCP's segments: each kind from a dialogue that makes it."""

import dataclasses

import pytest

from lan.trace.frame import Frame
from lan.trace.trackers.tcp import Connection, Tracker
from lan.wire.tcp import NO_OPTIONS, TcpOptions

from .talk import Talk

MS = 1_000_000
DATA = b"x" * 100


class Bench:
    """A dialogue of segments with windows and times, and what the tracker says of each."""

    def __init__(self) -> None:
        self.talk, self.tracker, self.now_ns = Talk(), Tracker(), 0
        self.frames: list[Frame] = []
        self.say("pc1", "SYN", options=TcpOptions(wscale=2)), self.say("web", "SYN+ACK", options=TcpOptions(wscale=0))
        self.say("pc1", "ACK")

    def say(
        self,
        who: str,
        flags: str = "ACK",
        data: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        window: int = 64240,
        options: TcpOptions = NO_OPTIONS,
        wait_ms: float = 0.1,
    ) -> list[str]:
        """One segment, `seq` and `ack` counted from where the two would go on; its events as words."""
        peer = "web" if who == "pc1" else "pc1"
        self.now_ns += round(wait_ms * MS)
        at = None if seq is None else self.talk.next[who] + seq
        acked = None if ack is None else self.talk.next[peer] + ack
        segment = self.talk.say(who, flags, data, seq=at, ack=acked, window=window, options=options)
        frame = dataclasses.replace(segment, time_ns=self.now_ns)
        self.frames.append(frame)
        connection = self.tracker.add(frame)
        assert connection is not None
        return [str(event) for event in connection.events_of(frame)]

    @property
    def connection(self) -> Connection:
        return self.tracker.connections[0]


def test_a_plain_dialogue_has_nothing_remarkable() -> None:
    bench = Bench()
    bench.say("pc1", data=DATA), bench.say("web", data=DATA), bench.say("pc1", "FIN+ACK"), bench.say("web", "FIN+ACK")
    bench.say("pc1")
    assert bench.connection.events == []


def test_what_comes_again_is_told_by_why_it_was_sent() -> None:
    bench = Bench()
    bench.say("web", data=DATA)
    first = bench.frames[-1].number
    assert bench.say("web", data=DATA, seq=-100, wait_ms=200) == [f"retransmission of frame {first}"]
    bench.say("pc1")
    assert bench.say("web", data=DATA, seq=-100) == ["spurious retransmission"]


def test_two_duplicate_acks_make_a_retransmission_fast() -> None:
    bench = Bench()
    for _ in range(4):
        bench.say("web", data=DATA)
    missing = bench.frames[-3].number
    bench.say("pc1", ack=-300)
    acked = bench.frames[-1].number
    assert bench.say("pc1", ack=-300) == [f"duplicate ACK #1 of frame {acked}"]
    assert bench.say("pc1", ack=-300) == [f"duplicate ACK #2 of frame {acked}"]
    assert bench.say("web", data=DATA, seq=-300) == [f"fast retransmission of frame {missing}"]
    assert bench.say("web", data=DATA, seq=-300, wait_ms=30) == [f"retransmission of frame {missing}"]


def test_a_hole_that_is_filled_soon_was_disorder_and_later_a_loss() -> None:
    for wait_ms, kind in ((0.05, "out of order"), (50, "retransmission")):
        bench = Bench()
        bench.talk.next["web"] += 100
        assert bench.say("web", data=DATA) == ["segment before it not seen"]
        assert bench.say("web", data=DATA, seq=-200, wait_ms=wait_ms) == [kind]


def test_a_hole_is_judged_by_the_handshakes_round_trip_though_its_second_segment_was_not_captured() -> None:
    bench = Bench()
    bench.talk, bench.tracker = Talk(), Tracker()
    bench.say("pc1", "SYN")
    bench.talk.next["web"] += 1
    bench.say("pc1", wait_ms=40)
    assert bench.connection.analysis.initial_round_trip_ns == 40 * MS
    bench.talk.next["web"] += 100
    bench.say("web", data=DATA)
    assert bench.say("web", data=DATA, seq=-200, wait_ms=30) == ["out of order"]


def test_bytes_that_were_here_are_no_disorder_however_soon() -> None:
    bench = Bench()
    bench.say("web", data=DATA), bench.say("web", data=DATA)
    assert bench.say("web", data=DATA, seq=-200, wait_ms=0.001)[0].startswith("retransmission")


def test_an_ack_of_what_was_not_captured_is_told_once() -> None:
    bench = Bench()
    bench.talk.next["web"] += 100
    assert bench.say("pc1") == ["ACK of a segment not seen"]
    assert bench.say("pc1", data=DATA) == []


def test_a_window_that_closes_and_opens() -> None:
    bench = Bench()
    bench.say("web", data=DATA)
    bench.say("pc1", window=25)  # scaled by 4
    assert bench.say("web", data=DATA) == ["window full"]
    assert bench.say("pc1", window=0) == ["zero window"]
    assert bench.say("web", data=b"x", seq=0, wait_ms=200) == ["zero-window probe"]
    probe = bench.frames[-1].number
    assert bench.say("pc1", window=0) == ["zero window", f"ACK of a zero-window probe of frame {probe}"]
    assert bench.say("pc1", window=100) == ["window update"]
    assert bench.say("web", data=DATA) == []


def test_a_keep_alive_and_its_answer() -> None:
    bench = Bench()
    bench.say("pc1", data=DATA), bench.say("web")
    assert bench.say("pc1", seq=-1, wait_ms=1000) == ["keep-alive"]
    assert bench.say("web") == [f"ACK of a keep-alive of frame {bench.frames[-2].number}"]


def test_windows_whose_scale_was_not_seen_are_never_full() -> None:
    bench = Bench()
    bench.tracker = Tracker()
    bench.say("pc1", window=100)
    assert bench.say("web", data=DATA) == []


@pytest.mark.parametrize(
    ("syn", "syn_ack", "of_client", "of_server"),
    [
        (2, 3, 4, 8), (2, None, 1, 1), (None, None, 1, 1), (None, 3, 1, 1), (15, 3, 1 << 14, 8),
        ("not captured", 3, None, 8), ("not captured", None, 1, 1), (2, "not captured", None, None),
        (None, "not captured", 1, 1),
    ],
)  # fmt: skip
def test_a_window_has_the_scale_that_the_captured_syns_agree_on(
    syn: int | str | None, syn_ack: int | str | None, of_client: int | None, of_server: int | None
) -> None:
    bench = Bench()
    bench.talk, bench.tracker = Talk(), Tracker()
    for who, flags, scale in (("pc1", "SYN", syn), ("web", "SYN+ACK", syn_ack)):
        if isinstance(scale, str):
            bench.talk.next[who] = (bench.talk.next[who] + 1) % 2**32
        else:
            bench.say(who, flags, options=TcpOptions(wscale=scale))
    bench.say("pc1", window=100), bench.say("web", window=100)
    analysis = bench.connection.analysis
    assert analysis.client.window_bytes == (of_client and 100 * of_client)
    assert analysis.server.window_bytes == (of_server and 100 * of_server)


def test_a_syn_that_its_answer_overtook_tells_its_windows_scale_all_the_same() -> None:
    bench = Bench()
    bench.talk, bench.tracker = Talk(), Tracker()
    syn = bench.talk.say("pc1", "SYN", options=TcpOptions(wscale=2))
    bench.say("web", "SYN+ACK", options=TcpOptions(wscale=3))
    bench.tracker.add(syn)
    bench.say("pc1", window=100), bench.say("web", window=100)
    analysis = bench.connection.analysis
    assert (analysis.client.window_bytes, analysis.server.window_bytes) == (400, 800)


def test_round_trips_are_of_segments_sent_once() -> None:
    bench = Bench()
    bench.say("web", data=DATA), bench.say("pc1", wait_ms=7)
    sent, ack = bench.frames[-2:]
    assert bench.connection.analysis.server.round_trips[-1] == (sent, ack, 7 * MS)
    bench.say("web", data=DATA), bench.say("web", data=DATA, seq=-100, wait_ms=300), bench.say("pc1")
    assert bench.connection.analysis.server.round_trips[-1].ack is ack


def test_bytes_in_flight_are_those_neither_acknowledged_nor_selectively() -> None:
    bench = Bench()
    for _ in range(3):
        bench.say("web", data=DATA)
    assert [flight.bytes for flight in bench.connection.analysis.server.flights] == [100, 200, 300]
    here = bench.talk.next["web"]
    bench.say("pc1", ack=-300, options=TcpOptions(sack=((here - 200, here - 100),)))
    bench.say("web", data=DATA)
    assert bench.connection.analysis.server.flights[-1].bytes == 300
    assert bench.connection.analysis.client.held[-1].blocks == ((101, 201),)
    bench.say("pc1")
    bench.say("web", "FIN+ACK", DATA)
    assert bench.connection.analysis.server.flights[-1].bytes == 100


def test_a_fin_that_came_before_its_data_counts_none_of_it_off() -> None:
    bench = Bench()
    bench.say("web", data=DATA)
    bench.talk.next["web"] += 200  # not captured
    bench.say("web", "FIN+ACK")
    fin = bench.talk.next["web"] - 1
    bench.say("pc1", ack=-301, options=TcpOptions(sack=((fin, fin + 1),)))
    bench.say("web", data=DATA, seq=-301)
    assert bench.connection.analysis.server.flights[-1].bytes == 300


def test_an_end_whose_device_is_known_by_its_address_alone_is_named_once() -> None:
    connection = Bench().connection
    client, server = connection.client, connection.server
    assert repr(connection).startswith(f"TCP pc1 {client} → web {server}: ")
    client.device, server.device = client.ip, server.ip
    assert repr(connection).startswith(f"TCP {client} → {server}: ")
