"""Frames over cables that `python -m lan.links` carries, between namespaces; prints what was seen.

    PYTHON frames_over_carried_cables.py STORY FOLDER

STORY is a name in STORIES, FOLDER an empty one to write in.  The last line of the output is one JSON
object.
"""

import json
import os
import select
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.links_bed import ETHERTYPE, Bed, Device, enter_bubble
from lan.links.options import Cable, Direction
from lan.links.ring import Ring
from lan.wire import rtnetlink

LATEST_S = 30.0
MACS = b"\xff" * 6 + b"\x02\0\0\0\0\1"


def numbered(number: int, length: int = 60) -> bytes:
    return (MACS + struct.pack("!HI", ETHERTYPE, number)).ljust(length, b"\xa5")


class Ear:
    """What comes to a device, in order."""

    def __init__(self, device: Device) -> None:
        with device.inside():
            self.ring = Ring()
        self.frames: list[bytes] = []
        self.interfaces: list[int] = []

    def hear(self, patience_s: float) -> None:
        if select.select([self.ring], [], [], patience_s)[0]:
            self.ring.drain(4096, self._take)

    def _take(self, ifindex: int, _: int, frame: bytes) -> None:
        self.frames.append(frame)
        self.interfaces.append(ifindex)

    def wait_for(self, count: int) -> list[bytes]:
        """All frames so far, once there are so many."""
        return self.wait_until(lambda: len(self.frames) >= count)

    def wait_until(self, is_done: Callable[[], bool]) -> list[bytes]:
        limit_s = time.monotonic() + LATEST_S
        while not is_done() and time.monotonic() < limit_s:
            self.hear(0.05)
        return self.frames

    def numbers(self) -> list[int]:
        return [int.from_bytes(frame[14:18], "big") for frame in self.frames]


def settled(bed: Bed, ear: Ear, cable: str, frames: int) -> dict[str, Any]:
    """The counters of a direction through which so many have come in, and nothing is under way any more."""
    state: dict[str, Any] = {}

    def is_done() -> bool:
        state.update(bed.show()["cables"][cable]["forward"])
        return bool(state["frames"] == frames and not state["waiting_frames"] + state["flying"])

    ear.wait_until(is_done)
    ear.wait_for(state["passed"])
    return state


def decisions(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def of_frames(told: list[dict[str, Any]]) -> Iterator[int]:
    """The frames' numbers, of those told alone and of those told together."""
    for decision in told:
        if "frame" in decision:
            yield decision["frame"]
            continue
        for part in decision["frames"].split(","):
            low, _, high = part.partition("-")
            yield from range(int(low), int(high or low) + 1)


def seeds(folder: Path) -> dict[str, Any]:
    """Twice the same seed, then another: which of 8000 frames are lost, and which the log says."""
    runs = []
    for number, seed in enumerate((7, 7, 8)):
        log = folder / f"{number}.jsonl"
        bed = Bed(decisions=log)
        bed.cable("pc1-s1", "pc1", "s1", Cable(Direction(loss=0.5), seed=seed))
        ear, out = Ear(bed.device("s1")), bed.device("pc1").packets("pc1-s1")
        for frame in range(8000):
            out.send(numbered(frame))
        state = settled(bed, ear, "pc1-s1", 8000)
        lost = sorted(set(range(8000)) - set(ear.numbers()))
        ear.wait_until(lambda log=log, lost=lost: len(list(of_frames(decisions(log)))) == len(lost))  # type: ignore[misc]
        told = decisions(log)
        runs.append({"lost": lost, "told": list(of_frames(told)), "lines": len(told), "count": state["lost"]})
        bed.close()
    log = decisions(folder / "0.jsonl")
    return {
        "same": runs[0]["lost"] == runs[1]["lost"],
        "other": runs[0]["lost"] == runs[2]["lost"],
        "share": len(runs[0]["lost"]) / 8000,
        "told_right": all(run["lost"] == run["told"] for run in runs),
        "counted_right": all(run["count"] == len(run["lost"]) for run in runs),
        "few_lines": runs[0]["lines"] < 2100,
        "first": {key: value for key, value in log[0].items() if key not in ("time_s", "frame", "crc")},
        "crc_right": log[0]["crc"] == zlib.crc32(numbered(log[0]["frame"])),
        "age_s": time.time() - log[0]["time_s"],
    }


def changes(folder: Path) -> dict[str, Any]:
    """5000 frames while delay and rate change under them: all come, in no other way than the changes explain."""
    bed = Bed()
    bed.cable("c", "a", "b", Cable())
    ear, out = Ear(bed.device("b")), bed.device("a").packets("c")
    ways = [
        Direction(delay_s=0.02), Direction(rate_bps=1_000_000_000), Direction(rate_bps=100_000_000, queue_frames=5000),
        Direction(), Direction(delay_s=0.3), Direction(delay_s=0.001),
        Direction(rate_bps=50_000_000, queue_frames=5000),
    ]  # fmt: skip
    for frame in range(5000):
        if frame % 100 == 0:
            way = ways[frame // 100 % len(ways)]
            bed.set("c", Cable(way, way))
        out.send(numbered(frame))
    state = settled(bed, ear, "c", 5000)
    seen = sorted(ear.numbers())
    missed = bed.show()["missed"]
    bed.close()
    return {
        "all_once": seen == list(range(5000)),
        "passed": state["passed"],
        "dropped": state["dropped"],
        "missed": missed,
    }


def damage(folder: Path) -> dict[str, Any]:
    """Each damaged frame differs in the bit that the log names."""
    log = folder / "log.jsonl"
    bed = Bed(decisions=log)
    bed.cable("c", "a", "b", Cable(Direction(corrupt=1.0)))
    ear, out = Ear(bed.device("b")), bed.device("a").packets("c")
    for frame in range(50):
        out.send(numbered(frame))
    settled(bed, ear, "c", 50)
    bits = [decision["bit"] for decision in decisions(log)]
    turned = []
    for number, frame in enumerate(ear.frames):
        difference = int.from_bytes(frame, "little") ^ int.from_bytes(numbered(number), "little")
        turned.append(difference.bit_length() - 1 if difference.bit_count() == 1 else None)
    bed.close()
    return {"one_bit_each_as_told": turned == bits, "frames": len(turned)}


def shapes(folder: Path) -> dict[str, Any]:
    """Frames of every shape come out as they went in: short, full, VLAN-tagged, jumbo."""
    bed = Bed()
    bed.cable("c", "a", "b", Cable(Direction(delay_s=0.002)), mtu=9000)
    ear, out = Ear(bed.device("b")), bed.device("a").packets("c")
    tagged = MACS + struct.pack("!HHHI", 0x8100, 5, ETHERTYPE, 1)
    sent = [numbered(0, 18), numbered(1, 1514), tagged.ljust(200, b"t"), numbered(3, 9014), numbered(4, 2100)]
    for frame in sent:
        out.send(frame)
    heard = ear.wait_for(len(sent))
    bed.close()
    return {"lengths": [len(frame) for frame in heard], "same": heard == sent}


def ends(folder: Path) -> dict[str, Any]:
    """What is asked for in vain, what a pulled cable costs, and how the process ends."""
    bed = Bed()
    bed.cable("c", "a", "b", Cable(Direction(delay_s=60.0)))
    ear, out = Ear(bed.device("b")), bed.device("a").packets("c")
    for frame in range(3):
        out.send(numbered(frame))
    ear.wait_until(lambda: bed.show()["cables"]["c"]["forward"]["flying"] == 3)
    cut = bed.ask("cut", cable="c")["cut"]
    refused = []
    for do, request in (
        ("set", {"cable": "x", "options": {}}),
        ("add", {"cable": "c", "ends": ["i1000", "i1002"]}),
        ("add", {"cable": "d", "ends": ["nowhere", "i1002"]}),
        ("set", {"cable": "c", "options": {"forward": {"speed": 5}}}),
        ("fly", {}),
        ("show", {"cable": "x"}),
        ("set", {"cable": "c"}),
    ):
        try:
            bed.ask(do, **request)
        except RuntimeError as fault:
            refused.append(str(fault))
    bed.set("c", Cable())
    bed.device("b").netlink.do([rtnetlink.set_link(bed.inner("c")[1] + 1, up=False)])
    bed.netlink.do([rtnetlink.set_link(bed.inner("c")[1], up=False)])
    out.send(numbered(3))
    ear.wait_until(lambda: bed.show()["cables"]["c"]["forward"]["unsent"] == 1)
    state = bed.show()["cables"]["c"]["forward"]
    bed.control.shutdown(socket.SHUT_WR)
    code = bed.process.wait(10)
    bed.close()
    counted = {name: state[name] for name in ("frames", "cut", "unsent", "passed")}
    return {"cut": cut, "refused": refused, "counted": counted, "code": code}


def hundred(folder: Path) -> dict[str, Any]:
    """A hundred cables at once: each frame comes by its own, both ways."""
    bed = Bed()
    way = Direction(delay_s=0.005)
    for number in range(100):
        bed.cable(f"c{number}", "a", "b", Cable(way, way))
    there, back = Ear(bed.device("b")), Ear(bed.device("a"))
    outs = [(bed.device("a").packets(f"c{number}"), bed.device("b").packets(f"c{number}")) for number in range(100)]
    for number, (forth, home) in enumerate(outs):
        forth.send(numbered(number))
        home.send(numbered(number))
    there.wait_for(100)
    back.wait_for(100)
    right = {number: (bed.inner(f"c{number}")[1] + 1, bed.inner(f"c{number}")[0] + 1) for number in range(100)}
    by = [dict(zip(ear.numbers(), ear.interfaces, strict=True)) for ear in (there, back)]
    passed = [sum(each[way]["passed"] for each in bed.show()["cables"].values()) for way in ("forward", "backward")]
    bed.close()
    return {"own": {n: (by[0].get(n), by[1].get(n)) for n in right} == right, "passed": passed}


STORIES = {each.__name__: each for each in (seeds, changes, damage, shapes, ends, hundred)}


if __name__ == "__main__":
    enter_bubble()
    print(json.dumps(STORIES[sys.argv[1]](Path(sys.argv[2]))))
    sys.stdout.flush()
    os._exit(0)
