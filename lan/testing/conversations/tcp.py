"""TCP connections in a test: who opened and closed them, and what went wrong on the way."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind, Seen
from lan.testing.conversations.gaps import SeenGap, gaps_of
from lan.testing.word import CLIENT, SERVER, Word
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers.tcp import CloseKind, Connection, Side
from lan.wire.tcp import TcpFlags


class SeenConnection(Seen[Connection]):
    """A connection.  What its end tells is waited for: `closed_by`, `time_wait_at`, `close_kind`."""

    @property
    def client(self) -> Word:
        """The device that opened it."""
        return self._side(self.told.client)

    @property
    def server(self) -> Word:
        """The device that was asked."""
        return self._side(self.told.server)

    @property
    def client_port(self) -> int:
        return self.told.client.port

    @property
    def server_port(self) -> int:
        return self.told.server.port

    @property
    def syns(self) -> int:
        """How many SYNs the client sent; 1 where the first was answered."""
        return len(syns(self._counted("syns")))

    @property
    def connect_ms(self) -> float:
        """From the SYN to the client's ACK of the SYN-ACK."""
        told = self._after(lambda: self.told.connect_ms is not None, "its handshake has no end")
        assert told.connect_ms is not None
        return told.connect_ms

    @property
    def retransmits(self) -> int:
        """Segments that either side sent again."""
        return len(self._counted("retransmits").retransmits)

    @property
    def out_of_order(self) -> int:
        """Segments that came after their successors."""
        told = self._counted("out_of_order")
        return len(told.client.out_of_order) + len(told.server.out_of_order)

    @property
    def segments(self) -> int:
        """All segments of both sides."""
        return len(self._counted("segments").frames)

    @property
    def client_bytes(self) -> int:
        """Bytes of data that the client sent, in order and without gap."""
        return self._now().client.data_bytes

    @property
    def server_bytes(self) -> int:
        """Bytes of data that the server sent."""
        return self._now().server.data_bytes

    @property
    def is_open(self) -> bool:
        """Whether it is established and has not ended, now."""
        return self._now().is_open()

    @property
    def is_closed(self) -> bool:
        """Whether it has ended, now."""
        return self._now().is_closed()

    @property
    def is_refused(self) -> bool:
        """Whether its SYN was answered by RST, now: nobody listens there."""
        return self._now().is_refused()

    @property
    def closed_by(self) -> Word:
        """Who sent the first FIN, or RST where there was none before: "client", "server" or the device."""
        told = self._closed()
        assert told.closer is not None
        return self._side(told.closer)

    @property
    def reset_by(self) -> Word | None:
        """Who sent an RST; None where it closed without."""
        device = self._closed().reset_by
        return None if device is None else self._side(self.told.side(device))

    @property
    def close_kind(self) -> Word:
        """How it ended: "four segments", "three segments", "simultaneous" or "RST"."""
        kind = self._closed().close_kind
        return Word(str(kind), [str(each) for each in CloseKind])

    @property
    def time_wait_at(self) -> Word | None:
        """Who keeps it in TIME-WAIT: the side that closed first; None after an RST."""
        device = self._closed().time_wait_holder
        return None if device is None else self._side(self.told.side(device))

    @property
    def gaps(self) -> list[SeenGap]:
        """Where its time went, in order, until now."""
        return gaps_of(self.told, self._watch)

    def _closed(self) -> Connection:
        return self._after(self.told.is_closed, "it has not ended")

    def _side(self, side: Side) -> Word:
        return self._end(side.device, side.ip, CLIENT if side is self.told.client else SERVER)


def syns(connection: Connection) -> list[Frame]:
    """The client's frames with SYN."""
    return [frame for frame in connection.client.segments if frame.packet.tcp and frame.packet.tcp.flags & TcpFlags.SYN]


def _connections(window: Window) -> list[Connection]:
    return window.tcp


CRITERIA: Mapping[str, Criterion[Connection]] = {
    "client": lambda each, _: (each.client.device, each.client.ip),
    "server": lambda each, _: (each.server.device, each.server.ip),
    "client_port": lambda each, _: each.client.port,
    "server_port": lambda each, _: each.server.port,
}

EVENTS: Mapping[str, Callable[[Connection], Iterable[Frame | None]]] = {
    "syn": syns,
    "syn_ack": lambda each: [each.syn_ack],
    "ack": lambda each: [each.ack],
    "fin": lambda each: [each.client.fin, each.server.fin],
    "rst": lambda each: [each.client.rst, each.server.rst],
    "retransmit": lambda each: each.retransmits,
    "refused": lambda each: [each.server.rst] if each.is_refused() else [],
}

TCP = Kind("tcp", "TCP connection", _connections, SeenConnection, CRITERIA, frozenset({"client", "server"}), EVENTS)
