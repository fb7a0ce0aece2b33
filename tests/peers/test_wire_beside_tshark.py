"""Our decoder and tshark say the same of each field; the long form is benchmarks/wire_beside_tshark.py.

The frames are the same at each run: made from fixed seeds, and recorded of programs.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from benchmarks import recorded_talks, wire_talks
from benchmarks import wire_beside_tshark as beside
from benchmarks.wire_changes import CHANGES
from benchmarks.wire_field_names import THEIRS
from benchmarks.wire_fields import Value
from benchmarks.wire_synthetic import FAMILIES
from lan.wire.frame import decode
from lan.wire.icmp import ECHO, ECHO_REPLY
from lan.wire.packet import Packet

from ..command import MARK
from ..e2e import inventory
from ..e2e.test_abrupt_ends import assert_nothing_left
from ..program import wait_until

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
HOLDING = """
import contextlib, pathlib, sys
from benchmarks.wire_talks import Bench

with contextlib.ExitStack() as stack:
    bench = Bench(pathlib.Path(sys.argv[1]), stack)
    with bench.popen("a", "sh", "-c", "sleep 974 & echo on; sleep 974"):
        sys.stdin.read()
"""
TLS_HANDSHAKE = b"\x16\x03"


def compared(name: str, frames: list[bytes], folder: Path) -> beside.Tally:
    """All frames as one capture, which tshark reads once."""
    tally = beside.Tally()
    beside.compare(name, frames, folder / "frames.pcapng", tally)
    return tally


def test_of_every_header_and_option_both_say_the_same(tmp_path: Path) -> None:
    tally = compared("bytes", [frame for make in FAMILIES.values() for frame in make(Random(5))], tmp_path)
    assert not tally.differences, "\n".join(map(str, tally.differences))
    assert len(tally.names) > 0.9 * len(THEIRS) - len(beside.EXPLAINED), sorted(set(THEIRS) - set(tally.names))


def test_of_what_programs_send_both_say_the_same_as_it_is_and_in_tunnels(tmp_path: Path) -> None:
    frames = [frame for talk in recorded_talks.read("programs").values() for _, frame in talk]
    assert len(frames) > 300
    # tshark follows TLS: the same flight once more, in a tunnel, is to it what it has read, and it shows the rest
    once_more = [frame for frame in frames if TLS_HANDSHAKE not in frame][::7]
    changed = [each for change in CHANGES.values() for each in change(once_more, Random(3))]
    tally = compared("talks", frames + changed, tmp_path)
    assert not tally.differences, "\n".join(map(str, tally.differences))


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces for the talks need root")
def test_the_talks_can_be_held_anew(tmp_path: Path) -> None:
    [(name, frames)] = wire_talks.captures(tmp_path, ("ping",))
    assert name == "ping"
    echoes = [packet.icmp for packet in map(decode, frames) if packet.icmp is not None]
    assert {ECHO, ECHO_REPLY} <= {echo.type for echo in echoes}


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces for the talks need root")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_the_talks_is_left_however_they_end(number: signal.Signals, tmp_path: Path) -> None:
    before = inventory.take()
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(tmp_path)],
        cwd=wire_talks.HOUSE,
        env={**os.environ, "STARTED_BY": MARK},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        wait_until(lambda: len(inventory.started_by_us()) > len(("its own", "PID 1", "sh", "sleep")))
        process.send_signal(number)
    assert_nothing_left(before)


def test_a_value_that_is_not_the_same_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = FAMILIES["ARP"](Random(1))
    right = beside.fields_of

    def wrong(packet: Packet) -> list[tuple[str, Value]]:
        return [(name, 7 if name == "arp.opcode" else value) for name, value in right(packet)]

    monkeypatch.setattr(beside, "fields_of", wrong)
    assert {found.name for found in compared("ARP", frames, tmp_path).differences} == {"arp.opcode"}
