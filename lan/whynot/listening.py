"""Whether a program listens where a client knocks: its port, its address, its queue, its life.  Pure."""

from collections.abc import Iterator

from lan.reasons import Sentence
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
    what = Sentence("{protocol} port {number}", protocol=packet.protocol.upper(), number=packet.dport)
    if here and not fitting:
        said = Sentence("{device} listens on {ip}, port {port}, alone: not on {asked}",
                        device=device.name, ip=here[0].address, port=packet.dport, asked=packet.dst)  # fmt: skip
        program = here[0].program or Sentence("the program")
        mend = Sentence("have {program} listen on 0.0.0.0", program=program)
        yield Step("listener", device.name, said, "listener.address", _rows(here) + evidence, frames, look, mend)
    if not here:
        yield from _nobody(device, packet, service, what, evidence, frames)
    stopped = next((it for it in fitting if it.is_stopped), None)
    if stopped is not None:
        said = Sentence("{device}'s {program} has {port}, and is stopped by a signal: it takes nobody",
                        device=device.name, program=stopped.program, port=what)  # fmt: skip
        remedy = f"lan exec {device.name} -- pkill -CONT -f {stopped.program}"
        yield Step("listener", device.name, said, "listener.stopped", _rows([stopped]) + evidence, frames, look, remedy)
    full = next((it for it in fitting if it.backlog and it.waiting > it.backlog), None)
    if full is not None:
        said = Sentence("{device}: the queue of {port} is full ({waiting} wait, {backlog} may): it takes nobody",
                        device=device.name, port=what, waiting=full.waiting, backlog=full.backlog)  # fmt: skip
        remedy = Sentence("lan stop {device}, then lan start {device}", device=device.name)
        yield Step("listener", device.name, said, "listener.full", _rows([full]) + evidence, frames, look, remedy)
    yield Step("listener", device.name, Sentence("{device} listens on {port}", device=device.name, port=what))


def _nobody(
    device: Device, packet: Packet, service: str, what: Sentence, evidence: tuple[str, ...], frames: tuple[int, ...]
) -> Iterator[Step]:
    look = f"lan show sockets {device.name}"
    others = [it for it in device.listeners if it.protocol == packet.protocol]
    rows = _rows(others) or (Sentence("no {protocol} socket listens", protocol=packet.protocol.upper()),)
    said = Sentence("nothing listens on {port} of {device}", port=what, device=device.name)
    remedy, code = "", "listener.none"
    state = device.services.get(service)
    if state is not None and state != "ready":
        said = (
            Sentence("{said}: its service {service} has ended", said=said, service=service)
            if state == "ended"
            else Sentence("{said}: its service {service} is still starting", said=said, service=service)
        )
        remedy, code = f"lan start {device.name}", "listener.ended"
    elif packet.dport == 443 and device.kind == "web-server":
        said = Sentence("{said}: HTTPS is off", said=said)
        remedy, code = f"lan set {device.name} https=on", "listener.https-off"
    elif service == "dns" and device.kind != "dns-server":
        said = Sentence("{said}: it is a {kind}, no DNS server", said=said, kind=device.kind)
        code = "listener.wrong-device"
    elif device.kind in SERVERS and state is None:
        said = Sentence("{said}: its service {service} has been stopped", said=said, service=service)
        remedy, code = f"lan start {device.name}", "listener.ended"
    elif others:
        remedy = Sentence("ask port {other}, or have the program listen on {port}",
                          other=others[0].port, port=packet.dport)  # fmt: skip
    yield Step("listener", device.name, said, code, rows + evidence, frames, look, remedy)


def _rows(listeners: list[Listener]) -> tuple[str, ...]:
    return tuple(
        f"{it.protocol}  LISTEN  {it.address}:{it.port}  {it.waiting}/{it.backlog}  {it.program}".rstrip()
        for it in listeners[:4]
    )
