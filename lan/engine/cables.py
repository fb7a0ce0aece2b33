"""The cables of one LAN as they are: plain or shaped, plugged or pulled, and what happens to them when.

A plain cable is one veth pair, and costs nothing here.  A shaped one, which has options or will have
them by its schedule, is laid in two pairs (hidden.py) with a carrier between (carrier.py).  A plain
cable that is given options is laid anew; from then on it stays shaped, and changes lose no frame.
"""

import heapq
import itertools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lan.engine import decisions, qdiscs
from lan.engine.carrier import Answer, Carrier, Userspace
from lan.engine.fabric import Fabric
from lan.engine.hidden import Ends, Hidden, kept_end
from lan.errors import LanError, RunError
from lan.links import schedule, words
from lan.links.options import Cable
from lan.links.schedule import Event
from lan.reasons import Reason
from lan.topo.spec import Link, Port

MEANS = ("userspace", "kernel")
THE_SCHEDULE, BY_HAND = "by its schedule", "by hand"


@dataclass(slots=True)
class Laid:
    """One cable: `does` is what it has been told, `up` whether it is plugged, `coming` its schedule.

    `relaid_ms` are the times for which it was out to be laid anew.
    """

    link: Link
    does: Cable = field(default_factory=Cable)
    up: bool = True
    is_broken: bool = False
    coming: list[Event] = field(default_factory=list)
    relaid_ms: list[float] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Its name in requests and decisions."""
        return f"{self.link.a} - {self.link.b}"

    @property
    def will_shape(self) -> bool:
        """Whether it has options, or will have."""
        return not self.does.is_plain or any(event.cable is not None for event in self.coming)


@dataclass(frozen=True, slots=True)
class Carrying:
    """What a process that carries frames starts with: its folder, the log of its decisions, its variables."""

    folder: Path
    decisions: Path
    environment: Callable[[], Mapping[str, str]]


class Switches(Protocol):
    """The hold that switches have on their ports, where it has to be let go for a cable to be laid anew."""

    def release_port(self, port: Port) -> None:
        """Let go of a port: another interface takes its name."""

    def take_port(self, port: Port) -> None:
        """Take the interface of that name, under the number that the port had."""


@dataclass(order=True, slots=True)
class _Due:
    """An event to come, of a schedule or a flap; `then` is called after the last of a flap."""

    at_s: float
    number: int
    ends: Ends = field(compare=False)
    event: Event = field(compare=False)
    by: str = field(compare=False)
    then: Callable[[], None] | None = field(compare=False, default=None)


class Cables:
    """All of them.  Called in the bubble's PID 1, which also has the clock: see `deadline_s` and `tick`."""

    def __init__(self, fabric: Fabric, carrying: Carrying, switches: Switches, means: str | None = None) -> None:
        self.fabric, self.carrying, self.switches, self.wanted_means = fabric, carrying, switches, means
        self.hidden = Hidden(fabric)
        self.carrier: Carrier | None = None
        self._laid: dict[Ends, Laid] = {}
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._began_s: float | None = None

    # ---- laying

    def begin(self, links: Iterable[Link]) -> None:
        """Start the carrier now, where cables to be laid will need one: it gets ready meanwhile."""
        if any(self.of(link).will_shape for link in links if link.options):
            self._have_carrier()

    def lay(self, links: Iterable[Link]) -> None:
        """Lay cables as their options say; the schedule of one that comes while the LAN is up begins now."""
        links = list(links)
        if self._began_s is not None:
            for link in links:
                self._schedule(ends_of(link), self.of(link), time.monotonic())
        shaped = [link for link in links if link.options and self.of(link).will_shape]
        if not shaped:
            self.fabric.add_cables(links)
            return
        keys = {ends_of(link) for link in shaped}
        self.fabric.add_cables([link for link in links if ends_of(link) not in keys])
        carrier = self._have_carrier()
        self.hidden.lay(shaped)
        for link in shaped:
            self._carry(carrier, self.of(link))

    def settle(self) -> None:
        """Wait until shaped cables carry frames.  Raises RunError."""
        if self.carrier is not None:
            self.carrier.settle()

    def wait_carrying(self, links: Iterable[Link]) -> None:
        """Wait until all ends of cables, whose hosts are dressed, have their carriers: before that frames are lost."""
        links = list(links)
        inner = [index for link in links for index in self.hidden.indexes(link)]
        more = {self.hidden.namespace: inner} if inner else {}
        self.fabric.wait_carrying((port for link in links for port in (link.a, link.b)), more)

    def remove(self, link: Link) -> None:
        """Take a cable away for good."""
        laid = self._laid.pop(ends_of(link), None)
        self._due = [due for due in self._due if due.ends != ends_of(link)]
        heapq.heapify(self._due)
        if self.hidden.inner(link) is None:
            self.fabric.remove_cable(link)
            return
        if self.carrier is not None and laid is not None:
            self.carrier.remove(laid.key)
        self.fabric.remove_pairs(link)
        self.hidden.forget(link)

    # ---- looking

    def of(self, link: Link) -> Laid:
        """A cable's state.  Raises UsageError for options that no file could have either."""
        ends = ends_of(link)
        if ends not in self._laid:
            (does, wrong), (coming, late) = words.read_file(link.options), schedule.read(link.options)
            if wrong or late:
                raise [*wrong, *late][0]
            self._laid[ends] = Laid(link, does, coming=coming)
        return self._laid[ends]

    def is_up(self, link: Link) -> bool:
        """Whether it is plugged, and carries frames."""
        laid = self._laid.get(ends_of(link))
        return laid is None or (laid.up and not laid.is_broken)

    @property
    def process(self) -> int | None:
        """The process that carries frames, if one does."""
        return self.carrier.pid if isinstance(self.carrier, Userspace) and not self.carrier.is_gone else None

    @property
    def means(self) -> str:
        """What carries the frames of shaped cables: userspace, kernel or "" where there are none."""
        return "" if self.carrier is None else self.carrier.means

    def told_of(self, link: Link, counted: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A cable as faces see it: what it was told, what is in force, what it has counted; see `messages.Links`."""
        laid = self._laid.get(ends_of(link)) or Laid(link)
        found: dict[str, Any] = {"a": str(link.a), "b": str(link.b), "up": self.is_up(link)}
        found |= {"shaped": self.hidden.inner(link) is not None, "broken": laid.is_broken, "seed": laid.does.seed}
        if laid.relaid_ms:
            found["relaid_ms"] = laid.relaid_ms
        if self._began_s is not None and (coming := self._coming(laid)):
            found["coming"] = coming
        own = (counted or {}).get("cables", {}).get(laid.key)
        in_force = Cable.from_json(own["options"]) if own is not None else laid.does
        found["ways"] = [
            {
                "from": sender.device,
                "to": receiver.device,
                "asked": words.render(getattr(laid.does, way)),
                "in_force": words.render(getattr(in_force, way)),
                "counters": None if own is None else own[way],
            }
            for way, sender, receiver in ((words.FORWARD, link.a, link.b), (words.BACKWARD, link.b, link.a))
        ]
        return found

    def count(self, answer: Callable[[dict[str, Any]], None]) -> None:
        """``{"missed", "cables": {key: counters}}`` of all shaped cables; without them where nobody counts (any more).

        Missed is what came while the process could not keep up, on whatever cable.
        """
        if self.carrier is None:
            answer({})
        else:
            self.carrier.count(lambda said: answer(said if said["ok"] else {}))

    # ---- changing

    def set_plug(self, link: Link, *, up: bool) -> None:
        """Pull or plug a cable.  Raises RunError where its carrier is gone."""
        laid = self.of(link)
        if laid.is_broken:
            raise RunError(f"the cable {laid.key} is down: the process that carried its frames is gone",
                           todo="lan down, then up again")  # fmt: skip
        self._forget_flaps(ends_of(link))
        self._plug(laid, BY_HAND, up=up)

    def _plug(self, laid: Laid, by: str, *, up: bool) -> None:
        link = laid.link
        if self.hidden.inner(link) is None:
            self.fabric.set_cable(link, up=up)
        elif up:
            with self.fabric.plugging(link):
                self.hidden.set(link, up=True)
        else:
            self.hidden.set(link, up=False)
            if self.carrier is not None:
                self.carrier.cut(laid.key)
        laid.up = up
        self._note(laid, "plugged" if up else "pulled", by)

    def change(self, link: Link, cable: Cable, answer: Answer, *, by: str = BY_HAND) -> None:
        """Have a cable do something else from now on; a plain one is laid anew first.  Raises RunError."""
        laid = self.of(link)
        if laid.is_broken:
            raise RunError(f"the cable {laid.key} is down: the process that carried its frames is gone",
                           todo="lan down, then up again")  # fmt: skip
        if self.hidden.inner(link) is None:
            if cable.is_plain:
                laid.does = cable
                answer({"ok": True})
                return
            self._relay(laid, cable)
        laid.does = cable
        assert self.carrier is not None
        ways = {way: words.render(getattr(cable, way)) for way in words.BOTH}
        self._note(laid, "changed", by, **{way: _line(told) for way, told in ways.items()})
        self.carrier.set(laid.key, cable, answer)

    def _relay(self, laid: Laid, cable: Cable) -> None:
        link = laid.link
        carrier = self._have_carrier()
        carrier.settle()
        began_s = time.monotonic()
        replaced = link.other(kept_end(link, self.fabric))
        self.switches.release_port(replaced)
        self.hidden.relay(link)
        self.fabric.set_end(link, up=True)  # what a pulled plain cable has down; of two pairs it is the inner ends
        laid.does = cable
        self._carry(carrier, laid)
        self.switches.take_port(replaced)
        carrier.settle()
        if laid.up:
            with self.fabric.plugging(link):
                self.hidden.set(link, up=True)
        laid.relaid_ms.append(round((time.monotonic() - began_s) * 1000, 1))
        self._note(laid, "laid anew", BY_HAND, out_ms=laid.relaid_ms[-1])

    def ended(self, pid: int) -> bool:
        """A process has ended; True if it was the carrier: its cables are down from now on."""
        if not isinstance(self.carrier, Userspace) or self.carrier.pid != pid:
            return False
        self.carrier.is_gone = True
        for laid in self._laid.values():
            if self.hidden.inner(laid.link) is not None:
                self.hidden.set(laid.link, up=False)
                laid.is_broken = True
        return True

    # ---- the clock

    def start_clock(self) -> None:
        """The LAN is up: schedules begin."""
        self._began_s = time.monotonic()
        for ends, laid in self._laid.items():
            self._schedule(ends, laid, self._began_s)

    def _schedule(self, ends: Ends, laid: Laid, from_s: float) -> None:
        for event in laid.coming:
            self._expect(ends, event, from_s, THE_SCHEDULE)

    def flap(self, link: Link, period_s: float, times: int, then: Callable[[], None]) -> None:
        """Pull and plug a cable, `times` times, `period_s` in each state; `then` is called at the end."""
        ends = ends_of(link)
        self.of(link)
        self._forget_flaps(ends)
        events = schedule.flap(0.0, period_s, times)
        now_s = time.monotonic()
        for event in events[:-1]:
            self._expect(ends, event, now_s, BY_HAND)
        self._expect(ends, events[-1], now_s, BY_HAND, then)

    def deadline_s(self) -> float | None:
        """When `tick` has work, on the monotonic clock; None while nothing is to come."""
        return self._due[0].at_s if self._due else None

    def tick(self, now_s: float) -> None:
        """Carry out what is due; what can't be done is noted in the log."""
        while self._due and self._due[0].at_s <= now_s:
            due = heapq.heappop(self._due)
            laid = self._laid[due.ends]
            try:
                if not laid.is_broken:
                    self._happen(laid, due)
            except LanError as fault:  # nobody is there to be told; the rest of the schedule goes on
                self._note(laid, "failed", due.by, fault=fault.what)
            if due.then is not None:
                due.then()

    def _happen(self, laid: Laid, due: _Due) -> None:
        if due.event.cable is not None:
            self.change(laid.link, due.event.cable, _nobody, by=due.by)
        elif due.event.up is not None and due.event.up != laid.up:
            self._plug(laid, due.by, up=due.event.up)

    def _expect(self, ends: Ends, event: Event, from_s: float, by: str, then: Callable[[], None] | None = None) -> None:
        heapq.heappush(self._due, _Due(from_s + event.at_s, next(self._numbers), ends, event, by, then))

    def _forget_flaps(self, ends: Ends) -> None:
        """A hand at the cable ends a flap."""
        over = [due for due in self._due if due.ends == ends and due.by == BY_HAND]
        self._due = [due for due in self._due if due not in over]
        heapq.heapify(self._due)
        for due in over:
            if due.then is not None:
                due.then()

    def _coming(self, laid: Laid) -> list[dict[str, Any]]:
        mine = sorted(due for due in self._due if due.ends == ends_of(laid.link) and due.by == THE_SCHEDULE)
        return [_told(due.event) for due in mine]

    def _note(self, laid: Laid, what: str, by: str, **facts: object) -> None:
        ends = {"from": laid.link.a.device, "to": laid.link.b.device}
        reason = Reason("lan link" if by == BY_HAND else "the topology file", f"{what} {by}", **facts)
        decisions.append(self.carrying.decisions, "links", what, reason, cable=laid.key, **ends)

    # ---- the carrier

    def _have_carrier(self) -> Carrier:
        if self.carrier is None:
            self.carrier = self._start_carrier()
        return self.carrier

    def _start_carrier(self) -> Carrier:
        namespace, home = self.hidden.namespace, self.fabric.home
        kernel = self.wanted_means == "kernel"
        if kernel or (self.wanted_means is None and qdiscs.fault(namespace, home) is None):
            return qdiscs.Kernel(namespace, home)
        carrying = self.carrying
        return Userspace(namespace, carrying.folder, carrying.decisions, carrying.environment())

    def _carry(self, carrier: Carrier, laid: Laid) -> None:
        inner = self.hidden.inner(laid.link)
        assert inner is not None
        carrier.add(laid.key, inner, (laid.link.a.device, laid.link.b.device), laid.does)


def _told(event: Event) -> dict[str, Any]:
    """An event as faces see it: ``{"at_s", "up"}`` or ``{"at_s", "words": {"forward", "backward"}}``."""
    if event.cable is None:
        return {"at_s": event.at_s, "up": event.up}
    return {"at_s": event.at_s, "words": {way: words.render(getattr(event.cable, way)) for way in words.BOTH}}


def _line(told: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in told.items()) or "nothing"


def ends_of(link: Link) -> Ends:
    """A cable's identity."""
    return frozenset((link.a, link.b))


def _nobody(said: dict[str, Any]) -> None:
    """For answers that nobody waits for."""
