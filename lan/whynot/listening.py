"""Whether a program listens where a client knocks: its port, its address, its queue, its life.  Pure."""

from collections.abc import Iterator

from lan.whynot.case import Case, numbers, told
from lan.whynot.facts import Device, Listener
from lan.whynot.finding import Step
from lan.whynot.nftables import Packet

SERVERS = {"dhcp-server", "dns-server", "web-server", "proxy"}
ANY = {"0.0.0.0", "*", "::"}


def listens(case: Case, device: Device, packet: Packet, service: str) -> Iterator[Step]:
    """A listener of `device` for a packet; `service` is the name of the program that should be it."""
    here = [it for it in device.listeners if it.protocol == packet.protocol and it.port == packet.dport]
    fitting = [it for it in here if it.address in ANY or it.address == packet.dst]
    refused = case.frames(packet.back(), sender=device.name)
    came = case.frames(packet, receiver=device.name)
    evidence = told([*came[:1], *refused])
    look, frames = f"lan show sockets {device.name}", numbers([*came, *refused])
    what = f"{packet.protocol.upper()} port {packet.dport}"
    if here and not fitting:
        said = f"{device.name} listens on {here[0].address}, port {packet.dport}, alone: not on {packet.dst}"
        remedy = f"have {here[0].program or 'the program'} listen on 0.0.0.0"
        row = _rows(here)
        yield Step("listener", device.name, said, "listener.address", row + evidence, frames, look, remedy)
    if not here:
        yield from _nobody(device, packet, service, what, evidence, frames)
    stopped = next((it for it in fitting if it.is_stopped), None)
    if stopped is not None:
        said = f"{device.name}'s {stopped.program} has {what}, and is stopped by a signal: it takes nobody"
        remedy = f"lan exec {device.name} -- pkill -CONT -f {stopped.program}"
        yield Step("listener", device.name, said, "listener.stopped", _rows([stopped]) + evidence, frames, look, remedy)
    full = next((it for it in fitting if it.backlog and it.waiting > it.backlog), None)
    if full is not None:
        said = f"{device.name}: the queue of {what} is full ({full.waiting} wait, {full.backlog} may): it takes nobody"
        remedy = f"lan stop {device.name}, then lan start {device.name}"
        yield Step("listener", device.name, said, "listener.full", _rows([full]) + evidence, frames, look, remedy)
    yield Step("listener", device.name, f"{device.name} listens on {what}")


def _nobody(
    device: Device, packet: Packet, service: str, what: str, evidence: tuple[str, ...], frames: tuple[int, ...]
) -> Iterator[Step]:
    look = f"lan show sockets {device.name}"
    others = [it for it in device.listeners if it.protocol == packet.protocol]
    rows = _rows(others) or (f"no {packet.protocol.upper()} socket listens",)
    said, remedy, code = f"nothing listens on {what} of {device.name}", "", "listener.none"
    state = device.services.get(service)
    if state is not None and state != "ready":
        said += f": its service {service} has {state}" if state == "ended" else f": its service {service} is {state}"
        remedy, code = f"lan start {device.name}", "listener.ended"
    elif packet.dport == 443 and device.kind == "web-server":
        said, remedy, code = f"{said}: HTTPS is off", f"lan set {device.name} https=on", "listener.https-off"
    elif service == "dns" and device.kind != "dns-server":
        said, code = f"{said}: it is a {device.kind}, no DNS server", "listener.wrong-device"
    elif device.kind in SERVERS and state is None:
        said += f": its service {service} has been stopped"
        remedy, code = f"lan start {device.name}", "listener.ended"
    elif others:
        remedy = f"ask port {others[0].port}, or have the program listen on {packet.dport}"
    yield Step("listener", device.name, said, code, rows + evidence, frames, look, remedy)


def _rows(listeners: list[Listener]) -> tuple[str, ...]:
    return tuple(
        f"{it.protocol}  LISTEN  {it.address}:{it.port}  {it.waiting}/{it.backlog}  {it.program}".rstrip()
        for it in listeners[:4]
    )
