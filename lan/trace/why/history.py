"""What devices had heard before a frame: sources at switches' ports, addresses told by ARP, ports that answered.  Pure.

It reads a timeline's frames once, as they come; every question names the frame before which it is asked.
"""

from bisect import bisect_left
from operator import itemgetter

from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline
from lan.wire import icmp, icmp6
from lan.wire.tcp import TcpFlags

ANYBODY = ""
"""Who heard a message of a capture that does not tell where frames went."""
Heard = list[tuple[int, str]]
"""(number of the frame, what was heard), by number."""


class History:
    """Of one timeline; grows with it."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._read = 0
        self._seen: dict[str, tuple[int, int]] = {}
        """The numbers of the first and the last frame that was seen at a port."""
        self._sources: dict[tuple[str, str], Heard] = {}
        self._addresses: dict[tuple[str, str], Heard] = {}
        self._ips: dict[tuple[str, str], Heard] = {}
        self._answered: dict[tuple[str, int], int] = {}
        self._echoes: dict[tuple[str, str, int, int], Heard] = {}

    def is_tapped(self, port: str, at: Frame) -> bool:
        """Whether frames are seen at this end of a cable when a frame passes: some are before it, and some after."""
        first, last = self._have()._seen.get(port, (at.number, at.number))
        return first < at.number < last

    def port_of(self, switch: str, mac: str, before: Frame) -> str | None:
        """The port where a switch last got a frame from a station."""
        return _last(self._have()._sources.get((switch, mac), []), before)

    def mac_of(self, device: str, ip: str, before: Frame) -> tuple[int, str] | None:
        """(frame, MAC address) by which a device last heard of an address through ARP."""
        addresses = self._have()._addresses
        return _last_with_number(addresses.get((device, ip)) or addresses.get((ANYBODY, ip), []), before)

    def ip_at(self, device: str, mac: str, before: Frame) -> str | None:
        """The address that a device last heard to be at a MAC address: its gateway, when the packet is for another."""
        ips = self._have()._ips
        return _last(ips.get((device, mac)) or ips.get((ANYBODY, mac), []), before)

    def has_answered(self, ip: str, port: int) -> bool:
        """Whether a TCP port accepted anybody's SYN."""
        return (ip, port) in self._have()._answered

    def echo(self, asker: str, asked: str, identifier: int, sequence: int, before: Frame) -> int | None:
        """The number of the echo request that an answer is to."""
        heard = _last_with_number(self._have()._echoes.get((asker, asked, identifier, sequence), []), before)
        return heard[0] if heard else None

    def _have(self) -> "History":
        frames = self.timeline.all_frames
        while self._read < len(frames):
            self._take(frames[self._read])
            self._read += 1
        return self

    def _take(self, frame: Frame) -> None:
        packet = frame.packet
        first, _ = self._seen.get(frame.port, (frame.number, frame.number))
        self._seen[frame.port] = first, frame.number
        if packet.ethernet is not None and frame.direction is Direction.IN:
            self._sources.setdefault((frame.to_device, packet.ethernet.src), []).append((frame.number, frame.receiver))
        if packet.arp is not None:
            device = ANYBODY if frame.direction is Direction.UNKNOWN else frame.to_device
            number, ip, mac = frame.number, packet.arp.sender_ip, packet.arp.sender_mac
            self._addresses.setdefault((device, ip), []).append((number, mac))
            self._ips.setdefault((device, mac), []).append((number, ip))
        elif (network := packet.ipv4 or packet.ipv6) is not None:
            message = packet.icmp or packet.icmp6
            if packet.tcp is not None and packet.tcp.flags & SYN_ACK == SYN_ACK:
                self._answered.setdefault((network.src, packet.tcp.src_port), frame.number)
            elif message is not None and message.type in ECHOES:
                key = (network.src, network.dst, message.identifier or 0, message.sequence or 0)
                self._echoes.setdefault(key, []).append((frame.number, ""))


SYN_ACK = TcpFlags.SYN | TcpFlags.ACK
ECHOES = (icmp.ECHO, icmp6.ECHO)


def _last_with_number(heard: Heard, before: Frame) -> tuple[int, str] | None:
    at = bisect_left(heard, before.number, key=itemgetter(0))
    return heard[at - 1] if at else None


def _last(heard: Heard, before: Frame) -> str | None:
    found = _last_with_number(heard, before)
    return found[1] if found else None
