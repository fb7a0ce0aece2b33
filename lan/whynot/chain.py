"""The chain of each question, walked to its first broken piece.  Pure: facts in, a diagnosis out."""

from collections.abc import Callable, Iterator

from lan.reasons import Sentence
from lan.whynot import application, leasing, names
from lan.whynot.case import Case, numbers, told
from lan.whynot.crossing import lossy, own_link
from lan.whynot.facts import Device, Facts
from lan.whynot.finding import Diagnosis, Step
from lan.whynot.listening import listens
from lan.whynot.nftables import Packet
from lan.whynot.reach import reach


def diagnose(facts: Facts) -> Diagnosis:
    """Walk the chain; the last step is broken, or all are in order."""
    steps: list[Step] = []
    for step in CHAINS[facts.question.kind](Case(facts)):
        if step not in steps:
            steps.append(step)
        if step.code:
            break
    return Diagnosis(facts.question, tuple(steps))


def _host(case: Case) -> Iterator[Step]:
    """What every question but a lease begins with: the client's cable and its address."""
    client = case.client
    interface = leasing.first_interface(client)
    if interface is None:
        look = f"lan show interfaces {client.name}"
        said = Sentence("{device} has no interface", device=client.name)
        yield Step("interface", client.name, said, "interface.none", look=look)
        return
    if len(case.cables_at(client.name)) == 1:
        yield from own_link(case, client, interface)
        said = Sentence(
            "{device}'s cable is plugged, and {interface} is up", device=client.name, interface=interface.name
        )
        yield Step("cable", client.name, said)
    if not client.addresses:
        if client.dhcp:
            yield from leasing.leases(case)
        said = Sentence("{device} has no address", device=client.name)
        row = tuple(
            Sentence("{interface}: no address", interface=it.name) for it in client.interfaces if it.name != "lo"
        )
        remedy = f"lan set {client.name} ip={client.static_address or 'ADDRESS/PREFIX'}"
        if client.static_address:
            remedy = f"lan exec {client.name} -- ip address add {client.static_address} dev {interface.name}"
        look = f"lan show interfaces {client.name}"
        yield Step("address", client.name, said, "address.none", row, look=look, remedy=remedy)
    said = Sentence("{device} has {addresses}", device=client.name, addresses=" ".join(client.addresses))
    yield Step("address", client.name, said)


def _dns(case: Case) -> Iterator[Step]:
    yield from _host(case)
    yield from names.resolves(case)


def _target(case: Case) -> str:
    return case.attempt.addresses[0] if case.attempt.addresses else case.question.host


def _ping(case: Case) -> Iterator[Step]:
    yield from _host(case)
    if (asked := case.device(case.question.host)) is not None and not asked.addresses and not asked.static_address:
        look = f"lan show interfaces {asked.name}"
        remedy = f"lan whynot lease {asked.name}" if asked.dhcp else f"lan set {asked.name} ip=ADDRESS/PREFIX"
        said = Sentence("{device} has no address", device=asked.name)
        yield Step("address", asked.name, said, "address.none", look=look, remedy=remedy)
    yield from names.resolves(case)
    address, attempt = _target(case), case.attempt
    packet = Packet("icmp", _source(case, address), address)
    if attempt.answered == attempt.sent > 0 and len(case.owners(address)) < 2:
        yield _answered(case, packet)
        return
    yield from reach(case, case.client, packet)
    if 0 < attempt.answered < attempt.sent:
        said = Sentence(
            "{lost} of {sent} pings were lost on the way to {ip} and back",
            lost=attempt.sent - attempt.answered, sent=attempt.sent, ip=address,
        )  # fmt: skip
        yield Step("link", case.client.name, said, "ping.lossy", told(case.frames(packet)), look="lan link A B")
    yield _unexplained(case, packet)


def _answered(case: Case, packet: Packet) -> Step:
    frames = case.frames(packet.back(), receiver=case.client.name)
    owner = next(iter(case.owners(packet.dst)), None)
    who = owner.name if owner else packet.dst
    said = Sentence(
        "{who} answered {answered} of {sent} pings",
        who=who, answered=case.attempt.answered, sent=case.attempt.sent,
    )  # fmt: skip
    return Step("way", case.client.name, said, frames=numbers(frames))


def _http(case: Case) -> Iterator[Step]:
    yield from _host(case)
    yield from names.resolves(case)
    question, attempt, address = case.question, case.attempt, _target(case)
    sport = next((s.sport for s in case.facts.seen if s.dst == address and s.dport == question.port), 0)
    packet = Packet("tcp", _source(case, address), address, sport, question.port)
    server = next(iter(case.owners(address)), Device(address))
    if attempt.connect_fault:
        yield from reach(case, case.client, packet)
        yield from listens(case, server, packet, "http")
        yield _unexplained(case, packet)
    shaken = [seen for seen in case.frames(packet) if "SYN" in seen.what]
    said = Sentence(
        "{device} took the connection to {ip}, port {port}", device=server.name, ip=address, port=question.port
    )
    yield Step("connection", server.name, said, frames=numbers(shaken))
    if attempt.tls_fault == "timed out" or attempt.http_fault in ("silence", "reset"):
        yield from _on_the_way(case, packet, server)
    if question.kind == "https":
        yield from application.secures(case, server, packet)
    yield from application.responds(case, server, packet)


def _on_the_way(case: Case, packet: Packet, server: Device) -> Iterator[Step]:
    """A connection that stood and then fell silent: two owners of the address, or a cable that loses much."""
    way = (
        case.path(case.client.name, case.client.routes[packet.dst].interface, server.name)
        if packet.dst in case.client.routes
        else []
    )
    for sender, cable in way:
        both = [(sender, cable), (cable.other(sender).device, cable)]
        yield from lossy(case, both)


def _source(case: Case, address: str) -> str:
    route = case.client.routes.get(address)
    return (route.source if route else "") or next(iter(case.client.addresses), "")


def _unexplained(case: Case, packet: Packet) -> Step:
    """All that was asked is in order, and yet it does not work: how far the packet got."""
    went, came = case.frames(packet), case.frames(packet.back())
    last = (came or went)[-1:]
    where = last[0].receiver if last else case.client.name
    said = (
        Sentence("{packet}: every piece looks right, yet the answer was last seen on its way to {where}",
                 packet=packet.words(), where=where)
        if came
        else Sentence("{packet}: every piece looks right, yet the packet was last seen on its way to {where}",
                      packet=packet.words(), where=where)
    )  # fmt: skip
    if case.facts.lost_frames:
        said = Sentence("{said} ({count} frames were lost by the capture)", said=said, count=case.facts.lost_frames)
    return Step("unknown", where, said, "unknown", told([*went[-1:], *came[-1:]]), numbers([*went, *came]), "lan trace")


CHAINS: dict[str, Callable[[Case], Iterator[Step]]] = {
    "ping": _ping,
    "http": _http,
    "https": _http,
    "lease": leasing.leases,
    "dns": _dns,
}
"""Question → its chain."""
