"""UDP and TCP: layer 4.  RFC 768, RFC 1122 §4, RFC 9293.  Pure: states are those that a watcher can prove.

Where the device's kernel, asked soon after, had its socket in the same state, a state is read and not derived.
"""

from bisect import bisect_left
from collections.abc import Iterator

from lan.trace.frame import Frame
from lan.trace.journey import StopKind
from lan.trace.journey_likeness import ip_packet
from lan.trace.trackers.flow import flow_of
from lan.trace.trackers.tcp import Connection
from lan.trace.why import filters, listening
from lan.trace.why.packets import refusal
from lan.trace.why.saying import Case, Explained
from lan.wire.tcp import TcpFlags

SYN, ACK, RST = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.RST


def sending(case: Case) -> Iterator[Explained]:
    """Why a host sends a segment or datagram."""
    frame = case.sent or case.frame
    packet = frame.packet
    if packet.udp is not None:
        yield case.say("udp.sends", "out", count=len(packet.payload), port=packet.udp.src_port)
    if packet.tcp is None:
        return
    if packet.tcp.flags & RST:
        yield from _resetting(case, frame)
        return
    yield from _states(case, frame, "out")


def _resetting(case: Case, frame: Frame) -> Iterator[Explained]:
    cause = case.journey.cause
    stop = next((one for one in cause.stops if one.answer is frame), None) if cause else None
    assert frame.packet.tcp is not None
    if stop is None or stop.received is None:
        yield case.say("tcp.reset", "out")
        return
    by_rule = list(filters.answering(case, stop.received))
    if by_rule:
        yield from by_rule
        return
    yield listening.refuses(case, stop.received, frame.packet.tcp.src_port)


def arriving(case: Case) -> Iterator[Explained]:
    """What becomes of a segment or datagram that a host got."""
    packet = case.frame.packet
    network = packet.ipv4 or packet.ipv6
    if packet.udp is not None:
        found = ip_packet(case.frame)
        if packet.udp.checksum_ok is False:
            yield case.say("udp.checksum", "in")
        elif found is not None and refusal(case, found) == "udp.refused":
            yield listening.udp_refused(case, packet.udp.dst_port)
        else:
            yield case.say("udp.takes", "in", port=packet.udp.dst_port)
    if packet.tcp is None or network is None:
        return
    port = packet.tcp.dst_port
    if packet.tcp.checksum_ok is False:
        yield case.say("tcp.checksum", "in")
    elif case.stop.answer is not None:
        yield listening.refused(case, case.stop.answer.number, port)
    elif case.stop.kind is StopKind.DROP and packet.tcp.flags & (SYN | ACK) == SYN:
        yield listening.silent(case, network.dst, port)
    elif packet.tcp.flags & RST:
        yield case.say("tcp.was-reset", "in")
    else:
        yield from _states(case, case.frame, "in")


def _states(case: Case, frame: Frame, way: str) -> Iterator[Explained]:
    """What the frame does to this device's side of the connection, and what is remarkable about it."""
    packet, connection = frame.packet, case.timeline.connection_of(frame)
    if packet.tcp is None or connection is None or (at := place(case, connection, frame)) is None:
        return
    first = connection.frames[at]
    side = connection.sender(first) if way == "out" else connection.other(connection.sender(first))
    is_client = side is connection.client
    after = connection.states[at][0 if is_client else 1]
    before: str | None = connection.states[at - 1][0 if is_client else 1] if at else None
    if before is None and packet.tcp.flags & SYN:
        before = "CLOSED" if is_client else "LISTEN"
    data, is_changed = len(packet.payload), before is not None and before != after
    if is_changed:
        is_read = listening.is_confirmed(case, connection, side, at)
        yield case.say("tcp.state", way, is_read=is_read, before=before, after=after)
    if data:
        code = "tcp.sends" if way == "out" else "tcp.takes"
        yield case.say(code, way, count=data, port=packet.tcp.dst_port, state=after)
    elif way == "in" and packet.tcp.flags & (SYN | ACK) == SYN:
        yield listening.opens(case, side.ip, packet.tcp.dst_port)
    elif not is_changed and packet.tcp.flags & ACK:
        yield case.say("tcp.acks" if way == "out" else "tcp.acked", way, ack=packet.tcp.ack, state=after)
    for event in connection.events_of(first):
        of = f" ({event.of.number})" if event.of else ""
        yield case.say("tcp.event", way, what=f"{case.language.say(event.kind.value)}{of}")


def place(case: Case, connection: Connection, frame: Frame) -> int | None:
    """Where the connection has this segment: under the number of its first sighting with these addresses."""
    flow = flow_of(frame.packet)
    for seen in case.journey.frames:
        at = bisect_left(connection.frames, seen.number, key=lambda one: one.number)
        is_there = at < len(connection.frames) and connection.frames[at] is seen
        if is_there and flow_of(seen.packet) == flow:
            return at
    return None
