"""What a device's kernel told of its routes and addresses, as reasons ask for it.  Pure.

None everywhere where it told nothing, or something of it was lost: then packets must tell.
"""

from lan.trace.kernel.neighbours import LATE_NS
from lan.trace.kernel.routes import Choice
from lan.trace.why.saying import Case
from lan.wire.ipv4 import Ipv4
from lan.wire.ipv6 import Ipv6

HEARD_NS = 50_000_000
"""So much later than it happened a change of routes may have been heard."""
REFUSING = {"unreachable": "route.unreachable", "prohibit": "route.forbidden"}
"""Kinds of routes that refuse packets, and as what the sender is told."""


def kind_of(case: Case, ip: str) -> str | None:
    """The kind of route ("local", "broadcast", "unicast" …) that an address has on this device; "" for none."""
    choice = case.kernel.routes.choose(case.device, ip, case.frame.time_ns)
    return None if choice is None else choice.route.kind if choice.route else ""


def is_for_own_port(case: Case, mac: str) -> bool | None:
    """Whether a hardware address is of one of this device's interfaces."""
    own = case.kernel.routes.macs(case.device, case.frame.time_ns)
    return mac in own if own else None


def is_own(case: Case, ip: str) -> bool | None:
    """Whether it is an address of this device."""
    kind = kind_of(case, ip)
    return None if kind is None else kind == "local"


def speaks_as(case: Case, ip: str) -> bool:
    """Whether the address that it answers for is known to be its own; that it came to be may have been heard late."""
    at_ns = case.frame.time_ns
    choices = (case.kernel.routes.choose(case.device, ip, one_ns) for one_ns in (at_ns, at_ns + LATE_NS))
    return any(choice is not None and choice.route is not None and choice.route.kind == "local" for choice in choices)


def towards(case: Case, ip: str) -> tuple[Choice, str] | None:
    """The route by which the packet that was sent went to `ip`, and its next hop: the one whose neighbour got it."""
    frame = case.sent or case.frame
    ethernet = frame.packet.ethernet
    for at_ns in (frame.time_ns, frame.time_ns + HEARD_NS):
        choice = case.kernel.routes.choose(case.device, ip, at_ns)
        if choice is None or choice.route is None or ethernet is None:
            continue
        hop = choice.route.gateway or ip
        if case.kernel.neighbours.used(case.device, hop, ethernet.dst, frame.time_ns) is not None:
            return choice, hop
    return None


def is_refusal_known(case: Case, code: str, header: Ipv4 | Ipv6) -> bool:
    """Whether the device's own routes or neighbours say why it did not send a packet on."""
    answer = case.stop.answer
    choice = case.kernel.routes.choose(case.device, header.dst, case.frame.time_ns)
    if choice is None or answer is None:
        return False
    if choice.route is None or choice.route.kind in REFUSING:
        return code == ("route.none" if choice.route is None else REFUSING[choice.route.kind])
    hop = choice.route.gateway or header.dst
    return code == "route.unreachable" and case.kernel.neighbours.has_failed(case.device, hop, answer.time_ns)
