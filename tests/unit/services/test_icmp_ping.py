"""Ping as a dialogue: requests, replies, errors, and what is said of them."""

import contextlib
import os
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.icmp import __main__ as shell
from lan.services.icmp.ping import Answer, Ping, Statistics, ms_text, report
from lan.wire import icmp, ipv4

WEB, PC1, ROUTER, IDENTIFIER = "192.168.100.253", "192.168.100.1", "192.168.100.9", 77


def ping(*, count: int | None = 4, timeout_s: float | None = 1) -> Ping:
    return Ping(WEB, identifier=IDENTIFIER, count=count, interval_s=0.2, timeout_s=timeout_s)


def request(subject: Ping, now_s: float) -> bytes:
    data = subject.wake(now_s=now_s)
    assert data is not None
    return data


def reply(to: bytes, *, source: str = WEB, identifier: int = IDENTIFIER, ttl: int = 64) -> bytes:
    """What a raw socket gets."""
    sequence = int.from_bytes(to[6:8], "big")
    echo = icmp.build_echo(identifier, sequence, to[8:], reply=True)
    return ipv4.build(source, PC1, ipv4.ICMP, echo, ttl=ttl)


def error(to: bytes, *, source: str = ROUTER, destination: str = WEB) -> bytes:
    about = ipv4.build(PC1, destination, ipv4.ICMP, to)
    return ipv4.build(source, PC1, ipv4.ICMP, icmp.build_error(icmp.UNREACHABLE, 1, about))


def test_four_requests_four_replies() -> None:
    subject, lines = ping(), []
    for n, rtt_s in enumerate((0.000045, 0.00123, 0.0123, 0.123)):
        now_s = n * 0.2
        answer = subject.receive_datagram(reply(request(subject, now_s)), now_s=now_s + rtt_s)
        assert answer is not None
        lines.append(answer.line("web"))
    assert lines == [
        "64 bytes from web (192.168.100.253): icmp_seq=1 ttl=64 time=0.045 ms",
        "64 bytes from web (192.168.100.253): icmp_seq=2 ttl=64 time=1.23 ms",
        "64 bytes from web (192.168.100.253): icmp_seq=3 ttl=64 time=12.3 ms",
        "64 bytes from web (192.168.100.253): icmp_seq=4 ttl=64 time=123 ms",
    ]
    assert subject.is_over(now_s=0.8) and subject.wake(now_s=0.8) is None
    assert list(subject.statistics.lines(subject.elapsed_s())) == [
        "4 packets transmitted, 4 received, 0% packet loss, time 600ms",
        "rtt min/avg/max/mdev = 0.045/34.144/123.000/51.523 ms",
    ]


def test_requests_leave_at_their_interval() -> None:
    subject = ping(count=2)
    assert subject.deadline_s() is None
    request(subject, 10)
    assert subject.deadline_s() == 10.2 and subject.wake(now_s=10.1) is None
    request(subject, 10.2)
    assert subject.deadline_s() == 11.2 and not subject.is_over(now_s=11.1) and subject.is_over(now_s=11.2)


def test_requests_are_as_in_the_field_56_bytes_of_data_numbered_from_1() -> None:
    message = icmp.read(request(ping(), 0), 0, 64)
    assert (message.type, message.identifier, message.sequence, len(message.data)) == (icmp.ECHO, IDENTIFIER, 1, 56)
    assert message.checksum_ok


def test_lost_replies_count_as_loss() -> None:
    subject = ping(count=3)
    requests = [request(subject, n) for n in range(3)]
    subject.receive_datagram(reply(requests[1]), now_s=2.5)
    assert not subject.is_over(now_s=2.9) and subject.is_over(now_s=3)
    first, _ = subject.statistics.lines(2)
    assert first == "3 packets transmitted, 1 received, 66.6667% packet loss, time 2000ms"


def test_a_duplicate_is_marked_and_not_counted_as_received() -> None:
    subject = ping()
    sent = request(subject, 0)
    subject.receive_datagram(reply(sent), now_s=0.001)
    again = subject.receive_datagram(reply(sent), now_s=0.002)
    assert again and again.line() == "64 bytes from 192.168.100.253: icmp_seq=1 ttl=64 time=2.00 ms (DUP!)"
    assert (subject.statistics.received, subject.statistics.duplicates) == (1, 1)
    assert next(subject.statistics.lines(0)).startswith("1 packets transmitted, 1 received, +1 duplicates, 0% packet")


def test_an_error_is_matched_to_its_request_and_ends_the_wait_for_it() -> None:
    subject = ping(count=1)
    sent = request(subject, 0)
    answer = subject.receive_datagram(error(sent), now_s=0.1)
    assert answer and answer.line() == "From 192.168.100.9 icmp_seq=1 Destination Host Unreachable"
    assert subject.is_over(now_s=0.1)
    assert subject.receive_datagram(error(sent), now_s=0.2) is None
    assert list(subject.statistics.lines(0)) == [
        "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms"
    ]


def test_what_is_for_others_is_not_taken() -> None:
    subject = ping()
    sent = request(subject, 0)
    other = icmp.build_echo(IDENTIFIER + 1, 1, b"")
    damaged = bytearray(reply(sent))
    damaged[-1] ^= 1
    for data in (
        reply(sent, identifier=78),
        reply(sent, source=ROUTER),
        reply(icmp.build_echo(IDENTIFIER, 2, b"")),
        error(other),
        error(sent, destination=ROUTER),
        ipv4.build(WEB, PC1, ipv4.ICMP, sent),
        bytes(damaged),
    ):
        assert subject.receive_datagram(data, now_s=0.1) is None
    assert (subject.statistics.received, subject.statistics.errors) == (0, 0)


def test_without_a_limit_a_silent_host_is_waited_for_ten_seconds_and_a_known_one_for_one() -> None:
    silent, known = ping(count=1, timeout_s=None), ping(count=2, timeout_s=None)
    request(silent, 0)
    assert silent.deadline_s() == 10
    known.receive_datagram(reply(request(known, 0)), now_s=0.1)
    request(known, 1)
    assert known.deadline_s() == 2
    slow = ping(count=2, timeout_s=None)
    slow.receive_datagram(reply(request(slow, 0)), now_s=3)
    request(slow, 4)
    assert slow.deadline_s() == 10


def test_a_request_that_can_not_leave_is_an_error() -> None:
    subject = ping(count=1)
    request(subject, 0)
    assert subject.fail("Network is unreachable").line() == "From this host icmp_seq=1 Network is unreachable"
    assert subject.is_over(now_s=0)


def test_sequence_numbers_go_round() -> None:
    subject = ping(count=None)
    for n in range(65536 + 2):
        last = request(subject, n)
    answer = subject.receive_datagram(reply(last), now_s=n)
    assert answer and (answer.sequence, answer.rtt_ms, answer.duplicate) == (2, 0, False)


def test_the_json_object() -> None:
    subject = ping(count=1)
    answer = subject.receive_datagram(reply(request(subject, 0)), now_s=0.0005)
    assert answer and report(subject, "web", [answer]) == {
        "schema": 1, "ok": True, "destination": "web", "address": WEB, "transmitted": 1, "received": 1,
        "duplicates": 0, "errors": 0, "loss_percent": 0.0,
        "rtt_ms": {"min": 0.5, "avg": 0.5, "max": 0.5, "mdev": 0.0},
        "answers": [
            {"sequence": 1, "source": WEB, "rtt_ms": 0.5, "ttl": 64, "duplicate": False, "error": None},
        ],
    }  # fmt: skip


def test_nothing_sent_is_no_loss() -> None:
    assert list(Statistics().lines(0)) == ["0 packets transmitted, 0 received, 0% packet loss, time 0ms"]


@pytest.mark.parametrize(("rtt_ms", "text"), [(0.0451, "0.045"), (9.994, "9.99"), (10, "10.0"), (1234.5, "1234")])
def test_a_time_has_three_digits(rtt_ms: float, text: str) -> None:
    assert ms_text(rtt_ms) == text


def test_an_answer_without_ttl_says_nothing_of_it() -> None:
    assert Answer(3, WEB, 1.0, None, 64).line() == "64 bytes from 192.168.100.253: icmp_seq=3 time=1.00 ms"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "the following arguments are required: destination"),
        (["-c", "0", "web"], "-c 0 is out of range"),
        (["-i", "nan", "web"], "-i nan is out of range"),
        (["-s", "70000", "web"], "-s 70000 is out of range"),
        (["not a name"], "lan-ping: not a name: "),
        (["x" * 300], f"lan-ping: {'x' * 300}: "),
    ],
)
def test_a_wrong_word_ends_with_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.main(words) == 2
    assert said in capsys.readouterr().err


class PlayedEcho:
    """A socket that others' datagrams wake; after the first one we are not run for two seconds, and the reply comes."""

    def __init__(self) -> None:
        self.sock, self.now_s = self, 0.0
        self._reading, self._writing = os.pipe()
        self._request, self._looks = b"", 0

    def fileno(self) -> int:
        return self._reading

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self._request = data
        os.write(self._writing, b"!")

    def receive(self, subject: Ping, clock: Callable[[], float]) -> list[Answer]:
        if not self._request:
            return []
        self._looks += 1
        if self._looks == 1:
            self.now_s += 2
            return []
        answer = subject.receive_datagram(reply(self._request), now_s=clock())
        return [answer] if answer else []

    def close(self) -> None:
        os.close(self._reading)
        os.close(self._writing)


def test_a_reply_that_came_in_time_counts_though_we_were_not_run_meanwhile() -> None:
    subject = ping(count=1, timeout_s=1)
    with contextlib.closing(PlayedEcho()) as echo:
        show = shell.Screen(subject, WEB, as_json=True, quiet=False)
        shell.run(subject, echo, show, lambda: echo.now_s)  # type: ignore[arg-type]  # all that it asks of a socket
    assert (subject.statistics.received, [answer.rtt_ms for answer in show.answers]) == (1, [2000.0])


@given(st.binary(max_size=120), st.booleans())
def test_no_bytes_make_ping_raise(data: bytes, framed: bool) -> None:
    subject = ping()
    request(subject, 0)
    if framed:
        data = ipv4.build(WEB, PC1, ipv4.ICMP, data)
    answer = subject.receive_datagram(data, now_s=0)
    assert answer is None or answer.sequence == 1


@given(st.binary(max_size=60))
def test_no_quoted_bytes_make_ping_raise(quote: bytes) -> None:
    subject = ping()
    sent = request(subject, 0)
    subject.receive_error(quote, ROUTER, 3, 1)
    subject.receive(icmp.build_error(3, 1, ipv4.build(PC1, WEB, 1, sent))[:8] + quote, ROUTER, now_s=0)
