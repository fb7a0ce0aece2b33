"""TLS in a test: what a handshake shows to somebody without keys."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind
from lan.testing.conversations.over_tcp import SeenOverTcp
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers.tls import Session


class SeenSession(SeenOverTcp[Session]):
    """One session; what the handshake chooses is waited for."""

    @property
    def server_name(self) -> str | None:
        """The name that the client asked for (SNI)."""
        return self._after(lambda: self.told.client_hello is not None, "no ClientHello").server_name

    @property
    def version(self) -> str:
        """The version that the server chose: ``TLS 1.3``."""
        version = self._after(lambda: self.told.version is not None, "no ServerHello").version
        assert version is not None
        return version

    @property
    def cipher(self) -> str | None:
        """The cipher suite that the server chose."""
        return self._after(lambda: self.told.version is not None, "no ServerHello").cipher

    @property
    def is_established(self) -> bool:
        """Whether the client has ended the handshake, now."""
        return self._now().is_established

    @property
    def alerts(self) -> list[tuple[str, str]]:
        """(device, what it said) until now; ``encrypted`` where only the keys would tell."""
        return list(self._counted("alerts").alerts)


def _sessions(window: Window) -> list[Session]:
    return window.tls


CRITERIA: Mapping[str, Criterion[Session]] = {
    "client": lambda each, _: (each.connection.client.device, each.connection.client.ip),
    "server": lambda each, _: (each.connection.server.device, each.connection.server.ip),
    "server_name": lambda each, _: each.server_name,
    "version": lambda each, _: each.version,
}

EVENTS: Mapping[str, Callable[[Session], Iterable[Frame | None]]] = {
    "client_hello": lambda each: [each.client_hello],
    "server_hello": lambda each: [each.server_hello],
    "finished": lambda each: [each.client_finished],
}

TLS = Kind("tls", "TLS session", _sessions, SeenSession, CRITERIA, frozenset({"client", "server"}), EVENTS)
