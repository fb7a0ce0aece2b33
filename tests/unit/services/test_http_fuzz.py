"""The fuzzer finds a crash, a broken promise and a hang; and each parser of HTTP stands a first round of it."""

from random import Random

import pytest

from benchmarks.fuzz_http import fuzz
from benchmarks.fuzz_inputs import mutated
from benchmarks.fuzz_parsers import PARSERS, Broken, Parser


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


def test_the_same_seed_makes_the_same_inputs() -> None:
    corpus = [b"GET / HTTP/1.1\r\nHost: web\r\n\r\n", b"hello"]
    first, second = ([mutated(corpus[0], random, corpus) for _ in range(100)] for random in (Random("1"), Random("1")))
    assert first == second
    assert len(set(first)) > 90
