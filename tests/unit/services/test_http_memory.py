"""What the C library keeps of freed memory is given back, and not too often."""

import re
from pathlib import Path

import pytest

from lan.services.http import memory
from lan.services.http.memory import EVERY_S, Thrift

PIECE, PIECES = 16 * 1024, 4096


def held_kib() -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.skipif(memory._trim is None, reason="this C library has no malloc_trim")
def test_the_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [bytearray(b"x") * PIECE for _ in range(PIECES)]
    kept = pieces[::8]  # no two neighbours, so that the heap can't shrink at its end
    del pieces
    before = held_kib()
    assert memory.give_back()
    assert before - held_kib() > PIECE * PIECES / 1024 / 2
    assert len(kept) == PIECES / 8


def test_it_is_done_each_ten_seconds_and_no_more_often() -> None:
    thrift = Thrift(100.0)
    assert [thrift.look(100.0 + now) for now in (0, EVERY_S - 0.1, EVERY_S, EVERY_S + 1, 2 * EVERY_S)] == [
        False, False, True, False, True,
    ]  # fmt: skip
