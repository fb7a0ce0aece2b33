"""JSON on a terminal: text of strangers, and nothing in it that steers."""

import json

from hypothesis import given
from hypothesis import strategies as st

from lan import readable


def test_control_characters_stand_by_their_numbers() -> None:
    assert readable.as_json({"a": "\x1b[2J\x7f\x9b2J é 한"}) == '{"a": "\\u001b[2J\\u007f\\u009b2J é 한"}'


@given(st.text())
def test_any_text_comes_back_and_is_one_line_that_steers_nothing(text: str) -> None:
    line = readable.as_json([text])
    assert json.loads(line) == [text]
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in line)
