"""HTTP heads within one segment: what begins is read, what goes on is said, what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import ethernet, http, ipv4, tcp
from lan.wire.frame import decode


def read(data: bytes) -> http.Http:
    return http.read(data, 0, len(data))


def segment(payload: bytes, port: int) -> bytes:
    made = tcp.build("10.0.0.1", "10.0.0.2", 40000, port, seq=1, flags=tcp.TcpFlags.ACK, payload=payload)
    return ethernet.build("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800, ipv4.build("10.0.0.1", "10.0.0.2", 6, made))


def test_a_request_is_read() -> None:
    head = read(b"GET /a?b=c HTTP/1.1\r\nHost: www.lan.test\r\nAccept: a\r\naccept:  b \r\n\r\nbody")
    assert (head.kind, head.method, head.target, head.version) == ("request", "GET", "/a?b=c", "HTTP/1.1")
    assert head.headers == (("Host", "www.lan.test"), ("Accept", "a"), ("accept", "b"))
    assert (head.get("HOST"), head.get("accept"), head.get("cookie")) == ("www.lan.test", "a, b", None)
    assert head.body_start == 67
    assert head.problems == ()


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"HTTP/1.1 200 OK", 200, "OK"),
        (b"HTTP/1.0 404 Not Found", 404, "Not Found"),
        (b"HTTP/1.1 204 ", 204, ""),
        (b"HTTP/1.1 204", 204, ""),
    ],
)
def test_a_response_is_read(line: bytes, status: int, reason: str) -> None:
    head = read(line + b"\r\nConnection: close\r\n\r\n")
    assert (head.kind, head.status, head.reason, head.get("connection")) == ("response", status, reason, "close")


@given(st.integers(0, 70))
def test_a_head_cut_anywhere_is_no_fault(at: int) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    head = read(whole[:at])
    assert head.problems == ()
    assert (head.body_start is None) == (at < whole.index(b"hello"))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"GET /\r\n\r\n", "HTTP start line 'GET /' is neither a request's nor a response's"),
        (b"HTTP/1.1 abc\r\n\r\n", "HTTP start line 'HTTP/1.1 abc' is neither a request's nor a response's"),
        (b"GET / HTTP/1.1\r\nnonsense\r\n\r\n", "HTTP header line 'nonsense' has no colon"),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP header name 'Host ' has forbidden characters"),
        (b"GET / HTTP/1.1\r\nA: x\r\n y\r\n\r\n", "HTTP header A is folded over two lines"),
    ],
)
def test_damage_is_named(data: bytes, problem: str) -> None:
    assert read(data).problems == (problem,)


@pytest.mark.parametrize(
    ("payload", "port", "kind"),
    [
        (b"GET / HTTP/1.1\r\n", 80, "request"),
        (b"GET / HTTP/1.1\r\n", 9999, "request"),
        (b"GET /", 80, "request"),
        (b"GET key\r\n", 6379, None),
        (b"Host: x\r\n\r\n", 80, "data"),
        (b"Host: x\r\n\r\n", 3128, "data"),
        (b"Host: x\r\n\r\n", 9999, None),
        (b"", 80, None),
    ],
)
def test_a_segment_is_http_by_its_first_bytes_or_by_its_port(payload: bytes, port: int, kind: str | None) -> None:
    head = decode(segment(payload, port)).http
    assert (head.kind if head else None) == kind


def test_lines_may_end_in_a_bare_newline() -> None:
    assert read(b"GET / HTTP/1.1\nHost: x\n\n").body_start == 24


def test_what_others_send_can_do_no_harm_to_a_terminal() -> None:
    head = read(b"GET /\x1b[2J HTTP/1.1\r\nA: \x1b]0;x\x07\r\n\r\n")
    assert head.summary() == "HTTP GET /\\x1b[2J HTTP/1.1"
    assert head.get("a") == "\\x1b]0;x\\x07"
