"""LANs under load, for benchmarks/trace.py: what iperf3 reaches, and what the capture has of it.

Each LAN is made by a process of its own, which must have no threads, and ends with it.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import iperf3
from lan.control.client import RunningDevice, RunningLan
from lan.control.launch import Launch, up
from lan.devices.kinds import schemas
from lan.topo.load import load
from lan.trace.capture_file import Capturing
from lan.trace.packet_socket import ENTIRE_BYTES

HOUSE = Path(__file__).resolve().parents[1]
PORT = "5201"
FAIR_WINDOW = "256K"
"""Of the capture that all readers read: with megabytes in flight tshark takes minutes, as it goes through all that is
unacknowledged at each segment."""
OFFICE_BYTES = 60_000_000
"""What iperf3 sends in that capture: fewer frames than a timeline may hold at once."""
OFFICE_S = 120
"""How long that may take."""
SPARE_S = 60
"""What a run of some seconds may take beside them."""
TALK = """
for i in $(seq 1 60); do
    curl -s -o /dev/null http://www.ark-inflearn.com/
    curl -s -o /dev/null https://www.ark-inflearn.com/
    lan-nslookup www.ark-inflearn.com >/dev/null
done
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One run of iperf3: its rate; frames in the file, those lost, and what the hosts counted."""

    mbit_s: float
    frames: int
    drops: int
    counted: int
    taps: int


def load_of(folder: Path, switch: str, snaplen_bytes: int | None, seconds: int, *, is_captured: bool) -> Load:
    """iperf3 for some seconds through a switch of a LAN of its own."""
    words = ["load", str(folder), switch, str(snaplen_bytes or ENTIRE_BYTES), str(seconds)]
    return Load(**json.loads(_ourselves([*words, "captured" if is_captured else "free"])))


def capture_office(folder: Path) -> Path:
    """The capture of an office whose PC looks names up, fetches pages and sends OFFICE_BYTES by iperf3."""
    target = folder / "office.pcapng"
    _ourselves(["office", str(target)])
    return target


def _ourselves(words: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.trace_capturing", *words],
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit("the LAN under load failed (above)")
    return done.stdout


@contextmanager
def _lan(what: str, folder: Path, **how: object) -> Iterator[RunningLan]:
    with tempfile.TemporaryDirectory(dir=folder) as state:
        launched = up(load(what, schemas(), name=f"trace{os.getpid()}"), Launch(state=Path(state), **how))  # type: ignore[arg-type]
        try:
            yield launched.lan
        finally:
            launched.lan.down()


def _iperf3(client: RunningDevice, server: RunningDevice, address: str, *how: str, limit_s: float) -> float:
    """Mbit/s that arrived; `how` is iperf3's own: how long or how much, and its window."""
    asked = ["iperf3", "-c", address, "-p", PORT, "-J", *how]
    listening = server.popen([*iperf3.SERVER, "-p", PORT], stdout=subprocess.PIPE, text=True)
    return iperf3.mbit_s(listening, lambda: client.run(asked, timeout=limit_s).stdout)


def _counted(device: RunningDevice) -> int:
    """Frames that crossed a host's interface, both ways, since it was made."""
    [link] = [each for each in json.loads(device.run(["ip", "-j", "-s", "link"]).stdout) if each["ifname"] != "lo"]
    return int(link["stats64"]["rx"]["packets"]) + int(link["stats64"]["tx"]["packets"])


def _taps(agent: int) -> int:
    """The agent's children that capture."""
    children = Path(f"/proc/{agent}/task/{agent}/children").read_text().split()
    return sum(Path(f"/proc/{child}/comm").read_text().strip() == "lan-tap" for child in children)


def _load(folder: Path, switch: str, snaplen_bytes: int, seconds: int, *, is_captured: bool) -> Load:
    capturing = Capturing(snaplen_bytes=snaplen_bytes)
    with _lan("single:2", folder, switch=switch, trace=is_captured, capturing=capturing) as lan:
        one, other = lan.device("h1"), lan.device("h2")
        rate = _iperf3(one, other, "10.0.0.2", "-t", str(seconds), limit_s=seconds + SPARE_S)
        told = lan.sync_trace() if is_captured else {"frames": 0, "drops": 0}
        return Load(rate, told["frames"], told["drops"], _counted(one) + _counted(other), _taps(lan.pid))


def _office(target: Path) -> None:
    with _lan("office", target.parent) as lan:
        lan.device("pc1").run(["sh", "-c", TALK], timeout=120)
        pc, web, how = lan.device("pc1"), lan.device("web"), ("-n", str(OFFICE_BYTES), "-w", FAIR_WINDOW)
        _iperf3(pc, web, "192.168.100.253", *how, limit_s=OFFICE_S)
        lan.sync_trace()
        assert lan.trace is not None
        target.write_bytes(lan.trace.read_bytes())


def main(words: list[str]) -> None:
    if words[0] == "office":
        _office(Path(words[1]))
    else:
        folder, switch, snaplen, seconds, captured = words[1:]
        found = _load(Path(folder), switch, int(snaplen), int(seconds), is_captured=captured == "captured")
        print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(sys.argv[1:])
