"""Our tracker and tshark say the same of TCP's segments; the long form is benchmarks/tcp_flags_beside_tshark.py."""

import os
import shutil
from pathlib import Path
from random import Random

import pytest

from benchmarks import tcp_flags_beside_tshark as beside
from benchmarks import wire_talks
from lan.trace.trackers import tcp_analysis

pytestmark = [
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces for the talks need root"),
]
TALKS = {"a slow reader", "much loss", "many swapped", "loss without SACK"}
COMMON = {"retransmission", "duplicate_ack", "zero_window", "window_update", "window_full", "lost_segment"}


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, beside.Timed]]:
    talks = tuple(talk for talk in beside.TALKS if talk.name in TALKS)
    return list(wire_talks.timed_captures(tmp_path_factory.mktemp("talks"), talks))


def test_each_segment_gets_the_same_flags(captures: list[tuple[str, beside.Timed]], tmp_path: Path) -> None:
    tally = beside.Tally()
    for name, frames in captures:
        beside.compare(name, frames, tmp_path / "frames.pcapng", tally)
        beside.compare(f"{name} with gaps", beside.gaps(frames, Random(1)), tmp_path / "frames.pcapng", tally)
    assert not tally.differences, "\n".join(map(str, tally.differences))
    assert set(tally.flags) >= COMMON, str(tally)


def test_a_wrong_flag_is_seen(
    captures: list[tuple[str, beside.Timed]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_analysis.Way, "window_bytes", None)
    [frames] = [frames for name, frames in captures if name == "a slow reader"]
    tally = beside.Tally()
    beside.compare("a slow reader", frames, tmp_path / "frames.pcapng", tally)
    assert any(found.theirs - found.ours == {"window_full"} for found in tally.differences)


def test_probes_of_a_window_get_the_same_flags(tmp_path: Path) -> None:
    tally = beside.Tally()
    beside.compare("probes", beside.probes(), tmp_path / "frames.pcapng", tally)
    assert not tally.differences, "\n".join(map(str, tally.differences))
    assert set(tally.flags) >= {"zero_window_probe", "zero_window_probe_ack", "window_full", "keep_alive_ack"}
