"""Messages are known again by their text, with facts as they are, and stay English where nobody knows them."""

import pytest

from lan.errors import LanError, UsageError
from lan.language.catalogue import ENGLISH, language
from lan.language.known_again import DEEPEST, retold, template

KOREAN = language("ko")


def test_a_message_has_its_facts_between_what_it_says_itself() -> None:
    made = template("no {thing} lies between {a} and {b}")
    assert made is not None
    assert made.facts("no cable lies between pc1 and web") == {"thing": "cable", "a": "pc1", "b": "web"}
    assert made.facts("no cable lies between pc1") is None
    assert made.facts("no cable lies between  and web") is None
    assert template("no LAN is up") is None


@pytest.mark.parametrize(
    ("english", "korean"),
    [
        ("no LAN is up", "실행 중인 LAN이 없습니다"),
        ("lan has no verb 'upp'; did you mean 'up'?", "lan에 'upp' 명령이 없습니다; 혹시 'up' 아닌가요?"),
        ("a.py: No such file or directory", "a.py: 그런 파일이나 폴더가 없습니다"),
        ("lan run: argument --snaplen: '2' is no number of files from 2 to 9999",
         "lan run: 인자 --snaplen: '2': 2부터 9999까지의 수가 아닙니다(파일)"),
        ("filter: there is no field 'x'\n    x=1\n    ^", "필터: 'x' 필드가 없습니다\n    x=1\n    ^"),
        ("18 to 20", "18부터 20까지"),
        ("the road to nowhere leads to q", "the road to nowhere leads to q"),
        ("server", "server"),
        ("a {brace} and a }", "a {brace} and a }"),
        ("pc1: the kernel refused: {odd} %s", "pc1: 커널이 거부했습니다: {odd} %s"),
    ],
)  # fmt: skip
def test_an_error_is_told_in_korean_as_far_as_it_is_known(english: str, korean: str) -> None:
    assert KOREAN.know_again(english) == korean
    assert ENGLISH.know_again(english) == english


def test_a_device_named_as_a_word_of_the_catalogue_keeps_its_name() -> None:
    assert KOREAN.know_again("LAN office has no device 'client'") == "LAN office에 'client' 장치가 없습니다"
    assert KOREAN.know_again("client has no cable") == "client에 케이블이 없습니다"


def test_an_error_has_its_parts_below_each_other_in_both_languages() -> None:
    error = UsageError("no LAN is up", where="a.py:3", expected="a whole number", todo="lan up office")
    assert error.told(KOREAN.know_again) == ("a.py:3: 실행 중인 LAN이 없습니다\n  필요  정수\n  해결  lan up office")
    assert str(error) == "a.py:3: no LAN is up\n  expected  a whole number\n  try       lan up office"
    assert LanError("x").told(KOREAN.know_again) == "x"


def test_what_is_most_of_a_message_itself_is_tried_first() -> None:
    known = {"{a} has no {b}": "{b} ∉ {a}", "{a} has no table {b}": "T {b} ∉ {a}"}
    made = [each for each in map(template, known) if each is not None]
    made.sort(key=lambda each: -sum(map(len, each.pieces)))
    assert retold("pc1 has no table mac", known, made, str) == "T mac ∉ pc1"


def test_of_a_text_of_many_parts_each_is_looked_up_once() -> None:
    class Known(dict[str, str]):
        asked = 0

        def __contains__(self, text: object) -> bool:
            self.asked += 1
            return super().__contains__(text)

    count, known = 30, Known()
    text = ": ".join(f"part {number}" for number in range(count))
    assert retold(text, known, [], str) == text
    assert known.asked <= (DEEPEST + 1) * count * (count + 1) // 2
