"""Who talks to whom: addresses and ports of one frame.  Pure."""

from typing import NamedTuple

from lan.wire.frame import Packet


class Flow(NamedTuple):
    """One direction of a conversation; the four values name it among all others.  RFC 9293 §3.3.1."""

    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int

    def back(self) -> "Flow":
        """The other direction."""
        return Flow(self.dst_ip, self.dst_port, self.src_ip, self.src_port)

    def __str__(self) -> str:
        return f"{endpoint(self.src_ip, self.src_port)} → {endpoint(self.dst_ip, self.dst_port)}"


def endpoint(ip: str, port: int) -> str:
    """``192.168.100.1:80``, ``[::1]:80``."""
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def flow_of(packet: Packet) -> Flow | None:
    """The flow of a frame with TCP or UDP; None of any other."""
    network, transport = packet.ipv4 or packet.ipv6, packet.tcp or packet.udp
    if network is None or transport is None:
        return None
    return Flow(network.src, transport.src_port, network.dst, transport.dst_port)
