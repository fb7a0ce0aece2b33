"""From one device to the next: its interface, the cables, the switches between, and ARP.  Pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lan.reasons import Sentence
from lan.whynot.case import Case, numbers, told
from lan.whynot.facts import Cable, Device, Interface, Seen
from lan.whynot.finding import Step
from lan.whynot.nftables import Packet, stopped

GOOD_PORTS = {"up", "forwarding"}
STATES = {
    "down": Sentence("down"),
    "gone": Sentence("gone"),
    "disabled": Sentence("disabled"),
    "blocking": Sentence("blocking"),
    "listening": Sentence("listening"),
    "learning": Sentence("learning"),
}
"""Those of a port that passes nothing, in words (802.1D §7.4)."""


def own_link(case: Case, device: Device, interface: Interface) -> Iterator[Step]:
    """A device's interface, and the cable that is plugged into it."""
    name = interface.name
    row = (_flags(interface),)
    if not interface.is_up:
        yield _set_down(device, interface)
    for cable in case.cables_at(device.name, name):
        yield from _plugged(cable, device.name)
        yield from _far_end(case, cable, device)
        if not interface.has_carrier and (far := cable.other(device.name)).device in case.facts.switches:
            yield from _port(case, far.device, far.interface, row)
    if not interface.has_carrier:
        said = Sentence("{device}'s interface {name} has no carrier: nothing answers at the other end of its cable",
                        device=device.name, name=name)  # fmt: skip
        yield Step("cable", device.name, said, "cable.no-carrier", row, look=f"lan show interfaces {device.name}")


def _far_end(case: Case, cable: Cable, device: Device) -> Iterator[Step]:
    """A cable from host to host: the other's interface gives the carrier."""
    end = cable.other(device.name)
    other = case.device(end.device)
    there = other.interface(end.interface) if other is not None else None
    if other is not None and there is not None and not there.is_up:
        yield _set_down(other, there)


def _set_down(device: Device, interface: Interface) -> Step:
    name = interface.name
    said = Sentence("{device}'s interface {name} is set down", device=device.name, name=name)
    look = f"lan exec {device.name} -- ip link show {name}"
    remedy = f"lan exec {device.name} -- ip link set {name} up"
    row = (_flags(interface),)
    return Step("interface", device.name, said, "interface.down", row, look=look, remedy=remedy)


def _flags(interface: Interface) -> Sentence:
    state = Sentence("up") if interface.is_up else Sentence("down")
    carrier = Sentence("carrier") if interface.has_carrier else Sentence("no carrier")
    return Sentence("{interface}: {state}, {carrier}", interface=interface.name, state=state, carrier=carrier)


def _plugged(cable: Cable, seen_from: str) -> Iterator[Step]:
    a, b = cable.end(seen_from).device, cable.other(seen_from).device
    if cable.is_broken:
        said = Sentence("nobody carries the frames of the cable {a} – {b}: its carrier is gone", a=a, b=b)
        yield Step("cable", a, said, "cable.broken", look=f"lan link {a} {b}", remedy=f"lan link {a} {b} reset")
    if not cable.is_up:
        said = Sentence("the cable {a} – {b} is pulled", a=a, b=b)
        row = (f"{cable.a.port} – {cable.b.port}  down",)
        yield Step("cable", a, said, "cable.pulled", row, look=f"lan link {a} {b}", remedy=f"lan link {a} {b} up")


def _port(case: Case, switch: str, interface: str, row: tuple[str, ...] = ()) -> Iterator[Step]:
    """A switch's port, by itself."""
    known = case.facts.switches[switch]
    state = known.ports.get(interface, "up")
    if known.trouble:
        said = Sentence("the switch {switch} does not switch: {trouble}", switch=switch, trouble=known.trouble)
        remedy: str = Sentence("lan down, then up again")
        yield Step("switch", switch, said, "switch.dead", look=f"lan inspect {switch}", remedy=remedy)
    if state == "no carrier":
        return  # the other end's fault
    if state not in GOOD_PORTS:
        said = Sentence("port {port} of the switch {switch} is {state}",
                        port=interface, switch=switch, state=STATES.get(state, state))  # fmt: skip
        mend = f"bridge link set dev {interface} state 3" if state not in ("down", "gone") else ""
        remedy = f"lan exec {switch} -- {mend or f'ip link set {interface} up'}"
        evidence = (f"{interface}: {state}", *row)
        look = f"lan show interfaces {switch}"
        yield Step("switch", switch, said, "switch.port", evidence, look=look, remedy=remedy)


def lossy(case: Case, way: list[tuple[str, Cable]]) -> Iterator[Step]:
    """A cable on the way that is told to lose frames."""
    for sender, cable in way:
        does, other = cable.does(sender), cable.other(sender).device
        share = does.get("loss", "")
        if share and _percent(share) >= 1:
            said = Sentence("the cable {a} – {b} loses {share} of the frames that {a} sends",
                            a=sender, b=other, share=share)  # fmt: skip
            row = (" ".join(f"{key}={value}" for key, value in does.items()),)
            look, remedy = f"lan link {sender} {other}", f"lan link {sender} {other} reset"
            yield Step("cable", sender, said, "cable.loss", row, look=look, remedy=remedy)


def _percent(text: str) -> float:
    try:
        return float(text.split()[0].rstrip("%"))
    except ValueError:
        return 100.0  # a model of bursts


def cross(case: Case, device: Device, interface: str, address: str, packet: Packet) -> Iterator[Step]:
    """All between a device and the one that has the next hop's address, for the frames that go there."""
    owners, meant = case.owners(address), case.meant(address)
    mac = case.neighbour(device, address)
    if mac is not None and "PERMANENT" in mac.state and owners and mac.mac not in _macs(owners):
        owner = owners[0]
        right = next(iter(_macs([owner])), "?")
        said = Sentence("{device}'s ARP table holds {mac} for {ip} by hand; {owner} has {right}",
                        device=device.name, mac=mac.mac, ip=address, owner=owner.name, right=right)  # fmt: skip
        row = (f"{address}  {mac.mac}  {mac.interface}  {mac.state}",)
        sent = case.frames(packet, sender=device.name)
        look = f"lan show arp {device.name}"
        remedy = f"lan exec {device.name} -- ip neigh del {address} dev {mac.interface}"
        yield Step("ARP", device.name, said, "arp.wrong", row + told(sent), numbers(sent), look, remedy)
    asked = case.arp(address, "request")
    if not owners:
        yield from _nobody(device, interface, address, meant, asked)
    if len(owners) > 1:
        yield from _duplicate(case, address, owners)
    target = owners[0]
    there = case.interface_with(target, address)
    way = case.path(device.name, interface, target.name)
    if not way:
        said = Sentence(
            "{device} takes {ip} for a neighbour on its own cable, but no cables and switches lead from {interface} "
            "to {target}",
            device=device.name, ip=address, interface=interface, target=target.name,
        )  # fmt: skip
        look = f"lan show routes {device.name}"
        yield Step("route", device.name, said, "route.on-link", tuple(device.table) + told(asked), numbers(asked), look)
    for sender, cable in way:
        yield from _plugged(cable, sender)
    if there is not None:
        yield from own_link(case, target, there)
    for _, cable in way:
        for end in (cable.a, cable.b):
            if end.device in case.facts.switches:
                yield from _port(case, end.device, end.interface)
    back = case.path(target.name, there.name if there else "", device.name)
    yield from lossy(case, [*way, *back])
    yield from _switched(case, way, target, packet, address)
    yield from _arp(case, device, interface, target, there, address)
    between = " – ".join([device.name, *(cable.other(sender).device for sender, cable in way)])
    said = Sentence("{way}: cables, switch ports and ARP are in order", way=between)
    yield Step("link", device.name, said)


def _macs(devices: list[Device]) -> set[str]:
    return {it.mac for device in devices for it in device.interfaces if it.name != "lo"}


def _nobody(device: Device, interface: str, address: str, meant: Device | None, asked: list[Seen]) -> Iterator[Step]:
    if meant is not None:
        said = Sentence("{device} should have the address {ip}, but has not", device=meant.name, ip=address)
        row = tuple(
            f"{it.name}: {' '.join(it.addresses)}"
            if it.addresses
            else Sentence("{interface}: no address", interface=it.name)
            for it in meant.interfaces
            if it.name != "lo"
        )
        look = f"lan show interfaces {meant.name}"
        remedy = f"lan exec {meant.name} -- ip address add {meant.static_address} dev {_first(meant)}"
        yield Step("address", meant.name, said, "address.lost", row + told(asked), numbers(asked), look, remedy)
    said = Sentence("no device of the LAN has the address {ip}, which {device} asks for by {interface}",
                    ip=address, device=device.name, interface=interface)  # fmt: skip
    look, who = f"lan show arp {device.name}", Sentence("lan inspect shows who is who")
    yield Step("ARP", device.name, said, "arp.nobody", told(asked), numbers(asked), look, who)


def _first(device: Device) -> str:
    return next((it.name for it in device.interfaces if it.name != "lo"), "eth0")


def _duplicate(case: Case, address: str, owners: list[Device]) -> Iterator[Step]:
    meant = case.meant(address)
    wrong = next((device for device in owners if meant is not None and device is not meant), owners[-1])
    it = case.interface_with(wrong, address)
    held = next((one for one in (it.addresses if it else []) if one.partition("/")[0] == address), f"{address}/24")
    replies = case.arp(address, "reply")
    said = Sentence("{owners} have the same address {ip}", owners=_listed([it.name for it in owners]), ip=address)
    rows = tuple(f"{device.name}: {' '.join(_macs([device]))}" for device in owners)
    look = f"lan show interfaces {wrong.name}"
    remedy = f"lan exec {wrong.name} -- ip address del {held} dev {it.name if it else 'eth0'}"
    yield Step("address", wrong.name, said, "address.twice", rows + told(replies), numbers(replies), look, remedy)


def _listed(names: Sequence[str]) -> str:
    """``pc1, pc2 and web``."""
    *before, last = names
    return Sentence("{some} and {last}", some=", ".join(before), last=last) if before else last


def _switched(case: Case, way: list[tuple[str, Cable]], target: Device, packet: Packet, address: str) -> Iterator[Step]:
    """A switch that has a frame for the target and does not hand it on to the next cable."""
    macs = _macs([target])
    for (sender, cable), (switch, onward) in pairwise(way):
        known = case.facts.switches.get(switch)
        port = onward.end(switch).interface
        wrong = known and [mac for mac in known.static if mac in macs and known.stations.get(mac) != port]
        if known and wrong:
            said = Sentence("the switch {switch} holds {device} by hand at {port}; it is at {right}", switch=switch,
                            device=target.name, port=known.stations[wrong[0]], right=port)  # fmt: skip
            row = (f"{wrong[0]}  {known.stations[wrong[0]]}  static",)
            remedy = f"lan exec {switch} -- bridge fdb del {wrong[0]} dev {known.stations[wrong[0]]} master static"
            yield Step("switch", switch, said, "switch.static", row, look=f"lan show mac {switch}", remedy=remedy)
        asked = [seen for seen in case.facts.seen if seen.protocol == "arp" and seen.dst == address]
        for frames in (asked, case.frames(packet)):
            came = [seen for seen in frames if (seen.sender, seen.receiver) == (sender, switch)]
            gone = [seen for seen in frames if (seen.sender, seen.receiver) == (switch, onward.other(switch).device)]
            if known and came and not gone:
                where = cable.end(sender).port
                said = Sentence("the switch {switch} got frames for {device} from {port} and handed none on",
                                switch=switch, device=target.name, port=where)  # fmt: skip
                evidence, look = told(came) + tuple(known.drops[:2]), f"lan show mac {switch}"
                anew = Sentence("lan down, then up again: the switch begins anew")
                yield Step("switch", switch, said, "switch.silent", evidence, numbers(came), look, anew)


def _arp(
    case: Case, device: Device, interface: str, target: Device, there: Interface | None, address: str
) -> Iterator[Step]:
    """The question for the next hop's address, and its answer."""
    asked, replies = case.arp(address, "request", receiver=target.name), case.arp(address, "reply")
    foreign = [seen for seen in replies if seen.src_mac not in _macs([target])]
    if foreign:
        who = foreign[0].sender
        said = Sentence("{who} answers for {ip}, which is {device}'s", who=who, ip=address, device=target.name)
        yield Step("ARP", who, said, "arp.foreign", told(foreign), numbers(foreign), f"lan show arp {device.name}")
    own = device.interface(interface)
    if own is not None and not own.arp:
        yield from _arp_off(device, own, ())
    row = case.neighbour(device, address)
    is_known = row is not None and row.mac != "" and "FAILED" not in row.state and "INCOMPLETE" not in row.state
    if not is_known:
        yield from _arp_filtered(device, [*asked, *replies])
    if replies or is_known:
        return
    if there is not None and not there.arp:
        yield from _arp_off(target, there, asked)
    if asked:
        yield from _arp_filtered(target, asked)
    if asked and target.sysctls.get("arp_ignore", "0") != "0":
        value = target.sysctls["arp_ignore"]
        said = Sentence("{device} is told not to answer ARP (net.ipv4.conf.all.arp_ignore={value})",
                        device=target.name, value=value)  # fmt: skip
        remedy = f"lan exec {target.name} -- sysctl -w net.ipv4.conf.all.arp_ignore=0"
        look = f"lan exec {target.name} -- sysctl net.ipv4.conf.all.arp_ignore"
        yield Step("ARP", target.name, said, "arp.ignored", told(asked), numbers(asked), look, remedy)
    if asked:
        said = Sentence("{device} gets the ARP question for {ip} and does not answer it",
                        device=target.name, ip=address)  # fmt: skip
        yield Step("ARP", target.name, said, "arp.silent", told(asked), numbers(asked), f"lan show arp {device.name}")


def _arp_filtered(device: Device, frames: list[Seen]) -> Iterator[Step]:
    if rule := stopped(device.ruleset, ("input", "output"), Packet("arp", "", "")):
        said = Sentence("{device}'s firewall drops ARP: {rule}", device=device.name, rule=rule.text)
        look, remedy = f"lan exec {device.name} -- nft -a list ruleset", f"lan exec {device.name} -- {rule.remedy()}"
        evidence = (rule.text, *told(frames))
        yield Step("ARP", device.name, said, "arp.filtered", evidence, numbers(frames), look, remedy)


def _arp_off(device: Device, interface: Interface, asked: tuple[Seen, ...] | list[Seen]) -> Iterator[Step]:
    said = Sentence("{device}'s interface {name} does not speak ARP (NOARP)",
                    device=device.name, name=interface.name)  # fmt: skip
    look = f"lan exec {device.name} -- ip link show {interface.name}"
    remedy = f"lan exec {device.name} -- ip link set {interface.name} arp on"
    yield Step("ARP", device.name, said, "arp.off", told(asked), numbers(asked), look, remedy)
