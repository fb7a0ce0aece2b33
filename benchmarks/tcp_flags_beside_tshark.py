"""What is remarkable about TCP segments, by our tracker and by tshark: does each frame get the same flags?

    bin/lan python benchmarks/tcp_flags_beside_tshark.py [--rounds 3] [--only NAME] [--show 20] [--keep DIR]

The captures are those of `wire_talks.py` and of the talks below (root), over a sound cable and over cables that lose,
double and swap frames; and each again with frames taken out of the capture, doubled and swapped in it.  Compared are
the flags of `FLAGS`, and where both give them the numbers of duplicate ACKs, the frame that an ACK answers, and bytes
in flight.  Differences that `EXPLAINED` does not explain are shown, and make the exit code 1.
"""

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks import wire_talks
from benchmarks.wire_talks import Talk
from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import dump
from lan.trace.stream import distance
from lan.trace.trackers.tcp import Connection, Tracker
from lan.trace.trackers.tcp_analysis import DUPLICATES_THAT_ASK, Kind
from lan.wire import ethernet, ipv4, tcp
from lan.wire.tcp import NO_OPTIONS, Tcp, TcpFlags, TcpOptions

ACK = TcpFlags.ACK

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
NUMBERS = ("duplicate_ack_num", "acks_frame", "bytes_in_flight")

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

Timed = list[tuple[int, bytes]]


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


@dataclass(frozen=True)
class Difference:
    """One frame of which the two say different things."""

    capture: str
    frame: Frame
    connection: Connection
    ours: frozenset[str]
    theirs: frozenset[str]

    def __str__(self) -> str:
        only_ours, only_theirs = sorted(self.ours - self.theirs), sorted(self.theirs - self.ours)
        return f"{self.capture}, frame {self.frame.number}: only ours {only_ours}, only tshark's {only_theirs}"


@dataclass
class Tally:
    """What came of all captures."""

    captures: int = 0
    segments: int = 0
    numbers: int = 0
    one_sided: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        flags = "".join(f"\n  {number:6} {name}" for name, number in self.flags.most_common())
        explained = "".join(f"\n  {number:6} × {why}" for why, number in self.explained.most_common())
        return (
            f"captures {self.captures}, segments {self.segments}, flags that both give {self.flags.total()}:{flags}\n"
            f"numbers that are the same {self.numbers}, that only one gives {self.one_sided},"
            f" differences {len(self.differences)}, explained {self.explained.total()}{explained}"
        )


def tshark(path: Path) -> Iterator[frozenset[str]]:
    """The flags of each frame of a file, and its numbers as ``name=value``."""
    wanted = [f"tcp.analysis.{name}" for name in (*FLAGS, *NUMBERS)]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=/t", "-E", "occurrence=l"]
    command += [word for name in wanted for word in ("-e", name)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in done.stdout.split("\n")[:-1]:
        cells = line.split("\t")
        told = {name for name, cell in zip(FLAGS, cells, strict=False) if cell}
        if told & {"fast_retransmission", "spurious_retransmission"}:
            told.discard("retransmission")  # tshark's general word for all three
        told |= {f"{name}={cell}" for name, cell in zip(NUMBERS, cells[len(FLAGS) :], strict=True) if cell}
        yield frozenset(told)


def ours(frames: list[Frame]) -> Iterator[tuple[Frame, Connection | None, frozenset[str]]]:
    """The same of our tracker."""
    tracker = Tracker()
    of_connection = [(frame, tracker.add(frame)) for frame in frames]
    words = {kind: name for name, kind in FLAGS.items()}
    numbers: dict[int, list[str]] = {}
    for connection in tracker.connections:
        for way in (connection.analysis.client, connection.analysis.server):
            for trip in way.round_trips:
                numbers.setdefault(trip.ack.number, []).append(f"acks_frame={trip.segment.number}")
            for flight in way.flights:
                numbers.setdefault(flight.frame.number, []).append(f"bytes_in_flight={flight.bytes}")
    for frame, connection in of_connection:
        events = connection.events_of(frame) if connection else ()
        told = {words[event.kind] for event in events}
        told |= {f"duplicate_ack_num={event.number}" for event in events if event.number}
        yield frame, connection, frozenset(told | set(numbers.get(frame.number, ())))


def compare(name: str, timed: Timed, path: Path, tally: Tally) -> None:
    """Read one capture twice."""
    frames = [
        Frame(number, time_ns, "here:0", "", Direction.UNKNOWN, data) for number, (time_ns, data) in enumerate(timed, 1)
    ]
    path.write_bytes(dump(frames))
    tally.captures += 1
    for (frame, connection, mine), theirs in zip(ours(frames), tshark(path), strict=True):
        if connection is None:
            continue
        tally.segments += 1
        mine, theirs = _without_one_sided(mine, theirs, tally), _without_one_sided(theirs, mine, tally)
        both = mine & theirs
        tally.flags.update(each for each in both if "=" not in each)
        tally.numbers += sum("=" in each for each in both)
        if mine == theirs:
            continue
        found = Difference(name, frame, connection, mine, theirs)
        if why := explanation(found):
            tally.explained[why] += 1
        else:
            tally.differences.append(found)


def _without_one_sided(told: frozenset[str], other: frozenset[str], tally: Tally) -> frozenset[str]:
    """What a reader told but for the numbers that the other has no word of."""
    names = {each.partition("=")[0] for each in other}
    kept = frozenset(each for each in told if "=" not in each or each.partition("=")[0] in names)
    tally.one_sided += len(told) - len(kept)
    return kept


def explanation(found: Difference) -> str | None:
    """Why the two may differ here; None where no reason is known."""
    return next((why for why, holds in EXPLAINED.items() if holds(found)), None)


def _before(found: Difference, *, by_sender: bool) -> list[Tcp]:
    """The segments of the frame's sender, or of its peer, that were captured before it."""
    sender = found.connection.sender(found.frame)
    earlier = [each for each in found.connection.frames if each.number < found.frame.number]
    mine = [each for each in earlier if (found.connection.sender(each) is sender) is by_sender]
    return [segment for each in mine if (segment := each.packet.tcp) is not None]


def _segment(found: Difference) -> Tcp:
    segment = found.frame.packet.tcp
    assert segment is not None
    return segment


def _is_all_here(found: Difference) -> bool:
    """Whether each byte of the segment was captured before, in whatever pieces."""
    segment = _segment(found)
    here: set[int] = set()
    for each in _before(found, by_sender=True):
        start = distance(each.seq, segment.seq)
        here.update(range(max(start, 0), min(start + each.length, segment.length)))
    return len(here) == segment.length > 0


def _is_of_unseen(found: Difference) -> bool:
    """Whether the segment's ACK is beyond all that its peer was seen to send."""
    return all(distance(_segment(found).ack, each.next_seq()) > 0 for each in _before(found, by_sender=False))


def _differ_in(found: Difference) -> tuple[set[str], set[str]]:
    """The names that only ours has, and only tshark's; a number with another value is in both."""
    only_ours, only_theirs = found.ours - found.theirs, found.theirs - found.ours
    return {each.partition("=")[0] for each in only_ours}, {each.partition("=")[0] for each in only_theirs}


def _tells_late_of_unseen(found: Difference) -> bool:
    name, (mine, other) = "ack_lost_segment", _differ_in(found)
    if (mine | other) - {"bytes_in_flight", "acks_frame"} != {name} or not _before(found, by_sender=False):
        return False
    was_told = any(distance(_segment(found).ack, each.ack) <= 0 for each in _before(found, by_sender=True))
    return _is_of_unseen(found) if name in mine else was_told or not _is_of_unseen(found)


def _was_here(found: Difference) -> bool:
    mine, other = _differ_in(found)
    return "retransmission" in mine and other - {"bytes_in_flight"} == {"out_of_order"} and _is_all_here(found)


def _is_guess_by_time(found: Difference) -> bool:
    names = {"out_of_order", "retransmission"}
    mine, other = _differ_in(found)
    return (mine | other) - {"bytes_in_flight"} == names and len(mine & names) == 1 and not _is_all_here(found)


def _was_not_asked_for(found: Difference) -> bool:
    mine, other = _differ_in(found)
    if (mine, other) != ({"retransmission"}, {"fast_retransmission"}):
        return False
    peers = _before(found, by_sender=False)
    alike = list(takewhile(lambda each: each.ack == peers[-1].ack and not each.length, reversed(peers)))
    return len(alike) <= DUPLICATES_THAT_ASK  # the first of them is the ACK itself


def _is_new_though_acknowledged(found: Difference) -> bool:
    mine, other = _differ_in(found)
    return (
        other - {"bytes_in_flight"} == {"spurious_retransmission"}
        and not mine - {"bytes_in_flight"}
        and (not _is_all_here(found))
    )


def _is_flight_past_trouble(found: Difference) -> bool:
    if _differ_in(found) != ({"bytes_in_flight"}, {"bytes_in_flight"}):
        return False
    segments = _before(found, by_sender=True)
    has_sack = any(each.options.sack for each in _before(found, by_sender=False))
    is_in_order = all(before.next_seq() == each.seq for before, each in pairwise(segments) if each.length)
    return has_sack or not is_in_order or segments[-1].next_seq() != _segment(found).seq or _has_swapped_acks(found)


def _has_swapped_acks(found: Difference) -> bool:
    """Whether an ACK was captured after a later one, or before what it acknowledges."""
    sender, ends, acks = found.connection.sender(found.frame), list[int](), list[int]()
    for frame in found.connection.frames:
        segment = frame.packet.tcp
        if segment is None or frame.number >= found.frame.number:
            continue
        if found.connection.sender(frame) is sender:
            ends.append(segment.next_seq())
        elif segment.flags & TcpFlags.ACK:
            if any(distance(segment.ack, ack) < 0 for ack in acks[-1:]):
                return True
            if ends and all(distance(segment.ack, end) > 0 for end in ends):
                return True
            acks.append(segment.ack)
    return False


def _began_within_keep_alive(found: Difference) -> bool:
    has_syn = any(each.flags & TcpFlags.SYN for each in _before(found, by_sender=True))
    return _differ_in(found) == ({"duplicate_ack_num"}, {"duplicate_ack_num"}) and not has_syn


EXPLAINED: dict[str, Callable[[Difference], bool]] = {
    "tshark calls bytes that come within a round trip out of order; these were here before": _was_here,
    "late or sent again: a guess by time, of bytes that were not here; the two know another round trip": (
        _is_guess_by_time
    ),
    "tshark calls it fast, where SACK blocks were ever sent, though no two duplicate ACKs asked for it": (
        _was_not_asked_for
    ),
    "tshark tells of an ACK of bytes not seen at a later ACK; ours at the one that has them": _tells_late_of_unseen,
    "tshark calls data sent again whose ACK was captured before it; these bytes are here for the first time": (
        _is_new_though_acknowledged
    ),
    "in flight: tshark takes off the newest SACK blocks alone, old ones too, and leaves out what it did not see": (
        _is_flight_past_trouble
    ),
    "the capture begins between keep-alives: tshark does not count the first": _began_within_keep_alive,
}
"""Where the two differ and both are right, or tshark is not.  Each looks at the segments again, by itself."""


def probes() -> Timed:
    """A window that closes, is asked for by a byte, opens, and is filled: Linux itself probes without a byte."""
    ends, seqs, now_ns, made = (
        {"a": "10.7.0.1", "b": "10.7.0.2"},
        {"a": 100, "b": 900},
        10**18,
        list[tuple[int, bytes]](),
    )

    def say(
        who: str, flags: TcpFlags, data: bytes = b"", *, window: int = 4000, seq: int = 0, wait_ms: float = 1
    ) -> None:
        nonlocal now_ns
        now_ns += round(wait_ms * 1e6)
        peer = "b" if who == "a" else "a"
        ports = (5000, 80) if who == "a" else (80, 5000)
        options = TcpOptions(mss=1460, wscale=0) if flags & TcpFlags.SYN else NO_OPTIONS
        ack = seqs[peer] if flags & TcpFlags.ACK else 0
        segment = tcp.build(
            *(ends[who], ends[peer], *ports), seq=seqs[who] + seq, ack=ack, flags=flags, window=window, payload=data,
            options=options,
        )  # fmt: skip
        if not seq and len(data) != 1:
            seqs[who] += len(data) + bool(flags & (TcpFlags.SYN | TcpFlags.FIN))
        packet = ipv4.build(ends[who], ends[peer], ipv4.TCP, segment)
        made.append((now_ns, ethernet.build("02:00:00:00:00:02", "02:00:00:00:00:01", ethernet.IPV4, packet)))

    say("a", TcpFlags.SYN)
    say("b", TcpFlags.SYN | TcpFlags.ACK)
    say("a", ACK)
    say("b", ACK, b"x" * 1000)
    say("a", ACK, window=1000)
    say("b", ACK, b"x" * 1000)
    for wait_ms in (200, 400, 800):
        say("a", ACK, window=0)
        say("b", ACK, b"x", wait_ms=wait_ms)
    say("a", ACK, window=0)
    say("a", ACK, window=1000)
    say("b", ACK, b"x" * 1000)
    say("a", ACK, seq=-1, wait_ms=1000)
    say("b", ACK)
    return made


def captures(folder: Path, rounds: int) -> Iterator[tuple[str, Timed]]:
    """Name and frames of each capture."""
    (folder / "upload").write_bytes(bytes(300_000))
    yield "probes of a window", probes()
    for number in range(rounds):
        for name, frames in wire_talks.timed_captures(folder, (*TALKS, *wire_talks.TALKS) if number == 0 else TALKS):
            yield f"{name} {number}", frames
            for how, change in CHANGES.items():
                yield f"{name} {number} {how}", change(frames, Random(f"{name} {how}"))


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=3, help="how often the talks are held (default 3)")
    words.add_argument("--only", help="captures whose names hold this")
    words.add_argument("--show", type=int, default=20, help="differences to show (default 20)")
    words.add_argument("--keep", type=Path, help="a directory for the captures")
    options = words.parse_args()
    tally = Tally()
    with TemporaryDirectory() as folder:
        where = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        for name, frames in captures(Path(folder), options.rounds):
            if options.only is None or options.only in name:
                compare(name, frames, where / f"{name.replace('/', '-')}.pcapng", tally)
    print(tally)
    for found in tally.differences[: options.show]:
        print(found)
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
