"""Our decoder beside tshark, frame by frame: does each field that both name have the same value?

    bin/lan python benchmarks/wire_beside_tshark.py [--seeds 8] [--no-talks] [--only NAME] [--show 20] [--keep DIR]

Captures of bytes come from `wire_synthetic.py`, one for each family and seed; those of real programs from
`wire_talks.py` (root), and again with their frames put into VLANs, tunnels and fragments, lost and reordered by
`wire_changes.py`.  Each is read by tshark once, per frame and without reassembly, as our decoder reads.  A field is
compared where both readers name it in a frame: all its values there, in order.  What only one of them names is
counted.  Differences that `EXPLAINED` does not explain are shown, and make the exit code 1.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from benchmarks import asking_tshark, wire_synthetic, wire_talks
from benchmarks.in_order import end_in_order
from benchmarks.wire_changes import CHANGES
from benchmarks.wire_field_names import THEIRS
from benchmarks.wire_fields import Value, fields_of
from lan.trace.frame import Direction, Frame
from lan.trace.pcapng_writing import dump
from lan.wire.frame import decode
from lan.wire.packet import Packet

AS_WE_READ = (
    *("ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE", "tcp.check_checksum:TRUE"),
    *("udp.check_checksum:TRUE", "ip.check_checksum:TRUE", "tcp.relative_sequence_numbers:FALSE"),
    *("tls.desegment_ssl_records:FALSE", "tls.desegment_ssl_application_data:FALSE", "http.desegment_body:FALSE"),
    *("http.desegment_headers:FALSE", "tcp.analyze_sequence_numbers:FALSE"),
)
"""tshark's settings for reading each frame by itself, with every checksum verified."""
SEPARATOR = "\x1f"
CUT, CUT_BYTES = " cut", 128
"""The end of a capture's name whose frames are kept in their first bytes alone."""


@dataclass(frozen=True)
class Difference:
    """One field of one frame of which the two readers say different things."""

    capture: str
    frame: int
    name: str
    ours: list[Value]
    theirs: list[str]
    data: bytes

    def __str__(self) -> str:
        return f"{self.capture}, frame {self.frame}: {self.name}: ours {self.ours}, tshark's {self.theirs}"


@dataclass
class Tally:
    """What came of all captures."""

    captures: int = 0
    frames: int = 0
    fields: int = 0
    values: int = 0
    names: Counter[str] = field(default_factory=Counter)
    only_ours: Counter[str] = field(default_factory=Counter)
    only_theirs: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        explained = "".join(f"\n  {number:6} × {why}" for why, number in self.explained.most_common())
        return (
            f"captures {self.captures}, frames {self.frames}, fields compared {self.fields} ({self.values} values,"
            f" {len(self.names)} names), differences {len(self.differences)}, explained {self.explained.total()}"
            f"{explained}"
        )


def tshark(path: Path) -> Iterator[dict[str, list[str]]]:
    """For each frame of a file, all values of each field that it names."""
    settings = [word for setting in AS_WE_READ for word in ("-o", setting)]
    for cells in asking_tshark.rows(path, THEIRS, *settings, "-E", "occurrence=a", "-E", f"aggregator={SEPARATOR}"):
        row = {name: cell.split(SEPARATOR) for name, cell in zip(THEIRS, cells, strict=True) if cell}
        _one_name_for_application_data(row)
        yield row


def _one_name_for_application_data(row: dict[str, list[str]]) -> None:
    """tshark calls a record's type by another name where it knows that TLS 1.3 is spoken, by frames before it."""
    types = row.pop("tls.record.content_type", []) + row.pop("tls.record.opaque_type", [])
    for name, is_data in (("tls.record.content_type", False), ("tls.application_data", True)):
        if found := [each for each in types if (each == "23") is is_data]:
            row[name] = found


def same(ours: Value, theirs: str) -> bool:
    """Whether two values are one: numbers as numbers, bytes with or without colons, text as it is."""
    if isinstance(ours, int):
        words = {"True": 1, "False": 0}
        try:
            return words.get(theirs, -1) == ours or int(theirs, 0) == ours
        except ValueError:
            return False
    if ours == theirs:
        return True
    try:
        if float(ours) == float(theirs):
            return True
    except ValueError:
        pass
    return ours.replace(":", "") == theirs.replace(":", "").lower()


def compare(name: str, frames: list[bytes], path: Path, tally: Tally, *, cut_bytes: int = sys.maxsize) -> None:
    """Read one capture twice; of each frame no more than `cut_bytes` are in it."""
    told = (
        Frame(number, number * 10**6, "here:0", "", Direction.UNKNOWN, each[:cut_bytes], length=len(each))
        for number, each in enumerate(frames, 1)
    )
    path.write_bytes(dump(told))
    rows = list(tshark(path))
    if len(rows) != len(frames):
        raise RuntimeError(f"{name}: {len(frames)} frames, tshark reads {len(rows)}")
    tally.captures += 1
    for number, (data, theirs) in enumerate(zip(frames, rows, strict=True), 1):
        tally.frames += 1
        compare_frame(name, number, decode(data[:cut_bytes], wire_length=len(data)), theirs, tally)


def compare_frame(capture: str, number: int, packet: Packet, theirs: dict[str, list[str]], tally: Tally) -> None:
    """All fields of one frame that both readers name."""
    ours: dict[str, list[Value]] = {}
    for name, value in fields_of(packet):
        ours.setdefault(name, []).append(value)
    tally.only_ours.update(ours.keys() - theirs.keys())
    tally.only_theirs.update(theirs.keys() - ours.keys())
    for name in sorted(ours.keys() & theirs.keys()):
        mine, other = ours[name], theirs[name]
        tally.fields += 1
        tally.values += len(mine)
        tally.names[name] += 1
        if len(mine) == len(other) and all(map(same, mine, other)):
            continue
        found = Difference(capture, number, name, mine, other, packet.data)
        if why := explanation(found, packet):
            tally.explained[why] += 1
        else:
            tally.differences.append(found)


def explanation(found: Difference, packet: Packet) -> str | None:
    """Why two readers may differ here; None where no reason is known."""
    return next((why for why, holds in EXPLAINED.items() if holds(found, packet)), None)


def _is_source_routed(found: Difference, packet: Packet) -> bool:
    kinds = {field.name for layer in packet.layers if layer.protocol == "IPv4" for field in layer.fields}
    return found.name == "ip.dst" and not kinds.isdisjoint({"loose source route", "strict source route"})


def _reads_the_packet_within(found: Difference, packet: Packet) -> bool:
    carries = {"packet", "data"}
    has_one = any(
        layer.protocol == "OpenFlow" and any(f.name in carries for f in layer.fields) for layer in packet.layers
    )
    return has_one and len(found.ours) < len(found.theirs) and all(map(same, found.ours, found.theirs))


def _is_last_record_cut(found: Difference, packet: Packet) -> bool:
    if not found.name.startswith("tls.") or packet.tls is None or packet.tls.records[-1].is_whole:
        return False
    return len(found.ours) > len(found.theirs) and all(map(same, found.ours, found.theirs))


def _is_cut_by_the_capture(found: Difference, packet: Packet) -> bool:
    is_part = len(found.ours) < len(found.theirs) and all(map(same, found.ours, found.theirs))
    return packet.cut_bytes > 0 and is_part and found.name.startswith(("icmpv6.mldr.", "igmp."))


def _is_line_cut(found: Difference, packet: Packet) -> bool:
    if not found.name.startswith("http.") or packet.payload.endswith(b"\n"):
        return False
    return len(found.ours) < len(found.theirs) and all(map(same, found.ours, found.theirs))


def _stops_at_the_first_action(found: Difference, packet: Packet) -> bool:
    return found.name == "openflow.action_typ" and found.theirs == [str(found.ours[0])]


EXPLAINED: dict[str, Callable[[Difference, Packet], bool]] = {
    "tshark calls the last address of a source route the destination; ours is the field": _is_source_routed,
    "tshark goes on to read the frame or message that an OpenFlow message carries; for us it is bytes": (
        _reads_the_packet_within
    ),
    "tshark reads no TLS record whose end is in another frame; we read its beginning": _is_last_record_cut,
    "tshark reads a line of HTTP whose end is in another frame; we wait for it": _is_line_cut,
    "tshark reads the beginning of a group's record that the capture cut; we read whole ones": _is_cut_by_the_capture,
    "tshark reads only the first action of an OpenFlow 1.0 message": _stops_at_the_first_action,
}
"""Where the two readers differ and both are right, or tshark is not."""


def captures(folder: Path, *, seeds: int, talks: bool) -> Iterable[tuple[str, list[bytes]]]:
    """Name and frames of each capture."""
    for seed in range(seeds):
        yield from wire_synthetic.captures(seed).items()
    for name, frames in wire_talks.captures(folder) if talks else ():
        yield name, frames
        for how, change in CHANGES.items():
            yield f"{name} {how}", change(frames, Random(f"{name} {how}"))
        yield f"{name}{CUT}", frames


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seeds", type=int, default=8, help="captures of bytes of each family (default 8)")
    words.add_argument("--no-talks", action="store_true", help="no captures of real programs, which need root")
    words.add_argument("--only", help="captures whose names hold this")
    words.add_argument("--show", type=int, default=20, help="differences to show (default 20)")
    words.add_argument("--one-sided", action="store_true", help="list the fields that only one reader names")
    words.add_argument("--keep", type=Path, help="a directory for the captures")
    options = words.parse_args()
    end_in_order()
    tally = Tally()
    with TemporaryDirectory() as folder:
        where = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        for name, frames in captures(Path(folder), seeds=options.seeds, talks=not options.no_talks):
            if options.only is None or options.only in name:
                cut_bytes = CUT_BYTES if name.endswith(CUT) else sys.maxsize
                compare(name, frames, where / f"{name.replace('/', '-')}.pcapng", tally, cut_bytes=cut_bytes)
    print(tally)
    for found in tally.differences[: options.show]:
        print(found)
        print("    " + found.data.hex())
    if options.one_sided:
        print("only ours:", dict(tally.only_ours.most_common()))
        print("only tshark's:", dict(tally.only_theirs.most_common()))
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
