"""Pings in a test: an echo request with its reply, or the error that came instead."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind, Seen
from lan.testing.word import CLIENT, SERVER, Word
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers.icmp import Echo


class SeenEcho(Seen[Echo]):
    """One echo request; the time to its reply is waited for."""

    @property
    def client(self) -> Word:
        """The device that asked."""
        return self._end(self.told.client, self.told.src_ip, CLIENT)

    @property
    def target(self) -> Word:
        """The device that was asked."""
        ip = self.told.dst_ip
        return self._end(self._watch.timeline.device_of(ip) or ip, ip, SERVER)

    @property
    def dst_ip(self) -> str:
        """The address that was asked."""
        return self.told.dst_ip

    @property
    def sequence(self) -> int:
        return self.told.sequence

    @property
    def size_bytes(self) -> int:
        """Bytes of data in the request."""
        return self.told.size_bytes

    @property
    def rtt_ms(self) -> float:
        """From request to reply."""
        rtt_ms = self._after(lambda: self.told.is_answered, "no reply").rtt_ms
        assert rtt_ms is not None
        return rtt_ms

    @property
    def is_answered(self) -> bool:
        """Whether there is a reply, now."""
        return self._now().is_answered

    @property
    def error(self) -> str:
        """The ICMP error that came instead, in words."""
        error = self._after(lambda: self.told.error is not None, "no ICMP error").error
        assert error is not None
        return error.packet.summary()


def _echoes(window: Window) -> list[Echo]:
    return window.icmp


CRITERIA: Mapping[str, Criterion[Echo]] = {
    "client": lambda each, _: (each.client, each.src_ip),
    "target": lambda each, timeline: (timeline.device_of(each.dst_ip) or each.dst_ip, each.dst_ip),
    "sequence": lambda each, _: each.sequence,
    "is_answered": lambda each, _: each.is_answered,
}

EVENTS: Mapping[str, Callable[[Echo], Iterable[Frame | None]]] = {
    "request": lambda each: [each.request],
    "reply": lambda each: [each.reply],
    "error": lambda each: [each.error],
}

ICMP = Kind("icmp", "ping", _echoes, SeenEcho, CRITERIA, frozenset({"client", "target"}), EVENTS)
