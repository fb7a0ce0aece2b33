"""Reasons in Korean: every code has its sentence, with the same facts; the environment chooses."""

import re
import string

import pytest

from lan.language import device_words, particles
from lan.language.catalogue import ENGLISH, language, language_of, parse
from lan.links.options import Direction
from lan.links.way import What, reasons
from lan.openflow.mac_table import MacTable
from lan.trace.why.codes import CODES

from .journey_wires import MACS, frame, segment
from .why_wires import PC1, WEB, Told

KOREAN = language("ko")


def placeholders(sentence: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None)


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_a_korean_sentence_with_the_same_facts(code: str) -> None:
    for english in filter(None, (CODES[code].text, CODES[code].told)):
        korean = KOREAN.say(english)
        assert placeholders(korean) == placeholders(english)
        assert korean != english or english == "{what}"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LANG": "ko_KR.UTF-8"}, KOREAN),
        ({"LAN_LANG": "ko", "LANG": "en_GB.UTF-8"}, KOREAN),
        ({"LANGUAGE": "xx:ko", "LANG": "C"}, KOREAN),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, ENGLISH),
        ({"LANG": "../../etc"}, ENGLISH),
        ({"LANG": "fr_FR.UTF-8"}, ENGLISH),
        ({}, ENGLISH),
    ],
)
def test_the_environment_chooses_the_language(environment: dict[str, str], expected: object) -> None:
    assert language_of(environment) is expected


def test_reasons_and_the_devices_own_words_are_told_in_korean() -> None:
    wires = Told()
    data = frame("pc1", "web", segment(PC1, WEB, "SYN"))
    wires.path("pc1 s1", data)
    wires.switch_decides("not learned", "pc1", text="the table is full")
    wires.path("s1 web", data)
    told = {one.code: one.reason.text for _, one in wires.explained(KOREAN)}
    assert told["switch.refused"].endswith("학습하지 않습니다: 테이블이 가득 참")
    assert told["tcp.opens"] == "상대가 포트 80에 연결하려고 합니다"


@pytest.mark.parametrize(
    ("both", "chosen"),
    [
        ("10.0.0.1은(는)", "10.0.0.1은"),
        ("10.0.0.2은(는)", "10.0.0.2는"),
        ("aa:11 (pc1)이(가) eth0을(를)", "aa:11 (pc1)이 eth0을"),
        ("eth3(으)로 eth1(으)로 eth2(으)로", "eth3으로 eth1로 eth2로"),
        ("장치와(과) 방와(과)", "장치와 방과"),
        ("web이(가)", "web이(가)"),
        ("02:00:00:00:0a:bc이(가) fe80::1:fe은(는) s1:b:c을(를)", "02:00:00:00:0a:bc가 fe80::1:fe는 s1:b:c을(를)"),
    ],
)
def test_particles_follow_the_sound_before_them(both: str, chosen: str) -> None:
    assert particles.choose(both) == chosen


def test_a_catalogue_is_read_as_gettext_writes_it() -> None:
    text = (
        '# a comment\nmsgid ""\nmsgstr "Language: ko\\n"\n\nmsgid "a "\n"b"\nmsgstr "가\\""\n\nmsgid "c"\nmsgstr ""\n'
    )
    assert parse(text) == {"a b": '가"'}
    with pytest.raises(ValueError, match="line 2: 'x y'"):
        parse("\nx y")


def switch_words() -> list[str]:
    table = MacTable(age_s=300)
    table.learn(MACS["pc1"], 1, 0)
    moved = table.learn(MACS["pc1"], 2, 1)
    hit, dropped = table.decide(MACS["pc1"], 3), table.decide("01:80:c2:00:00:0e", 3)
    return [each.why.text for each in (moved, hit, dropped)]


def cable_words() -> list[str]:
    given = Direction(loss=0.1, duplicate=0.02, corrupt=0.005, reorder=0.25)
    return [reason.text for what, reason in reasons(given).items() if what is not What.DROPPED]


@pytest.mark.parametrize("text", [*switch_words(), *cable_words()])
def test_what_devices_say_with_facts_in_it_is_known_again(text: str) -> None:
    assert device_words.sentence(text) == text
    assert re.search("[가-힣]", KOREAN.hear(text)), text
    assert ENGLISH.hear(text) == text


@pytest.mark.parametrize(
    ("text", "korean"),
    [
        ("fresh by max-age", "max-age에 따라 신선함"),
        ("only-if-cached, but fresh by 10% of the time since the last change",
         "only-if-cached인데, 마지막 변경 뒤로 지난 시간의 10%에 따라 신선함"),
        ("only-if-cached, but no answer in time {", "only-if-cached인데, no answer in time {"),
        ("the client's bound binding", "클라이언트의 bound 바인딩"),
        ("words that nobody knows", "words that nobody knows"),
    ],
)  # fmt: skip
def test_words_within_words_are_told_too_and_unknown_ones_stay(text: str, korean: str) -> None:
    assert KOREAN.hear(text) == korean


def test_every_sentence_of_devices_has_its_korean_one_with_the_same_facts() -> None:
    assert [text for text in device_words.SENTENCES if placeholders(KOREAN.say(text)) != placeholders(text)] == []
    assert [text for text in device_words.SENTENCES if text not in KOREAN] == []
