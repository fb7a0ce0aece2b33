"""The TIME-WAIT ledger: who holds what, how long, and when a client runs out of ports."""

import struct

import pytest

from lan.trace.kernel_tcp import TIME_WAIT_STATE, read, request
from lan.trace.ledger import Ledger, PortRange
from lan.trace.timeline import Timeline

from .dialogues import Talk, timeline, told

OPEN = "0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / "
CLIENT_FIRST = "1 pc1 FIN+ACK / 1.1 web FIN+ACK / 1.2 pc1 ACK"
SERVER_FIRST = "1 web FIN+ACK / 1.1 pc1 FIN+ACK / 1.2 web ACK"
CROSSING = "1 pc1 FIN+ACK / 1.05 web FIN+ACK ack=1 / 1.1 pc1 ACK / 1.2 web ACK"
TWO = PortRange(40000, 40001)


def holds(frames: Timeline) -> list[tuple[str, float, float]]:
    """(device, since, until), in ms."""
    return [(hold.device, hold.since_ns / 1e6, hold.until_ns / 1e6) for hold in Ledger(frames).holds]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (CLIENT_FIRST, [("pc1", 1.2, 60001.2)]),
        (SERVER_FIRST, [("web", 1.2, 60001.2)]),
        (CROSSING, [("pc1", 1.2, 60001.2), ("web", 1.2, 60001.2)]),
        ("1 web RST+ACK", []),
        ("1 pc1 FIN+ACK / 1.1 web ACK", []),
        (CLIENT_FIRST + " / 201.1 web FIN+ACK seq=1 ack=2", [("pc1", 1.2, 60201.1)]),
        (CLIENT_FIRST + " / 500 web RST seq=2", [("pc1", 1.2, 500)]),
    ],
    ids=["client", "server", "both at once", "reset", "half closed", "the FIN comes again", "assassinated"],
)  # fmt: skip
def test_who_closed_first_holds_the_pair_for_a_minute(ending: str, expected: list[tuple[str, float, float]]) -> None:
    assert sorted(holds(told(OPEN + ending))) == expected


def test_what_is_left_is_counted_from_any_moment() -> None:
    ledger = Ledger(told(OPEN + CLIENT_FIRST))
    [hold] = ledger.held(10_001_200_000, "pc1")
    assert hold.seconds_left(10_001_200_000) == 50.0
    assert str(hold) == "pc1 holds 10.0.0.1:40000 → 10.0.0.4:80 in TIME-WAIT"
    assert ledger.held(60_001_200_000) == [] == ledger.held(0)
    assert hold.seconds_left(60_001_200_000) == 0.0


def test_a_pair_that_is_opened_again_is_held_no_longer() -> None:
    first, again = Talk(), Talk(at={"pc1": 1000, "web": 1000})
    frames = timeline(list(first.frames(OPEN + SERVER_FIRST)), list(again.frames("2000 pc1 SYN seq=900000")))
    assert holds(frames) == [("web", 1.2, 2000.0)]


def connection(at_ms: float, port: int, ending: str = "") -> list[tuple[int, bytes, str]]:
    """One of pc1's, opened then, and closed 1 ms later."""
    frames = Talk(ports=(port, 80)).frames(OPEN + ending)
    return [(time_ns + round(at_ms * 1e6), data, who) for time_ns, data, who in frames]


def test_a_client_with_two_ports_has_none_left_after_two_connections() -> None:
    frames = timeline(connection(0, 40000, CLIENT_FIRST), connection(100, 40001, CLIENT_FIRST))
    ledger = Ledger(frames, {"pc1": TWO})
    [full] = ledger.exhaustions("pc1", "10.0.0.4", 80)
    assert (full.start_ns, full.end_ns) == (100_000_000, 60_001_200_000)
    assert full.evidence == [frames.tcp[1].syn]
    gauge = ledger.gauge("pc1", "10.0.0.4", 80, 1_000_000_000)
    assert (gauge.waiting, gauge.open, gauge.left, gauge.is_exhausted) == (2, 0, 0, True)
    assert not Ledger(frames).gauge("pc1", "10.0.0.4", 80, 1_000_000_000).is_exhausted
    assert Ledger(frames).exhaustions("pc1", "10.0.0.4", 80) == []


def test_ports_held_by_the_server_or_towards_another_server_are_free_for_the_client() -> None:
    frames = timeline(connection(0, 40000, SERVER_FIRST), connection(100, 40001, CLIENT_FIRST))
    gauge = Ledger(frames, {"pc1": TWO}).gauge("pc1", "10.0.0.4", 80, 1_000_000_000)
    assert (gauge.waiting, gauge.open, gauge.left) == (1, 0, 1)
    assert Ledger(frames, {"pc1": TWO}).gauge("pc1", "10.0.0.4", 443, 1_000_000_000).left == 2


def test_an_open_connection_takes_its_port_without_waiting() -> None:
    gauge = Ledger(timeline(connection(0, 40000)), {"pc1": TWO}).gauge("pc1", "10.0.0.4", 80, 1_000_000)
    assert (gauge.waiting, gauge.open) == (0, 1)


def test_what_waits_and_what_is_open_is_taken() -> None:
    frames = timeline(connection(0, 40000, CLIENT_FIRST), connection(100, 40001))
    gauge = Ledger(frames, {"pc1": TWO}).gauge("pc1", "10.0.0.4", 80, 1_000_000_000)
    assert (gauge.waiting, gauge.open, gauge.taken, gauge.left, gauge.is_exhausted) == (1, 1, 2, 0, True)


@pytest.mark.parametrize("ending", [CLIENT_FIRST, ""], ids=["while it is held", "though its end was not seen"])
def test_a_port_that_is_opened_again_is_taken_once(ending: str) -> None:
    """So the end of its first use frees nothing later."""
    again = Talk(at={"pc1": 900_000, "web": 900_000}).frames(OPEN.replace(" SYN /", " SYN seq=900000 /") + CLIENT_FIRST)
    second = [(time_ns + 30_000_000_000, data, who) for time_ns, data, who in again]
    ledger = Ledger(timeline(connection(0, 40000, ending), second), {"pc1": PortRange(40000, 40000)})
    full = ledger.exhaustions("pc1", "10.0.0.4", 80)
    assert [(each.start_ns, each.end_ns) for each in full] == [(0, 30_000_000_000), (30_000_000_000, 90_001_200_000)]


def test_who_took_the_last_port_and_still_needs_it_has_settled_with_its_handshake() -> None:
    frames = timeline(connection(0, 40000, CLIENT_FIRST), connection(100, 40001))
    later = timeline(connection(0, 40000, CLIENT_FIRST), connection(100, 40001, CLIENT_FIRST))
    assert Ledger(frames, {"pc1": TWO}).exhaustions("pc1", "10.0.0.4", 80)[0].settled_ns == 100_200_000
    assert Ledger(later, {"pc1": TWO}).exhaustions("pc1", "10.0.0.4", 80)[0].settled_ns == 101_200_000


@pytest.mark.parametrize(("every_ms", "size", "predicted_s"), [(100, 100, 8.0), (100, 1000, None), (1000, 30, 10.0)])
def test_exhaustion_is_predicted_from_the_rate(every_ms: int, size: int, predicted_s: float | None) -> None:
    """Twenty connections so far: 10 a second use up 100 ports in a minute, but not 1000."""
    frames = timeline(*(connection(number * every_ms, 40000 + number, CLIENT_FIRST) for number in range(20)))
    now_ns = 20 * every_ms * 1_000_000
    [gauge] = Ledger(frames, {"pc1": PortRange(40000, 39999 + size)}).gauges(now_ns)
    assert gauge.taken == 20
    assert gauge.exhausts_in_s == (predicted_s if predicted_s is None else pytest.approx(predicted_s, rel=0.02))


def test_the_kernels_answer_is_read_field_by_field() -> None:
    """An inet_diag_msg of a socket in TIME-WAIT with 12.5 s left, then the end of the dump."""
    ends = (
        struct.pack("!HH", 40000, 80) + bytes([10, 0, 0, 1]) + bytes(12) + bytes([10, 0, 0, 4]) + bytes(12) + bytes(12)
    )
    body = bytes([2, TIME_WAIT_STATE, 3, 0]) + ends + struct.pack("=5I", 12500, 0, 0, 0, 0)
    info = bytearray(232)
    struct.pack_into("=I", info, 80, 10)
    struct.pack_into("=I", info, 144, 77)
    body += struct.pack("=HH", 4 + len(info), 2) + info
    message = struct.pack("=IHHII", 16 + len(body), 20, 2, 0, 0) + body
    done = struct.pack("=IHHIIi", 20, 3, 2, 0, 0, 0)
    [sample], is_last = read(message + done, 5)
    assert is_last
    assert (sample.state, sample.local_ip, sample.local_port, sample.peer_port) == ("TIME-WAIT", "10.0.0.1", 40000, 80)
    assert (sample.expires_ms, sample.cwnd, sample.not_sent_bytes, sample.time_ns) == (12500, 10, 77, 5)
    assert len(request(2)) == 72


def test_a_kernel_that_refuses_says_why() -> None:
    with pytest.raises(PermissionError):
        read(struct.pack("=IHHIIi", 20, 2, 0, 0, 0, -1), 0)
