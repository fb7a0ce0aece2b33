"""The tap on real cables: veth pairs in a network namespace of the test's own."""

import array
import contextlib
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lan.engine.syscalls import CLONE_NEWNET, CLONE_NEWUSER, unshare
from lan.trace import tap
from lan.trace.capture_file import CaptureFile, Capturing, TapPort
from lan.trace.frame import Direction, Frame
from lan.trace.packet_socket import BLOCK_BYTES, DEFAULT_RING_BYTES, open_packet_socket
from lan.trace.pcapng import Reader, load
from lan.trace.rotation import Tail, parts

MAC_A, MAC_B = b"\x02\0\0\0\0\x0a", b"\x02\0\0\0\0\x0b"
ETHERTYPE = b"\x88\xb5"  # IEEE 802: local experiments
WAIT_MS = 20_000
EVERYTHING = Capturing()


class Cable:
    """Two veth pairs in a fresh namespace: `s1` has the ends, `pc1` and `pc2` the others; the tap runs."""

    def __init__(self, path: Path, capturing: Capturing = EVERYTHING, *, ring_bytes: int = DEFAULT_RING_BYTES) -> None:
        for n in (1, 2):
            ip("link", "add", f"s1-eth{n}", "mtu", "9000", "type", "veth", "peer", "name", f"pc{n}-eth0", "mtu", "9000")
        for name in ("s1-eth1", "pc1-eth0", "s1-eth2", "pc2-eth0"):
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
            ip("link", "set", name, "up")
        self.path, self.asked = path, 0
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ports = {socket.if_nametoindex("s1-eth1"): TapPort("s1:eth1", "pc1:eth0")}
        packets = open_packet_socket(capturing.snaplen_bytes, ring_bytes=ring_bytes)
        self.tap = os.fork()
        if self.tap == 0:
            try:
                self.control.close()
                tap.main([(packets, ports)], str(path), theirs, capturing)
            finally:
                os._exit(0)
        packets.close()
        theirs.close()

    def send(self, interface: str, *frames: bytes) -> None:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((interface, 0))
            for frame in frames:
                sender.send(frame)

    def tell(self, **message: Any) -> None:
        self.control.send(json.dumps(message).encode())

    def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.control.recv(65536))
        return answer

    def ask(self, verb: str, **more: Any) -> dict[str, Any]:
        self.asked += 1
        self.tell(**{verb: self.asked}, **more)
        answer = self.hear()
        assert answer[verb] == self.asked
        return answer

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """A tap that gets no processor."""
        os.kill(self.tap, signal.SIGSTOP)
        os.waitid(os.P_PID, self.tap, os.WSTOPPED)
        yield
        os.kill(self.tap, signal.SIGCONT)

    def frames(self) -> list[Frame]:
        return load(self.path.read_bytes())


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def frame(text: bytes, *, to: bytes = MAC_B) -> bytes:
    return to + MAC_A + ETHERTYPE + text


def _child(scene: Callable[[Path], Any], path: Path, answers: Any) -> None:
    if (user := os.geteuid()) == 0:
        unshare(CLONE_NEWNET)
    else:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")  # or `ip` would start without its rights
    answers.send(scene(path))


def seen_by(scene: Callable[[Path], Any], tmp_path: Path) -> Any:
    """What a scene returns that is played in a process and a network namespace of its own."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_child, args=(scene, tmp_path / "c.pcapng", theirs))
    process.start()
    theirs.close()
    with contextlib.closing(ours):
        try:
            return ours.recv()
        except EOFError:
            pytest.fail("the scene ended with an error (above)")
        finally:
            process.join()


@pytest.fixture(autouse=True)
def allowed() -> Iterator[None]:
    """Ordinary users need user namespaces for a network of their own."""
    if os.geteuid() != 0 and Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
        pytest.skip("no user namespaces here")
    yield


def both_ways(path: Path) -> Any:
    cable = Cable(path)
    cable.send("pc1-eth0", frame(b"up"))
    cable.send("s1-eth1", frame(b"down"))
    cable.send("pc1-eth0", frame(b"to everyone", to=b"\xff" * 6))
    cable.send("pc2-eth0", frame(b"on a cable nobody named"))
    answer = cable.ask("sync")
    return answer["frames"], answer["drops"], cable.frames()


def test_every_frame_is_there_once_with_its_direction(tmp_path: Path) -> None:
    count, drops, frames = seen_by(both_ways, tmp_path)
    assert [(seen.port, seen.peer, seen.direction, seen.data[14:]) for seen in frames] == [
        ("s1:eth1", "pc1:eth0", Direction.IN, b"up"),
        ("s1:eth1", "pc1:eth0", Direction.OUT, b"down"),
        ("s1:eth1", "pc1:eth0", Direction.IN, b"to everyone"),
    ]
    assert (count, drops) == (3, 0)
    assert frames[0].time_ns <= frames[1].time_ns <= frames[2].time_ns
    assert [seen.number for seen in frames] == [1, 2, 3]


def exact(path: Path) -> Any:
    cable, told = Cable(path), []
    for batch in range(40):
        with cable.frozen():  # frames and question lie there when it wakes up
            cable.send("pc1-eth0", *(frame(b"%d" % n) for n in range(batch)))
            cable.send("s1-eth1", frame(b"back"))
            cable.tell(sync=batch)
        answer = cable.hear()
        told.append((answer["frames"], len(cable.frames())))
    return told


def test_after_sync_the_file_holds_all_that_was_sent_before(tmp_path: Path) -> None:
    sent = [sum(range(batch + 1)) + batch + 1 for batch in range(40)]
    assert seen_by(exact, tmp_path) == [(count, count) for count in sent]


def late_port(path: Path) -> Any:
    cable = Cable(path)
    named = {"socket": 0, "ifindex": socket.if_nametoindex("s1-eth2"), "name": "s1:eth2", "peer": "pc2:eth0"}
    cable.send("pc1-eth0", frame(b"before"))
    cable.ask("sync")
    cable.tell(add_port=named)
    cable.send("pc2-eth0", frame(b"after"))
    cable.ask("sync")
    return [(seen.port, seen.peer, seen.data[14:]) for seen in cable.frames()]


def test_a_port_that_is_named_later_is_seen_from_then_on(tmp_path: Path) -> None:
    assert seen_by(late_port, tmp_path) == [("s1:eth1", "pc1:eth0", b"before"), ("s1:eth2", "pc2:eth0", b"after")]


def added_socket(path: Path) -> Any:
    cable = Cable(path)
    unshare(CLONE_NEWNET)  # another namespace; the tap stays in the first
    ip("link", "add", "pc1-eth0", "type", "veth", "peer", "name", "pc2-eth0")
    for name in ("pc1-eth0", "pc2-eth0"):
        Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").write_text("1")
        ip("link", "set", name, "up")
    with open_packet_socket(ring_bytes=BLOCK_BYTES) as packets:
        descriptors = array.array("i", [packets.fileno()])
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
        cable.control.sendmsg([json.dumps({"add_socket": True}).encode()], ancillary)
    port = {"socket": 1, "ifindex": socket.if_nametoindex("pc1-eth0"), "name": "pc1:eth0", "peer": "pc2:eth0"}
    cable.tell(add_port={**port, "hardware": "host"})
    cable.send("pc1-eth0", frame(b"sent by pc1"))
    cable.send("pc2-eth0", frame(b"sent by pc2"))
    cable.ask("sync")
    return [(seen.from_device, seen.to_device, seen.data[14:]) for seen in cable.frames()]


def test_a_cable_without_a_switch_is_tapped_from_one_end(tmp_path: Path) -> None:
    assert seen_by(added_socket, tmp_path) == [("pc1", "pc2", b"sent by pc1"), ("pc2", "pc1", b"sent by pc2")]


def waiting(path: Path) -> Any:
    cable = Cable(path)
    cable.tell(wait="two", frames=1, timeout_ms=WAIT_MS)
    cable.tell(wait="one", frames=0, timeout_ms=WAIT_MS)
    cable.tell(wait="never", frames=99, timeout_ms=0)
    told = [cable.hear()]
    cable.send("pc1-eth0", frame(b"first"))
    told.append(cable.hear())
    there = len(cable.frames())
    cable.send("pc1-eth0", frame(b"second"))
    told.append(cable.hear())
    return [(answer["wait"], answer["frames"]) for answer in told], there


def test_waits_end_when_their_frame_is_in_the_file_or_their_time_is_over(tmp_path: Path) -> None:
    told, there = seen_by(waiting, tmp_path)
    assert told == [("never", 0), ("one", 1), ("two", 2)]
    assert there == 1


def flooded(path: Path) -> Any:
    cable = Cable(path, ring_bytes=BLOCK_BYTES)
    other = {"socket": 0, "ifindex": socket.if_nametoindex("pc1-eth0"), "name": "pc1:eth0", "peer": "s1:eth1"}
    cable.tell(add_port=other)  # else it were chance which sightings find room, of those that are kept or of these
    cable.ask("sync")
    with cable.frozen():
        cable.send("pc1-eth0", *(frame(b"%d" % n) for n in range(100)))
    answer = cable.ask("sync")
    return answer["frames"], answer["drops"], len(cable.frames())


def test_frames_that_found_no_room_are_counted(tmp_path: Path) -> None:
    sightings, slots = 100 * 2, 32  # at both ends of the cable
    assert seen_by(flooded, tmp_path) == (slots, sightings - slots, slots)


def odd_frames(path: Path) -> Any:
    cable = Cable(path)
    tagged = MAC_B + MAC_A + b"\x81\x00\x20\x07" + ETHERTYPE + b"tagged"
    cable.send("pc1-eth0", tagged, frame(b"x" * 8000))
    cable.ask("sync")
    return tagged, [(seen.data, seen.length) for seen in cable.frames()]


def test_vlan_tags_and_frames_longer_than_a_slot_are_kept_whole(tmp_path: Path) -> None:
    tagged, frames = seen_by(odd_frames, tmp_path)
    assert frames == [(tagged, len(tagged)), (frame(b"x" * 8000), 8014)]


def cut_frames(path: Path) -> Any:
    cable = Cable(path, Capturing(snaplen_bytes=60), ring_bytes=4 * BLOCK_BYTES)
    tagged = MAC_B + MAC_A + b"\x81\x00\x20\x07" + ETHERTYPE + b"t" * 100
    cable.send("pc1-eth0", frame(b"short"), tagged, frame(b"x" * 8000))
    with cable.frozen():  # 800 sightings; the ring has room for 1024 beginnings, or 128 whole frames
        cable.send("pc1-eth0", *[frame(b"y" * 1500)] * 400)
    answer = cable.ask("sync")
    first = [(len(seen.data), seen.length, seen.data[:18]) for seen in cable.frames()[:4]]
    return first, max(len(seen.data) for seen in cable.frames()), answer["drops"]


def test_only_the_first_bytes_are_kept_where_no_more_are_wanted(tmp_path: Path) -> None:
    frames, longest, drops = seen_by(cut_frames, tmp_path)
    assert [(kept, length) for kept, length, _ in frames] == [(19, 19), (60, 118), (60, 8014), (60, 1514)]
    assert frames[1][2] == MAC_B + MAC_A + b"\x81\x00\x20\x07" + ETHERTYPE
    assert (longest, drops) == (60, 0)


def turned_over(path: Path) -> Any:
    cable = Cable(path, Capturing(file_bytes=1000, files=3))
    cable.ask("sync")
    tail, reader, told = Tail(path), Reader(), list[tuple[int, bytes]]()
    for batch in range(8):
        cable.send("pc1-eth0", *(frame(b"%d" % n + b"." * 200) for n in range(batch * 3, batch * 3 + 3)))
        cable.ask("sync")
        told += [(seen.number, seen.data[14:].rstrip(b".")) for piece in tail.pieces() for seen in reader.feed(piece)]
    late, late_reader = Tail(path), Reader()
    rest = [seen.number for piece in late.pieces() for seen in late_reader.feed(piece)]
    return told, rest, [(each.name, each.stat().st_size <= 1000) for each in parts(path)], late_reader.switches


def test_a_full_file_gives_way_to_a_new_one_and_readers_follow(tmp_path: Path) -> None:
    told, rest, files, switches = seen_by(turned_over, tmp_path)
    assert told == [(n + 1, b"%d" % n) for n in range(24)]
    assert rest == list(range(rest[0], 25)) and rest[0] > 1  # the oldest are gone, the others keep their numbers
    assert [is_small for _, is_small in files] == [True] * 3
    assert [name for name, _ in files] == [*sorted(name for name, _ in files if name != "c.pcapng"), "c.pcapng"]
    assert switches == {"s1"}


def killed(path: Path) -> Any:
    cable = Cable(path)
    cable.send("pc1-eth0", frame(b"kept"))
    cable.ask("sync")
    cable.send("pc1-eth0", frame(b"perhaps"))
    os.kill(cable.tap, signal.SIGKILL)
    os.waitpid(cable.tap, 0)
    return [seen.data[14:] for seen in cable.frames()]


def test_a_killed_tap_leaves_what_it_had_written(tmp_path: Path) -> None:
    assert seen_by(killed, tmp_path)[0] == b"kept"


def ended(path: Path) -> Any:
    cable = Cable(path)
    cable.send("pc1-eth0", *(frame(b"%d" % n) for n in range(50)))
    cable.control.close()
    os.waitpid(cable.tap, 0)
    return len(cable.frames())


def test_at_the_end_of_the_control_socket_the_rest_is_written(tmp_path: Path) -> None:
    assert seen_by(ended, tmp_path) == 50


def full_disk(path: Path) -> Any:
    capture = CaptureFile(str(path))
    coming, _ = capture.ways(TapPort("s1:eth1", "pc1:eth0"))
    seen = (1, coming, frame(b"fits"), len(frame(b"fits")))
    capture.append([seen])
    before = path.read_bytes()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, resource.RLIM_INFINITY))
    capture.append([seen])
    return capture.frames, capture.lost, capture.error != "", path.read_bytes() == before


def test_a_full_disk_loses_frames_but_not_the_file(tmp_path: Path) -> None:
    assert seen_by(full_disk, tmp_path) == (1, 1, True, True)
