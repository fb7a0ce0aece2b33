"""What is remarkable about TCP segments, by our tracker and by tshark: does each frame get the same flags?

    bin/lan python benchmarks/tcp_flags_beside_tshark.py [--rounds 3] [--seed 0] [--only NAME] [--show 20] [--keep DIR]

The captures are the dialogues of `tcp_flags_dialogues.py` and, as root, those of `wire_talks.py` and of the talks
below, over a sound cable and over cables that lose, double and swap frames; and each talk again with frames taken out
of the capture, doubled and swapped in it.  Compared are the flags of `FLAGS`, and where both give them the numbers of
duplicate ACKs, the frame that an ACK answers, and bytes in flight.  Differences that `tcp_flags_explained.py` does not
explain are shown, and make the exit code 1.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks import asking_tshark, wire_talks
from benchmarks.in_order import end_in_order
from benchmarks.tcp_flags_dialogues import DIALOGUES, Timed
from benchmarks.tcp_flags_explained import (
    ACKED,
    AGAIN,
    DUPLICATE,
    FAST,
    IN_FLIGHT,
    NUMBERS,
    SENDING,
    SENDING_WORDS,
    SPURIOUS,
    Difference,
    explanation,
)
from benchmarks.wire_talks import Talk
from lan.trace.frame import Direction, Frame
from lan.trace.pcapng_writing import dump
from lan.trace.trackers.tcp import Connection, Tracker
from lan.trace.trackers.tcp_analysis import Kind

FLAGS = {
    "retransmission": Kind.RETRANSMISSION,
    "fast_retransmission": Kind.FAST_RETRANSMISSION,
    "spurious_retransmission": Kind.SPURIOUS_RETRANSMISSION,
    "out_of_order": Kind.OUT_OF_ORDER,
    "lost_segment": Kind.LOST_SEGMENT,
    "ack_lost_segment": Kind.ACKED_UNSEEN,
    "duplicate_ack": Kind.DUPLICATE_ACK,
    "zero_window": Kind.ZERO_WINDOW,
    "zero_window_probe": Kind.ZERO_WINDOW_PROBE,
    "zero_window_probe_ack": Kind.ZERO_WINDOW_PROBE_ACK,
    "window_update": Kind.WINDOW_UPDATE,
    "window_full": Kind.WINDOW_FULL,
    "keep_alive": Kind.KEEP_ALIVE,
    "keep_alive_ack": Kind.KEEP_ALIVE_ACK,
}
"""tshark's names, below ``tcp.analysis.``, and ours."""

SLOW_READER = (
    "import socket, time\n"
    "s = socket.socket(); s.setsockopt(1, 8, 4096); s.connect(('10.7.0.2', 80))\n"
    "s.sendall(b'GET /bytes/300000 HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "time.sleep(1.5)\n"
    "while s.recv(9000): pass\n"
)
KEPT_ALIVE = (
    "import socket, time\n"
    "s = socket.socket(); s.setsockopt(1, 9, 1); s.setsockopt(6, 4, 1); s.setsockopt(6, 5, 1)\n"
    "s.connect(('10.7.0.2', 80))\n"
    "s.sendall(b'HEAD / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'); s.recv(4096); time.sleep(3.2)\n"
    "s.sendall(b'HEAD / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "while s.recv(4096): pass\n"
)
NO_SACK = (
    "import socket\n"
    "open('/proc/sys/net/ipv4/tcp_sack', 'w').write('0')\n"
    "s = socket.create_connection(('10.7.0.2', 80))\n"
    "s.sendall(b'GET /bytes/200000 HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')\n"
    "while s.recv(9000): pass\n"
    "open('/proc/sys/net/ipv4/tcp_sack', 'w').write('1')\n"
)
UPLOAD = ("curl", "-s", "--max-time", "15", "-o", "/dev/null", "-d", "@{folder}/upload", "http://10.7.0.2/")


def _python(program: str) -> tuple[str, ...]:
    return sys.executable, "-c", program


def _get(size: int) -> tuple[str, ...]:
    return "curl", "-s", "--max-time", "15", "-o", "/dev/null", f"http://10.7.0.2/bytes/{size}"


TALKS = (
    Talk("a slow reader", (_python(SLOW_READER),)),
    Talk("a slow reader, loss", (_python(SLOW_READER),), (0.02, 0, 0)),
    Talk("kept alive", (_python(KEPT_ALIVE),)),
    Talk("little loss", (_get(1_000_000),), (0.01, 0, 0)),
    Talk("much loss", (_get(200_000),), (0.1, 0, 0)),
    Talk("loss without SACK", (_python(NO_SACK),), (0.03, 0, 0)),
    Talk("many swapped", (_get(400_000),), (0, 0, 0.3)),
    Talk("many doubled", (_get(200_000),), (0, 0.3, 0)),
    Talk("all at once", (_get(300_000),), (0.03, 0.05, 0.05)),
    Talk("upload with loss", (UPLOAD,), (0.03, 0, 0.02)),
)


def gaps(frames: Timed, random: Random) -> Timed:
    """One frame in twenty was not captured."""
    return [each for each in frames if random.random() >= 0.05]


def doubles(frames: Timed, random: Random) -> Timed:
    """One frame in twenty was captured twice."""
    return [each for frame in frames for each in [frame] * (1 + (random.random() < 0.05))]


def swaps(frames: Timed, random: Random) -> Timed:
    """One frame in twenty was captured after its successor."""
    made = list(frames)
    for at in range(len(made) - 1):
        if random.random() < 0.05:
            (first_ns, first), (second_ns, second) = made[at : at + 2]
            made[at : at + 2] = [(first_ns, second), (second_ns, first)]
    return made


def late(frames: Timed, random: Random) -> Timed:
    """The capture began later."""
    return frames[random.randint(2, 12) :]


CHANGES: dict[str, Callable[[Timed, Random], Timed]] = {
    "with gaps": gaps,
    "with doubles": doubles,
    "with swaps": swaps,
    "begun late": late,
}


@dataclass
class Tally:
    """What came of all captures."""

    captures: int = 0
    segments: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    one_sided: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def take(self, told: Difference) -> None:
        """Count what both said of one thing; a number that only one gives is no difference."""
        if told.ours == told.theirs:
            if told.name in NUMBERS:
                self.numbers[told.name] += 1
            else:
                self.flags[told.ours if told.name == SENDING else told.name] += 1
        elif told.name in NUMBERS and not (told.ours and told.theirs):
            self.one_sided += 1
        elif why := explanation(told):
            self.explained[why] += 1
        else:
            self.differences.append(told)

    def __str__(self) -> str:
        flags = "".join(f"\n  {number:6} {name}" for name, number in self.flags.most_common())
        explained = "".join(f"\n  {number:6} × {why}" for why, number in self.explained.most_common())
        return (
            f"captures {self.captures}, segments {self.segments}, flags that both give {self.flags.total()}:{flags}\n"
            f"numbers that are the same {self.numbers.total()}, that only one gives {self.one_sided},"
            f" differences {len(self.differences)}, explained {self.explained.total()}{explained}"
        )


def tshark(path: Path) -> Iterator[dict[str, str]]:
    """What it says of each frame of a file: flags, numbers, and one word in `SENDING`."""
    names = (*FLAGS, *NUMBERS)
    for cells in asking_tshark.rows(path, (f"tcp.analysis.{name}" for name in names), "-E", "occurrence=l"):
        told = {name: cell for name, cell in zip(names, cells, strict=True) if cell}
        if told.keys() & {FAST, SPURIOUS}:
            told.pop(AGAIN, None)  # tshark's general word for all three
        yield _in_one_word(told)


def ours(frames: list[Frame]) -> Iterator[tuple[Frame, Connection | None, dict[str, str]]]:
    """The same of our tracker."""
    tracker = Tracker()
    of_connection = [(frame, tracker.add(frame)) for frame in frames]
    words = {kind: name for name, kind in FLAGS.items()}
    numbers: dict[int, dict[str, str]] = {}
    for connection in tracker.connections:
        for way in (connection.analysis.client, connection.analysis.server):
            for trip in way.round_trips:
                numbers.setdefault(trip.ack.number, {})[ACKED] = str(trip.segment.number)
            for flight in way.flights:
                numbers.setdefault(flight.frame.number, {})[IN_FLIGHT] = str(flight.bytes)
    for frame, connection in of_connection:
        events = connection.events_of(frame) if connection else ()
        told = {words[event.kind]: "1" for event in events} | numbers.get(frame.number, {})
        if count := max((event.number for event in events), default=0):
            told[DUPLICATE] = str(count)
        yield frame, connection, _in_one_word(told)


def _in_one_word(told: dict[str, str]) -> dict[str, str]:
    """What a reader told, with how the bytes were sent as one thing, of which there is one word."""
    sent = "+".join(name for name in SENDING_WORDS if name in told)
    rest = {name: cell for name, cell in told.items() if name not in SENDING_WORDS}
    return rest | ({SENDING: sent} if sent else {})


def compare(name: str, timed: Timed, path: Path, tally: Tally) -> None:
    """Read one capture twice, over the file `path`."""
    frames = in_file(timed, path)
    judge(name, frames, tshark(path), tally)


def in_file(timed: Timed, path: Path) -> list[Frame]:
    """The frames of a capture, which the file holds now."""
    frames = [
        Frame(number, time_ns, "here:0", "", Direction.UNKNOWN, data) for number, (time_ns, data) in enumerate(timed, 1)
    ]
    path.write_bytes(dump(frames))
    return frames


def judge(name: str, frames: list[Frame], told: Iterable[dict[str, str]], tally: Tally) -> None:
    """Hold our tracker against what tshark told of each frame."""
    tally.captures += 1
    for (frame, connection, mine), theirs in zip(ours(frames), told, strict=True):
        if connection is None:
            continue
        tally.segments += 1
        for what in sorted(mine.keys() | theirs.keys()):
            tally.take(Difference(name, frame, connection, what, mine.get(what, ""), theirs.get(what, "")))


def captures(folder: Path, rounds: range) -> Iterator[tuple[str, Timed]]:
    """Name and frames of each capture."""
    (folder / "upload").write_bytes(bytes(300_000))
    yield from DIALOGUES.items()
    for number in rounds:
        talks = (*TALKS, *wire_talks.TALKS) if number == rounds.start else TALKS
        for name, frames in wire_talks.timed_captures(folder, talks, seed=number):
            yield f"{name} {number}", frames
            for how, change in CHANGES.items():
                yield f"{name} {number} {how}", change(frames, Random(f"{name} {number} {how}"))


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=3, help="how often the talks are held (default 3)")
    words.add_argument("--seed", type=int, default=0, help="number of the first round: what the cables do (default 0)")
    words.add_argument("--only", help="captures whose names hold this")
    words.add_argument("--show", type=int, default=20, help="differences to show (default 20)")
    words.add_argument("--keep", type=Path, help="a directory for the captures")
    options = words.parse_args()
    end_in_order()
    tally = Tally()
    with TemporaryDirectory() as folder:
        where = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        for name, frames in captures(Path(folder), range(options.seed, options.seed + options.rounds)):
            if options.only is None or options.only in name:
                compare(name, frames, where / f"{name.replace('/', '-')}.pcapng", tally)
    print(tally)
    for found in tally.differences[: options.show]:
        print(found)
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
