"""HTTP transactions: where each message ends, whole, in pieces, and cut off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.trace.timeline import Timeline
from lan.trace.trackers.http import Transaction

from .talk import Talk

GET = b"GET / HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
FIVE = OK + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n4;x=y\r\nwiki\r\n5\r\npedia\r\n0\r\nTrailer: 1\r\n\r\n"


def exchange(request: bytes, response: bytes, *, ending: str = "FIN+ACK", size: int = 10_000) -> list[Transaction]:
    """A connection on which both were said, each in segments of `size`, and that the server then ended."""
    talk, timeline = Talk(), Timeline()
    timeline.feed(talk.open())
    for who, data in (("pc1", request), ("web", response)):
        timeline.feed(talk.say(who, "ACK", data[at : at + size]) for at in range(0, len(data), size))
    if ending:
        timeline.add(talk.say("web", ending))
    return timeline.http


def outcome(transaction: Transaction) -> str:
    response = transaction.response
    if response is None:
        return f"{transaction.method} no response"
    state = "complete" if transaction.is_complete else "truncated" if transaction.is_truncated else "goes on"
    return f"{transaction.method} {transaction.status} {response.framing.value} {response.body_bytes} {state}"


WHOLE = "GET 200 Content-Length 5 complete"

CASES = [
    (GET, FIVE, [WHOLE]),
    (GET, CHUNKED, ["GET 200 chunked 9 complete"]),
    (GET, OK + b"\r\nall of it", ["GET 200 until close 9 complete"]),
    (GET, FIVE[:-2], ["GET 200 Content-Length 3 truncated"]),
    (GET, CHUNKED[:-20], ["GET 200 chunked 8 truncated"]),
    (GET, b"HTTP/1.1 200 OK\r\nConte", ["GET 200 no body 0 truncated"]),
    (GET, b"", ["GET no response"]),
    (GET * 3, FIVE + CHUNKED + FIVE, [WHOLE, "GET 200 chunked 9 complete", WHOLE]),
    (b"HEAD" + GET[3:] + GET, FIVE[:-5] + FIVE, ["HEAD 200 no body 0 complete", WHOLE]),
    (GET, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", ["GET 204 no body 0 complete"]),
    (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc\r\n" + GET, FIVE * 2, ["PUT" + WHOLE[3:], WHOLE]),
    (GET, b"HTTP/1.1 101 Switching\r\n\r\n\0\1\2" + FIVE, ["GET 101 tunnel 0 complete"]),
    (GET, OK + b"Content-Length: 5, 6\r\n\r\nhello", ["GET 200 until close 5 complete"]),
    (GET, OK + b"Transfer-Encoding: chunked\r\n\r\nzzz\r\n", ["GET 200 chunked 0 truncated"]),
    (b"\x16\x03\x01 no http at all\n", b"", []),
]  # fmt: skip


@pytest.mark.parametrize("size", [10_000, 1, 7])
@pytest.mark.parametrize(("request_bytes", "response", "expected"), CASES)
def test_where_messages_end(request_bytes: bytes, response: bytes, expected: list[str], size: int) -> None:
    assert [outcome(each) for each in exchange(request_bytes, response, size=size)] == expected


def test_a_reset_truncates_what_only_the_end_would_complete() -> None:
    [transaction] = exchange(GET, OK + b"\r\nsome", ending="RST+ACK")
    assert transaction.is_truncated
    assert not transaction.is_complete


def test_what_goes_on_is_neither_complete_nor_truncated() -> None:
    [transaction] = exchange(GET, FIVE[:-1], ending="")
    assert outcome(transaction) == "GET 200 Content-Length 4 goes on"


def test_a_transaction_knows_its_frames_and_headers() -> None:
    [one] = exchange(GET, FIVE)
    assert [frame.number for frame in one.frames] == [4, 5]
    assert one.request.head.get("host") == "www.lan.test"
    assert one.frames[-1].packet.payload == FIVE
    assert one.first_byte_ms == 1.0
    assert repr(one) == "HTTP pc1 → web: GET www.lan.test/ → 200 OK, 5 bytes"


@given(st.binary(max_size=120), st.binary(max_size=120), st.integers(1, 130))
def test_no_bytes_break_it(request_bytes: bytes, response: bytes, size: int) -> None:
    whole = exchange(GET + request_bytes, OK + response)
    pieces = exchange(GET + request_bytes, OK + response, size=size)
    assert [outcome(each) for each in whole] == [outcome(each) for each in pieces]
    exchange(b"\x16\x03\x01" + request_bytes, b"\x16\x03\x03" + response, size=size)
