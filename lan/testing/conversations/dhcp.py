"""DHCP in a test: how a device got its address, or did not."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind, Seen
from lan.testing.word import CLIENT, SERVER, Word
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline, Window
from lan.trace.trackers.dhcp import Exchange
from lan.wire.dhcp import MessageType


class SeenExchange(Seen[Exchange]):
    """One exchange; its last word (ACK, NAK, RELEASE, DECLINE) is waited for."""

    @property
    def client(self) -> Word:
        """The device that asked."""
        return self._end(self.told.client, self.told.client_mac, CLIENT)

    @property
    def server(self) -> Word | None:
        """The server that decided; None where none is named."""
        ip = self._over().server
        return None if ip is None else self._end(_server(self.told, self._watch.timeline), str(ip), SERVER)

    @property
    def types(self) -> list[str]:
        """``["DISCOVER", "OFFER", "REQUEST", "ACK"]``, repetitions and all."""
        return list(self._over().types)

    @property
    def yiaddr(self) -> str | None:
        """The address granted ("your address"); None after a NAK."""
        address = self._over().yiaddr
        return None if address is None else str(address)

    @property
    def lease_s(self) -> int | None:
        """How long it was granted for, in seconds."""
        return self._over().lease_s

    @property
    def is_granted(self) -> bool:
        """Whether the last word is ACK, now."""
        return self._now().is_granted()

    @property
    def is_refused(self) -> bool:
        """Whether the last word is NAK, now."""
        return self._now().is_refused()

    def _over(self) -> Exchange:
        return self._after(self.told.is_over, "no server has had the last word")


def _server(exchange: Exchange, timeline: Timeline) -> str:
    ip = str(exchange.server)
    return timeline.device_of(ip) or ip


def _exchanges(window: Window) -> list[Exchange]:
    return window.dhcp


CRITERIA: Mapping[str, Criterion[Exchange]] = {
    "client": lambda each, _: (each.client, each.client_mac),
    "server": lambda each, timeline: (_server(each, timeline), str(each.server)),
    "yiaddr": lambda each, _: str(each.yiaddr),
    "xid": lambda each, _: each.xid,
}


def _of_type(kind: MessageType) -> Callable[[Exchange], Iterable[Frame]]:
    def frames(exchange: Exchange) -> list[Frame]:
        pairs = zip(exchange.messages, exchange.frames, strict=True)
        return [frame for message, frame in pairs if message.type is kind]

    return frames


EVENTS: Mapping[str, Callable[[Exchange], Iterable[Frame | None]]] = {
    kind.name.lower(): _of_type(kind) for kind in MessageType
}

DHCP = Kind("dhcp", "DHCP exchange", _exchanges, SeenExchange, CRITERIA, frozenset({"client", "server"}), EVENTS)
