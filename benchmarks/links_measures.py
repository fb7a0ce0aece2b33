"""What a cable does, seen from its two ends: each function lays cables, sends frames, and gives a row of figures.

Frames carry their number; the receiver's moment is the kernel's, the sender's is taken before its
system call.  So what is called added includes both ends' way through the kernel, some 10 to 20 µs.
"""

import os
import socket
import statistics
import struct
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from benchmarks.links_bed import ETHERTYPE, Batch, Bed
from lan.links.options import Cable, Direction, wire_bytes
from lan.links.ring import Ring

MACS = b"\xff" * 6 + b"\x02\0\0\0\0\1"
HEAD = MACS + struct.pack("!H", ETHERTYPE)
QUIET_S = 0.4
"""After the last frame is due, so long nothing may come."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement: what was asked, what came, how far it spread."""

    what: str
    asked: str
    measured: str
    spread: str
    holds: bool
    """Whether it meets what the project promises."""
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


class Listener:
    """All frames that come to a device, with the kernel's time of each."""

    def __init__(self, bed: Bed, device: str) -> None:
        with bed.device(device).inside():
            self.ring = Ring()
        self.heard: list[tuple[int, int, bytes]] = []

    def listen(self) -> None:
        """Take what there is: interface index, ns of CLOCK_REALTIME, bytes."""
        self.ring.drain(4096, lambda ifindex, real_ns, frame: self.heard.append((ifindex, real_ns, frame)))

    def numbers(self) -> list[int]:
        """The frames' numbers as they came."""
        return [number_of(frame) for _, _, frame in self.heard]


def frame_of(number: int, length: int = 60) -> bytes:
    """A frame that carries its number."""
    return (HEAD + number.to_bytes(4, "big")).ljust(length, b"\xa5")


def number_of(frame: bytes) -> int:
    """The number in a frame."""
    return int.from_bytes(frame[14:18], "big")


def send_paced(
    outs: list[socket.socket], count: int, every_s: float, length: int, listener: Listener, tail_s: float
) -> dict[int, int]:
    """Send numbered frames, one each `every_s`, by these sockets in turn; when each was sent.

    Listens meanwhile, and for `tail_s` and a while afterwards.
    """
    sent, begin = dict[int, int](), time.monotonic()
    for number in range(count):
        frame, due = frame_of(number, length), begin + number * every_s
        while (left := due - time.monotonic()) > 0:
            listener.listen()
            if left > 0.0002:
                time.sleep(0.0001)
        sent[number] = time.time_ns()
        outs[number % len(outs)].send(frame)
    until = time.monotonic() + tail_s + QUIET_S
    while time.monotonic() < until:
        listener.listen()
        time.sleep(0.001)
    return sent


def both(**options: Any) -> Cable:
    """A cable with the same options both ways."""
    return Cable(Direction(**options), Direction(**options))


def delay(bed: Bed, delay_s: float, *, frames: int) -> Row:
    """The delay of single frames, a millisecond apart."""
    sent, listener = _one_way(bed, both(delay_s=delay_s), frames=frames, every_s=0.001, tail_s=delay_s)
    added = sorted((real_ns - sent[number_of(frame)]) / 1e6 - delay_s * 1e3 for _, real_ns, frame in listener.heard)
    middle, low, high = (percentile(added, share) for share in (0.5, 0.01, 0.99))
    holds = abs(middle) <= max(0.3, 0.02 * delay_s * 1e3) and high < 1.0 and len(added) == frames
    spread = f"added 1% {low:+.3f}, 99% {high:+.3f}, most {added[-1]:+.3f} ms"
    figures = {"delay_s": delay_s, "median_ms": middle, "p1_ms": low, "p99_ms": high, "frames": len(added)}
    return Row("delay", f"{delay_s * 1e3:g} ms", f"{delay_s * 1e3 + middle:.3f} ms", spread, holds, figures)


def delay_of_many(bed: Bed, cables: int, delay_s: float, *, frames: int) -> Row:
    """So many delayed cables at once, frames on all of them in turn, 10 000 a second together."""
    for number in range(cables):
        bed.cable(f"m{number}", "a", "b", both(delay_s=delay_s))
    outs = [bed.device("a").packets(f"m{number}") for number in range(cables)]
    listener = Listener(bed, "b")
    sent = send_paced(outs, frames, 0.0001, 60, listener, delay_s)
    added = sorted((real_ns - sent[number_of(frame)]) / 1e6 - delay_s * 1e3 for _, real_ns, frame in listener.heard)
    for number, out in enumerate(outs):
        out.close()
        bed.remove(f"m{number}")
    listener.ring.close()
    middle, high = percentile(added, 0.5), percentile(added, 0.99)
    holds = len(added) == frames and abs(middle) <= max(0.3, 0.02 * delay_s * 1e3) and high < 1.0
    spread = f"added 99% {high:+.3f}, most {added[-1]:+.3f} ms, {len(added)} of {frames} frames"
    figures = {"cables": cables, "median_ms": middle, "p99_ms": high, "frames": len(added)}
    asked = f"{delay_s * 1e3:g} ms"
    return Row(f"{cables} cables at once", asked, f"{delay_s * 1e3 + middle:.3f} ms", spread, holds, figures)


def rate(bed: Bed, rate_bps: int, *, seconds: float) -> Row:
    """The wire's rate, from the first frame's arrival to the last's, with the queue never empty."""
    length = 1514
    wire_s = wire_bytes(length) * 8 / rate_bps
    frames = max(10, min(2000, round(seconds / wire_s)))
    options = both(rate_bps=rate_bps, queue_frames=frames)
    sent, listener = _one_way(bed, options, frames=frames, every_s=0.0, length=length, tail_s=frames * wire_s)
    stamps = [real_ns for _, real_ns, _ in listener.heard]
    assert len(stamps) == len(sent)
    got_bps = (len(stamps) - 1) * wire_bytes(length) * 8 / ((stamps[-1] - stamps[0]) / 1e9)
    gaps = sorted((later - earlier) / 1e9 / wire_s for earlier, later in pairwise(stamps))
    error = got_bps / rate_bps - 1
    spread = f"{error:+.2%}; gaps 1% {percentile(gaps, 0.01):.2f}, 99% {percentile(gaps, 0.99):.2f} of a frame's"
    figures = {"rate_bps": rate_bps, "measured_bps": got_bps, "frames": frames}
    measured = f"{got_bps / 1e6:.4g} Mbit/s"
    return Row("rate", f"{rate_bps / 1e6:g} Mbit/s", measured, spread, abs(error) < 0.02, figures)


def loss(bed: Bed, share: float, *, frames: int, seed: int = 1) -> Row:
    """The share lost, within the interval that holds 99.7 of 100 such measurements, and twice the same frames."""
    lost = []
    for _ in range(2):
        way = Direction(loss=share)
        _, listener = _one_way(bed, Cable(way, way, seed), frames=frames, every_s=0.00004, tail_s=0)
        lost.append(sorted(set(range(frames)) - set(listener.numbers())))
    got, deviation = len(lost[0]) / frames, (share * (1 - share) / frames) ** 0.5
    holds = abs(got - share) <= 3 * deviation and lost[0] == lost[1]
    same = "the same frames twice" if lost[0] == lost[1] else "NOT the same frames twice"
    spread = f"±{3 * deviation:.3%} is chance; {same}"
    figures = {"loss": share, "measured": got, "frames": frames, "same_twice": lost[0] == lost[1]}
    return Row("loss", f"{share:.1%}", f"{got:.3%}", spread, holds, figures)


def fault(bed: Bed, what: str, share: float, *, frames: int) -> Row:
    """The share of frames that come twice, damaged, or before one that was sent earlier."""
    options = {what: share} | ({"delay_s": 0.01} if what == "reorder" else {})
    every_s = 0.0002 if what == "reorder" else 0.00004
    _, listener = _one_way(bed, both(**options), frames=frames, every_s=every_s, tail_s=0.01)
    if what == "duplicate":
        found = sum(times - 1 for times in Counter(listener.numbers()).values())
    elif what == "corrupt":
        found = len({frame_of(number) for number in range(frames)} - {frame for _, _, frame in listener.heard})
    else:
        found, waiting = 0, set(range(frames))
        for number in listener.numbers():
            waiting.discard(number)
            found += min(waiting, default=number) < number
    state = bed.show()["cables"]["c"]["forward"]
    said = state["duplicated"] + state["corrupted"] + state["reordered"]
    got, deviation = found / frames, (share * (1 - share) / frames) ** 0.5
    holds = abs(got - share) <= 3 * deviation
    spread = f"±{3 * deviation:.3%} is chance; the link counted {said} of {found}"
    return Row(what, f"{share:.1%}", f"{got:.3%}", spread, holds, {what: share, "measured": got, "frames": frames})


def jitter(bed: Bed, distribution: str, *, frames: int, delay_s: float = 0.02, jitter_s: float = 0.004) -> Row:
    """Mean and width of a delay with jitter: the standard deviation, of a uniform one half its width by √3."""
    options = both(delay_s=delay_s, jitter_s=jitter_s, distribution=distribution)
    sent, listener = _one_way(bed, options, frames=frames, every_s=0.0005, tail_s=0.1)
    taken = [(real_ns - sent[number_of(frame)]) / 1e6 for _, real_ns, frame in listener.heard]
    mean, width = statistics.fmean(taken), statistics.pstdev(taken)
    asked = jitter_s * 1e3 / 3**0.5 if distribution == "uniform" else jitter_s * 1e3
    spread = f"deviation {width:.2f} ms, least {min(taken):.2f}, most {max(taken):.2f} ms"
    holds = abs(mean - delay_s * 1e3) < 0.5 and (distribution not in ("uniform", "normal") or abs(width - asked) < 0.4)
    figures = {"distribution": distribution, "mean_ms": mean, "deviation_ms": width, "frames": len(taken)}
    what = f"{delay_s * 1e3:g} ± {jitter_s * 1e3:g} ms"
    return Row(f"jitter, {distribution}", what, f"{mean:.2f} ms", spread, holds, figures)


def throughput(bed: Bed, length: int, frames_a_second: float | None, *, seconds: float, wanted: float) -> Row:
    """How many frames a delayed cable carries; None offers as many as the sender can."""
    bed.cable("t", "a", "b", both(delay_s=0.005))
    out = bed.device("a").packets("t")
    batch = Batch(out, frame_of(0, length), 16)
    cpu_s, begin, count = bed.cpu_s(), time.monotonic(), 0
    while (passed_s := time.monotonic() - begin) < seconds:
        if frames_a_second is not None and count > passed_s * frames_a_second:
            time.sleep(0.0002)
            continue
        count += batch.send()
    took_s = time.monotonic() - begin
    time.sleep(QUIET_S)
    cpu_s = bed.cpu_s() - cpu_s
    state = bed.show()["cables"]["t"]["forward"]
    out.close()
    bed.remove("t")
    passed = state["passed"] / took_s
    offered = "as many as can be sent" if frames_a_second is None else f"{frames_a_second:.0f} frames/s"
    mbit = passed * length * 8 / 1e6
    missing = count - state["passed"]
    cpu_us = cpu_s / max(1, state["frames"]) * 1e6
    spread = f"{mbit:.0f} Mbit/s, {missing} of {count} not carried, {cpu_us:.1f} µs of CPU each"
    figures = {"length": length, "offered": count / took_s, "passed": passed, "mbit": mbit, "cpu_s": cpu_s}
    figures |= {"not_carried": missing, "cpu_us_a_frame": cpu_us}
    return Row(f"{length}-byte frames", offered, f"{passed:.0f} frames/s", spread, passed >= wanted, figures)


def _one_way(
    bed: Bed, cable: Cable, *, frames: int, every_s: float, tail_s: float, length: int = 60
) -> tuple[dict[int, int], Listener]:
    """Frames from a to b over a cable laid for them; the cable's state stays to be asked, until the next."""
    bed.remove("c")
    bed.cable("c", "a", "b", cable)
    out, listener = bed.device("a").packets("c"), Listener(bed, "b")
    sent = send_paced([out], frames, every_s, length, listener, tail_s)
    out.close()
    listener.ring.close()
    return sent, listener


def percentile(ascending: list[float], share: float) -> float:
    """Of sorted values."""
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


def load() -> str:
    """How busy the machine is: processes that would run, on so many processors."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def measures(bed: Bed, *, quick: bool) -> Iterator[Row]:
    """All rows, one after another; `quick` sends a tenth."""
    few = 10 if quick else 1
    for delay_s in (0.0005, 0.001, 0.01, 0.1, 0.3):
        yield delay(bed, delay_s, frames=3000 // few)
    for rate_bps in (100_000, 1_000_000, 10_000_000, 100_000_000):
        yield rate(bed, rate_bps, seconds=5.0 / few)
    for share in (0.001, 0.01, 0.1):
        yield loss(bed, share, frames=100_000 // few)
    for what, share in (("duplicate", 0.01), ("corrupt", 0.01), ("reorder", 0.05)):
        yield fault(bed, what, share, frames=20_000 // few)
    for distribution in ("uniform", "normal", "pareto", "paretonormal"):
        yield jitter(bed, distribution, frames=6000 // few)
    yield delay_of_many(bed, 100, 0.01, frames=30_000 // few)
    for length, frames_a_second, wanted in ((60, 50_000, 49_000), (1514, 25_000, 24_700), (60, None, 50_000)):
        yield throughput(bed, length, frames_a_second, seconds=5 / few, wanted=wanted)
    yield throughput(bed, 1514, None, seconds=5 / few, wanted=300e6 / 8 / 1514)
