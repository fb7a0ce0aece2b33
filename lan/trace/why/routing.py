"""What a device's kernel told of its routes and addresses, as reasons ask for it.  Pure.

None everywhere where it told nothing, or something of it was lost: then packets must tell.  A kernel is heard a
little after something changed, and on a busy machine more than a little.
"""

from collections.abc import Iterator

from lan.trace.kernel.neighbours import LATE_NS
from lan.trace.kernel.routes import Choice
from lan.trace.why.saying import Case
from lan.wire.ipv4 import Ipv4
from lan.wire.ipv6 import Ipv6

REFUSING = {"unreachable": "route.unreachable", "prohibit": "route.forbidden"}
"""Kinds of routes that refuse packets, and as what the sender is told."""


def kind_of(case: Case, ip: str) -> str | None:
    """The kind of route ("local", "broadcast", "unicast" …) that an address has on this device; "" for none.

    Where it was heard to change soon after, it may have changed before the frame: then nobody knows.
    """
    now, soon = (None if choice is None else _kind(choice) for choice in _choices(case, ip, case.frame.time_ns))
    return now if now == soon else None


def is_for_own_port(case: Case, mac: str) -> bool | None:
    """Whether a hardware address is of one of this device's interfaces; one that came to be was perhaps heard late."""
    own, soon = (case.kernel.routes.macs(case.device, case.frame.time_ns, late_ns=late_ns) for late_ns in (0, LATE_NS))
    if not own or not soon:
        return None
    return mac in own if (mac in own) == (mac in soon) else None


def is_own(case: Case, ip: str) -> bool | None:
    """Whether it is an address of this device."""
    kind = kind_of(case, ip)
    return None if kind is None else kind == "local"


def speaks_as(case: Case, ip: str) -> bool:
    """Whether the address that it answers for is known to be its own; that it came to be may have been heard late."""
    return any(choice and _kind(choice) == "local" for choice in _choices(case, ip, case.frame.time_ns))


def towards(case: Case, ip: str) -> tuple[Choice, str] | None:
    """The route by which the packet that was sent went to `ip`, and its next hop: the one whose neighbour got it."""
    frame = case.sent or case.frame
    ethernet = frame.packet.ethernet
    for choice in _choices(case, ip, frame.time_ns):
        if choice is None or choice.route is None or ethernet is None:
            continue
        hop = choice.route.gateway or ip
        if case.kernel.neighbours.used(case.device, hop, ethernet.dst, frame.time_ns) is not None:
            return choice, hop
    return None


def is_refusal_known(case: Case, code: str, header: Ipv4 | Ipv6) -> bool:
    """Whether the device's own routes or neighbours say why it did not send a packet on."""
    return any(_refuses(case, code, header.dst, choice) for choice in _choices(case, header.dst, case.frame.time_ns))


def _refuses(case: Case, code: str, ip: str, choice: Choice | None) -> bool:
    answer = case.stop.answer
    if choice is None or answer is None:
        return False
    if choice.route is None or choice.route.kind in REFUSING:
        return code == ("route.none" if choice.route is None else REFUSING[choice.route.kind])
    hop = choice.route.gateway or ip
    return code == "route.unreachable" and case.kernel.neighbours.has_failed(case.device, hop, answer.time_ns)


def _choices(case: Case, ip: str, at_ns: int) -> Iterator[Choice | None]:
    """The route by what had been heard then; and by what was heard soon after, and may have been so then."""
    routes = case.kernel.routes
    yield (now := routes.choose(case.device, ip, at_ns))
    is_steady = routes.is_steady(case.device, at_ns, LATE_NS)
    yield now if is_steady else routes.choose(case.device, ip, at_ns, late_ns=LATE_NS)


def _kind(choice: Choice) -> str:
    return choice.route.kind if choice.route else ""
