"""ICMP and ICMPv6: echo requests with their replies, and the errors that others sent.  RFC 792, RFC 4443.  Pure."""

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from lan.trace.frame import Frame
from lan.wire import icmp, icmp6
from lan.wire.icmp import Icmp
from lan.wire.icmp6 import Icmp6
from lan.wire.ipv4 import ICMP, ICMPV6, Ipv4
from lan.wire.ipv6 import Ipv6
from lan.wire.quote import carried


class Kinds(NamedTuple):
    """The numbers of one version: its protocol in an IP header, and its messages' types."""

    protocol: int
    echo: int
    reply: int
    errors: Collection[int]


OF_VERSION_4 = Kinds(ICMP, icmp.ECHO, icmp.ECHO_REPLY, icmp.ERRORS)
OF_VERSION_6 = Kinds(ICMPV6, icmp6.ECHO, icmp6.ECHO_REPLY, icmp6.ERRORS)


@dataclass(slots=True, eq=False, repr=False)
class Echo:
    """One ping: its request, then a reply, or an error by some router or host on the way."""

    client: str
    src_ip: str
    dst_ip: str
    identifier: int
    sequence: int
    size_bytes: int
    request: Frame
    reply: Frame | None = None
    error: Frame | None = None

    @property
    def frames(self) -> list[Frame]:
        return [frame for frame in (self.request, self.reply, self.error) if frame is not None]

    @property
    def rtt_ms(self) -> float | None:
        """From request to reply; None while there is none."""
        return None if self.reply is None else (self.reply.time_ns - self.request.time_ns) / 1e6

    @property
    def is_answered(self) -> bool:
        return self.reply is not None

    def __repr__(self) -> str:
        outcome = "no answer" if self.rtt_ms is None else f"{self.rtt_ms:.2f} ms"
        if self.reply is None and self.error is not None:
            outcome = self.error.packet.summary()
        return f"ICMP {self.client} → {self.dst_ip}: echo seq={self.sequence} {outcome}"


class Tracker:
    """Pairs replies with requests by addresses, identifier and sequence."""

    def __init__(self) -> None:
        self.echoes: list[Echo] = []
        self.errors: list[Frame] = []
        """Every ICMP error, whatever it is about."""
        self._sent: dict[tuple[str, str, int, int], Echo] = {}

    def add(self, frame: Frame) -> Echo | None:
        """The echo that the frame belongs to; None where it belongs to none."""
        packet = frame.packet
        network, message = packet.ipv4 or packet.ipv6, packet.icmp or packet.icmp6
        if network is None or message is None:
            return None
        kinds = OF_VERSION_6 if isinstance(message, Icmp6) else OF_VERSION_4
        if message.type in kinds.errors:
            return self._fail(message, kinds, frame)
        if message.identifier is None or message.sequence is None or message.type not in (kinds.echo, kinds.reply):
            return None
        if message.type == kinds.echo:
            return self._ask(network, message, frame)
        echo = self._sent.get((network.dst, network.src, message.identifier, message.sequence))
        if echo is not None and echo.reply is None:
            echo.reply = frame
        return echo

    def _ask(self, network: Ipv4 | Ipv6, message: Icmp | Icmp6, frame: Frame) -> Echo:
        assert message.identifier is not None and message.sequence is not None
        key = network.src, network.dst, message.identifier, message.sequence
        client = frame.from_device or network.src
        known = self._sent.get(key)
        if known is not None and known.reply is None and known.client != client:
            return known  # a router passes it on
        echo = self._sent[key] = Echo(client, *key, len(message.data), frame)
        self.echoes.append(echo)
        return echo

    def _fail(self, message: Icmp | Icmp6, kinds: Kinds, frame: Frame) -> Echo | None:
        """Note an error, at its echo where it quotes one."""
        self.errors.append(frame)
        quoted = message.quoted
        if quoted is None or carried(quoted) != kinds.protocol or len(message.data) < quoted.header_length + 8:
            return None
        kind, _, _, identifier, sequence = struct.unpack_from("!BBHHH", message.data, quoted.header_length)
        echo = self._sent.get((quoted.src, quoted.dst, identifier, sequence)) if kind == kinds.echo else None
        if echo is not None and echo.error is None:
            echo.error = frame
        return echo
