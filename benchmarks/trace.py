"""What the trace costs: capture at full rate, decode and track beside scapy, dpkt and tshark, a large file opened.

    bin/lan python benchmarks/trace.py [--seconds 4] [--rounds 3] [--gigabytes 1.0] [--only capture,read,large] [--json]

Capture: iperf3 between two hosts through Open vSwitch, frames whole, and through the kernel's bridge, frames
cut to 128 bytes; rounds with and without the capture take turns.  Frames in the file are held against the hosts'
own counters.  Read: a capture of an office with HTTP, TLS, DNS and iperf3, read to the end by each reader in a
process of its own, all in turn; scapy and dpkt dissect and no more, tshark tells fields of the same meaning as
our trackers find, and its counts stand beside ours.  Large: a file made of that capture again and again, opened
by view, step, pdu and trace as a user does.  Ratios within one run are what counts; nothing is asserted.  Exit code 1
where a promise is missed.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks.in_order import end_in_order
from benchmarks.trace_capturing import Load, capture_office, load_of
from benchmarks.trace_large import looks
from benchmarks.trace_reading import Reading, large_file, once_each, read_all
from benchmarks.trace_rows import Row, middle, shown

SNAPLEN_BYTES = 128
FASTER_THAN_SCAPY, SLOWER_THAN_TSHARK = 3.0, 2.0
FIRST_SCREEN_S, LARGE_FILE_MB, TRACE_MB = 2.0, 200.0, 400.0


def capture(folder: Path, seconds: int, rounds: int) -> Iterator[Row]:
    """Losses and throughput, with the capture and without."""
    for switch, snaplen_bytes in (("ovs", None), ("bridge", SNAPLEN_BYTES)):
        loads: dict[bool, list[Load]] = {True: [], False: []}
        for _ in range(rounds):
            for is_captured in (True, False):
                loads[is_captured].append(load_of(folder, switch, snaplen_bytes, seconds, is_captured=is_captured))
        how = f"{switch}, {snaplen_bytes or 'all'} bytes of a frame"
        tapped, free = loads[True], loads[False]
        lost, seen = sum(each.drops for each in tapped), sum(each.frames for each in tapped)
        counted = sum(each.counted for each in tapped)
        rate = middle([each.frames / seconds for each in tapped])
        yield Row(f"capture, {how}", "no frame lost", f"{lost} of {seen}", lost == 0, f"{rate:,.0f} frames/s")
        yield Row("  the hosts' own counters", "as many", f"{counted}", None, f"{seen / counted:.4f} of them")
        with_it, without = (middle([each.mbit_s for each in some]) for some in (tapped, free))
        yield Row("  iperf3 with the capture", "", f"{with_it:.0f} Mbit/s", None, f"{with_it / without:.2f} of without")
        taps = sum(each.taps for each in free)
        yield Row(
            "  without it (--no-trace)",
            "nothing there",
            f"{without:.0f} Mbit/s",
            taps == 0,
            f"{taps} taps; with it {tapped[0].taps}",
        )


def read(file: Path, rounds: int) -> Iterator[Row]:
    """Frames a second, and what was found, by reader."""
    found = read_all(file, rounds)
    ours = found["lan"]
    yield Row("read, frames in the file", "", f"{ours.frames}", None, f"{file.stat().st_size / 1e6:.0f} MB")
    for name, what in (("lan", "decode and track"), ("scapy", "decode"), ("dpkt", "decode")):
        if (reading := found.get(name)) is None:
            yield Row(f"  {name}", "", "not here", None, f"apt install python3-{name}")
            continue
        asked = f"{FASTER_THAN_SCAPY:.0f} × scapy's" if name == "lan" and "scapy" in found else ""
        ratio = reading.per_s / found["scapy"].per_s if "scapy" in found else 0.0
        holds = ratio >= FASTER_THAN_SCAPY if asked else None
        yield Row(f"  {name}, {what}", asked, f"{reading.per_s:,.0f} frames/s", holds, f"{ratio:.1f} × scapy's")
    yield from _beside(ours, found["tshark"], "tshark", is_promised=True)
    yield from _beside(ours, found["tshark, least"], "tshark's conv table", is_promised=False)


def _beside(ours: Reading, theirs: Reading, name: str, *, is_promised: bool) -> Iterator[Row]:
    """Our time beside tshark's, whole processes with their start; promised where the results are the same."""
    ratio = ours.cpu_s / theirs.cpu_s
    asked = f"{SLOWER_THAN_TSHARK:.0f} × its time" if is_promised else "(no checksums, no more)"
    holds = ratio <= SLOWER_THAN_TSHARK if is_promised else None
    yield Row(f"  lan beside {name}", asked, f"{ours.cpu_s:.2f} s", holds, f"{ratio:.2f} × {theirs.cpu_s:.2f} s")
    for what, number in theirs.counts.items():
        mine = ours.counts[what]
        yield Row(f"    {what}", f"{number}", f"{mine}", mine == number, "")


def large(file: Path, folder: Path, gigabytes: float) -> Iterator[Row]:
    """The first screen of a large file, by each verb that takes one."""
    target = folder / "large.pcapng"
    frames = large_file(file, target, int(gigabytes * 1e9))
    yield Row("large file", "", f"{target.stat().st_size / 1e9:.2f} GB", None, f"{frames} frames")
    for look in looks(target, frames):
        last = "" if look.last_s is None else f"the last after {look.last_s:.2f} s"
        holds = look.first_s < FIRST_SCREEN_S
        yield Row(f"  {look.verb}: first screen", f"{FIRST_SCREEN_S:.0f} s", f"{look.first_s:.2f} s", holds, last)
        most_mb = TRACE_MB if "trace" in look.verb else LARGE_FILE_MB
        held = f"{look.memory_mb:.0f} MB"
        yield Row("    memory at its most", f"{most_mb:.0f} MB", held, look.memory_mb < most_mb, "")
    target.unlink()


def measures(options: argparse.Namespace, folder: Path) -> Iterable[Row]:
    wanted = set(options.only.split(","))
    if "capture" in wanted:
        yield from capture(folder, options.seconds, options.rounds)
    if wanted & {"read", "large"}:
        office = capture_office(folder)
        if "read" in wanted:
            once = folder / "once.pcapng"
            once_each(office, once)
            yield from read(once, options.rounds)
        if "large" in wanted:
            yield from large(office, folder, options.gigabytes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4, help="of each iperf3 that is captured at full rate (4)")
    parser.add_argument("--rounds", type=int, default=3, help="of each measure (3)")
    parser.add_argument("--gigabytes", type=float, default=1.0, help="size of the large file (1)")
    parser.add_argument("--only", default="capture,read,large", help="some of capture, read, large")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    end_in_order()
    rows = []
    with tempfile.TemporaryDirectory(prefix="lan-trace-") as folder:
        for row in measures(options, Path(folder)):
            rows.append(row)
            if not options.json:
                print(shown(row), flush=True)
    if options.json:
        print(json.dumps([row.as_json() for row in rows], indent=1))
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
