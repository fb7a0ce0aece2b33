"""Bytes are shown sixteen a line, and what is marked is what was meant."""

from hypothesis import given
from hypothesis import strategies as st

from lan.trace.views.hexdump import rows


def test_a_line_has_offset_hex_and_characters() -> None:
    [first, second] = rows(b"GET / HTTP/1.1\r\n\x00\xff")
    assert str(first) == "0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1.."
    assert str(second) == f"0010  00 ff{' ' * 43}  .."


@given(st.binary(max_size=100), st.integers(0, 120), st.integers(0, 120))
def test_every_byte_is_there_and_those_meant_are_marked(data: bytes, start: int, end: int) -> None:
    shown = list(rows(data, start, end))
    assert b"".join(row.data for row in shown) == data
    marked = [row.offset + at for row in shown for at in row.marked]
    assert marked == [at for at in range(len(data)) if start <= at < end]
