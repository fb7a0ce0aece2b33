"""Via, Max-Forwards and Keep-Alive: read, written, obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import keep_alive, max_forwards, via
from lan.services.http.protocol.keep_alive import KeepAlive
from lan.services.http.protocol.max_forwards import Step
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Headers, Request, headers
from lan.services.http.protocol.via import Hop

VIA = [
    ("1.0 fred, 1.1 p.example.net", [Hop("1.0", "fred"), Hop("1.1", "p.example.net")]),
    ("HTTP/1.1 proxy:3128 (squid, (nested) \\) x)", [Hop("1.1", "proxy:3128")]),
    ("1.1 a (b, 1.1 c), 2 d", [Hop("1.1", "a"), Hop("2", "d")]),
    ("1.1\t[::1]:80", [Hop("1.1", "[::1]:80")]),
    ("nonsense, , 1.1 a b, 1.1 x", [Hop("1.1", "x")]),
    ("1.1 x (unclosed, 1.1 y", [Hop("1.1", "x"), Hop("1.1", "y")]),
    ("1.1 x (\\, 1.1 y (lan)", [Hop("1.1", "x"), Hop("1.1", "y")]),
]


@pytest.mark.parametrize(("value", "hops"), VIA)
def test_via_is_read(value: str, hops: list[Hop]) -> None:
    assert via.parse(value) == tuple(hops)


@given(st.text())
def test_any_via_is_read(value: str) -> None:
    via.parse(value)


def test_each_recipient_adds_itself_at_the_end_with_the_version_it_received() -> None:
    once = via.append(Headers(), HTTP_1_0, "fred")
    assert via.append(once, HTTP_1_1, "proxy:3128").get("Via") == "1.0 fred, 1.1 proxy:3128"


@pytest.mark.parametrize("said", ["1.1 x (", "1.1 x (\\", "((((", "1.1 x (a)(", "(,(,"])
def test_a_comment_that_somebody_left_open_hides_no_circle(said: str) -> None:
    """Who sends it would have proxies ask each other without end."""
    fields = via.append(via.append(headers([("Via", said)]), HTTP_1_1, "p"), HTTP_1_1, "q")
    assert via.loop(fields, "p") is not None and via.loop(fields, "q") is not None


def test_a_request_that_names_us_has_been_here() -> None:
    fields = headers([("Via", "1.1 other"), ("Via", "1.1 PROXY:3128 (x)")])
    assert via.loop(fields, "proxy:3128") is not None
    assert via.loop(fields, "proxy:3129") is None
    assert via.loop(headers([("Via", "1.1 other (1.1 me)")]), "me") is None
    assert via.loop(Headers(), "me") is None


LIMITS = [
    ("TRACE", "0", Step.ANSWER, "0"),
    ("OPTIONS", "0", Step.ANSWER, "0"),
    ("TRACE", "1", Step.FORWARD, "0"),
    ("OPTIONS", "10", Step.FORWARD, "9"),
    ("GET", "0", Step.FORWARD, "0"),
    ("TRACE", "-1", Step.REFUSE, "-1"),
    ("TRACE", "x", Step.REFUSE, "x"),
    ("TRACE", "1, 2", Step.REFUSE, "1, 2"),
    ("TRACE", "9999999999", Step.REFUSE, "9999999999"),
]


@pytest.mark.parametrize(("method", "value", "step", "left"), LIMITS)
def test_max_forwards_counts_for_trace_and_options_alone(method: str, value: str, step: Step, left: str) -> None:
    decision = max_forwards.decide(Request(method, "/", headers=headers([("Max-Forwards", value)])))
    assert decision.step is step
    assert decision.headers.get("Max-Forwards") == left


def test_trace_gives_the_head_back_but_for_secrets() -> None:
    fields = headers([("Host", "web"), ("Cookie", "s"), ("Authorization", "s"), ("Proxy-Authorization", "s")])
    assert max_forwards.reflection(Request("TRACE", "/", headers=fields)) == b"TRACE / HTTP/1.1\r\nHost: web\r\n\r\n"


KEEP_ALIVE = [
    ("timeout=120, max=5", KeepAlive(120, 5)),
    ("MAX=5", KeepAlive(None, 5)),
    ('timeout="5"', KeepAlive(5, None)),
    ("timeout=5, timeout=9, x=1, max", KeepAlive(5, None)),
    ("timeout=-1, max=1.5", KeepAlive()),
    ("timeout=99999999999", KeepAlive()),
    ("", KeepAlive()),
]


@pytest.mark.parametrize(("value", "meaning"), KEEP_ALIVE)
def test_keep_alive_is_read(value: str, meaning: KeepAlive) -> None:
    assert keep_alive.parse(headers([("Keep-Alive", value)])) == meaning


@given(st.none() | st.integers(0, 10**9 - 1), st.none() | st.integers(0, 10**9 - 1))
def test_what_keep_alive_says_reads_back(timeout_s: int | None, most: int | None) -> None:
    said = KeepAlive(timeout_s, most)
    assert keep_alive.parse(headers([("Keep-Alive", str(said))])) == said


@given(st.text())
def test_any_keep_alive_is_read(value: str) -> None:
    keep_alive.parse(Headers((("Keep-Alive", value),)))
