"""Cables and logs in words: what passes, what devices decide about it, and what the trace says of both."""

import json
from collections.abc import Callable, Iterator

from lan.language.catalogue import Language
from lan.trace.why import Decisions, Explained, Explainer

from .journey_wires import IPS, MACS, Wires

PC1, PC2, WEB, R1, PROXY, DNS = (IPS[name] for name in ("pc1", "pc2", "web", "r1", "proxy", "dns"))


class Told(Wires):
    """As `Wires`; `decide` puts a line in a log, a tenth of a millisecond after the last frame."""

    def __init__(self, *switches: str) -> None:
        super().__init__(*switches)
        self.decisions = Decisions()

    def decide(self, device: str, service: str, what: str, text: str, source: str = "RFC 0 §1", **keys: object) -> None:
        """``decide("web", "http", "request", "a request is read", client="10.0.0.1:40000")``; device "" is the LAN."""
        reason = {"source": source, "text": text, "facts": {}}
        record = {"time_s": (self.now_ns + 100_000) / 1e9, "service": service, "what": what, "reason": reason, **keys}
        self.decisions.add(device, [json.dumps(record)])

    def switch_decides(self, what: str, src: str, dst: str = "", text: str = "so", in_port: int = 1) -> None:
        """A line of s1 about a station, or about a frame from one to another."""
        keys = {"switch": "s1", "in_port": in_port, "src": MACS[src]} | ({"dst": MACS.get(dst, dst)} if dst else {})
        self.decide("", "switch", what, text, **keys)

    def kernel_tells(self, device: str, what: str, **fields: object) -> None:
        """A line of what a device's kernel told, a tenth of a millisecond after the last frame."""
        record = {"time_s": (self.now_ns + 100_000) / 1e9, "device": device, "what": what, **fields}
        self.decisions.kernel.add([json.dumps(record)])

    def explained(self, language: Language | None = None) -> Iterator[tuple[str, Explained]]:
        """(device, reason) of each stop, in order."""
        timeline = self.timeline()
        explainer = Explainer(timeline, self.decisions, language or Language({}))
        for journey in timeline.journeys:
            for stop in journey.stops:
                for one in explainer.explain(stop, journey):
                    yield stop.device, one

    def codes(self) -> list[str]:
        """``s1 in switch.learned``, and ``~`` before what is derived from packets."""
        return [f"{'~' if one.is_derived else ''}{who} {one.way} {one.code}" for who, one in self.explained()]

    def sentence(self, code: str) -> str:
        """Of the first reason with this code."""
        return next(one.reason.text for _, one in self.explained() if one.code == code)


SCENARIOS: dict[str, tuple[Callable[[Told], None], list[str]]] = {}


def scenario(*expected: str) -> Callable[[Callable[[Told], None]], Callable[[Told], None]]:
    """What must be seen of it: ``device way code``, with ``~`` before what is derived from packets."""

    def add(play: Callable[[Told], None]) -> Callable[[Told], None]:
        SCENARIOS[play.__name__] = (play, list(expected))
        return play

    return add
