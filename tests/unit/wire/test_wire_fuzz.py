"""The fuzzer of decoders finds what it looks for; and each decoder stands a first round of it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from benchmarks import fuzz_wire
from benchmarks.fuzz_code import Reached
from benchmarks.fuzz_runner import Tally, fuzz
from benchmarks.wire_synthetic import corpus
from lan.wire.layer import Field
from lan.wire.malformed import Malformed

FRAMES = corpus()


@pytest.mark.parametrize("name", fuzz_wire.TARGETS)
def test_a_first_round_of_mutated_inputs_crashes_and_hangs_no_decoder(name: str) -> None:
    tally = fuzz(fuzz_wire.made(name, FRAMES), inputs=300, seed=0)
    assert tally.crashes == tally.hangs == []
    assert tally.inputs == 300
    assert tally.taken, "not one input was good: the corpus is none"


def reached(name: str) -> set[str]:
    found = Reached()
    found.look_at(fuzz_wire.made(name, FRAMES).run)
    return {path.name for path in found.files}


def test_the_code_of_a_decoder_is_what_it_reaches() -> None:
    assert {"dns.py", "dns_rdata.py", "layer.py"} <= reached("DNS")
    assert "tls.py" not in reached("DNS") and "dns.py" not in reached("TCP")
    assert {"dns.py", "tls_hello.py", "ethernet.py", "openflow_match.py"} <= reached("frame")
    assert "tls_certificate.py" in reached("certificate")


@dataclass
class Answer:
    """A header whose one field is as a test wants it."""

    text: str
    start: int
    end: int
    header_length: int = 20
    protocol_name: str = "STP"
    problems: tuple[str, ...] = ()

    def summary(self) -> str:
        return "summary"

    def title(self) -> str:
        return "title"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("field", 1, self.text, self.start, self.end)


@pytest.mark.parametrize(
    ("answer", "crash"),
    [
        (Answer("a\nb", 0, 1), "not printable: ['a\\nb']"),
        (Answer("text", 0, 21), "is outside"),
        (Answer("text", 2, 1), "is outside"),
        (Answer("text", -1, 1), "is outside"),
        (Answer("text", 0, 1, problems=("\x1b[2J",)), "not printable"),
    ],
    ids=lambda case: str(case),
)
def test_an_answer_that_is_not_fit_to_show_is_found(
    answer: Answer, crash: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert any(crash in each for each in tried(lambda data: answer, monkeypatch).crashes)


def test_an_exception_is_found_but_for_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(data: bytes) -> Answer:
        if not data:
            raise Malformed("nothing")
        return Answer("text", 0, data[34] & 0)

    tally = tried(read, monkeypatch)
    assert tally.crashes and all("IndexError" in each for each in tally.crashes)


def tried(read: object, monkeypatch: pytest.MonkeyPatch) -> Tally:
    monkeypatch.setitem(fuzz_wire.TARGETS, "STP", (fuzz_wire.look_at, read))  # type: ignore[arg-type]
    return fuzz(fuzz_wire.made("STP", FRAMES), inputs=500, seed=0)
