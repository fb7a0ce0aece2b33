"""A frame as the tap saw it: when, at which port, which way, and its bytes.

Pure.  Where a frame stands on its way is told by its cable: `port` is the end where it was seen,
`peer` the other end.  A frame that pc1 sends to web through s1 is seen twice: "in" at s1:eth1 (from
pc1:eth0) and "out" at s1:eth3 (to web:eth0).
"""

from dataclasses import field
from enum import StrEnum
from functools import lru_cache

from lan.wire.frame import Packet, decode
from lan.wire.frozen import frozen

MOST_PORTS = 4096
"""Ports whose device is remembered."""


class Direction(StrEnum):
    """Which way a frame went, seen from the device of the port where it was seen."""

    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"
    """Captured by a program that did not say; its frames are taken as seen once."""


@frozen
class Frame:
    """One sighting.  `number` counts from 1, `time_ns` since 1970 (UTC); ports are ``device:port``.

    `length` is that on the cable; `data` is shorter where the capture cut it (snaplen).
    Sightings of the same bytes may share `decoded`, where the first that is asked keeps its layers for all.
    """

    number: int
    time_ns: int
    port: str
    peer: str
    direction: Direction
    data: bytes
    length: int = -1
    comment: str = ""
    decoded: list[Packet] = field(default_factory=list, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.length < 0:
            object.__setattr__(self, "length", len(self.data))

    @property
    def packet(self) -> Packet:
        """Its layers, decoded at the first asking and kept."""
        decoded = self.decoded
        if not decoded:
            decoded.append(decode(self.data, wire_length=self.length))
        return decoded[0]

    @property
    def sender(self) -> str:
        """The end of the cable that sent it; "" where nobody knows."""
        return self.port if self.direction is Direction.OUT else self.peer

    @property
    def receiver(self) -> str:
        """The end of the cable that got it; "" where nobody knows."""
        return self.peer if self.direction is Direction.OUT else self.port

    @property
    def from_device(self) -> str:
        """The device that put it on this cable."""
        return device_of_port(self.port if self.direction is Direction.OUT else self.peer)

    @property
    def to_device(self) -> str:
        """The device at the far end of this cable."""
        return device_of_port(self.peer if self.direction is Direction.OUT else self.port)

    def __str__(self) -> str:
        arrow = {Direction.IN: "←", Direction.OUT: "→", Direction.UNKNOWN: "–"}[self.direction]
        return f"{self.number} {self.port} {arrow} {self.peer or '?'} {self.packet.summary()}"


@lru_cache(MOST_PORTS)
def device_of_port(port: str) -> str:
    """``s1:eth1`` → ``s1``."""
    return port.partition(":")[0]
