"""Text in a terminal's cells."""

import textwrap

from hypothesis import given
from hypothesis import strategies as st

from lan.trace.views.cells import cells, cut, pad, wrap


def test_a_korean_syllable_takes_two_cells() -> None:
    assert (cells("web"), cells("스위치"), cells("s1 스위치 →")) == (3, 6, 11)
    assert pad("스위치", 8) == "스위치  "
    assert (cut("스위치", 6), cut("스위치", 5), cut("s1", 1)) == ("스위치", "스위", "s")


def test_lines_break_between_words_and_a_word_too_long_is_cut() -> None:
    assert wrap("테이블에 이미 있습니다", 9, initial_indent="· ", subsequent_indent="  ") == [
        "· 테이블",
        "  에 이미",
        "  있습니",
        "  다",
    ]


@given(st.text("ab가나 ", max_size=60), st.integers(6, 20))
def test_no_line_is_wider_than_asked_and_nothing_is_left_out(text: str, width: int) -> None:
    lines = wrap(text, width, initial_indent="- ", subsequent_indent="  ")
    assert all(cells(line) <= width for line in lines)
    assert "".join(line[2:].replace(" ", "") for line in lines) == text.replace(" ", "")


@given(st.lists(st.text("abc", min_size=1, max_size=5), max_size=12), st.integers(8, 30))
def test_plain_words_are_wrapped_as_textwrap_does(words: list[str], width: int) -> None:
    text = " ".join(words)
    assert wrap(text, width) == textwrap.wrap(text, width)
