"""Cables and switches: layers 1 and 2 of what hands frames on.  IEEE 802.1D §7.  Pure.

What a switch asked its controller about stands in its log.  What passed by its flows alone does not: then the rows
that the log put into the table, and took out of it, tell why.  Of a kernel's bridge the kernel tells its rows.
"""

from collections.abc import Iterator
from zlib import crc32

from lan.trace.frame import Direction, Frame
from lan.trace.journey import StopKind
from lan.trace.why import bridges
from lan.trace.why.decisions import Decision
from lan.trace.why.saying import Case, Explained

RESERVED_PREFIX = "01:80:c2:00:00:0"
FLIGHT_NS = 60_000_000_000
"""The longest that a cable may delay a frame before it decides, and more."""
ROUNDED_NS = 1_000
"""A log's seconds since 1970 are this exact: a number with 53 bits."""
PUT_IN, TAKEN_OUT = ("learned", "moved"), ("aged", "forgotten")
CABLE = {
    "lost": "link.lost",
    "dropped": "link.dropped",
    "duplicated": "link.duplicated",
    "corrupted": "link.corrupted",
    "reordered": "link.reordered",
}
GONE = ("link.lost", "link.dropped", "link.missing", "link.down")
"""After these the frame did not come to the device."""
NOT_TOLD = "the kernel's bridge does not tell why"
FROM_GROUP = "a group address can't be a source"


def cable(case: Case) -> Iterator[Explained]:
    """What the cable did to the frame on its way to this device."""
    if (frame := case.stop.received) is None:
        return
    tie = (frame.from_device, frame.to_device, crc32(frame.data))
    done = case.decisions.after("", "links", tie, frame.time_ns - ROUNDED_NS, frame.time_ns + FLIGHT_NS, CABLE)
    if done is None:
        done = _damaged(case, frame)
    if done is not None:
        yield case.say(CABLE[done.what], "in", by=done, bit=done.keys.get("bit", "?"))
    elif not case.stop.sent and frame.direction is Direction.OUT and (pulled := _pulled(case, frame.from_device)):
        yield case.say("link.down", "in", by=pulled, a=frame.from_device, b=frame.to_device)
    elif _is_missing(case, frame):
        yield case.say("link.missing", "in", a=frame.from_device, b=frame.to_device)


def _is_missing(case: Case, frame: Frame) -> bool:
    """Whether the cable's other end was looked at too, and a frame that is known in whole was not seen to come there.

    One that came is known by the sighting there; what was done with it is another matter.
    """
    is_whole = frame.length == len(frame.data)
    is_sent = frame.direction is Direction.OUT and not case.stop.sent
    return is_whole and is_sent and case.history.is_tapped(frame.peer, frame)


def _damaged(case: Case, frame: Frame) -> Decision | None:
    """What turned a bit of a frame that is seen behind its cable: turned back, it is the one that was sent."""
    for one in case.decisions.of("", "links", (frame.from_device, frame.to_device, "bit")):
        bit = one.keys["bit"]
        if 0 <= frame.time_ns - one.time_ns <= FLIGHT_NS and isinstance(bit, int) and bit // 8 < len(frame.data):
            sent = bytearray(frame.data)
            sent[bit // 8] ^= 1 << bit % 8
            if crc32(sent) == one.keys["crc"]:
                return one
    return None


def is_damaged_after(case: Case) -> bool:
    """Whether the cable damaged the frame after it was seen, so that the device got other bytes."""
    frame = case.stop.received
    return (
        frame is not None
        and frame.direction is Direction.OUT
        and any(one.code == "link.corrupted" for one in cable(case))
    )


def is_lost(case: Case) -> bool:
    """Whether the device never got the frame."""
    return any(one.code in GONE for one in cable(case))


def switch(case: Case) -> Iterator[Explained]:
    """Learning, then forwarding; one that makes a frame just says so."""
    ethernet = case.frame.packet.ethernet
    if ethernet is None:
        return
    if case.is_origin:
        yield case.say("switch.own", "out")
        return
    if ethernet.dst.startswith(RESERVED_PREFIX):
        yield case.say("switch.reserved", "in", mac=ethernet.dst)
        return
    yield from _learning(case, ethernet.src)
    if case.stop.kind is StopKind.DROP:
        yield from _dropping(case, ethernet.src, ethernet.dst)
    else:
        yield from _forwarding(case, ethernet.src, ethernet.dst, is_group=ethernet.is_multicast())


def _learning(case: Case, mac: str) -> Iterator[Explained]:
    frame = case.frame
    port, by = _port(frame.receiver), case.decided("switch", mac, (*PUT_IN, "not learned"))
    if by is not None and by.time_ns - frame.time_ns < FLIGHT_NS:
        code = {"learned": "switch.learned", "moved": "switch.moved"}.get(by.what, "switch.refused")
        yield case.say(code, "in", by=by, mac=mac, port=port)
    elif is_group_address(mac):
        yield case.say("switch.refused", "in", mac=mac, why=case.language.say(FROM_GROUP))
    elif _row(case, mac) is not None:
        yield case.say("switch.known", "in", is_read=True, mac=mac, port=port)
    elif (told := bridges.learning(case, mac)) is not None:
        yield case.say(told, "in", is_read=True, mac=mac, port=port)
    else:
        before = case.history.port_of(case.device, mac, frame)
        code = "switch.known" if before == frame.receiver else "switch.moved" if before else "switch.learned"
        yield case.say(code, "in", mac=mac, port=port)


def _forwarding(case: Case, src: str, dst: str, *, is_group: bool) -> Iterator[Explained]:
    by = case.decided("switch", (src, dst), ("forwarded", "flooded"))
    port = _port(case.stop.sent[0].sender)
    if is_group:
        is_all = dst == "ff:ff:ff:ff:ff:ff"
        yield case.say("switch.broadcast" if is_all else "switch.multicast", "out", by=by, mac=dst)
        return
    row, gone = _row(case, dst), _gone(case, dst)
    is_read = row is not None or gone is not None or case.decisions.has_log(case.device, "switch")
    if by is not None:
        is_hit = by.what == "forwarded"
    elif is_read:
        is_hit = row is not None
    elif (told := bridges.is_hit(case, dst)) is not None:
        is_hit, is_read = told, True
        if not is_hit and (former := bridges.forgot(case, dst)) is not None:
            why = case.language.say(NOT_TOLD)
            yield case.say("switch.aged", "out", is_read=True, mac=dst, port=_port(former), why=why)
    else:
        is_hit = case.history.port_of(case.device, dst, case.frame) is not None and len(case.stop.sent) == 1
    if gone is not None and not is_hit:
        yield case.say("switch.aged", "out", by=gone, mac=dst, port=f"eth{gone.keys.get('in_port', '?')}")
    if not is_hit:
        yield from _not_plugged(case, dst, "out")
    yield case.say("switch.hit" if is_hit else "switch.flood", "out", by=by, is_read=is_read, mac=dst, port=port)


def _dropping(case: Case, src: str, dst: str) -> Iterator[Explained]:
    by = case.decided("switch", (src, dst), ("dropped",))
    if by is not None and "port it came from" not in by.reason.text:
        yield case.say("switch.dropped", "in", by=by)
        return
    is_told = bridges.is_filtered(case, dst)
    if by is not None or is_told or case.history.port_of(case.device, dst, case.frame) == case.frame.receiver:
        yield case.say("switch.filtered", "in", by=by, is_read=is_told, mac=dst)
        return
    if is_group_address(src):
        yield case.say("switch.dropped", "in", why=case.language.say(FROM_GROUP))
        return
    yield from _not_plugged(case, dst, "in")
    yield case.say("switch.kept", "in")


def _not_plugged(case: Case, dst: str, way: str) -> Iterator[Explained]:
    """The receiver's cable to this switch, where it was pulled."""
    owner = case.timeline.devices.get(dst)
    if owner is not None and (pulled := _pulled(case, owner)) is not None:
        yield case.say("link.down", way, by=pulled, a=case.device, b=owner)


def _row(case: Case, mac: str) -> Decision | None:
    """What put a station's row into the table; None where it has none, or the switch has no log."""
    last = _last_of(case, mac)
    return last if last is not None and last.what in PUT_IN else None


def _gone(case: Case, mac: str) -> Decision | None:
    """What took a station's row out of the table."""
    last = _last_of(case, mac)
    return last if last is not None and last.what in TAKEN_OUT else None


def _last_of(case: Case, mac: str) -> Decision | None:
    return case.decisions.before(case.device, "switch", mac, case.frame.time_ns, (*PUT_IN, *TAKEN_OUT))


def _pulled(case: Case, neighbour: str) -> Decision | None:
    """What pulled the cable to a neighbour, where it is not plugged now."""
    tie = frozenset((case.device, neighbour))
    last = case.decisions.before("", "links", tie, case.frame.time_ns, ("pulled", "plugged"))
    return last if last is not None and last.what == "pulled" else None


def _is_switch(case: Case, device: str) -> bool:
    return device in (case.timeline.switches or ())


def is_group_address(mac: str) -> bool:
    """Whether a hardware address is of many: as a source it makes no sense.  IEEE 802 §8.2."""
    return bool(int(mac[:2], 16) & 1)


def _port(port: str) -> str:
    """``s1:eth3`` → ``eth3``."""
    return port.partition(":")[2] or port


def is_switch(case: Case) -> bool:
    """Whether the stop is a switch, or did what switches do."""
    frame: Frame = case.frame
    if case.stop.kind is StopKind.SWITCH:
        return True
    if case.timeline.switches is not None:
        return _is_switch(case, case.device)
    return frame.port.startswith(f"{case.device}:") and frame.direction is not Direction.UNKNOWN
