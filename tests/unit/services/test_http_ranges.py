"""Byte ranges: which wishes are read, satisfied, merged and ignored, and what is sent for them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.services.http.protocol import dates, ranges
from lan.services.http.protocol.messages import Request, Response, build, headers
from lan.services.http.protocol.ranges import (
    ContentRange,
    Partial,
    RangeSpec,
    Representation,
    Span,
    Unsatisfiable,
    Whole,
)

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
MODIFIED_S, NOW_S = 1_000_000_000, 2_000_000_000.0
REPRESENTATION = Representation(SIZE, '"v1"', MODIFIED_S, NOW_S)
WHOLE = Response(
    200,
    "OK",
    headers=headers([("ETag", '"v1"'), ("Content-Type", "text/plain"), ("Content-Length", str(SIZE)), ("Vary", "a")]),
)


def asked(text: str | None, method: str = "GET", if_range: str | None = None) -> Request:
    pairs = [(name, value) for name, value in (("Range", text), ("If-Range", if_range)) if value is not None]
    return Request(method, "/", headers=headers(pairs))


def sent(selected: ranges.Selected) -> bytes:
    return b"".join(
        piece if isinstance(piece, bytes) else CONTENT[piece.first : piece.last + 1] for piece in selected.pieces
    )


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("bytes=0-499", [(0, 499)]),
        ("bytes=500-", [(500, None)]),
        ("bytes=-500", [(None, 500)]),
        ("Bytes=0-0,-1", [(0, 0), (None, 1)]),
        ("bytes=0-1 ,\t, 5-6,", [(0, 1), (5, 6)]),
        (f"bytes=0-{'9' * 5000}", [(0, 10**18)]),
        (f"bytes={'0' * 5000}7-8", [(7, 8)]),
    ],
)
def test_wishes_are_read(text: str, specs: list[tuple[int | None, int | None]]) -> None:
    assert ranges.parse(text) == tuple(RangeSpec(*spec) for spec in specs)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=,",
        "bytes=2-1",
        "bytes=a-b",
        "bytes=0-1-2",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=٣-٤",
        "seconds=0-1",
        "bytes 0-1",
        "bytes=0-1, bytes=2-3",
        "bytes=0-1\r\n2-3",
    ],
)
def test_what_is_no_set_of_byte_ranges_is_ignored(text: str) -> None:
    assert ranges.parse(text) is None
    assert isinstance(ranges.choose(asked(text), REPRESENTATION), Whole)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("bytes=0-0", [(0, 0)]),
        ("bytes=1000-", [(1000, 1023)]),
        ("bytes=1000-9999", [(1000, 1023)]),
        ("bytes=-1", [(1023, 1023)]),
        ("bytes=-9999", [(0, 1023)]),
        ("bytes=0-9,5-20", [(0, 20)]),  # overlapping
        ("bytes=0-9,50-60", [(0, 60)]),  # nearer than a part's head is long
        ("bytes=500-510,0-9", [(500, 510), (0, 9)]),  # in the order asked for
        ("bytes=9999-,0-9", [(0, 9)]),  # the unsatisfiable one is left out
        ("bytes=0-9,-0", [(0, 9)]),
    ],
)
def test_ranges_within_the_representation_are_sent(text: str, spans: list[tuple[int, int]]) -> None:
    choice = ranges.choose(asked(text), REPRESENTATION)
    assert isinstance(choice, Partial) and choice.spans == tuple(Span(*span) for span in spans)


@pytest.mark.parametrize("text", ["bytes=1024-", "bytes=5000-6000", "bytes=-0", f"bytes={'9' * 40}-"])
def test_ranges_past_the_end_are_416_with_the_size(text: str) -> None:
    choice = ranges.choose(asked(text), REPRESENTATION)
    assert isinstance(choice, Unsatisfiable)
    selected = ranges.apply(WHOLE, choice, size_bytes=SIZE)
    assert (selected.response.status, selected.pieces) == (416, ())
    assert selected.response.headers.get("Content-Range") == f"bytes */{SIZE}"
    assert selected.response.headers.get("ETag") is None


def test_range_means_nothing_for_other_methods_than_get() -> None:
    for method in ("HEAD", "POST", "PUT", "OPTIONS"):
        assert isinstance(ranges.choose(asked("bytes=0-1", method), REPRESENTATION), Whole)


def test_the_last_bytes_of_an_empty_representation_are_the_whole_of_it() -> None:
    assert isinstance(ranges.choose(asked("bytes=-5"), Representation(0)), Whole)
    assert isinstance(ranges.choose(asked("bytes=0-"), Representation(0)), Unsatisfiable)


@pytest.mark.parametrize("text", ["bytes=" + "0-1," * 101, "bytes=0-,0-,0-,0-"])
def test_an_attack_by_many_ranges_gets_the_whole_once(text: str) -> None:
    assert isinstance(ranges.choose(asked(text), REPRESENTATION), Whole)


@pytest.mark.parametrize(
    ("condition", "partial"),
    [
        ('"v1"', True),
        ('"v2"', False),
        ('W/"v1"', False),
        (dates.build(MODIFIED_S), True),
        (dates.build(MODIFIED_S + 1), False),
        (dates.build(MODIFIED_S - 1), False),
        ("yesterday", False),
    ],
)
def test_if_range_wants_an_exact_strong_match(condition: str, partial: bool) -> None:
    choice = ranges.choose(asked("bytes=0-1", if_range=condition), REPRESENTATION)
    assert isinstance(choice, Partial) is partial
    assert isinstance(choice, Whole) is not partial


def test_a_weak_stored_tag_never_satisfies_if_range() -> None:
    weak = Representation(SIZE, 'W/"v1"')
    for condition in ('W/"v1"', '"v1"'):
        assert isinstance(ranges.choose(asked("bytes=0-1", if_range=condition), weak), Whole)


def test_a_date_of_the_same_second_is_too_weak_for_if_range() -> None:
    young = Representation(SIZE, None, MODIFIED_S, MODIFIED_S + 0.5)
    assert isinstance(ranges.choose(asked("bytes=0-1", if_range=dates.build(MODIFIED_S)), young), Whole)


def test_if_range_without_range_means_nothing() -> None:
    assert ranges.choose(asked(None, if_range='"v2"'), REPRESENTATION).why.text == "no range asked for"


def test_a_single_part_keeps_the_fields_and_names_its_range() -> None:
    selected = ranges.apply(WHOLE, ranges.choose(asked("bytes=10-19"), REPRESENTATION), size_bytes=SIZE)
    fields = selected.response.headers
    assert selected.response.status == 206 and sent(selected) == CONTENT[10:20]
    assert fields.get("Content-Range") == f"bytes 10-19/{SIZE}" and fields.get("Content-Length") == "10"
    assert (fields.get("ETag"), fields.get("Content-Type"), fields.get("Vary")) == ('"v1"', "text/plain", "a")
    build(selected.response)


def test_parts_have_their_own_heads_and_the_length_is_right() -> None:
    choice = ranges.choose(asked("bytes=500-509,0-9"), REPRESENTATION)
    selected = ranges.apply(WHOLE, choice, size_bytes=SIZE, secret=b"s")
    fields, body = selected.response.headers, sent(selected)
    assert fields.get("Content-Range") is None and fields.get("Content-Length") == str(len(body))
    found = re.fullmatch("multipart/byteranges; boundary=(.+)", fields.get("Content-Type") or "")
    assert found is not None
    first, second, last = body.split(f"--{found[1]}".encode())[1:]
    head = f"\r\nContent-Type: text/plain\r\nContent-Range: bytes 500-509/{SIZE}\r\n\r\n".encode()
    assert first == head + CONTENT[500:510] + b"\r\n"
    assert second.endswith(b"\r\n\r\n" + CONTENT[:10] + b"\r\n") and last == b"--\r\n"


def test_the_boundary_depends_on_the_secret() -> None:
    choice = ranges.choose(asked("bytes=500-509,0-9"), REPRESENTATION)
    heads = {ranges.apply(WHOLE, choice, size_bytes=SIZE, secret=secret).response for secret in (b"a", b"b")}
    assert len(heads) == 2


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("bytes 0-9/10", ContentRange(Span(0, 9), 10)),
        ("bytes 5-9/*", ContentRange(Span(5, 9), None)),
        ("bytes */10", ContentRange(None, 10)),
        ("bytes */*", None),
        ("bytes 0-10/10", None),
        ("bytes 9-0/10", None),
        ("items 0-9/10", None),
        ("bytes 0-9", None),
    ],
)
def test_content_range_is_read_or_refused(text: str, meaning: ContentRange | None) -> None:
    assert ranges.parse_content_range(text) == meaning


@given(st.text() | st.text("0123456789-, \tbytes=").map("bytes=".__add__))
def test_no_text_breaks_the_parsers(text: str) -> None:
    ranges.parse(text)
    ranges.parse_content_range(text)


ENDS = st.none() | st.integers(0, 40)
SPECS = st.tuples(ENDS, ENDS).filter(lambda ends: ends != (None, None) and not (None not in ends and ends[1] < ends[0]))


@given(st.lists(SPECS, min_size=1, max_size=8), st.integers(0, 30))
def test_what_is_sent_holds_every_byte_asked_for(specs: list[tuple[int | None, int | None]], size: int) -> None:
    text = "bytes=" + ",".join("-".join("" if end is None else str(end) for end in spec) for spec in specs)
    choice = ranges.choose(asked(text), Representation(size))
    wanted = {
        byte for spec in specs if (span := RangeSpec(*spec).span(size)) for byte in range(span.first, span.last + 1)
    }
    assert isinstance(choice, Unsatisfiable) <= (not wanted)
    if isinstance(choice, Partial):
        covered = {byte for span in choice.spans for byte in range(span.first, span.last + 1)}
        assert wanted <= covered and all(0 <= span.first <= span.last < size for span in choice.spans)
