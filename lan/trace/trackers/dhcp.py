"""DHCP exchanges: what a client and its servers say under one transaction id.  RFC 2131 §3.  Pure."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from lan.trace.frame import Frame
from lan.wire import dhcp
from lan.wire.dhcp import MessageType

LAST_WORDS = {dhcp.ACK, dhcp.NAK, dhcp.RELEASE, dhcp.DECLINE}
"""After one of these, the client's next message begins an exchange of its own."""


@dataclass(slots=True, eq=False, repr=False)
class Exchange:
    """The messages of one transaction, in order; `client` is a device, `client_mac` its chaddr."""

    xid: int
    client: str
    client_mac: str
    frames: list[Frame] = field(default_factory=list)
    messages: list[dhcp.Message] = field(default_factory=list)

    @property
    def types(self) -> tuple[str, ...]:
        """``("DISCOVER", "OFFER", "REQUEST", "ACK")``, repetitions and all."""
        return tuple(message.type.name for message in self.messages if message.type)

    @property
    def yiaddr(self) -> IPv4Address | None:
        """The address granted, or so far offered; None after a NAK and where there was no answer."""
        granted = self._granted()
        return granted.yiaddr if granted and granted.yiaddr != dhcp.ANY else None

    @property
    def server(self) -> IPv4Address | None:
        """The server that decided; before, the first that offered."""
        answer = self._last(dhcp.ACK) or self._last(dhcp.NAK) or self._first(dhcp.OFFER)
        return answer.server_id if answer else None

    @property
    def lease_s(self) -> int | None:
        """How long the address is granted, or so far offered, for, in seconds; None where `yiaddr` is."""
        granted = self._granted()
        return granted.lease_s if granted else None

    def is_granted(self) -> bool:
        """Whether the client has its address: the last word was ACK."""
        return self._last_word() is dhcp.ACK

    def is_refused(self) -> bool:
        """Whether the last word was NAK."""
        return self._last_word() is dhcp.NAK

    def is_over(self) -> bool:
        """Whether nothing more is to come under this transaction."""
        return self._last_word() in LAST_WORDS

    def frame_of(self, kind: MessageType) -> Frame | None:
        """The first frame with a message of this type."""
        pairs = zip(self.messages, self.frames, strict=True)
        return next((frame for message, frame in pairs if message.type is kind), None)

    def _granted(self) -> dhcp.Message | None:
        """The message with what the client has got, or may get."""
        return self._last(dhcp.ACK) or (None if self.is_refused() else self._last(dhcp.OFFER))

    def _first(self, kind: MessageType) -> dhcp.Message | None:
        return next((message for message in self.messages if message.type is kind), None)

    def _last(self, kind: MessageType) -> dhcp.Message | None:
        return next((message for message in reversed(self.messages) if message.type is kind), None)

    def _last_word(self) -> MessageType | None:
        return self.messages[-1].type if self.messages else None

    def __repr__(self) -> str:
        got = f" {self.yiaddr} from {self.server}" if self.yiaddr else ""
        lease = f", lease {self.lease_s} s" if got and self.lease_s is not None else ""
        return f"DHCP {self.client}: {' '.join(self.types)}{got}{lease} xid=0x{self.xid:08x}"


class Tracker:
    """Gathers messages by transaction id and client."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._running: dict[tuple[int, str], Exchange] = {}

    def add(self, frame: Frame) -> Exchange | None:
        """The exchange that the frame belongs to; None where it is no DHCP."""
        message = frame.packet.dhcp
        if message is None or message.type is None:
            return None
        key = message.xid, message.chaddr
        exchange, from_client = self._running.get(key), message.op == dhcp.BOOTREQUEST
        if exchange is None or (from_client and exchange.is_over()):
            client = (frame.from_device if from_client else "") or message.chaddr
            exchange = self._running[key] = Exchange(message.xid, client, message.chaddr)
            self.exchanges.append(exchange)
        exchange.frames.append(frame)
        exchange.messages.append(message)
        return exchange
