"""IP, NAT and ICMP: layer 3.  RFC 791, RFC 1122 §3, RFC 1812, RFC 3022.  Pure.

What the device's kernel told of its routes, addresses and rules is read; else packets tell.
"""

from collections.abc import Iterator
from itertools import islice

from lan.trace.frame import Frame
from lan.trace.journey import StopKind
from lan.trace.journey_likeness import IpPacket, ip_packet
from lan.trace.why import filters, neighbours, routing
from lan.trace.why.saying import Case, Explained
from lan.wire import icmp, icmp6, nd
from lan.wire.icmp import Icmp
from lan.wire.icmp6 import Icmp6
from lan.wire.ipv4 import TCP, UDP, Ipv4
from lan.wire.quote import carried

UNREACHABLE: dict[int, str] = {
    0: "route.none",
    1: "route.unreachable",
    2: "route.unreachable",
    4: "route.large",
    6: "route.none",
    7: "route.unreachable",
    9: "route.forbidden",
    10: "route.forbidden",
    13: "route.forbidden",
}
"""ICMP's codes of "destination unreachable"; 3 is a port's.  RFC 792, RFC 1812 §5.2.7.1."""
PORT_UNREACHABLE = 3
UNREACHABLE_6: dict[int, str] = {0: "route.none", 1: "route.forbidden", 3: "route.unreachable", 5: "route.forbidden"}
"""ICMPv6's; 4 is a port's.  RFC 4443 §3.1."""
PORT_UNREACHABLE_6 = 4
MOST_LOOKED_AT = 64
"""Segments of a connection, for one that somebody answered in another's place."""
NEIGHBOURS = {nd.SOLICITATION: "nd.miss", nd.ADVERTISEMENT: "nd.answer", nd.ROUTER_SOLICITATION: "nd.routers"}


def sending(case: Case) -> Iterator[Explained]:
    """The route of a packet that the host makes, or a proxy's."""
    if (packet := ip_packet(case.sent or case.frame)) is None:
        return
    ip, ethernet = packet.header.dst, (case.sent or case.frame).packet.ethernet
    if ethernet is None:
        return
    if ethernet.is_broadcast():
        yield case.say("route.all", "out", ip=ip)
        return
    if ethernet.is_multicast():
        yield case.say("route.group", "out", ip=ip, mac=ethernet.dst)
        return
    if (known := routing.towards(case, ip)) is not None:
        choice, hop = known
        code = "route.gateway" if choice.route and choice.route.gateway else "route.link"
        yield case.say_kernel(code, "out", ip=ip, gateway=hop, route=choice.words())
    else:
        hop, is_gateway = neighbours.hop_of(case, ip)
        yield case.say("route.gateway" if is_gateway else "route.link", "out", ip=ip, gateway=hop)
    yield from neighbours.next_hop(case, hop)


def passing(case: Case) -> Iterator[Explained]:
    """What a router made of the packet."""
    got, sent = ip_packet(case.frame), case.sent
    gone = ip_packet(sent) if sent else None
    if got is None or gone is None or sent is None:
        return
    port = sent.sender.partition(":")[2] or sent.sender
    if case.stop.kind is StopKind.NAT:
        for code, old, new in (
            ("nat.destination", _end(got, is_source=False), _end(gone, is_source=False)),
            ("nat.source", _end(got, is_source=True), _end(gone, is_source=True)),
        ):
            if old != new:
                yield case.say(code, "out", is_read=filters.rewriting(case), old=old, new=new)
    ip = gone.header.dst
    known = routing.towards(case, ip)
    if known is not None:
        yield case.say_kernel("route.on", "out", ip=ip, port=port, ttl=gone.ttl, route=known[0].words())
    else:
        yield case.say("route.on", "out", ip=ip, port=port, ttl=gone.ttl)
    pieces = [one for one in case.stop.sent if (piece := ip_packet(one)) and piece.header.is_fragment()]
    if pieces and not got.header.is_fragment():
        yield case.say("route.cut", "out", port=port, count=len(pieces))
    hop = known[1] if known is not None else neighbours.hop_of(case, ip)[0]
    yield from neighbours.next_hop(case, hop)


def arriving(case: Case) -> Iterator[Explained]:
    """Whether the host takes the packet."""
    if (packet := ip_packet(case.frame)) is None:
        return
    header, ethernet = packet.header, case.frame.packet.ethernet
    if isinstance(header, Ipv4) and header.checksum_ok is False:
        yield case.say("ip.checksum", "in")
    elif case.stop.answer is not None and (code := refusal(case, packet)) is not None:
        if code.startswith("route."):
            yield case.say(code, "in", is_read=routing.is_refusal_known(case, code, header), ip=header.dst)
        else:
            yield _mine(case, header.dst)
    elif ethernet is not None and ethernet.is_broadcast():
        yield case.say("ip.all", "in", is_read=routing.kind_of(case, header.dst) == "broadcast", ip=header.dst)
    elif ethernet is not None and ethernet.is_multicast():
        yield case.say("ip.group", "in", ip=header.dst)
    elif case.timeline.device_of(header.dst) not in (None, case.device) and case.stop.kind is StopKind.DROP:
        yield case.say("route.kept", "in", ip=header.dst)
    elif case.timeline.device_of(header.dst) not in (None, case.device):
        yield case.say("ip.other", "in", ip=header.dst, owner=case.timeline.device_of(header.dst))
    elif routing.is_own(case, header.dst) is False and case.frame.packet.dhcp is None and not case.stop.sent:
        if _answers_for(case, header.dst):
            yield case.say("ip.other", "in", ip=header.dst, owner=case.language.say("nobody known"))
        else:
            yield case.say("route.kept", "in", is_read=True, ip=header.dst)
    else:
        yield _mine(case, header.dst)


def _answers_for(case: Case, ip: str) -> bool:
    """Whether this device speaks on the connection as `ip`, which is not its own: as an intercepting proxy does."""
    connection = case.timeline.connection_of(case.frame)
    for one in islice(connection.frames if connection is not None else (), MOST_LOOKED_AT):
        header = one.packet.ipv4 or one.packet.ipv6
        if header is not None and header.src == ip and one.from_device == case.device:
            return True
    return False


def _mine(case: Case, ip: str) -> Explained:
    return case.say("ip.mine", "in", is_read=routing.is_own(case, ip) is True, ip=ip)


def is_taken(case: Case) -> bool:
    """Whether the packet went up to the next layer."""
    return all(not one.code.startswith("route.") and one.code != "ip.checksum" for one in arriving(case))


def refusal(case: Case, packet: IpPacket) -> str | None:
    """The reason that the answer to this packet tells: of a route, ``udp.refused``, or None for another's (a RST)."""
    answer = case.stop.answer.packet if case.stop.answer else None
    if answer is None or (message := answer.icmp or answer.icmp6) is None:
        return None
    if answer.icmp6 is not None:
        kinds = {icmp6.TIME_EXCEEDED: "route.ttl", icmp6.TOO_BIG: "route.large"}
        code = kinds.get(message.type) or UNREACHABLE_6.get(message.code)
        is_port = message.type == icmp6.UNREACHABLE and message.code == PORT_UNREACHABLE_6
    else:
        code = "route.ttl" if message.type == icmp.TIME_EXCEEDED else UNREACHABLE.get(message.code)
        is_port = message.type == icmp.UNREACHABLE and message.code == PORT_UNREACHABLE
    if is_port:
        return "route.forbidden" if carried(packet.header) == TCP else "udp.refused"
    return code or "route.unreachable"


def messages_out(case: Case) -> Iterator[Explained]:
    """Why a host sends an ICMP message."""
    frame = case.sent or case.frame
    if (found := _message(frame)) is None:
        return
    message, src, dst = found
    if frame.packet.icmp6 is not None and message.type in NEIGHBOURS:
        code = NEIGHBOURS[message.type]
        target = frame.packet.icmp6.target
        if code == "nd.miss" and src == "::":
            yield case.say("nd.probe", "out", ip=target)
        elif code == "nd.miss":
            is_read = case.kernel.neighbours.asks(case.device, str(target), frame.time_ns)
            yield case.say(code, "out", is_read=is_read, ip=target)
        else:
            is_read = code == "nd.answer" and routing.speaks_as(case, str(target))
            yield case.say(code, "out", is_read=is_read, ip=target)
        return
    cause = case.journey.cause
    if message.type in (icmp.ECHO, icmp6.ECHO):
        yield case.say("icmp.asks", "out", ip=dst)
    elif message.type in (icmp.ECHO_REPLY, icmp6.ECHO_REPLY):
        asked = case.history.echo(dst, src, message.identifier or 0, message.sequence or 0, frame)
        if asked is not None:
            yield case.say("icmp.answers", "out", frame=asked)
    elif message.type == icmp.REDIRECT and frame.packet.icmp is not None:
        about = frame.packet.icmp.quoted
        fields = (field for layer in frame.packet.layers for field in layer.fields)
        gateway = next((field.text for field in fields if field.name == "gateway"), "?")
        yield case.say("route.redirect", "out", ip=about.dst if about else "?", gateway=gateway)
    elif cause is not None:
        stop = next((one for one in cause.stops if one.answer is frame), None)
        if stop is not None and stop.received is not None:
            yield from filters.answering(case, stop.received)
        number = stop.received.number if stop and stop.received else cause.frames[-1].number
        yield case.say("icmp.tells", "out", frame=number, what=message.summary())


def messages_in(case: Case) -> Iterator[Explained]:
    """What a host makes of an ICMP message."""
    if (found := _message(case.frame)) is None:
        return
    message, src, dst = found
    if message.checksum_ok is False:
        yield case.say("icmp.checksum", "in")
    elif case.frame.packet.icmp6 is not None and message.type == nd.ADVERTISEMENT:
        target, ethernet = str(case.frame.packet.icmp6.target), case.frame.packet.ethernet
        mac = ethernet.src if ethernet is not None else ""
        is_read = case.kernel.neighbours.came(case.device, target, mac, case.frame.time_ns) is True
        yield case.say("nd.learned", "in", is_read=is_read, ip=target)
    elif message.type in (icmp.ECHO_REPLY, icmp6.ECHO_REPLY):
        asked = case.history.echo(dst, src, message.identifier or 0, message.sequence or 0, case.frame)
        if asked is not None:
            yield case.say("icmp.answered", "in", frame=asked)
    elif case.journey.cause is not None:
        yield case.say("icmp.told", "in", what=message.summary())


def _message(frame: Frame) -> tuple[Icmp | Icmp6, str, str] | None:
    packet = frame.packet
    network, message = packet.ipv4 or packet.ipv6, packet.icmp or packet.icmp6
    return None if network is None or message is None else (message, network.src, network.dst)


def _end(packet: IpPacket, *, is_source: bool) -> str:
    """``192.0.2.1:1024``; of a packet without ports the address alone."""
    header = packet.header
    ip = header.src if is_source else header.dst
    if carried(header) not in (TCP, UDP) or packet.fragment_offset or len(packet.content) < 4:
        return ip
    port = int.from_bytes(packet.content[:2] if is_source else packet.content[2:4], "big")
    return f"{ip}:{port}"
