"""Network cards and ARP: layer 2 of hosts.  IEEE 802.3 §4.2.4, RFC 826, RFC 1122 §2.3.  Pure.

What the device's kernel told of its neighbour table and its addresses is read; else packets tell.
"""

from collections.abc import Iterator

from lan.readable import duration
from lan.trace.frame import Direction
from lan.trace.journey import StopKind
from lan.trace.why import routing
from lan.trace.why.saying import Case, Explained
from lan.wire import arp as wire
from lan.wire.arp import Arp

PERMANENT = "PERMANENT"
"""The state of a row that an administrator wrote (ip-neighbour(8))."""


def card(case: Case) -> Iterator[Explained]:
    """Whether the port takes the frame that came in."""
    ethernet = case.frame.packet.ethernet
    if ethernet is None or case.stop.received is None:
        return
    if ethernet.is_broadcast():
        yield case.say("nic.broadcast", "in")
    elif ethernet.is_multicast():
        yield case.say("nic.multicast", "in", mac=ethernet.dst)
    elif is_for_another(case):
        is_read = routing.is_for_own_port(case, ethernet.dst) is False
        yield case.say("nic.other", "in", is_read=is_read, mac=ethernet.dst, owner=case.owner(ethernet.dst))
    else:
        is_read = routing.is_for_own_port(case, ethernet.dst) is True
        yield case.say("nic.mine", "in", is_read=is_read, mac=ethernet.dst)


def is_for_another(case: Case) -> bool:
    """Whether the frame that came in is for another's hardware address."""
    ethernet = case.frame.packet.ethernet
    if ethernet is None or ethernet.is_multicast() or case.stop.sent or case.stop.received is None:
        return False
    is_own = routing.is_for_own_port(case, ethernet.dst)
    if is_own is not None or case.stop.kind is not StopKind.DROP:
        return is_own is False
    return case.timeline.devices.get(ethernet.dst) not in (None, case.device)


def asking(case: Case, message: Arp) -> Iterator[Explained]:
    """Why a host sends an ARP message."""
    ethernet = case.frame.packet.ethernet
    if message.is_gratuitous():
        yield case.say("arp.announce", "out", ip=message.sender_ip, mac=message.sender_mac)
    elif message.operation != wire.REQUEST:
        is_read = routing.speaks_as(case, message.sender_ip)
        yield case.say("arp.answer", "out", is_read=is_read, ip=message.sender_ip, mac=message.sender_mac)
    elif message.is_probe():
        yield case.say("arp.probe", "out", ip=message.target_ip)
    elif ethernet is not None and not ethernet.is_multicast():
        row = case.kernel.neighbours.used(case.device, message.target_ip, ethernet.dst, case.frame.time_ns)
        yield case.say("arp.confirm", "out", is_read=row is not None, ip=message.target_ip, mac=ethernet.dst)
    else:
        is_read = case.kernel.neighbours.asks(case.device, message.target_ip, case.frame.time_ns)
        yield case.say("arp.miss", "out", is_read=is_read, ip=message.target_ip)


def hearing(case: Case, message: Arp) -> Iterator[Explained]:
    """What a host makes of an ARP message.  RFC 826, "Packet Reception"."""
    ethernet = case.frame.packet.ethernet
    is_everyone = ethernet is not None and ethernet.is_multicast() and case.frame.direction is Direction.UNKNOWN
    if is_everyone:  # a foreign capture: who they are, nobody knows
        return
    own = routing.is_own(case, message.target_ip)
    is_mine = own if own is not None else case.timeline.device_of(message.target_ip) == case.device
    ip, mac = message.sender_ip, message.sender_mac
    if message.is_gratuitous():
        kept = case.kernel.neighbours.came(case.device, ip, mac, case.frame.time_ns)
        code = "arp.unasked" if kept is False else "arp.learned"
        yield case.say(code, "in", is_read=kept is not None, ip=ip, mac=mac)
    elif message.operation == wire.REQUEST and not is_mine:
        yield case.say("arp.other", "in", is_read=own is not None, ip=message.target_ip)
    elif not message.is_probe():
        kept = case.kernel.neighbours.came(case.device, ip, mac, case.frame.time_ns)
        yield case.say("arp.learned", "in", is_read=kept is True, ip=ip, mac=mac)


def next_hop(case: Case, ip: str) -> Iterator[Explained]:
    """How the hardware address of the next hop was known, for the packet that is sent.

    A row that was heard of later is the one that sent it where the device had been told before, or an administrator
    had told it; else what came after the frame made the row.
    """
    frame = case.sent
    ethernet = frame.packet.ethernet if frame else None
    if frame is None or ethernet is None or ethernet.is_multicast() or frame.packet.ipv4 is None:
        return
    if frame.packet.dhcp is not None:  # a server writes to the client's hardware address, RFC 2131 §4.1
        return
    row = case.kernel.neighbours.used(case.device, ip, ethernet.dst, frame.time_ns)
    told = case.history.mac_of(case.device, ip, frame)
    is_heard = told is not None and told[1] == ethernet.dst
    if row is not None and (row.since_ns <= frame.time_ns or is_heard or row.neighbour.state == PERMANENT):
        age = duration(max(0, frame.time_ns - row.since_ns) / 1e6)
        yield case.say_kernel("arp.hit", "out", ip=ip, mac=ethernet.dst, state=row.neighbour.state, age=age)
    elif told is not None and is_heard:
        yield case.say("arp.hit", "out", ip=ip, mac=ethernet.dst, frame=told[0])
    else:
        yield case.say("arp.unseen", "out", ip=ip, mac=ethernet.dst)


def hop_of(case: Case, ip: str) -> tuple[str, bool]:
    """(the address that the frame was sent to, whether it is a gateway's), for a packet to `ip`."""
    frame = case.sent or case.frame
    ethernet = frame.packet.ethernet
    mac = ethernet.dst if ethernet else ""
    told = case.history.mac_of(case.device, ip, frame)
    if told is not None and told[1] == mac:
        return ip, False
    if (gateway := case.history.ip_at(case.device, mac, frame)) is not None:
        return gateway, gateway != ip
    owner = case.timeline.devices.get(mac)
    if frame.packet.dhcp is not None:
        return ip, False
    if owner is None or owner == case.timeline.device_of(ip):
        return ip, False
    return owner, True
