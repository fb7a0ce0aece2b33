"""Every cause of a transaction's time, from dialogues whose silences are known.  docs/stalls.md

Where the opening is FAR, the client is 50 ms from the tap: its answers come 100 ms after what they answer.
"""

from itertools import pairwise
from pathlib import Path

from lan.trace import pcapng
from lan.trace.kernel_tcp import Sample
from lan.trace.ledger import Ledger, PortRange
from lan.trace.stalls.attribution import Facts, attribute
from lan.trace.stalls.cause import Cause, Gap, totals
from lan.trace.timeline import Timeline

from .dialogues import IPS, MSS, Talk, head_of, question, timeline, told

TICKETS = Path(__file__).with_name("tickets.pcapng.hex")
FINISHED_AND_REQUEST = Path(__file__).with_name("finished_and_request.pcapng.hex")
NEAR = "0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / "
FAR = "0 pc1 SYN / 0.1 web SYN+ACK / 100.1 pc1 ACK / "
ASKED_FAR = FAR + "100.2 pc1 ACK request / 100.3 web ACK / "
WAY = {"TCP handshake": 100, "path delay": 100}


def ms(gaps: list[Gap]) -> dict[str, int]:
    """Cause → whole ms, without what is shorter than one."""
    return {cause.value: round(length / 1e6) for cause, length in totals(gaps).items() if length >= 1_000_000}


def found(frames: Timeline, facts: Facts | None = None) -> dict[str, int]:
    """What the first transaction's time went into; its parts stand one after the other, each with its evidence."""
    gaps = attribute(frames.http[0], frames, facts or Facts())
    assert all(before.end_ns == after.start_ns for before, after in pairwise(gaps))
    assert all(gap.length_ns > 0 and gap.evidence for gap in gaps)
    return ms(gaps)


def burst(start_ms: float, count: int, content: int) -> str:
    """The first segments of a response with so much content, all full, 10 µs apart."""
    head = f"head={content} {MSS - len(head_of(content))}"
    lines = [f"{start_ms + number / 100} web ACK {MSS if number else head}" for number in range(count)]
    return " / ".join(lines) + " / "


def test_a_server_that_thinks() -> None:
    assert found(told(NEAR + "0.3 pc1 ACK request / 0.4 web ACK / 200.4 web ACK response")) == {
        "server think time": 200
    }


def test_a_client_that_does_not_ask_at_once_and_one_that_stops_in_the_middle() -> None:
    assert found(told(NEAR + "150.2 pc1 ACK request / 150.3 web ACK response")) == {"client idle": 150}
    halves = FAR + "100.2 pc1 ACK half / 100.3 web ACK / 400.2 pc1 ACK end / 400.3 web ACK response"
    assert found(told(halves)) == {**WAY, "client idle": 300}


def test_nagle_is_a_second_small_piece_that_leaves_with_the_ack_of_the_first() -> None:
    frames = told(FAR + "100.2 pc1 ACK half / 100.3 web ACK / 200.3 pc1 ACK end / 200.4 web ACK response")
    assert found(frames) == {**WAY, "Nagle": 100}
    gap = next(gap for gap in attribute(frames.http[0], frames) if gap.cause is Cause.NAGLE)
    assert gap.reason.text == "2 bytes wait for the ACK of byte 27"
    assert [frame.number for frame in gap.evidence] == [4, 5, 6]
    assert gap.is_derived


def test_a_small_piece_that_leaves_some_time_after_a_quick_ack_was_not_held_by_nagle() -> None:
    """The ACK is there in half a millisecond, the piece comes two later: its program had not written it before."""
    frames = told(NEAR + "0.3 pc1 ACK half / 0.8 web ACK / 3.2 pc1 ACK end / 3.3 web ACK response")
    assert found(frames) == {"client idle": 3}
    held = told(NEAR + "0.3 pc1 ACK half / 3.8 web ACK / 4.2 pc1 ACK end / 4.3 web ACK response")
    assert found(held) == {"Nagle": 4}


def test_a_large_piece_that_leaves_with_an_ack_is_not_held_by_nagle() -> None:
    frames = told(FAR + "100.2 pc1 ACK half / 100.3 web ACK / 200.3 pc1 ACK 1460 / 200.4 web ACK response")
    assert "Nagle" not in found_of_connection(frames)


def found_of_connection(frames: Timeline) -> dict[str, int]:
    return ms(attribute(frames.tcp[0], frames))


def test_the_time_in_which_the_ack_was_held_back_is_its_senders() -> None:
    far = FAR + "100.2 pc1 ACK half / 140.3 web ACK / 240.3 pc1 ACK end / 240.4 web ACK response"
    assert found(told(far)) == {**WAY, "Nagle": 100, "delayed ACK": 40}
    near = told(NEAR + "0.3 pc1 ACK half / 40.4 web ACK / 40.5 pc1 ACK end / 40.6 web ACK response")
    assert found(near) == {"delayed ACK": 40}
    gap = next(gap for gap in attribute(near.http[0], near) if gap.cause is Cause.DELAYED_ACK)
    assert (gap.device, gap.reason.text) == ("web", "web had frame 4 and kept its ACK back")


def test_ten_segments_in_the_network_are_all_that_a_new_connection_may_have() -> None:
    first = burst(100.4, 10, content=15000)
    rest = "200.6 pc1 ACK ack=2921 / 200.65 web ACK 400 / 200.66 web ACK 400"
    assert found(told(ASKED_FAR + first + rest)) == {**WAY, "cwnd full": 100}


def test_a_program_that_writes_little_by_little_is_not_held_by_cwnd() -> None:
    drip = "100.4 web ACK head=30 10 / 200.5 pc1 ACK / 250.4 web ACK 10 / 350.5 pc1 ACK / 400.4 web ACK 10"
    assert found(told(ASKED_FAR + drip)) == {**WAY, "server think time": 300}


def test_full_segments_that_leave_with_an_ack_are_the_programs_while_the_network_has_room() -> None:
    frames = told(ASKED_FAR + burst(100.4, 1, content=1400 + MSS) + "200.5 pc1 ACK / 200.6 web ACK 1443")
    assert found(frames) == {**WAY, "server think time": 100}


def test_an_ack_of_many_segments_is_not_held_back_however_late_it_comes() -> None:
    frames = told(NEAR + "0.3 pc1 ACK request / " + burst(0.4, 10, content=15000) + "60.5 pc1 ACK / 60.6 web ACK 443")
    assert found(frames) == {"cwnd full": 60}


def test_a_long_request_is_on_its_way_until_its_receiver_has_it() -> None:
    """Its ACKs say how long it took over a narrow cable behind the tap; only then the server thinks."""
    request = " / ".join(f"{0.3 + number / 100} pc1 ACK {MSS}" for number in range(20))
    acks = " / ".join(f"{10 * pair} web ACK ack={1 + 2 * MSS * pair}" for pair in range(1, 11))
    frames = told(NEAR + request + " / " + acks + " / 150 web ACK response")
    assert found_of_connection(frames) == {"path delay": 100, "server think time": 50}


def test_a_small_piece_behind_others_that_nobody_acknowledged_was_not_held_by_nagle() -> None:
    """It leaves with the ACK of the first, but the second is still unacknowledged: Nagle would hold it."""
    pieces = "100.2 pc1 ACK half / 100.3 web ACK / 150.2 pc1 ACK 5 / 150.3 web ACK / 200.3 pc1 ACK 5"
    assert found_of_connection(told(FAR + pieces)) == {**WAY, "client idle": 100}


def test_a_window_of_nothing_is_the_receivers_until_it_opens() -> None:
    asked = "0 pc1 SYN win=4380 / 0.1 web SYN+ACK / 0.2 pc1 ACK / 0.3 pc1 ACK request / "
    full = "0.4 web ACK head=5000 1422 / 0.41 web ACK 1460 / 0.42 web ACK 1459 / "
    frames = told(
        asked
        + full
        + "0.6 pc1 ACK win=0 / 200 web ACK seq=4380 / 200.1 pc1 ACK / 300.4 pc1 ACK win=4380 / 300.5 web ACK 659"
    )
    assert found(frames) == {"receive window full": 300}
    assert next(g for g in attribute(frames.http[0], frames) if g.cause is Cause.RECEIVE_WINDOW).device == "pc1"


def test_a_time_out_and_a_fast_retransmission() -> None:
    request = NEAR + "0.3 pc1 ACK request / 200.3 pc1 ACK seq=1 request / 200.4 web ACK response"
    assert found(told(request)) == {"retransmission time-out": 200}
    seven = burst(100.4, 7, content=7 * MSS - 43)
    asks = "200.6 pc1 ACK ack=1461 sack=2921-10221 / 200.7 web ACK seq=1461 1460"
    assert found(told(ASKED_FAR + seven + asks)) == {**WAY, "fast retransmission": 100}


def test_a_lost_syn_is_a_time_out_of_its_sender() -> None:
    again = "1000 pc1 SYN seq=0 / 1000.1 web SYN+ACK / 1000.2 pc1 ACK / "
    frames = told("0 pc1 SYN / " + again + "1000.3 pc1 ACK request / 1000.4 web ACK response")
    assert found(frames) == {"retransmission time-out": 1000}


def test_what_was_sent_again_for_nothing_explains_nothing() -> None:
    """The receiver tells of bytes that came twice (RFC 2883): they were not lost, and the window was full."""
    asked = "0 pc1 SYN win=2920 / 0.1 web SYN+ACK / 0.2 pc1 ACK / 0.3 pc1 ACK request / "
    full = (
        "0.4 web ACK head=5000 1422 / 0.41 web ACK 1459 / 10 web ACK seq=1461 1459 / 40 pc1 ACK win=0 sack=1461-2920 / "
    )
    assert found(told(asked + full + "300.4 pc1 ACK win=4380 / 300.5 web ACK 1460 / 300.6 web ACK 659")) == {
        "receive window full": 300
    }


def test_new_bytes_that_the_timer_sent_tell_of_a_loss() -> None:
    probe = "200.4 pc1 ACK end / 200.5 web ACK ack=1 sack=28-30 / 200.6 pc1 ACK seq=1 half / 200.7 web ACK response"
    assert found(told(NEAR + "0.3 pc1 ACK half / " + probe)) == {"retransmission time-out": 200}


def test_a_name_that_is_looked_up_first_belongs_to_the_transaction() -> None:
    talk = list(
        Talk().frames(
            "130 pc1 SYN / 130.1 web SYN+ACK / 130.2 pc1 ACK / 130.3 pc1 ACK request / 130.4 web ACK response"
        )
    )
    assert found(timeline(question(5, answer_ms=125), talk)) == {"name lookup": 120, "client idle": 5}


def test_the_second_transaction_of_a_connection_begins_with_its_request() -> None:
    again = "0.4 web ACK response / 500 pc1 ACK request / 520 web ACK response"
    frames = told(NEAR + "0.3 pc1 ACK request / " + again)
    assert ms(attribute(frames.http[1], frames)) == {"server think time": 20}
    assert found_of_connection(frames) == {"client idle": 500, "server think time": 20}


def test_a_proxy_holds_what_it_could_send_on_and_its_server_thinks() -> None:
    client = Talk(server="proxy", ports=(40000, 3128)).frames(
        "0 pc1 SYN / 0.1 proxy SYN+ACK / 0.2 pc1 ACK / 0.3 pc1 ACK request / 0.4 proxy ACK / 550.4 proxy ACK response"
    )
    server = Talk(client="proxy").frames(
        "200.4 proxy SYN / 200.5 web SYN+ACK / 200.6 proxy ACK / 200.7 proxy ACK request / 200.8 web ACK / "
        "500.7 web ACK response"
    )
    frames = timeline(list(client), list(server))
    assert found(frames) == {"proxy holding": 250, "server think time": 300}
    assert {gap.device for gap in attribute(frames.http[0], frames) if gap.cause is Cause.SERVER_THINK} == {"web"}


def test_without_a_port_the_client_waits_for_one() -> None:
    held = list(Talk(ports=(40000, 80)).frames(NEAR + "400 pc1 RST+ACK"))
    other = Talk(ports=(40000, 80)).frames(
        "405 pc1 SYN / 405.1 web SYN+ACK / 405.2 pc1 ACK / 405.3 pc1 ACK request / 405.4 web ACK response"
    )
    frames = timeline(held, list(other))
    facts = Facts(ledger=Ledger(frames, {"pc1": PortRange(40000, 40000)}))
    assert found(frames, facts) == {"ports exhausted": 405}
    assert found(frames, Facts(ledger=Ledger(frames))) == {}


def test_session_tickets_answer_nothing() -> None:
    """`tickets.pcapng.hex`: Python's ssl in TLS 1.3, the client 50 ms from the tap, its request in two small writes.

    The tickets come with the ACK of the client's Finished, behind which Nagle's algorithm had held the request.
    """
    frames = Timeline(switches=["s1"])
    frames.feed(pcapng.load(bytes.fromhex(TICKETS.read_text())))
    gaps = attribute(frames.tls[0].connection, frames)
    causes = ms(gaps)
    assert (causes["Nagle"], causes["TLS handshake"], causes["TCP handshake"]) == (101, 110, 100)
    assert causes.get("server think time", 0) < 5


def test_a_request_in_one_segment_with_the_clients_finished_is_answered_like_any() -> None:
    """`finished_and_request.pcapng.hex`: our proxy's end of a tunnel, with its secrets; web thinks for 200 ms."""
    reader, frames = pcapng.Reader(), Timeline(switches=["s1"])
    recorded = reader.feed(bytes.fromhex(FINISHED_AND_REQUEST.read_text()))
    frames.learn_secrets(reader.secrets)
    frames.feed(recorded)
    assert frames.http[0].status == 200
    assert ms(attribute(frames.http[0], frames))["server think time"] == 204


def sample(at_ms: float, *, not_sent: int, retransmits: int = 0) -> Sample:
    ends = (IPS["pc1"], 40000, IPS["web"], 80)
    return Sample(round(at_ms * 1e6), "ESTABLISHED", *ends, cwnd=10, not_sent_bytes=not_sent, retransmits=retransmits)


def test_the_senders_own_kernel_decides_what_a_watcher_can_only_guess() -> None:
    """The program wrote its second piece just when the ACK of the first came; or it had waited in the socket."""
    frames = told(FAR + "100.2 pc1 ACK half / 100.3 web ACK / 200.3 pc1 ACK end / 200.4 web ACK response")
    assert found(frames, Facts([sample(150, not_sent=0)])) == {**WAY, "client idle": 100}
    gaps = attribute(frames.http[0], frames, Facts([sample(150, not_sent=2)]))
    assert [gap.is_derived for gap in gaps if gap.cause is Cause.NAGLE] == [False]


def test_the_kernel_tells_of_a_loss_before_the_tap() -> None:
    frames = told(NEAR + "210.2 pc1 ACK request / 210.3 web ACK response")
    assert found(frames) == {"client idle": 210}
    facts = Facts([sample(100, not_sent=0), sample(205, not_sent=0, retransmits=1)])
    assert found(frames, facts) == {"retransmission time-out": 210}
