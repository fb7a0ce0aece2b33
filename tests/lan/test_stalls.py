"""Stalls made on purpose in one LAN: each is found, nothing else is, and the parts are what the client measured."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import stalls
from benchmarks.stalls import ALONE, Bed, Case, Result
from lan.cli.facts import SAMPLES
from lan.trace import kernel_tcp
from lan.trace.kernel_tcp import Sample
from lan.trace.ledger import Ledger
from lan.trace.stalls.cause import Cause, totals
from lan.trace.trackers.http import Transaction

from .shaped import PATIENCE_S

CASES = {case.name: case for case in ALONE}
LEAST_NS, MOST_NS = 35_000_000, 100_000_000
"""How much of what was made must be found, and how much of what was not may be: a busy machine delays ACKs too."""
BUSY = {Cause.CLIENT_IDLE, Cause.SERVER_THINK, Cause.PROXY_HOLDING, Cause.TCP_HANDSHAKE, Cause.PATH}
"""What a machine that lets programs and carriers of frames wait for their turn makes by itself."""
CLOSE_S = 3.0
"""The kernel's clock of TIME-WAIT is coarse, and the tap is not where its timer starts."""


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    lan = stalls.up(tmp_path_factory.mktemp("stalls"))
    made = Bed(lan, "")
    made.warm()
    yield made
    made.recording.close()
    lan.down()


def hold_together(result: Result) -> None:
    """Each cause is found with about its own time, and together they are the whole."""
    found = totals(result.gaps)
    missing = [cause for cause in result.case.expected if found.get(cause, 0) < LEAST_NS]
    others = {cause for cause, length in found.items() if length > MOST_NS} - {*result.case.expected, *BUSY}
    assert (missing, others) == ([], set()), result.line()
    assert result.adds_up


@pytest.mark.parametrize(
    "case",
    [
        CASES["delayed ACK"],
        CASES["window"].with_(CASES["think"]),
        CASES["Nagle"].with_(CASES["proxy"]),
        CASES["cwnd"].with_(CASES["lookup"]),
        CASES["one of eight lost"].with_(CASES["idle"]),
        CASES["request lost"].with_(CASES["ports"]),
    ],
    ids=lambda case: case.name,
)
def test_what_was_made_is_found_and_nothing_else(bed: Bed, case: Case) -> None:
    hold_together(bed.make(case))


def test_the_ledger_holds_what_the_kernels_hold(bed: Bed) -> None:
    """After all that, from packets alone and by sock_diag: the same pairs, at the same devices, as long."""
    made = bed.make(CASES["think"])
    assert isinstance(made.what, Transaction)
    assert bed.recording.wait_until(made.what.connection.is_closed, PATIENCE_S), "its end is on its way still"
    ledger = Ledger(bed.recording.timeline)
    told = {device: sockets(bed, device) for device in ("client", "server", "proxy")}
    assert any(told.values())
    for device, samples in told.items():
        at_ns = max((each.time_ns for each in samples), default=time.time_ns())
        kernels = {pair(each): each.expires_ms / 1e3 for each in samples if each.state == "TIME-WAIT"}
        derived = {(hold.local, hold.peer): hold.seconds_left(at_ns) for hold in ledger.held(at_ns, device)}
        for each in kernels.keys() | derived.keys():  # what is about to end may be gone in one of them
            assert abs(kernels.get(each, 0.0) - derived.get(each, 0.0)) < CLOSE_S, (device, each)


def sockets(bed: Bed, device: str) -> list[Sample]:
    """What the device's kernel says now."""
    return list(kernel_tcp.load(bed.lan.run_module(device, "lan.trace.kernel_tcp", ["--once"]).stdout.splitlines()))


def pair(sample: Sample) -> tuple[tuple[str, int], tuple[str, int]]:
    return (sample.local_ip, sample.local_port), (sample.peer_ip, sample.peer_port)


def test_a_watched_kernel_knows_that_nagle_held_back_what_was_written(bed: Bed, tmp_path: Path) -> None:
    long = replace(CASES["Nagle"], way_ms=200)  # so that the sampler has its turn while the segment is held back
    made = (bed.make_watched(long, "client", tmp_path / f"samples{number}") for number in range(3))
    # nothing is held back where the client is not run for all of its way between its two writes: then once more
    [gap] = next(found for one in made if (found := [gap for gap in one.gaps if gap.cause is Cause.NAGLE]))
    assert not gap.is_derived


def test_who_is_told_that_a_kernel_is_sampled_may_begin(bed: Bed) -> None:
    bed.make(CASES["think"])
    device = next(name for name in ("client", "server") if sockets(bed, name))
    words = [sys.executable, "-m", "lan.cli", "stalls", "--watch", device, "--lan", bed.lan.name]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None and f"sockets of {device}" in watching.stdout.readline()
        has_begun = (bed.lan.state / SAMPLES).stat().st_size > 0
        watching.send_signal(signal.SIGINT)
        said, _ = watching.communicate(timeout=60)
    assert has_begun and "samples in" in said and watching.returncode == 0
