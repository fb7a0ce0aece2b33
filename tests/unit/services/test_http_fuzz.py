"""The fuzzer finds a crash, a broken promise and a hang; and each parser of HTTP stands a first round of it."""

from itertools import islice
from pathlib import Path
from random import Random

import pytest

from benchmarks import fuzz_runner
from benchmarks.fuzz_code import Reached
from benchmarks.fuzz_inputs import LONGEST_BYTES, Mutants, byte_mutants, mutants
from benchmarks.fuzz_parsers import PARSERS
from benchmarks.fuzz_runner import Broken, Log, Parser, fuzz, whole

CORPUS = [b"GET / HTTP/1.1\r\nHost: web\r\n\r\n", b"hello", b"long" * 300]


@pytest.mark.parametrize("name", PARSERS)
def test_a_first_round_of_mutated_inputs_crashes_and_hangs_no_parser(name: str) -> None:
    tally = fuzz(PARSERS[name], inputs=500, seed=0)
    assert tally.crashes == tally.hangs == []
    assert tally.inputs == 500
    assert tally.taken, "not one input was good: the corpus is none"


def test_a_crash_and_a_broken_promise_are_found_and_shown() -> None:
    def run(data: bytes, _: Random) -> bool:
        if b"\0" in data:
            raise Broken("NUL")
        return data[0] > 0  # IndexError for no bytes

    tally = fuzz(Parser("fragile", [b"a"], run), inputs=2000, seed=0)
    assert any("Broken: NUL" in crash for crash in tally.crashes)
    assert any("IndexError" in crash for crash in tally.crashes)


def test_a_hang_is_found_and_the_next_input_goes_on() -> None:
    inputs = 0

    def run(_: bytes, __: Random) -> bool:
        nonlocal inputs
        inputs += 1
        while inputs == 2:
            pass
        return True

    tally = fuzz(Parser("busy", [b"a"], run), inputs=5, seed=0)
    assert (tally.inputs, len(tally.hangs), tally.crashes) == (5, 1, [])


def test_what_is_documented_is_no_crash() -> None:
    def run(data: bytes, _: Random) -> bool:
        raise ValueError(data)

    assert fuzz(Parser("strict", [b"a"], run, (ValueError,)), inputs=50, seed=0).crashes == []


@pytest.mark.parametrize("made", [mutants, byte_mutants])
def test_the_same_seed_makes_the_same_inputs_of_all_lengths(made: Mutants) -> None:
    first, second = ([*islice(made(CORPUS, list(CORPUS), Random("1")), 1000)] for _ in range(2))
    assert first == second
    assert len(set(first)) > 800
    assert any(len(data) < 10 for data in first) and any(len(data) > 1000 for data in first)
    assert max(map(len, first)) <= LONGEST_BYTES


def test_long_inputs_are_kept_more_seldom_so_that_the_pool_does_not_grow() -> None:
    lengths: list[int] = []

    def run(data: bytes, _: Random) -> bool:
        lengths.append(len(data))
        return True

    fuzz(Parser("eager", [b"a" * 20], run), inputs=40_000, seed=0)
    assert sum(lengths[-10_000:]) / 10_000 < 200


def counted(seen: list[bytes], corpus: bytes = b"a") -> Parser:
    def run(data: bytes, _: Random) -> bool:
        seen.append(data)
        return True

    return Parser("counted", [corpus], run)


def test_a_run_that_was_stopped_goes_on_behind_its_last_whole_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz_runner, "PART", 100)
    at_once: list[bytes] = []
    tally = whole(counted(at_once), Log(None), inputs=350, seed=1)
    first: list[bytes] = []
    whole(counted(first), Log(tmp_path / "log"), inputs=200, seed=1)
    second: list[bytes] = []
    again = whole(counted(second), Log(tmp_path / "log"), inputs=350, seed=1)
    assert first + second == at_once and len(first) == 200
    assert (again.inputs, again.taken) == (tally.inputs, tally.taken) == (350, 350)


def test_parts_of_another_seed_or_of_other_code_do_not_count(tmp_path: Path) -> None:
    for corpus, seed, tried in ((b"a", 1, 10), (b"a", 2, 10), (b"b", 1, 10), (b"a", 1, 0)):
        seen: list[bytes] = []
        assert whole(counted(seen, corpus), Log(tmp_path / "log"), inputs=10, seed=seed).inputs == 10
        assert len(seen) == tried


def reached(name: str) -> set[str]:
    found = Reached()
    found.look_at(PARSERS[name].run)
    return {path.name for path in found.files}


def test_the_code_of_a_parser_is_what_it_reaches() -> None:
    assert {"page_objects.py", "style_objects.py", "responsive.py", "url.py"} <= reached("page")
    assert reached("date") == {"dates.py"}
    assert {"plain.py", "forwarding.py", "connection.py", "hop_by_hop.py"} <= reached("plain-answer")
    assert "chunked.py" in reached("server") and "dates.py" not in reached("chunked")


def test_a_crash_in_the_log_is_told_again(tmp_path: Path) -> None:
    def run(data: bytes, _: Random) -> bool:
        raise IndexError

    found = [whole(Parser("fragile", [b"a"], run), Log(tmp_path / "log"), inputs=5, seed=1).crashes for _ in range(2)]
    assert found[0] == found[1] and len(found[0]) == 5
