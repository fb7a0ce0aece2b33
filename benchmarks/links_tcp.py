"""TCP over a narrow cable: throughput, round trip, queue and drops, with cubic and reno, beside theory.

    bin/lan python benchmarks/links_tcp.py [--seconds 20] [--json] [--svg docs/pictures/links-tcp.svg]

The cable is bw=10 delay=20ms max_queue_size=50.  Theory: data passes at 1448 bytes of each frame's 1538
on the wire; the empty cable's round trip is twice its delay, a full queue adds its 50 frames and the one on
the wire; the window can grow to the bandwidth-delay product and the queue, and one frame is dropped at
its top.  Reno then halves it, cubic takes 0.7 of it (RFC 5681, RFC 9438): as the product is less than
either, the wire never rests.
"""

import argparse
import json
import select
import socket
import struct
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.links_bed import Bed, enter_bubble
from benchmarks.links_measures import load
from benchmarks.links_picture import draw
from lan.links.options import Cable, Direction, wire_bytes

RATE_BPS, DELAY_S, QUEUE_FRAMES = 10_000_000, 0.020, 50
FRAME_BYTES, DATA_BYTES, ACK_BYTES = 1514, 1448, 66
SAMPLE_S = 0.05
FRAME_S = wire_bytes(FRAME_BYTES) * 8 / RATE_BPS
SETTLED_S = 4.0
"""From here on the first overshoot is over."""
_INFO = struct.Struct("=8x24I")
_RTT, _CWND, _RETRANSMITTED = 15, 18, 23


@dataclass(frozen=True, slots=True)
class Theory:
    """What must come of it."""

    goodput_bps: float = RATE_BPS * DATA_BYTES / wire_bytes(FRAME_BYTES)
    base_rtt_s: float = 2 * DELAY_S + FRAME_S + wire_bytes(ACK_BYTES) * 8 / RATE_BPS
    full_rtt_s: float = 2 * DELAY_S + (QUEUE_FRAMES + 1) * FRAME_S + wire_bytes(ACK_BYTES) * 8 / RATE_BPS
    product_frames: float = 2 * DELAY_S / FRAME_S
    window_frames: float = 2 * DELAY_S / FRAME_S + QUEUE_FRAMES + 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment of a transfer, from its start; counts are from the start too."""

    at_s: float
    received_bytes: int
    rtt_s: float
    window_frames: int
    waiting_frames: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One transfer with one congestion control."""

    control: str
    samples: list[Sample]
    retransmitted: int

    def figures(self) -> dict[str, Any]:
        """After the start's overshoot: goodput, the round trip's range, the queue's most, drops and their moments."""
        first, *rest = [sample for sample in self.samples if sample.at_s >= SETTLED_S]
        last = rest[-1]
        taken_s = last.at_s - first.at_s
        falls = [new.at_s for old, new in pairwise([first, *rest]) if new.dropped > old.dropped]
        episodes = [at_s for n, at_s in enumerate(falls) if not n or at_s - falls[n - 1] > 0.3]
        return {
            "control": self.control,
            "goodput_mbit": (last.received_bytes - first.received_bytes) * 8 / taken_s / 1e6,
            "rtt_least_ms": min(sample.rtt_s for sample in rest) * 1e3,
            "rtt_most_ms": max(sample.rtt_s for sample in rest) * 1e3,
            "queue_most": max(sample.waiting_frames for sample in rest),
            "window_most": max(sample.window_frames for sample in rest),
            "dropped": last.dropped - first.dropped,
            "dropped_before": first.dropped,
            "episodes": len(episodes),
            "retransmitted": self.retransmitted,
        }


def transfer(bed: Bed, control: str, *, seconds: float) -> Transfer:
    """Send as fast as TCP will from a to b, and look every `SAMPLE_S`."""
    way = Direction(delay_s=DELAY_S, rate_bps=RATE_BPS, queue_frames=QUEUE_FRAMES)
    bed.cable("c", "a", "b", Cable(way, way), ("10.0.0.1/24", "10.0.0.2/24"))
    with bed.device("b").inside():
        server = socket.create_server(("10.0.0.2", 7000))
    with bed.device("a").inside():
        sender = socket.socket()
    sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
    sender.connect(("10.0.0.2", 7000))
    receiver, _ = server.accept()
    sender.setblocking(False)
    receiver.setblocking(False)
    begin, received, samples = time.monotonic(), 0, list[Sample]()
    block = bytes(1 << 16)
    while (at_s := time.monotonic() - begin) < seconds:
        if at_s >= len(samples) * SAMPLE_S:
            samples.append(_sample(bed, sender, at_s, received))
        readable, writable, _ = select.select([receiver], [sender], [], SAMPLE_S / 10)
        if readable:
            received += len(receiver.recv(1 << 16))
        if writable:
            sender.send(block)
    retransmitted = _info(sender)[_RETRANSMITTED]
    for each in (sender, receiver, server):
        each.close()
    bed.remove("c")
    return Transfer(control, samples, retransmitted)


def _sample(bed: Bed, sender: socket.socket, at_s: float, received: int) -> Sample:
    info, state = _info(sender), bed.show()["cables"]["c"]["forward"]
    return Sample(at_s, received, info[_RTT] / 1e6, info[_CWND], state["waiting_frames"], state["dropped"])


def _info(sender: socket.socket) -> tuple[int, ...]:
    return _INFO.unpack(sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size))


def table(transfers: list[Transfer]) -> str:
    """What was measured beside what theory says."""
    theory = Theory()
    rows = [
        ("", "theory", *(each.control for each in transfers)),
        ("goodput, Mbit/s", f"{theory.goodput_bps / 1e6:.2f}", "goodput_mbit", "{:.2f}"),
        ("round trip, least ms", f">= {theory.base_rtt_s * 1e3:.1f}", "rtt_least_ms", "{:.1f}"),
        ("round trip, most ms", f"{theory.full_rtt_s * 1e3:.1f}", "rtt_most_ms", "{:.1f}"),
        ("queue, most frames", f"{QUEUE_FRAMES}", "queue_most", "{}"),
        ("window, most frames", f"{theory.window_frames:.1f}", "window_most", "{}"),
        ("times it dropped", "", "episodes", "{}"),
        ("frames dropped then", "", "dropped", "{}"),
        (f"dropped before {SETTLED_S:g} s", "", "dropped_before", "{}"),
    ]
    found = [each.figures() for each in transfers]
    lines = ["".join(cell.ljust(24) for cell in rows[0]).rstrip()]
    for title, asked, key, shape in rows[1:]:
        cells = [title, asked, *(shape.format(figures[key]) for figures in found)]
        lines.append("".join(cell.ljust(24) for cell in cells).rstrip())
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each transfer")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the transfers")
    options = parser.parse_args()
    bed = Bed()
    try:
        transfers = [transfer(bed, control, seconds=options.seconds) for control in ("reno", "cubic")]
    finally:
        bed.close()
    if options.svg:
        options.svg.write_text(draw([asdict(each) for each in transfers], asdict(Theory()), QUEUE_FRAMES))
    if options.json:
        print(json.dumps({"theory": asdict(Theory()), "transfers": [each.figures() for each in transfers]}, indent=1))
    else:
        print(f"{table(transfers)}\n\n{load()}")


if __name__ == "__main__":
    enter_bubble()
    main()
