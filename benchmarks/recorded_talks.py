"""Talks of real programs, recorded: what a test reads of them is the same at each run.

    bin/lan python benchmarks/recorded_talks.py [tcp] [programs]

holds those talks anew (root) and writes them to ``tests/peers/recorded/NAME.pcapng.gz``, one interface a talk.
"""

import argparse
import gzip
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import tcp_flags_beside_tshark, wire_talks
from benchmarks.in_order import end_in_order
from benchmarks.tcp_flags_dialogues import Timed
from benchmarks.wire_talks import HOUSE, Talk
from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump

RECORDED: dict[str, tuple[tuple[Talk, ...], frozenset[str]]] = {
    "tcp": (
        tcp_flags_beside_tshark.TALKS,
        frozenset({"a slow reader", "kept alive", "much loss", "loss without SACK", "many swapped", "all at once"}),
    ),
    "programs": (
        wire_talks.TALKS,
        frozenset({"ping with options", "errors of routers", "DNS", "DNS with EDNS", "HTTP, kept open", "loss"})
        | {"TLS 1.2", "TLS 1.3"},
    ),
}
"""For each file the talks in it, by their names in a table."""


def file_of(name: str) -> Path:
    return HOUSE / "tests" / "peers" / "recorded" / f"{name}.pcapng.gz"


def read(name: str) -> dict[str, Timed]:
    """The frames of each talk in a file."""
    talks: dict[str, Timed] = {}
    for frame in load(gzip.decompress(file_of(name).read_bytes())):
        talks.setdefault(frame.port, []).append((frame.time_ns, frame.data))
    return talks


def record(name: str) -> None:
    """Hold the talks of a file, and write it."""
    table, chosen = RECORDED[name]
    talks, frames = tuple(talk for talk in table if talk.name in chosen), list[Frame]()
    with TemporaryDirectory() as folder:
        for talk, timed in wire_talks.timed_captures(Path(folder), talks):
            for time_ns, data in timed:
                frames.append(Frame(len(frames) + 1, time_ns, talk, "", Direction.UNKNOWN, data))
    file_of(name).write_bytes(gzip.compress(dump(frames), mtime=0))


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("names", nargs="*", metavar="NAME", help="tcp, programs (default: both)")
    end_in_order()
    for name in words.parse_args().names or RECORDED:
        record(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
