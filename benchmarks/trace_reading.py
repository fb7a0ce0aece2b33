"""Readers of captures beside each other, for benchmarks/trace.py: ours, scapy's, dpkt's, tshark."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lan.trace.opening import open_capture
from lan.trace.pcapng import Reader
from lan.trace.pcapng_writing import Writer, dump

HOUSE = Path(__file__).resolve().parents[1]
BATCH_FRAMES = 512
SCAPY = """
import sys, time
from scapy.all import PcapNgReader
began, frames = time.process_time(), 0
for packet in PcapNgReader(sys.argv[1]):
    packet.layers()
    frames += 1
print(frames, time.process_time() - began)
"""
DPKT = """
import sys, time
import dpkt
began, frames = time.process_time(), 0
with open(sys.argv[1], "rb") as file:
    for _, data in dpkt.pcapng.Reader(file):
        dpkt.ethernet.Ethernet(data)
        frames += 1
print(frames, time.process_time() - began)
"""
CHECKED = ("ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE")
FIELDS = (
    *("frame.number", "frame.time_epoch", "eth.src", "eth.dst", "arp.opcode", "ip.src", "ip.dst", "ip.checksum.status"),
    *("tcp.stream", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.checksum.status"),
    *("tcp.analysis.flags", "udp.srcport", "udp.dstport", "dns.id", "dns.qry.name", "dns.response_to", "dhcp.type"),
    *("http.request.method", "http.response.code", "http.request_in", "tls.handshake.type", "icmp.type"),
)
STREAM, ANSWER, REQUEST, SERVER_HELLO = "tcp.stream", "dns.response_to", "http.request.method", "tls.handshake.type"


@dataclass(slots=True)
class Reading:
    """What a reader took for a file: processor time of the whole process, and frames a second without its start."""

    frames: int = 0
    cpu_s: float = 0.0
    per_s: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)


def read_all(file: Path, rounds: int) -> dict[str, Reading]:
    """Each reader that is here, the best of its rounds; they take turns."""
    readers: dict[str, Callable[[Path], Reading]] = {"lan": _lan, "tshark": _tshark, "tshark, least": _tshark_least}
    readers |= {name: reader for name, reader in (("scapy", _scapy), ("dpkt", _dpkt)) if _has(name)}
    found: dict[str, Reading] = {}
    for _ in range(rounds):
        for name, reader in readers.items():
            reading = reader(file)
            best = found.setdefault(name, reading)
            best.cpu_s, best.per_s = min(best.cpu_s, reading.cpu_s), max(best.per_s, reading.per_s)
    return found


def _has(module: str) -> bool:
    return (
        subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    )


def _timed(words: list[str]) -> tuple[str, float]:
    """A program's output, and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        words,
        env=os.environ | {"PYTHONPATH": str(HOUSE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout.decode(), after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _lan(file: Path) -> Reading:
    told, cpu_s = _timed([sys.executable, "-m", "benchmarks.trace_reading", "read", str(file)])
    found = json.loads(told)
    return Reading(found["frames"], cpu_s, found["frames"] / found["cpu_s"], found["counts"])


def _scapy(file: Path) -> Reading:
    return _dissector(SCAPY, file)


def _dpkt(file: Path) -> Reading:
    return _dissector(DPKT, file)


def _dissector(script: str, file: Path) -> Reading:
    told, cpu_s = _timed(["/usr/bin/python3", "-c", script, str(file)])
    frames, taken_s = told.split()
    return Reading(int(frames), cpu_s, int(frames) / float(taken_s))


def _tshark(file: Path) -> Reading:
    """Fields of the same meaning as ours, every checksum verified as we do."""
    settings = [word for setting in CHECKED for word in ("-o", setting)]
    fields = [word for name in FIELDS for word in ("-e", name)]
    told, cpu_s = _timed(["tshark", "-n", "-r", str(file), *settings, "-T", "fields", *fields])
    rows = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in told.splitlines()]
    counts = {
        "TCP connections": len({row[STREAM] for row in rows if row[STREAM]}),
        "HTTP requests": sum(bool(row[REQUEST]) for row in rows),
        "DNS answers": sum(bool(row[ANSWER]) for row in rows),
        "TLS ServerHellos": sum("2" in row[SERVER_HELLO].split(",") for row in rows),
    }
    return Reading(len(rows), cpu_s, len(rows) / cpu_s, counts)


def _tshark_least(file: Path) -> Reading:
    """The cheapest that tells of every frame: a table of connections, no checksum verified."""
    told, cpu_s = _timed(["tshark", "-n", "-q", "-r", str(file), "-z", "conv,tcp"])
    return Reading(0, cpu_s, 0.0, {"TCP connections": sum("<->" in line for line in told.splitlines())})


def once_each(source: Path, target: Path) -> None:
    """A capture's frames where their senders put them on a cable: tshark takes copies for retransmissions."""
    opened = open_capture(source)
    target.write_bytes(dump(opened.timeline.all_first_sightings, switches=opened.timeline.switches or ()))


def large_file(source: Path, target: Path, size_bytes: int) -> int:
    """Write a file of some size from a small one's frames again and again, later each time; how many frames."""
    reader = Reader()
    frames = reader.feed(source.read_bytes())
    writer, written, shift_ns = Writer(), 0, 0
    with target.open("wb") as file:
        file.write(writer.start())
        for interface in reader.interfaces:
            file.write(writer.interface(interface.port, interface.peer, hardware=interface.hardware)[1])
        while file.tell() < size_bytes:
            for at in range(0, len(frames), BATCH_FRAMES):
                seen = [
                    (
                        frame.time_ns + shift_ns,
                        writer.way(writer.interface(frame.port, frame.peer)[0], frame.direction),
                        frame.data,
                        frame.length,
                    )
                    for frame in frames[at : at + BATCH_FRAMES]
                ]
                file.write(writer.packets(seen))
                written += len(seen)
                if file.tell() >= size_bytes:
                    break
            shift_ns += frames[-1].time_ns - frames[0].time_ns + 1000
    return written


def _read(file: Path) -> None:
    began = time.process_time()
    timeline = open_capture(file).timeline
    cpu_s = time.process_time() - began
    counts = {
        "TCP connections": len(timeline.tcp),
        "HTTP requests": len(timeline.http),
        "DNS answers": sum(query.answer is not None for query in timeline.dns),
        "TLS ServerHellos": sum(session.server_hello is not None for session in timeline.tls),
    }
    print(json.dumps({"frames": len(timeline.all_frames), "cpu_s": cpu_s, "counts": counts}))


def main(words: list[str]) -> None:
    _read(Path(words[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
