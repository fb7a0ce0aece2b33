"""What passed on the cables during a try, as facts: each sighting of each frame, and the DNS questions.  Pure."""

from collections.abc import Iterable

from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.whynot.facts import Answer, Seen
from lan.wire import arp
from lan.wire.icmp import TYPE_NAMES
from lan.wire.tcp import TcpFlags

MOST = 400
"""Sightings that are kept: the first ones, for there the chain begins."""


def sightings(frames: Iterable[Frame]) -> list[Seen]:
    """Each sighting in a line; what has no Ethernet header is left out."""
    return [seen for frame in list(frames)[:MOST] if (seen := sighting(frame)) is not None]


def sighting(frame: Frame) -> Seen | None:
    """One sighting; None for bytes that are no Ethernet frame."""
    packet = frame.packet
    if packet.ethernet is None:
        return None
    protocol, what, src, dst, sport, dport = packet.protocol.lower(), "", "", "", 0, 0
    if packet.arp is not None:
        protocol, what = "arp", "request" if packet.arp.operation == arp.REQUEST else "reply"
        src, dst = packet.arp.sender_ip, packet.arp.target_ip
    elif packet.ipv4 is not None:
        src, dst = packet.ipv4.src, packet.ipv4.dst
        if packet.tcp is not None:
            protocol, what = "tcp", _flags(packet.tcp.flags)
            sport, dport = packet.tcp.src_port, packet.tcp.dst_port
        elif packet.udp is not None:
            protocol, sport, dport = "udp", packet.udp.src_port, packet.udp.dst_port
            what = packet.dhcp.type.name if packet.dhcp is not None and packet.dhcp.type else ""
        elif packet.icmp is not None:
            protocol, what = "icmp", TYPE_NAMES.get(packet.icmp.type, str(packet.icmp.type))
    ethernet = packet.ethernet
    ends = (frame.sender, frame.receiver, ethernet.src, ethernet.dst)
    return Seen(frame.number, *ends, protocol, what, src, dst, sport, dport, packet.summary())


def questions(window: Window, client: str) -> list[Answer]:
    """The client's DNS questions, answered or not."""
    return [
        Answer(
            query.name,
            query.type,
            query.server_ip,
            query.rcode or "",
            query.addresses,
            [f"{record.name} {record.type} {record.data}" for record in query.answers],
            [frame.number for frame in query.frames],
        )
        for query in window.dns
        if query.client == client
    ]


def _flags(flags: TcpFlags) -> str:
    return " ".join(name for name in ("SYN", "ACK", "FIN", "RST") if flags & TcpFlags[name])
