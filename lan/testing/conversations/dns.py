"""DNS in a test: a question and the answer to it."""

from collections.abc import Callable, Iterable, Mapping

from lan.testing.conversations.base import Criterion, Kind, Seen
from lan.testing.word import CLIENT, SERVER, Word
from lan.trace.frame import Frame
from lan.trace.timeline import Window
from lan.trace.trackers.dns import Query


class SeenQuery(Seen[Query]):
    """A question; what its answer tells is waited for."""

    @property
    def client(self) -> Word:
        """The device that asked."""
        return self._end(self.told.client, self.told.flow.src_ip, CLIENT)

    @property
    def server(self) -> Word:
        """The device that was asked."""
        ip = self.told.server_ip
        return self._end(self._watch.timeline.device_of(ip) or ip, ip, SERVER)

    @property
    def name(self) -> str:
        return self.told.name

    @property
    def type(self) -> str:
        """``A``, ``AAAA``, ``CNAME`` …"""
        return self.told.type

    @property
    def answers(self) -> list[str]:
        """The data of the records in the answer, in their order: addresses, names …"""
        return [record.data for record in self._answered().answers]

    @property
    def addresses(self) -> list[str]:
        """The addresses in the answer."""
        return self._answered().addresses

    @property
    def rcode(self) -> str:
        """``NOERROR``, ``NXDOMAIN`` …"""
        rcode = self._answered().rcode
        assert rcode is not None
        return rcode

    @property
    def rtt_ms(self) -> float:
        """From the first asking to the answer."""
        rtt_ms = self._answered().rtt_ms
        assert rtt_ms is not None
        return rtt_ms

    @property
    def asked(self) -> int:
        """How often it was asked; 1 where the first was answered."""
        return len(self._counted("asked").requests)

    @property
    def is_answered(self) -> bool:
        """Whether there is an answer, now."""
        return self._now().answer is not None

    @property
    def over_tcp(self) -> bool:
        return self.told.over_tcp

    def _answered(self) -> Query:
        return self._after(lambda: self.told.answer is not None, "no answer")


def _queries(window: Window) -> list[Query]:
    return window.dns


CRITERIA: Mapping[str, Criterion[Query]] = {
    "client": lambda each, _: (each.client, each.flow.src_ip),
    "server": lambda each, timeline: (timeline.device_of(each.server_ip) or each.server_ip, each.server_ip),
    "name": lambda each, _: (each.name, each.name.rstrip("."), each.name.lower().rstrip(".")),
    "type": lambda each, _: each.type,
    "rcode": lambda each, _: each.rcode,
}

EVENTS: Mapping[str, Callable[[Query], Iterable[Frame | None]]] = {
    "question": lambda each: each.requests,
    "answer": lambda each: [each.answer],
}

DNS = Kind("dns", "DNS question", _queries, SeenQuery, CRITERIA, frozenset({"client", "server"}), EVENTS)
