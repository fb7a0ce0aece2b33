"""From a name to an address: /etc/hosts, resolv.conf, the server asked, its answer.  RFC 1034.  Pure."""

from collections.abc import Iterator
from ipaddress import ip_address

from lan.errors import nearest
from lan.reasons import Sentence
from lan.whynot.case import Case
from lan.whynot.facts import Answer, Device
from lan.whynot.finding import Step
from lan.whynot.listening import listens
from lan.whynot.nftables import Packet
from lan.whynot.reach import reach

DNS_PORT = 53


def is_address(text: str) -> bool:
    """Whether it is an IP address, and no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def resolves(case: Case) -> Iterator[Step]:
    """The name that was asked for has an address, and the right one."""
    host, client, attempt = case.question.host, case.client, case.attempt
    if is_address(host) or (case.question.kind == "ping" and host in case.facts.devices):
        return  # for pings a device's name stands for its address
    mine = [answer for answer in case.facts.answers if _same(answer.name, host)]
    if attempt.addresses:
        yield from _right(case, host, attempt.addresses[0], mine)
        asked = mine[-1].server if mine else Sentence("the resolver")
        source = "/etc/hosts" if host.lower() in client.hosts else asked
        numbers = tuple(number for answer in mine for number in answer.frames)
        said = Sentence("{name} is {ip}, says {source}", name=host, ip=attempt.addresses[0], source=source)
        yield Step("name", client.name, said, frames=numbers)
        return
    yield from _misspelt(case, host, mine)
    if not client.resolvers:
        known = [name for name, device in case.facts.devices.items() if device.zone]
        address = next(iter(case.facts.devices[known[0]].addresses), "ADDRESS") if known else "ADDRESS"
        said = Sentence("{device} knows no DNS server to ask for {name}: /etc/resolv.conf names none",
                        device=client.name, name=host)  # fmt: skip
        remedy = f"lan set {client.name} dns={address}"
        look = f"lan exec {client.name} -- cat /etc/resolv.conf"
        row = (Sentence("/etc/resolv.conf: no nameserver"),)
        yield Step("resolver", client.name, said, "name.no-server", row, (), look, remedy)
    server = client.resolvers[0] if client.resolvers else ""
    answered = [answer for answer in mine if answer.rcode]
    if answered:
        yield from _refused(case, host, answered[-1])
    yield from _silent(case, host, server, mine)


def _right(case: Case, host: str, address: str, mine: list[Answer]) -> Iterator[Step]:
    """Whether the address is of a device that is meant to serve the name."""
    meant = [device for name, device in case.facts.devices.items() if _serves(device, host)]
    owners = case.owners(address)
    if not meant or any(device in meant or device.kind == "proxy" for device in owners):
        return
    right = next(iter(meant[0].addresses), meant[0].static_address.partition("/")[0])
    if right == "" or any(case.meant(address) is device for device in meant):
        return  # the right device, which has lost its address: that is found on the way to it
    who = owners[0].name if owners else Sentence("no device of the LAN")
    if case.client.hosts.get(host.lower()) == address:
        said = Sentence("{device}'s /etc/hosts says that {name} is {ip}, which is {who}; it is {meant}'s",
                        device=case.client.name, name=host, ip=address, who=who, meant=meant[0].name)  # fmt: skip
        look = f"lan exec {case.client.name} -- cat /etc/hosts"
        remedy = f"lan exec {case.client.name} -- sed -i /{host}/d /etc/hosts"
        yield Step("name", case.client.name, said, "name.hosts", (f"{address} {host}",), (), look, remedy)
    answer = mine[-1] if mine else None
    server = answer.server if answer else "?"
    keeper = next(iter(case.owners(server)), None)
    name = keeper.name if keeper else server
    said = Sentence("{device} says that {name} is {ip}, which is {who}; it should be {right} ({meant})",
                    device=name, name=host, ip=address, who=who, right=right, meant=meant[0].name)  # fmt: skip
    rows = tuple(answer.records) if answer else ()
    frames = tuple(answer.frames) if answer else ()
    remedy = f"lan set {name} record={host}:{right}"
    yield Step("record", name, said, "name.wrong-record", rows, frames, f"lan show dns {name}", remedy)


def _misspelt(case: Case, host: str, mine: list[Answer]) -> Iterator[Step]:
    """A name without a dot that nobody has, and is nearly a device's: devices know each other by /etc/hosts."""
    devices, question = case.facts.devices.values(), case.question
    known = {name.lower() for device in devices for name in (*device.zone, *device.names, *device.hosts)}
    if "." in host or host.lower() in known | {name.partition(".")[0] for name in known}:
        return
    if (near := nearest(host, [name for name in case.hosts() if name != question.client])) is None:
        return
    said = Sentence("the LAN has no device {name}, and no such name is known; the nearest device is {near}",
                    name=host, near=near)  # fmt: skip
    rows = tuple(_row(answer) for answer in mine if answer.rcode)
    frames = tuple(number for answer in mine for number in answer.frames)
    rest = question.target.partition("://")[2] or question.target
    target = question.target.removesuffix(rest) + rest.replace(host, near, 1)
    remedy = f"lan whynot {question.kind} {question.client} {target}"
    yield Step("name", question.client, said, "name.no-device", rows, frames, "lan inspect", remedy)


def _row(answer: Answer) -> Sentence:
    """What was asked, and how the answer was meant."""
    question = {"name": answer.name, "type": answer.type, "rcode": answer.rcode, "server": answer.server}
    return Sentence("{name} {type}? {rcode} from {server}", **question)


def _serves(device: Device, host: str) -> bool:
    return any(_same(name, host) for name in device.names) or device.name == host


def _refused(case: Case, host: str, answer: Answer) -> Iterator[Step]:
    """An answer without an address."""
    keeper = next(iter(case.owners(answer.server)), None)
    name = keeper.name if keeper else answer.server
    meant = next((device for device in case.facts.devices.values() if _serves(device, host)), None)
    right = next(iter(meant.addresses), "ADDRESS") if meant else "ADDRESS"
    look, frames = f"lan show dns {name}", tuple(answer.frames)
    remedy = f"lan set {name} record={host}:{right}"
    row = (_row(answer), *answer.records)
    near = nearest(host, keeper.zone if keeper else [])
    if near and meant is None:
        remedy = Sentence("ask for {near}, or {command}", near=near, command=remedy)
    who = {"device": name, "name": host}
    if answer.rcode == "NXDOMAIN":
        said = Sentence("{device} says that there is no name {name} (NXDOMAIN)", **who)
        yield Step("record", name, said, "name.nxdomain", row, frames, look, remedy)
    if answer.rcode == "NOERROR":
        alias = next((record for record in answer.records if " CNAME " in record), None)
        said, code = Sentence("{device} knows the name {name}, but no address of it", **who), "name.no-address"
        if alias:
            said = Sentence("{device} says that {name} is another name for {alias}, which has no address",
                            alias=alias.split()[-1], **who)  # fmt: skip
            code = "name.alias"
        yield Step("record", name, said, code, row, frames, look, remedy)
    said = Sentence("{device} answered {rcode} for {name}", rcode=answer.rcode, **who)
    if answer.rcode == "REFUSED":
        said = Sentence("{device} refuses to answer for {name} (REFUSED): the name lies outside of its zones", **who)
    if answer.rcode == "SERVFAIL":
        said = Sentence("{device} failed to answer for {name} (SERVFAIL)", **who)
    yield Step("name server", name, said, f"name.{answer.rcode.lower()}", row, frames, look, remedy)


def _silent(case: Case, host: str, server: str, mine: list[Answer]) -> Iterator[Step]:
    """No answer at all: the server can't be reached, or does not serve."""
    client = case.client
    frames = tuple(number for answer in mine for number in answer.frames)
    sport = next((s.sport for s in case.facts.seen if s.dport == DNS_PORT and s.dst == server), 0)
    source = client.routes[server].source if server in client.routes else ""
    packet = Packet("udp", source or next(iter(client.addresses), ""), server, sport, DNS_PORT)
    if not case.owners(server) and case.meant(server) is None and case.is_local(client, server):
        said = Sentence("{device} asks {ip} for names, which is no device's address", device=client.name, ip=server)
        right = next((a for d in case.facts.devices.values() if d.kind == "dns-server" for a in d.addresses), "ADDRESS")
        look = f"lan exec {client.name} -- cat /etc/resolv.conf"
        remedy = f"lan set {client.name} dns={right}"
        row = (f"nameserver {server}",)
        yield Step("resolver", client.name, said, "name.server-nobody", row, frames, look, remedy)
    yield from reach(case, client, packet)
    keeper = next(iter(case.owners(server)), None)
    if keeper is not None:
        yield from listens(case, keeper, packet, "dns")
    said = Sentence("{ip} does not answer the question for {name} ({fault})",
                    ip=server, name=host, fault=case.attempt.resolve_fault)  # fmt: skip
    look = f"lan exec {client.name} -- lan-nslookup {host} {server}"
    yield Step("name server", keeper.name if keeper else server, said, "name.silent", (), frames, look)


def _same(name: str, other: str) -> bool:
    return name.rstrip(".").lower() == other.rstrip(".").lower()
