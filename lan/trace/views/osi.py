"""Which of the seven layers a frame's headers belong to, as Packet Tracer's window counts them.  Pure.

ARP stands with Ethernet on 2, ICMP with IP on 3, TLS on 6; layer 1 is the port.
"""

from dataclasses import dataclass

from lan.trace.frame import Frame
from lan.wire.layer import Layer

NUMBERS = {
    "Ethernet": 2,
    "802.1Q": 2,
    "LLC": 2,
    "STP": 2,
    "LLDP": 2,
    "ARP": 2,
    "IPv4": 3,
    "IPv6": 3,
    "ICMP": 3,
    "ICMPv6": 3,
    "IGMP": 3,
    "GRE": 3,
    "UDP": 4,
    "TCP": 4,
    "VXLAN": 4,
    "TLS": 6,
}
APPLICATION = 7
NAMES = {
    1: "physical",
    2: "data link",
    3: "network",
    4: "transport",
    5: "session",
    6: "presentation",
    7: "application",
}


@dataclass(frozen=True, slots=True)
class OsiLayer:
    """One header of a frame and its layer; of layer 1, `header` is None and `title` names the port."""

    number: int
    title: str
    header: Layer | None = None


def layers(frame: Frame, port: str) -> list[OsiLayer]:
    """The frame's layers, innermost first, down to the port where it came in or went out."""
    found = [OsiLayer(_number(header, before), header.title, header) for before, header in _pairs(frame)]
    return [*reversed(found), OsiLayer(1, f"Port {port.partition(':')[2] or port or '?'}")]


def _pairs(frame: Frame) -> list[tuple[Layer | None, Layer]]:
    headers = frame.packet.layers
    return list(zip([None, *headers], headers, strict=False))


def _number(header: Layer, before: Layer | None) -> int:
    if header.protocol != "Data":
        return NUMBERS.get(header.protocol, APPLICATION)
    if header.title.startswith("padding") or before is None:
        return 2
    return (
        min(NUMBERS.get(before.protocol, APPLICATION) + 1, APPLICATION) if before.protocol not in ("UDP", "TCP") else 7
    )
