"""What conversations over a TCP connection have in common: its two ends, and the connection itself."""

from typing import Protocol, TypeVar

from lan.testing.conversations.base import Seen
from lan.testing.conversations.tcp import SeenConnection
from lan.testing.word import CLIENT, SERVER, Word
from lan.trace.timeline import Conversation
from lan.trace.trackers.tcp import Connection


class OnConnection(Conversation, Protocol):
    """What such trackers find."""

    @property
    def connection(self) -> Connection: ...


C = TypeVar("C", bound=OnConnection)


class SeenOverTcp(Seen[C]):
    """A conversation over one connection."""

    @property
    def client(self) -> Word:
        """The device that opened the connection, and asked."""
        side = self.told.connection.client
        return self._end(side.device, side.ip, CLIENT)

    @property
    def server(self) -> Word:
        """The device that was asked."""
        side = self.told.connection.server
        return self._end(side.device, side.ip, SERVER)

    @property
    def connection(self) -> SeenConnection:
        """The connection that it used."""
        return SeenConnection(self.told.connection, self._watch)
