"""One reason as it is told, and the case that it is told of: a stop of a journey with all that is known around it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lan.language.catalogue import Language
from lan.reasons import Reason
from lan.trace.frame import Frame
from lan.trace.journey import Journey, Stop, StopKind
from lan.trace.kernel.record import KernelRecord
from lan.trace.timeline import Timeline
from lan.trace.why.codes import CODES
from lan.trace.why.decisions import Decision, Decisions
from lan.trace.why.history import History

BY_PACKET = "the packet says so, the device's log is not here"
LONG_NS = 600_000_000_000
"""How long a server may think before it decides."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a device did what it did at one layer (OSI's number), coming "in" or going "out".

    `is_derived`: told by the packets alone; else the device's own log, or its kernel, says so.  `facts` are those in
    the sentence.
    """

    layer: int
    way: str
    code: str
    reason: Reason
    is_derived: bool
    facts: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Case:
    """A stop, its journey, and where to look: the timeline, decisions, and what devices had seen before."""

    stop: Stop
    journey: Journey
    timeline: Timeline
    decisions: Decisions
    history: History
    language: Language

    @property
    def device(self) -> str:
        return self.stop.device

    @property
    def is_origin(self) -> bool:
        return self.stop.kind is StopKind.ORIGIN

    @property
    def frame(self) -> Frame:
        """What came in, or at the origin what was sent."""
        return self.stop.received or self.stop.sent[0]

    @property
    def kernel(self) -> KernelRecord:
        """What the devices' kernels told."""
        return self.decisions.kernel

    @property
    def sent(self) -> Frame | None:
        """What went out first."""
        return self.stop.sent[0] if self.stop.sent else None

    def say(
        self, code: str, way: str, *, by: Decision | None = None, is_read: bool = False, **facts: object
    ) -> Explained:
        """A reason by its code; `by` is the device's own decision, whose words are the fact `why`.

        `is_read`: the device's own log says so, though no line of it is about this frame; or its kernel does.
        """
        return self._make(code, way, by, dict(facts), is_read=is_read or by is not None)

    def say_kernel(self, code: str, way: str, **facts: object) -> Explained:
        """A reason that the device's kernel told, in the sentence that has its facts."""
        return self._make(code, way, None, dict(facts), is_read=True, text=CODES[code].told)

    def tell(self, code: str, way: str, *, by: Decision | None = None, **facts: object) -> Explained:
        """As `say`, for a code that wants the device's own words, where the log may lack them."""
        why = {} if by is not None else {"why": self.language.say(BY_PACKET)}
        return self._make(code, way, by, {**facts, **why}, is_read=by is not None)

    def _make(
        self, code: str, way: str, by: Decision | None, facts: dict[str, object], *, is_read: bool, text: str = ""
    ) -> Explained:
        rule = CODES[code]
        if by is not None:
            facts["why"] = self.words(by.reason)
        shown = {**facts, "mac": self._named(str(facts["mac"]))} if "mac" in facts else facts
        sentence = self.language.tell(text or rule.text, shown)
        source = by.reason.source if by is not None else rule.source
        told = {name: str(value) for name, value in facts.items()}
        return Explained(rule.layer, way, code, Reason(source, sentence), not is_read, told)

    def words(self, reason: Reason) -> str:
        """A device's own words, with the facts that they rest on."""
        text = self.language.hear(reason.text)
        facts = ", ".join(f"{key} {value}" for key, value in reason.facts)
        return f"{text} ({facts})" if facts else text

    def _named(self, mac: str) -> str:
        owner = self.timeline.devices.get(mac)
        return f"{mac} ({owner})" if owner else mac

    def owner(self, mac: str) -> str:
        """Whose hardware address it is, in words."""
        return self.timeline.devices.get(mac) or self.language.say("nobody known")

    def decided(self, service: str, tie: object, what: Iterable[str] = ()) -> Decision | None:
        """What this device decided about the frame that came in, before anything more came of it."""
        until_ns = self.sent.time_ns if self.sent and self.stop.received else self.frame.time_ns + LONG_NS
        return self.decisions.after(self.device, service, tie, self.frame.time_ns, until_ns, what)

    def decided_before(self, service: str, tie: object, what: Iterable[str] = ()) -> Decision | None:
        """What this device decided last before it sent the frame."""
        frame = self.sent or self.frame
        return self.decisions.before(self.device, service, tie, frame.time_ns, what)
