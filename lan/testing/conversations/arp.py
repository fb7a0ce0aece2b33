"""ARP in a test: whose address was asked for, and who answered."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind, Seen
from lan.testing.word import CLIENT, Word
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers import arp
from lan.trace.trackers.arp import Resolution


class SeenResolution(Seen[Resolution]):
    """One address asked for, or announced; its answer is waited for."""

    @property
    def client(self) -> Word:
        """The device that asked, or announced."""
        return self._end(self.told.device, self.told.sender_ip, CLIENT)

    @property
    def target_ip(self) -> str:
        """The address that was asked for."""
        return self.told.target_ip

    @property
    def kind(self) -> Word:
        """ "question", "probe", "announcement" or "unasked answer"."""
        return Word(str(self.told.kind), [str(each) for each in arp.Kind])

    @property
    def mac(self) -> str:
        """The MAC address found."""
        mac = self._after(lambda: self.told.mac is not None, "no answer").mac
        assert mac is not None
        return mac

    @property
    def asked(self) -> int:
        """How often it was asked."""
        return len(self._counted("asked").requests)

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer, now."""
        return self._now().mac is not None

    @property
    def is_conflict(self) -> bool:
        """Whether two devices answered for one address, until now."""
        return self._counted("is_conflict").is_conflict()


def _resolutions(window: Window) -> list[Resolution]:
    return window.arp


CRITERIA: Mapping[str, Criterion[Resolution]] = {
    "client": lambda each, _: (each.device, each.sender_ip, each.sender_mac),
    "target": lambda each, timeline: (timeline.device_of(each.target_ip) or each.target_ip, each.target_ip),
    "kind": lambda each, _: str(each.kind),
    "mac": lambda each, _: each.mac,
}

EVENTS: Mapping[str, Callable[[Resolution], Iterable[Frame | None]]] = {
    "request": lambda each: each.requests if each.kind in (arp.Kind.QUESTION, arp.Kind.PROBE) else [],
    "reply": lambda each: each.replies,
    "announcement": lambda each: each.requests if each.kind is arp.Kind.ANNOUNCEMENT else [],
    "conflict": lambda each: each.replies if each.is_conflict() else [],
}

ARP = Kind("arp", "ARP question", _resolutions, SeenResolution, CRITERIA, frozenset({"client", "target"}), EVENTS)
