"""Cables in words: frames as the tap would see them on a LAN of hosts, switches (s1 …) and routers."""

import struct
from itertools import count, pairwise

from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline
from lan.wire import checksum, ethernet, ipv4, tcp, udp
from lan.wire.tcp import TcpFlags

NAMES = ("pc1", "pc2", "web", "r1", "proxy", "dns")
MACS = {name: f"02:00:00:00:00:{number:02x}" for number, name in enumerate(NAMES, 1)}
IPS = {name: f"10.0.0.{number}" for number, name in enumerate(NAMES, 1)}
ALL = "ff:ff:ff:ff:ff:ff"
MS = 1_000_000


class Wires:
    """What passes on cables; each frame 1 ms after the one before unless time is told to pass."""

    def __init__(self, *switches: str) -> None:
        self.switches = switches or ("s1",)
        self.numbers, self.now_ns = count(1), 0
        self.frames: list[Frame] = []

    def cross(self, a: str, b: str, data: bytes) -> Frame:
        """One frame from device `a` to `b`: seen at a switch's end, at both ends where both are switches."""
        ends = [(a, b, Direction.OUT)] if a in self.switches else []
        if b in self.switches or not ends:
            ends.append((b, a, Direction.IN))
        for here, there, way in ends:
            self.now_ns += MS
            port, peer = f"{here}:to-{there}", f"{there}:to-{here}"
            self.frames.append(Frame(next(self.numbers), self.now_ns, port, peer, way, data))
        return self.frames[-1]

    def path(self, devices: str, data: bytes) -> list[Frame]:
        """``"pc1 s1 web"``: the same bytes from device to device."""
        names = devices.split()
        return [self.cross(a, b, data) for a, b in pairwise(names)]

    def timeline(self) -> Timeline:
        timeline = Timeline({mac: name for name, mac in MACS.items()}, self.switches)
        timeline.feed(self.frames)
        return timeline

    def journeys(self) -> list[str]:
        """Each as text, checked to be a partition of all frames."""
        timeline = self.timeline()
        numbers = sorted(frame.number for journey in timeline.journeys for frame in journey.frames)
        assert numbers == [frame.number for frame in self.frames]
        assert all(frame in timeline.journey_of(frame).frames for frame in self.frames)
        return [str(journey).partition(": ")[2] for journey in timeline.journeys]


def frame(src: str, dst: str, packet: bytes, ethertype: int = ethernet.IPV4) -> bytes:
    """From one device's MAC address to another's, or ``all``."""
    return ethernet.build(ALL if dst == "all" else MACS[dst], MACS[src], ethertype, packet)


def ip(
    content: bytes,
    src: str = IPS["pc1"],
    dst: str = IPS["web"],
    *,
    protocol: int = ipv4.UDP,
    ttl: int = 64,
    ident: int = 7,
    offset: int = 0,
    more: bool = False,
) -> bytes:
    """An IPv4 packet; `offset` in bytes and `more` make it a fragment."""
    packet = bytearray(ipv4.build(src, dst, protocol, content, ttl=ttl, identification=ident))
    if offset or more:
        struct.pack_into("!H", packet, 6, more << 13 | offset // 8)
        struct.pack_into("!H", packet, 10, 0)
        struct.pack_into("!H", packet, 10, checksum.checksum(bytes(packet[:20])))
    return bytes(packet)


def datagram(src: str, dst: str, data: bytes = b"hello", *, ports: tuple[int, int] = (40000, 9), **how: int) -> bytes:
    return ip(udp.build(src, dst, *ports, data), src, dst, **how)


def segment(
    src: str,
    dst: str,
    flags: str,
    data: bytes = b"",
    *,
    ports: tuple[int, int] = (40000, 80),
    seq: int = 1,
    ack: int = 0,
    **how: int,
) -> bytes:
    bits = TcpFlags(0)
    for name in flags.split("+"):
        bits |= TcpFlags[name]
    return ip(
        tcp.build(src, dst, *ports, seq=seq, ack=ack, flags=bits, payload=data), src, dst, protocol=ipv4.TCP, **how
    )
