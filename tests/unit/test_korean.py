"""What people read is there in Korean too: every sentence of the house, with the same facts, in columns that stand.

The sentences are gathered from the source: what `Sentence(…)` and `language.say(…)` are given, the pieces of a
`Step`, the causes of stalls, and the tuples of words that are told as headings; by `faces_words.py` help, errors,
titles of tables and lines of verbs, which fail here too while they are English alone.
"""

import ast
import json
import re
import string
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from textual.binding import Binding

from lan.cli.command_line import FIRST, GROUPS, LAST, main
from lan.cli.screen import Screen
from lan.doctor.diagnosis import State
from lan.doctor.probe import packages
from lan.language.catalogue import ENGLISH, FACES, LOCALES, REASONS, Language, language, parse
from lan.reasons import Sentence, because
from lan.trace import pcapng_writing
from lan.trace.filter_fields import FIELDS
from lan.trace.journey import StopKind
from lan.trace.stalls.attribution import Facts, attribute
from lan.trace.stalls.cause import Cause
from lan.trace.stepping import Halt
from lan.trace.stepping_words import ACTS
from lan.trace.views import html
from lan.trace.views.cells import cells
from lan.trace.views.table import ROW_HEADINGS
from lan.trace.views.waterfall import PHASES
from lan.tui.app import TraceApp
from lan.whynot.chain import diagnose

from . import faces_words
from .trace.dialogues import told
from .whynot.test_whynot_recorded import kept

HOUSE = Path(__file__).resolve().parents[2]
KOREAN = language("ko")
HANGUL = re.compile("[가-힣]")
AGAIN = "0 pc1 SYN / 0.1 web SYN+ACK / 0.2 pc1 ACK / 0.3 pc1 ACK request / 200.3 pc1 ACK seq=1 request / "
AGAIN += "230.4 web ACK response / 230.5 pc1 FIN+ACK / 230.6 web FIN+ACK / 230.7 pc1 ACK"
Run = Callable[..., tuple[int, str]]


@cache
def trees() -> dict[str, ast.Module]:
    """The source of the house, by file."""
    files = sorted((HOUSE / "lan").rglob("*.py"))
    return {str(path.relative_to(HOUSE)): ast.parse(path.read_text()) for path in files}


@cache
def calls() -> list[tuple[str, ast.Call, str]]:
    """(file:line, call, the name that is called), of the calls of a name that matters here."""
    found = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in ("Sentence", "Step", "Series", "say", "Reason"):
                    found.append((f"{path}:{node.lineno}", node, name))
    return found


def is_told(call: ast.Call, name: str) -> bool:
    """Whether the call's first argument is for people: a sentence, a piece, a word that is said."""
    if name == "say":
        return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).split(".")[-1] == "language"
    return name in ("Sentence", "Step", "Series")


def messages() -> dict[str, str]:
    """Each message → where it stands."""
    found = {cause.value: "lan/trace/stalls/cause.py" for cause in Cause}
    found |= dict.fromkeys(PHASES, "lan/trace/views/waterfall.py")
    found |= {kind.value: "lan/trace/journey.py" for kind in StopKind}
    for where, call, name in calls():
        if is_told(call, name) and call.args and isinstance(call.args[0], ast.Constant):
            found[str(call.args[0].value)] = where
    for path, tree in trees().items():
        for node in tree.body:
            names = [each.id for each in getattr(node, "targets", ()) if isinstance(each, ast.Name)]
            if isinstance(node, ast.Assign) and any(
                name.endswith("HEADINGS") or name in ("NOTHING", "SENTENCES") for name in names
            ):
                value = ast.literal_eval(node.value)
                found |= dict.fromkeys([value] if isinstance(value, str) else value, path)
    return found


def placeholders(sentence: str) -> list[tuple[str, str | None]]:
    return sorted((name, form) for _, name, form, _ in string.Formatter().parse(sentence) if name is not None)


def test_no_message_is_without_its_korean_sentence() -> None:
    found = messages()
    assert len(found) > 200
    assert not [f"{where}: {text}" for text, where in found.items() if text not in KOREAN]


def literals(node: ast.expr) -> list[str]:
    """The texts that an argument can be, as far as they are written out there."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def test_what_services_switches_and_cables_log_is_there_in_korean() -> None:
    """A trace quotes it as a reason; `lan/locale/ko/LC_MESSAGES/lan.po` has it under "what devices say"."""
    files = [
        path for room in ("services", "lan/openflow", "lan/links") for path in sorted((HOUSE / room).rglob("*.py"))
    ]
    said = {
        text: path
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason"
        if len(node.args) > 1
        for text in literals(node.args[1])
    }
    assert len(said) > 250
    assert not [f"{path}: {text}" for text, path in said.items() if text not in KOREAN]


def test_every_word_of_help_is_there_in_korean() -> None:
    found = faces_words.help_texts()
    assert len(found) > 120
    assert not [f"{where}: {text}" for text, where in found.items() if text not in KOREAN]
    assert all(text in KOREAN for text in (FIRST, LAST, *GROUPS, "usage: ", "options", "positional arguments"))


def test_every_error_is_known_again_and_told_in_korean() -> None:
    """Its texts, what was expected, and what to try: `lan/locale/ko/LC_MESSAGES/faces.po` has them."""
    found = faces_words.errors()
    assert len(found) > 450
    assert not [f"{where}: {text}" for text, where in found.items() if not HANGUL.search(KOREAN.know_again(text))]


def test_no_verb_says_a_line_in_english_alone() -> None:
    """A line of a face is a `Sentence`, or a language says it; so are titles of tables and verdicts of scenarios."""
    assert not [f"{where}: {text}" for text, where in faces_words.lines().items()]
    titles = faces_words.titles()
    assert len(titles) > 15
    assert not [
        f"{where}: {text}" for text, where in titles.items() if faces_words.is_english(text) and text not in KOREAN
    ]
    told = faces_words.verdicts() | faces_words.phases()
    assert len(told) > 40
    assert not [f"{where}: {text}" for text, where in told.items() if not HANGUL.search(KOREAN.know_again(text))]


def test_what_a_filter_can_ask_for_is_told_in_korean() -> None:
    for field in FIELDS.values():
        assert HANGUL.search(KOREAN.know_again(KOREAN.say(field.help))), field.help
        assert field.kind.name == "MAC" or HANGUL.search(KOREAN.say(field.kind.name.lower())), field.kind


def test_what_the_doctor_tells_is_there_in_korean() -> None:
    found = faces_words.checks()
    assert len(found) > 25
    found |= {package.why: "lan/packages" for package in packages({"run", "user"})}
    found |= {state.value: "lan/doctor/diagnosis.py" for state in State}
    known = parse((LOCALES / "ko/LC_MESSAGES" / FACES).read_text())
    told = {text: KOREAN.know_again(text) for text in found}
    assert not [text for text, korean in told.items() if not HANGUL.search(korean) and text not in known]


def test_the_words_of_full_screens_and_pages_are_there_in_korean() -> None:
    found = {text for _, text, _ in ACTS.values()} | {*map(str, Halt)} - {Halt.DONE, Halt.BREAKPOINT}
    found |= {*ROW_HEADINGS, *html.PAGE_WORDS.values(), *html.SCRIPT_SENTENCES, "in", "out"}
    found |= {each.description for each in TraceApp.BINDINGS if isinstance(each, Binding) and each.description}
    assert not [text for text in found if text not in KOREAN]


def test_both_languages_have_the_same_facts_in_a_sentence() -> None:
    faces = [text for text in parse((LOCALES / "ko/LC_MESSAGES" / FACES).read_text()) if not text.startswith("{TIME:")]
    assert not [text for text in [*messages(), *faces] if placeholders(text) != placeholders(KOREAN.say(text))]


SOUNDS = {"bit", "count", "frame", "gateway", "held", "ip", "new", "offered", "old", "port", "right", "status"}
"""Facts that end with a digit, or are addresses: their sound is known.  Behind a name it is not."""


def test_a_particle_with_two_forms_stands_behind_nothing_but_numbers_and_addresses() -> None:
    """Elsewhere the sentence has a noun behind the fact, so that no reader sees 은(는)."""
    text = "".join((LOCALES / "ko/LC_MESSAGES" / file).read_text() for file in (REASONS, FACES))
    behind = re.findall(r"(\S*)(?:은\(는\)|이\(가\)|을\(를\)|와\(과\)|\(으\)로)", text)
    assert not [word for word in behind if word.rpartition("{")[2].removesuffix("}") not in SOUNDS]
    assert not re.findall(r"msgstr.*\}'?(?:와|과|을|를|이|가|은|는|로|으로)[\s:,.\"].*", text), (
        "right for some facts alone"
    )


def test_a_sentence_is_written_out_where_it_is_made() -> None:
    """A catalogue can't have what is put together at run time; `device_words` has its own list, which is in it."""
    made = [(where, call.args[0]) for where, call, name in calls() if name == "Sentence" and call.args]
    loose = [where for where, text in made if not isinstance(text, ast.Constant)]
    assert not [where for where in loose if not where.startswith("lan/language/device_words.py")]


def test_stalls_make_reasons_of_sentences_alone() -> None:
    """`because` takes a Sentence, which mypy holds; `Reason` would take any text."""
    files = ("lan/trace/stalls/", "lan/trace/ledger.py")
    assert not [where for where, _, name in calls() if name == "Reason" and where.startswith(files)]


@pytest.mark.parametrize("name", kept())
def test_a_finding_is_told_in_korean_with_its_names_and_numbers_as_they_are(name: str) -> None:
    for step in diagnose(kept()[name]).steps:
        korean = KOREAN.retell(step.said)
        assert HANGUL.search(korean), korean
        assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", step.said)) == set(re.findall(r"\d+\.\d+\.\d+\.\d+", korean))
        assert "(는)" not in korean
        assert step.remedy.startswith("lan ") or not step.remedy or HANGUL.search(KOREAN.retell(step.remedy))
        for line in step.evidence:
            if isinstance(line, Sentence):
                assert KOREAN.retell(line) != ""


def test_a_sentence_holds_others_and_survives_a_copy() -> None:
    inner = Sentence("{protocol} port {number}", protocol="TCP", number=80)
    made = Sentence("{device} listens on {port}", device="web{}", port=inner)
    assert made == "web{} listens on TCP port 80"
    assert KOREAN.retell(made) == "web{}의 TCP 포트 80에서 수신 대기 중입니다"
    assert ENGLISH.retell(made) == made
    assert KOREAN.retell(type(made)(*made.__getnewargs_ex__()[0], **made.__getnewargs_ex__()[1])) == KOREAN.retell(made)
    assert KOREAN.retell("lan show arp pc1") == "lan show arp pc1"


def test_a_reason_keeps_its_source_and_its_facts_in_every_language() -> None:
    reason = because("RFC 9293 §3.8.6.3", Sentence("{device} had frame {frame} and kept its ACK back",
                                                   device="web", frame=4), ack=5)  # fmt: skip
    korean = KOREAN.reason(reason)
    assert (korean.source, korean.facts) == (reason.source, reason.facts)
    assert korean.text == "web에서 프레임 4를 받고도 ACK를 늦추었습니다"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """A verb over a recording with a time-out: its exit code, and what it said."""
    (tmp_path / "again.pcapng").write_bytes(pcapng_writing.dump(told(AGAIN).all_frames, switches=["s1"]))
    monkeypatch.chdir(tmp_path)

    def call(locale: dict[str, str], verb: str, *words: str) -> tuple[int, str]:
        for name in ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
            monkeypatch.delenv(name, raising=False)
        for name, value in locale.items():
            monkeypatch.setenv(name, value)
        code = main([verb, "again.pcapng", *words])
        return code, capsys.readouterr().out

    return call


KOREAN_LOCALE = {"LANG": "ko_KR.UTF-8"}


def test_stalls_are_told_in_korean_in_columns_that_stand(run: Run) -> None:
    code, said = run(KOREAN_LOCALE, "stalls", "-t", "0")
    assert code == 0
    _, head, *rows = said.splitlines()
    assert head.split() == ["시각", "ms", "ms", "원인", "장치", "프레임", "이유"]
    assert "재전송 타임아웃(RTO)" in said and "송신 쪽 타이머가 끝날 때까지" in said
    places = {column(row, "송신 쪽 타이머") for row in rows if "송신 쪽 타이머" in row}
    assert places == {column(head, "이유")}


def column(line: str, word: str) -> int:
    return cells(line[: line.index(word)])


@pytest.mark.parametrize("words", [["waterfall"], ["stalls"], ["stalls", "-c", "0"], ["timewait"]], ids=" ".join)
def test_every_view_of_stalls_heeds_the_locale_and_is_no_wider_for_it(words: list[str], run: Run) -> None:
    verb, *rest = words
    code, korean = run(KOREAN_LOCALE, verb, *rest)
    assert code == 0 and HANGUL.search(korean)
    assert run({"LANG": "C.UTF-8"}, verb, *rest)[1] == run({}, verb, *rest)[1] != korean
    if verb == "waterfall":
        assert max(map(cells, korean.splitlines())) <= 100


def test_pictures_are_labelled_in_korean_too(run: Run, tmp_path: Path) -> None:
    for words in ("plot -o a.svg", "plot --what window -o b.svg", "waterfall --svg c.svg"):
        assert run(KOREAN_LOCALE, *words.split())[0] == 0
    plot, window, waterfall = ((tmp_path / name).read_text() for name in ("a.svg", "b.svg", "c.svg"))
    assert "재전송 타임아웃(RTO): 송신 쪽 타이머가" in plot and "확인응답됨" in plot and "순서 번호: " in plot
    assert "수신 윈도우" in window
    assert "재전송 타임아웃(RTO): 송신 쪽 타이머가" in waterfall and ">기다림<" in waterfall


def test_what_a_program_reads_of_stalls_is_the_same_in_every_language(run: Run) -> None:
    english, korean = (json.loads(run(each, "stalls", "-t", "0", "--json")[1]) for each in ({}, KOREAN_LOCALE))
    texts = [gap["reason"].pop("text") for gap in korean["gaps"]]
    assert [gap["reason"].pop("text") for gap in english["gaps"]] != texts
    assert english == korean and all(HANGUL.search(text) for text in texts)


def test_a_finding_has_the_same_codes_in_every_language() -> None:
    found = next(each for each in map(diagnose, kept().values()) if each.broken and each.broken.code == "cable.pulled")
    english, korean = found.as_json(), found.as_json(KOREAN.retell)
    assert [(each["piece"], each["code"], each["look"]) for each in english["steps"]] == [
        (each["piece"], each["code"], each["look"]) for each in korean["steps"]
    ]
    assert HANGUL.search(korean["broken"]["said"]) and not HANGUL.search(english["broken"]["said"])


def test_a_table_measures_by_the_cells_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().table(["원인", "ms"], [["경로 지연", "1"], ["ab", "22"]])
    head, *rows = capsys.readouterr().out.splitlines()
    assert {column(head, "ms"), column(rows[0], "1"), column(rows[1], "22")} == {11}


@pytest.mark.parametrize("spoken", [ENGLISH, KOREAN], ids=["English", "Korean"])
def test_the_causes_of_a_dialogue_read_well_in(spoken: Language) -> None:
    frames = told(AGAIN)
    for gap in attribute(frames.http[0], frames, Facts()):
        assert isinstance(gap.reason.text, Sentence)
        assert spoken.retell(gap.reason.text)
