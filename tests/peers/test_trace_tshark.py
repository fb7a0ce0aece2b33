"""Our capture files in Wireshark's own tools: they must see in them what we say is there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import load
from lan.trace.pcapng_writing import dump
from lan.trace.timeline import Timeline

OFFICE = Path(__file__).parents[1] / "unit" / "trace" / "office.pcapng.hex"

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def tshark(path: Path, *arguments: str) -> list[list[str]]:
    command = ["tshark", "-n", "-r", str(path), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "cut short" not in done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def fields(path: Path, *names: str, only: str = "frame") -> list[list[str]]:
    return tshark(path, "-Y", only, "-T", "fields", *(word for name in names for word in ("-e", name)))


@pytest.fixture
def office(tmp_path: Path) -> Path:
    path = tmp_path / "office.pcapng"
    path.write_bytes(bytes.fromhex(OFFICE.read_text()))
    return path


def test_wireshark_sees_our_ports_directions_times_and_bytes(office: Path) -> None:
    names = ("frame.number", "frame.interface_name", "frame.interface_description", "frame.packet_flags_direction")
    ours = [
        [str(frame.number), frame.port, f"to {frame.peer}", f"0x{1 if frame.direction is Direction.IN else 2:08x}"]
        for frame in load(office.read_bytes())
    ]
    seen = [[*row[:3], f"0x{int(row[3], 0):08x}"] for row in fields(office, *names)]
    assert seen == ours
    times = [row[0].replace(".", "") for row in fields(office, "frame.time_epoch")]
    assert times == [str(frame.time_ns) for frame in load(office.read_bytes())]
    assert fields(office, "frame.number", only="_ws.malformed") == []


def test_wireshark_reads_our_comments_and_interfaces_that_come_late(tmp_path: Path) -> None:
    path = tmp_path / "late.pcapng"
    frames = [
        Frame(1, 10**18, "s1:eth1", "pc1:eth0", Direction.IN, bytes(60), comment="flooded: nobody known"),
        Frame(2, 10**18 + 1, "s1:eth2", "web:eth0", Direction.OUT, bytes(61), length=1500, comment="물"),
    ]
    path.write_bytes(dump(frames, switches=["s1"]))
    names = ("frame.interface_name", "frame.comment", "frame.cap_len", "frame.len")
    assert fields(path, *names) == [
        ["s1:eth1", "flooded: nobody known", "60", "60"],
        ["s1:eth2", "물", "61", "1500"],
    ]
    done = subprocess.run(["capinfos", str(path)], check=True, capture_output=True, text=True)
    assert "nanoseconds" in done.stdout


def test_wireshark_and_we_tell_the_same_of_connections_and_names(office: Path) -> None:
    timeline = Timeline()
    timeline.feed(load(office.read_bytes()))
    firsts = "frame.packet_flags_direction == 1"
    connections = {row[0] for row in fields(office, "tcp.stream", only=f"tcp and {firsts}")}
    assert len(connections) == len(timeline.tcp)
    fins = {int(row[0]) for row in fields(office, "frame.number", only=f"tcp.flags.fin == 1 and {firsts}")}
    sides = [side for connection in timeline.tcp for side in (connection.client, connection.server)]
    assert fins == {side.fin.number for side in sides if side.fin}
    answers = fields(office, "dns.qry.name", "dns.a", "dns.flags.rcode", only=f"dns.flags.response == 1 and {firsts}")
    rcodes = {"NOERROR": "0", "NXDOMAIN": "3"}
    assert answers == [[query.name, "".join(query.addresses), rcodes[str(query.rcode)]] for query in timeline.dns]
    requests = fields(office, "http.request.uri", only=f"http.request and {firsts}")
    assert [row[0] for row in requests] == [transaction.target for transaction in timeline.http]
    names = fields(office, "tls.handshake.extensions_server_name", only=f"tls.handshake.type == 1 and {firsts}")
    assert [row[0] for row in names] == [session.server_name for session in timeline.tls]


def test_wireshark_reassembles_the_same_streams(office: Path) -> None:
    timeline = Timeline()
    timeline.feed(load(office.read_bytes()))
    with_data = "tcp.len > 0 and frame.packet_flags_direction == 1"
    payloads = fields(office, "tcp.srcport", "tcp.dstport", "tcp.payload", only=with_data)
    for connection in timeline.tcp:
        for side, peer in ((connection.client, connection.server), (connection.server, connection.client)):
            ends = [str(side.port), str(peer.port)]
            assert side.data.hex() == "".join(row[2] for row in payloads if row[:2] == ends)


def test_a_file_cut_by_a_crash_opens_in_wireshark_up_to_the_cut(office: Path) -> None:
    whole = office.read_bytes()
    office.write_bytes(whole[:-50])
    done = subprocess.run(["tshark", "-n", "-r", str(office)], check=False, capture_output=True, text=True)
    assert len(done.stdout.splitlines()) == len(load(whole[:-50])) == len(load(whole)) - 1


def test_our_reader_takes_what_wireshark_writes(office: Path, tmp_path: Path) -> None:
    ours = load(office.read_bytes())
    for kind in ("pcapng", "nsecpcap", "pcap"):
        path = tmp_path / f"copy.{kind}"
        only_one_interface = ["-Y", "frame.interface_id == 0"] if kind != "pcapng" else []
        tshark(office, *only_one_interface, "-w", str(path), "-F", kind)
        theirs = load(path.read_bytes())
        same = ours if kind == "pcapng" else [frame for frame in ours if frame.port == "s1:eth1"]
        assert [frame.data for frame in theirs] == [frame.data for frame in same]
        unit_ns = 1000 if kind == "pcap" else 1
        assert [frame.time_ns for frame in theirs] == [frame.time_ns // unit_ns * unit_ns for frame in same]
        if kind == "pcapng":
            assert [str(frame) for frame in theirs] == [str(frame) for frame in same]
