"""Why each device did what it did with a frame, at each layer: from its own log where there is one, else from packets.

    explainer = Explainer(timeline, decisions)
    for one in explainer.explain(stop, journey):      # by layer, what came in first
        print(one.layer, one.way, one.code, one.reason, one.is_derived)

`codes.py` has all codes; docs/trace-reasons.md is their table.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

from lan.language.catalogue import Language, language_of
from lan.trace.journey import Journey, Stop, StopKind
from lan.trace.timeline import Timeline
from lan.trace.why import filters, neighbours, packets, services, switches, transport
from lan.trace.why.decisions import Decisions
from lan.trace.why.history import History
from lan.trace.why.saying import Case, Explained

__all__ = ["Decisions", "Explained", "Explainer", "explain"]


class Explainer:
    """Explains the stops of one timeline; it remembers what it has read of it."""

    def __init__(
        self, timeline: Timeline, decisions: Decisions | None = None, language: Language | None = None
    ) -> None:
        """`decisions` may grow; by default there are none, and `language` is what the environment asks for."""
        self.timeline = timeline
        self.decisions = decisions if decisions is not None else Decisions()
        self.language = language if language is not None else language_of(os.environ)
        self._history = History(timeline)

    def explain(self, stop: Stop, journey: Journey) -> list[Explained]:
        """The reasons of one device: of what came in from the lowest layer up, then of what went out, down.

        Cables alone do not show that the last one lost the frame, that a rule of the device took it, or that no port
        of it has this hardware address: where its log or its kernel says so, the stop becomes a drop.
        """
        case = Case(stop, journey, self.timeline, self.decisions, self._history, self.language)
        if not stop.sent and not switches.is_switch(case) and any(each(case) for each in NOT_TAKEN):
            stop.kind = StopKind.DROP
        found = list(_explain(case))
        inside = sorted((one for one in found if one.way == "in"), key=lambda one: one.layer)
        outside = sorted((one for one in found if one.way == "out"), key=lambda one: -one.layer)
        return inside + outside


NOT_TAKEN = (switches.is_lost, filters.is_stopped, neighbours.is_for_another)


def explain(stop: Stop, journey: Journey, timeline: Timeline, decisions: Decisions | None = None) -> list[Explained]:
    """One stop's reasons; whoever asks for many keeps an `Explainer`, which reads the timeline once."""
    return Explainer(timeline, decisions).explain(stop, journey)


def _explain(case: Case) -> Iterator[Explained]:
    yield from switches.cable(case)
    if switches.is_lost(case):
        return
    is_other = switches.is_damaged_after(case)  # what came in was not what is seen here
    for one in _at_device(case):
        yield replace(one, is_derived=True) if is_other and one.way == "in" else one


def _at_device(case: Case) -> Iterator[Explained]:
    if switches.is_switch(case):
        yield from switches.switch(case)
    elif case.is_origin:
        yield from _sending(case)
    else:
        yield from _arriving(case)


def _arriving(case: Case) -> Iterator[Explained]:
    """A host: card, ARP or IP, and what lies above if it is taken."""
    yield from neighbours.card(case)
    if neighbours.is_for_another(case):
        return
    yield from filters.told(case)
    if not case.stop.sent and filters.is_stopped(case):
        return
    if (arp := case.frame.packet.arp) is not None:
        yield from neighbours.hearing(case, arp)
        return
    if case.stop.kind in (StopKind.ROUTER, StopKind.NAT):
        yield from packets.passing(case)
        return
    yield from packets.arriving(case)
    if not packets.is_taken(case):
        return
    yield from packets.messages_in(case)
    yield from transport.arriving(case)
    if case.stop.kind is not StopKind.DROP:
        yield from services.arriving(case)
    if case.stop.kind is StopKind.PROXY:
        yield from packets.sending(case)
        yield from transport.sending(case)


def _sending(case: Case) -> Iterator[Explained]:
    """A host that made the frame."""
    yield from filters.told(case)
    if (arp := case.frame.packet.arp) is not None:
        yield from neighbours.asking(case, arp)
        return
    yield from services.sending(case)
    yield from transport.sending(case)
    yield from packets.messages_out(case)
    yield from packets.sending(case)
