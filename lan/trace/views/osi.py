"""Which of the seven layers a frame's headers belong to, as Packet Tracer's window counts them.  Pure.

ARP stands with Ethernet on 2, ICMP with IP on 3, TLS on 6; layer 1 is the port.
"""

from dataclasses import dataclass

from lan.trace.decryption_messages import clear_messages
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
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
    """One header of a frame and its layer; of layer 1, `header` is None and `title` names the port.

    `data` is what the header's byte ranges are of, where that is not the frame: what TLS hid, in the clear.
    """

    number: int
    title: str
    header: Layer | None = None
    data: bytes | None = None


def layers(frame: Frame, port: str) -> list[OsiLayer]:
    """The frame's layers, innermost first, down to the port where it came in or went out."""
    found = [OsiLayer(_number(header, before), header.title, header) for before, header in _pairs(frame)]
    return [*reversed(found), OsiLayer(1, f"Port {port.partition(':')[2] or port or '?'}")]


def clear_layers(frame: Frame, timeline: Timeline) -> list[OsiLayer]:
    """What TLS hid in the frame, the last first; [] where nobody can read it."""
    found = clear_messages(frame, timeline)
    return [OsiLayer(APPLICATION, one.title, one.layer, one.data) for one in reversed(found)]


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
