"""A decoded frame, as the rest of the house sees it: headers by name, layers, problems, one line.

`frame.decode` fills it in; what UDP and TCP carry is read when first asked for.
"""

from collections.abc import Callable
from typing import TypeVar

from lan.wire.arp import Arp
from lan.wire.dhcp import Message
from lan.wire.dns import Dns
from lan.wire.ethernet import Ethernet
from lan.wire.http import Http
from lan.wire.icmp import Icmp
from lan.wire.icmp6 import Icmp6
from lan.wire.igmp import Igmp
from lan.wire.ipv4 import Ipv4
from lan.wire.ipv6 import Ipv6
from lan.wire.layer import Broken, Data, Header, Layer
from lan.wire.lldp import Lldp
from lan.wire.malformed import Malformed
from lan.wire.openflow import OpenFlow
from lan.wire.stp import Stp
from lan.wire.tcp import Tcp
from lan.wire.tls import Tls
from lan.wire.udp import Udp

H = TypeVar("H", bound=Header)


class Packet:
    """Each protocol's header, or None where the frame has none (or too broken a one).

    Within a tunnel (GRE, VXLAN, IP in IP) the headers by name are those of the innermost packet;
    `layers` holds all.
    `data` is the frame from the destination MAC on, without FCS; all byte ranges are within it.
    The capture has left `cut_bytes` of it out.
    Treat it as frozen: `add`, `headers`, `carried`, `unread` and `stop` are for the decoder.
    """

    __slots__ = (
        "arp",
        "carried",
        "cut_bytes",
        "data",
        "ethernet",
        "headers",
        "icmp",
        "icmp6",
        "igmp",
        "ipv4",
        "ipv6",
        "lldp",
        "stop",
        "stp",
        "tcp",
        "udp",
        "unread",
    )

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ethernet: Ethernet | None = None
        self.arp: Arp | None = None
        self.stp: Stp | None = None
        self.ipv4: Ipv4 | None = None
        self.ipv6: Ipv6 | None = None
        self.icmp: Icmp | None = None
        self.icmp6: Icmp6 | None = None
        self.igmp: Igmp | None = None
        self.lldp: Lldp | None = None
        self.udp: Udp | None = None
        self.tcp: Tcp | None = None
        self.headers: list[tuple[Header, int, int]] = []
        self.carried = (0, 0)
        self.stop = len(data)
        self.cut_bytes = 0
        self.unread: Step | None = None

    @property
    def dhcp(self) -> Message | None:
        return self.first(Message)

    @property
    def dns(self) -> Dns | None:
        """The first message; over TCP a segment may hold several, see `all`."""
        return self.first(Dns)

    @property
    def http(self) -> Http | None:
        """The first message; a segment may hold several, see `all`."""
        return self.first(Http)

    @property
    def tls(self) -> Tls | None:
        return self.first(Tls)

    @property
    def openflow(self) -> OpenFlow | None:
        return self.first(OpenFlow)

    def first(self, kind: type[H]) -> H | None:
        """The outermost header of a class, of what UDP and TCP carry too; None where there is none."""
        self._read_all()
        return next((header for header, _, _ in self.headers if isinstance(header, kind)), None)

    def all(self, kind: type[H]) -> list[H]:
        """All headers of a class, in the order of their bytes."""
        self._read_all()
        return [header for header, _, _ in self.headers if isinstance(header, kind)]

    @property
    def payload(self) -> bytes:
        """What the innermost UDP or TCP header carries; b"" where there is none."""
        start, end = self.carried
        return self.data[start:end]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is malformed, in words, outermost first; () for a clean frame."""
        self._read_all()
        return tuple(problem for header, _, _ in self.headers for problem in header.problems)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All of the frame's bytes by protocol, outermost first; a trailer such as padding comes last."""
        self._read_all()
        headers = self.headers
        if self.stop < len(self.data):
            headers = [*headers, (Data(len(self.data) - self.stop, "padding"), self.stop, len(self.data))]
        return tuple(
            Layer(
                header.protocol_name,
                header.title(),
                start,
                end,
                tuple(header.fields(self.data, start, end)),
                header.problems,
            )
            for header, start, end in headers
        )

    @property
    def protocol(self) -> str:
        """The innermost protocol's short name, for a table's column: ARP, DHCP, TCP…"""
        return self._innermost().protocol_name

    def summary(self) -> str:
        """One line on what the frame says, with its first problem if it has one."""
        innermost, problems = self._innermost(), self.problems
        line = innermost.summary()
        return f"{line} — {problems[0]}" if problems and problems[0] not in line else line

    def __repr__(self) -> str:
        return f"<Packet {len(self.data)} bytes: {self.summary()}>"

    def enter_tunnel(self) -> None:
        """What comes now is a packet within a packet: the headers by name are to be its own."""
        self.arp = self.ipv4 = self.ipv6 = self.icmp = self.icmp6 = self.igmp = self.udp = self.tcp = None
        self.carried = (0, 0)

    def add(self, header: Header, start: int, end: int) -> None:
        """Note a header that was read from `data[start:end]`; outermost first."""
        self.headers.append((header, start, end))

    def _innermost(self) -> Header:
        self._read_all()
        return next(header for header, _, _ in reversed(self.headers) if not isinstance(header, Data))

    def _read_all(self) -> None:
        if self.unread is not None:
            step, self.unread = self.unread, None
            follow(self, step)


Reader = Callable[[Packet, int, int, bool], "Step | None"]
Step = tuple[str, Reader, int, int, bool]
"""What to read next: its name, its reader, the bytes' start and end, and whether they are all there."""


def follow(packet: Packet, step: Step | None) -> None:
    """Read one header after the other until nothing is left to read; never raises."""
    while step is not None:
        name, reader, start, end, whole = step
        try:
            step = reader(packet, start, end, whole)
        except Malformed as fault:
            problems = (f"{name} malformed: {fault}",) if whole else ()
            packet.add(Broken(name, problems), start, end)
            return
