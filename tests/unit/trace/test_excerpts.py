"""A part of a large recording tells the same of a frame as the whole, and is all that memory holds of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lan.errors import UsageError
from lan.trace.capture_file import CaptureFile, Capturing, TapPort
from lan.trace.excerpts import FRAME_BYTES, PIECE_FRAMES, Excerpts
from lan.trace.filter import compile_filter
from lan.trace.frame import Frame
from lan.trace.indexed import IndexedCapture
from lan.trace.listing import Listing
from lan.trace.numbering import Numbering
from lan.trace.opening import open_capture
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import Writer, dump
from lan.trace.recorded import Held, place_of, taken_up
from lan.trace.stepping import Stepper
from lan.trace.timeline import Timeline
from lan.trace.views import table
from lan.wire.malformed import Malformed

OFFICE = load(bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text()))
ROUNDS, PAUSE_NS = 12, 60_000_000_000
MOST_FRAMES = 640
"""Of an excerpt here: a few rounds of the office, whose conversations are short."""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The office's day again and again, a minute between."""
    made = tmp_path_factory.mktemp("excerpts") / "long.pcapng"
    frames = [
        replace(frame, time_ns=frame.time_ns + n * PAUSE_NS, decoded=[]) for n in range(ROUNDS) for frame in OFFICE
    ]
    made.write_bytes(dump(frames, switches=["s1"]))
    return made


def excerpts(file: Path) -> Excerpts:
    return Excerpts(IndexedCapture(file), Timeline(), file.parent, most_frames=MOST_FRAMES)


def told(frame: Frame, timeline: Timeline) -> tuple[object, ...]:
    """What views ask about a frame."""
    connection = timeline.connection_of(frame)
    way = [str(stop) for stop in timeline.journey_of(frame).stops]
    return table.row(frame, timeline), table.row(frame, timeline, is_hop=True), way, repr(connection)


def test_a_part_tells_the_same_of_a_frame_as_the_whole_wherever_one_looks(file: Path) -> None:
    whole, part = open_capture(file).timeline, excerpts(file)
    count = len(whole.all_frames)
    part.know()
    assert len(part.sightings) == count > 2 * MOST_FRAMES
    for place in [0, count - 1, *(n * 397 % count for n in range(60)), *range(900, 960), *range(960, 900, -7)]:
        frame, timeline = taken_up(part, part.sightings[place])
        assert told(frame, timeline) == told(whole.all_frames[place], whole)
        assert len(timeline.all_frames) <= MOST_FRAMES


def test_who_goes_through_all_of_it_holds_a_part(file: Path) -> None:
    part = excerpts(file)
    held = [len(part.timeline_of(frame).all_frames) for frame in part.sightings]
    part.know()
    held += [len(part.timeline_of(frame).all_frames) for frame in part.sightings]
    held += [len(part.timeline_of(frame).all_frames) for frame in reversed(part.sightings)]
    assert max(held) <= MOST_FRAMES


def test_first_sightings_are_those_of_the_timeline(file: Path) -> None:
    whole, part = open_capture(file).timeline, excerpts(file)
    part.know()
    assert list(part.first_sightings) == whole.all_first_sightings
    assert list(part.first_sightings[3:9:2]) == whole.all_first_sightings[3:9:2]
    assert part.first_sightings[-1] == whole.all_first_sightings[-1]


def test_nothing_is_known_but_what_was_asked_for(file: Path) -> None:
    part = excerpts(file)
    assert part.know(10) and len(part.sightings) == 10 and 0 < part.share < 1
    assert place_of(part, len(OFFICE) + 3) == len(OFFICE) + 2
    assert place_of(part, 0) is None and place_of(part, 10**9) is None
    assert len(part.sightings) == ROUNDS * len(OFFICE) and part.share == 1


def test_a_part_that_can_not_number_connections_says_so(file: Path) -> None:
    index, by_number = IndexedCapture(file), compile_filter("tcp.stream=0")
    numbering = Numbering(index, most_ends=1)
    part = Excerpts(index, Timeline(), file.parent, most_frames=MOST_FRAMES, numbering=numbering)
    part.know()
    segments = [frame for frame in part.sightings if frame.packet.tcp]
    frame, timeline = taken_up(part, segments[0])
    assert by_number(frame, timeline)
    frame, timeline = taken_up(part, segments[-1])
    connection = timeline.connection_of(frame)
    assert connection is not None and timeline.number_of(connection) is None
    with pytest.raises(UsageError, match=r"tcp.stream counts the connections of a whole recording"):
        by_number(frame, timeline)


def test_a_list_by_a_filter_is_found_piece_by_piece(file: Path) -> None:
    part, wanted = excerpts(file), compile_filter("dns and dst=dns")
    part.know()
    whole = open_capture(file).timeline
    for is_hops, frames in ((False, whole.all_first_sightings), (True, whole.all_frames)):
        listing, expected = Listing(part, wanted, is_hops=is_hops), [each for each in frames if wanted(each, whole)]
        listing.look_on(200)
        assert listing.looked_at == 200 and not listing.is_complete
        assert list(listing) == [each for each in expected if each in frames[:200]]
        while not listing.is_complete:
            listing.look_on(500)
        assert list(listing) == expected and listing[-1] == expected[-1]
        assert listing.place(expected[5].number) == 5 and listing.place(10**9) == len(expected)
    assert list(Listing(part)) == whole.all_first_sightings


def test_looking_for_frames_leaves_alone_what_is_looked_at(file: Path) -> None:
    part = excerpts(file)
    part.know()
    here, timeline = taken_up(part, part.sightings[20])
    listing = Listing(part, compile_filter("arp"))
    listing.look_on(10**6)
    assert part.timeline is timeline and taken_up(part, part.sightings[20])[0] is here


def test_one_steps_through_a_part_as_through_the_whole(file: Path) -> None:
    whole, part = Stepper(Held(open_capture(file).timeline)), Stepper(excerpts(file))
    fin = compile_filter("tcp.flags.fin and dst=web")
    for move in ("forward", "last", "first"):
        assert getattr(whole, move)() == getattr(part, move)()
    for _ in range(5):
        assert whole.find(fin) == part.find(fin)
    for stepper in (whole, part):
        stepper.add_breakpoint("dhcp", compile_filter("dhcp"))
    assert whole.run() == part.run() and whole.go(1500) == part.go(1500) and whole.run() == part.run()
    assert whole.find(fin, backward=True) == part.find(fin, backward=True)


def test_what_is_recorded_meanwhile_is_told_and_the_place_stays(tmp_path: Path) -> None:
    file = tmp_path / "trace.pcapng"
    data = dump(OFFICE, switches=["s1"])
    file.write_bytes(data[: len(data) // 2])
    part = Excerpts(IndexedCapture(file, is_growing=True), Timeline(), tmp_path)
    part.know()
    stepper = Stepper(part)
    known = len(part.sightings)
    stepper.last()
    assert stepper.news() == 0 and stepper.is_at_end
    file.write_bytes(data)
    part.know()
    assert stepper.news() == len(OFFICE) - known and stepper.news() == 0
    assert stepper.frame == OFFICE[known - 1] and not stepper.is_at_end
    assert stepper.forward().frame == OFFICE[known]


def tap(file: Path, *, file_bytes: int = 1 << 20) -> tuple[CaptureFile, object]:
    made = CaptureFile(str(file), Capturing(file_bytes=file_bytes, files=2))
    return made, made.ways(TapPort("s1:eth1", "pc1:eth0"))[0]


def test_a_capture_that_gives_up_its_oldest_files_is_gone_on_with(tmp_path: Path) -> None:
    writing, way = tap(tmp_path / "trace.pcapng")
    part = Excerpts(IndexedCapture(writing._path, is_growing=True), Timeline(), tmp_path, most_frames=MOST_FRAMES)
    stepper = Stepper(part)
    written = 0
    for _ in range(60):
        writing.append([(1000 + written + n, way, bytes(60_000), 60_000) for n in range(5)])  # type: ignore[misc]
        written += 5
        part.know()
        if written == 100:
            stepper.last()
        stepper.news()
    frames = part.sightings
    assert part.gone > 0 and len(frames) == written - part.gone
    assert (frames[0].number, frames[-1].number) == (part.gone + 1, written)
    assert part.timeline_of(frames[0]).all_frames[0].number == part.gone + 1
    assert stepper.frame is None, "its frame is gone"
    assert [frame.number for frame in part.another().first_sightings] == [frame.number for frame in frames]
    with pytest.raises(Malformed, match="frame 1 is in none of the files"):
        part.timeline_of(Frame(1, 0, "s1:eth1", "pc1:eth0", OFFICE[0].direction, b""))
    open_files = [file for file in part.index._files if not file.closed]
    assert len(open_files) == 2, "what is deleted takes no room on the disk"
    writing.close()


@pytest.fixture
def copy(file: Path, tmp_path: Path) -> Path:
    """A file that may be spoilt."""
    return Path(shutil.copy(file, tmp_path / "copy.pcapng"))


@pytest.fixture
def part(copy: Path) -> Excerpts:
    """Of the copy, walked to its end."""
    found = excerpts(copy)
    found.know()
    return found


def test_a_file_that_is_cut_off_under_a_view_is_told(copy: Path, part: Excerpts) -> None:
    with copy.open("r+b") as cut:
        cut.truncate(5000)
    with pytest.raises(Malformed, match="the file was changed meanwhile"):
        part.timeline_of(part.sightings[1000])


@pytest.mark.parametrize("is_in_data", [False, True])
def test_a_file_that_is_cut_off_while_connections_are_numbered_is_told(
    copy: Path, part: Excerpts, *, is_in_data: bool
) -> None:
    at = part.index._places[1000]
    with copy.open("r+b") as cut:
        cut.truncate(at + 50 if is_in_data else 5000)
    with pytest.raises(Malformed, match="the file was changed meanwhile"):
        part.numbering.go_on()


@pytest.mark.parametrize("filling", [bytes(4), b"\x05\0\0\0", b"\xff" * 4])
def test_a_file_that_is_overwritten_in_place_is_told(copy: Path, part: Excerpts, filling: bytes) -> None:
    with copy.open("r+b") as other:
        other.seek(5000)
        other.write(filling * (copy.stat().st_size // 4))
    with pytest.raises(Malformed, match="the file was changed meanwhile"):
        part.index.frame(1000)
    with pytest.raises(Malformed, match="the file was changed meanwhile"):
        part.numbering.go_on()


def test_secrets_in_a_file_are_known_in_every_part(tmp_path: Path) -> None:
    writer, random = Writer(), "ab" * 32
    head = writer.start() + writer.interface("s1:eth1", "pc1:eth0", hardware="switch")[1]
    body = b"".join(writer.packet(0, 1000 + n, OFFICE[0].direction, bytes(60)) for n in range(2 * MOST_FRAMES))
    secrets = writer.secrets(f"CLIENT_RANDOM {random} {'cd' * 48}\n")
    file = tmp_path / "secrets.pcapng"
    file.write_bytes(head + secrets + body)
    part = excerpts(file)
    part.know()
    for place in (0, 2 * MOST_FRAMES - 1):
        timeline = part.timeline_of(part.sightings[place])
        assert bytes.fromhex(random) in timeline.tls_tracker.key_log


def test_of_long_frames_fewer_are_held(tmp_path: Path) -> None:
    """A capture with segmentation offload has frames of 64 KB."""
    writer = Writer()
    blocks = [writer.start(), writer.interface("s1:eth1", "pc1:eth0", hardware="switch")[1]]
    blocks += [writer.packet(0, 1000 + n, OFFICE[0].direction, bytes(60_000)) for n in range(MOST_FRAMES // 2)]
    file = tmp_path / "long.pcapng"
    file.write_bytes(b"".join(blocks))
    part = excerpts(file)
    part.know()
    most_bytes = MOST_FRAMES * FRAME_BYTES
    for place in (*range(len(part.sightings)), *reversed(range(len(part.sightings))), 5, 300, 7):
        frame, timeline = taken_up(part, part.sightings[place])
        assert frame.number == place + 1
        assert sum(len(each.data) for each in timeline.all_frames) <= most_bytes + 2 * PIECE_FRAMES * 60_000
        assert place < 4 or timeline.all_frames[0].number < frame.number, "and what was before it"
