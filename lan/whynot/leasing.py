"""An address by DHCP: the client's program, the way to a server, its pool, its offer.  RFC 2131.  Pure."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from lan.reasons import Sentence
from lan.whynot.case import Case, numbers, told
from lan.whynot.crossing import cross, lossy, own_link
from lan.whynot.facts import Device, Interface, Seen
from lan.whynot.finding import Step
from lan.whynot.listening import listens
from lan.whynot.nftables import REJECT, Packet, stopped

SERVER_PORT, CLIENT_PORT = 67, 68


def leases(case: Case) -> Iterator[Step]:
    """Why the client has no address by DHCP, or that it has one."""
    client = case.client
    interface = first_interface(client)
    if interface is None:
        said = Sentence("{device} has no interface", device=client.name)
        look = f"lan show interfaces {client.name}"
        yield Step("interface", client.name, said, "interface.none", look=look)
        return
    if not client.dhcp:
        held = " ".join(client.addresses)
        if held:
            said = Sentence("{device} has the fixed address {ip}, and asks for no lease", device=client.name, ip=held)
            yield Step("address", client.name, said)
            return
        said = Sentence("{device} has no address and is not told to ask for one", device=client.name)
        remedy = f"lan set {client.name} ip=dhcp"
        yield Step("address", client.name, said, "lease.not-asked", look=f"lan inspect {client.name}", remedy=remedy)
    yield from own_link(case, client, interface)
    state = client.services.get("dhcp")
    if state not in ("ready", "starting"):
        said = Sentence("{device}'s DHCP client has been stopped: nobody asks for an address", device=client.name)
        if state is not None:
            said = Sentence("{device}'s DHCP client has ended: nobody asks for an address", device=client.name)
        remedy = f"lan start {client.name}"
        yield Step("client", client.name, said, "lease.client", look=f"lan inspect {client.name}", remedy=remedy)
    yield Step("client", client.name, Sentence("{device}'s DHCP client runs", device=client.name))
    servers = [device for device in case.facts.devices.values() if device.kind == "dhcp-server"]
    if case.attempt.offers:
        yield from _offered(case, client, servers)
        return
    yield from _no_offer(case, client, interface, servers)


def first_interface(device: Device) -> Interface | None:
    """Where the device's first cable is plugged."""
    return next((it for it in device.interfaces if it.name != "lo"), None)


def _dhcp(case: Case, *kinds: str) -> list[Seen]:
    return [seen for seen in case.facts.seen if seen.what in kinds and {seen.sport, seen.dport} == {67, 68}]


def _offered(case: Case, client: Device, servers: list[Device]) -> Iterator[Step]:
    offers = case.attempt.offers
    rows: tuple[str, ...] = tuple(
        Sentence("offer by {server}: {ip}, mask {mask}", server=it["server"], ip=it["address"], mask=it["mask"])
        for it in offers
    )
    frames = _dhcp(case, "OFFER")
    own = {address for device in servers for address in device.addresses}
    stranger = next((it for it in offers if it["server"] not in own), None)
    if stranger is not None and servers:
        owner = next(iter(case.owners(stranger["server"])), None)
        who = owner.name if owner else stranger["server"]
        said = Sentence("{who} offers addresses too ({ip}), and is no DHCP server of this LAN",
                        who=who, ip=stranger["address"])  # fmt: skip
        sender = next((seen.src_mac for seen in frames if seen.src == stranger["server"]), "")
        if sender:
            rows = (*rows, Sentence("its frames come from {mac}", mac=sender))
        mend = Sentence("end the DHCP server on {who}: lan show sockets {who}", who=who)
        yield Step("DHCP server", who, said, "lease.rogue", rows, numbers(frames), "lan trace", mend)
    if not client.addresses:
        refused = _dhcp(case, "NAK")
        server = offers[0]["server"]
        said = Sentence("{ip} offers {device} an address; its client took none yet, and waits before it asks again",
                        ip=server, device=client.name)  # fmt: skip
        code = "lease.waiting"
        if refused:
            said, code = Sentence("{device}'s request is refused (NAK)", device=client.name), "lease.refused"
        remedy = f"lan set {client.name} ip=dhcp"
        evidence = rows + told([*refused, *frames])
        yield Step("client", client.name, said, code, evidence, numbers(frames), f"lan inspect {client.name}", remedy)
    good = [it for it in offers if any(_in(address, it) for address in client.addresses)]
    if not good:
        held = " ".join(client.addresses)
        said = Sentence("{device} has {held}, which is of another network than {offered} that is offered",
                        device=client.name, held=held, offered=offers[0]["address"])  # fmt: skip
        remedy = f"lan set {client.name} ip=dhcp"
        yield Step(
            "lease", client.name, said, "lease.foreign", rows, numbers(frames), f"lan inspect {client.name}", remedy
        )
    said = Sentence("{device} has {held}, and {server} would give it again",
                    device=client.name, held=" ".join(client.addresses), server=offers[0]["server"])  # fmt: skip
    yield Step("lease", client.name, said, "", rows)


def _in(address: str, offer: dict[str, str]) -> bool:
    if not offer["mask"]:
        return True
    return ip_address(address) in ip_network(f"{offer['address']}/{offer['mask']}", strict=False)


def _no_offer(case: Case, client: Device, interface: Interface, servers: list[Device]) -> Iterator[Step]:
    asked = _dhcp(case, "DISCOVER")
    near = [device for device in servers if case.path(client.name, interface.name, device.name)]
    if not near:
        said = Sentence("no DHCP server stands on {device}'s cables and switches: its broadcasts reach none",
                        device=client.name)  # fmt: skip
        row = tuple(Sentence("{device} is behind a router", device=device.name) for device in servers)
        evidence = (*(row or [Sentence("the LAN has no dhcp-server")]), *told(asked))
        yield Step("DHCP server", client.name, said, "lease.no-server", evidence, numbers(asked), "lan inspect")
    server = near[0]
    there = first_interface(server)
    address = server.static_address.partition("/")[0] or next(iter(server.addresses), "")
    reached = [seen for seen in asked if seen.receiver == server.name]
    answered = [seen for seen in _dhcp(case, "OFFER") if seen.sender == server.name]
    if not reached or not server.addresses or answered:
        way = case.path(client.name, interface.name, server.name)
        back = case.path(server.name, there.name if there else "", client.name)
        yield from lossy(case, [*way, *back])
        yield from cross(case, client, interface.name, address, Packet("udp", "0.0.0.0", "255.255.255.255", 68, 67))
    question = Packet("udp", "0.0.0.0", "255.255.255.255", CLIENT_PORT, SERVER_PORT)
    if rule := stopped(server.ruleset, ("prerouting", "input"), question, there.name if there else ""):
        rejects = Sentence("{device}'s firewall rejects what DHCP clients ask: {rule}",
                           device=server.name, rule=rule.text)  # fmt: skip
        drops = Sentence("{device}'s firewall drops what DHCP clients ask: {rule}", device=server.name, rule=rule.text)
        said = rejects if rule.verdict == REJECT else drops
        where = f"table {rule.family} {rule.table}, chain {rule.chain}: {rule.text}"
        look, remedy = f"lan exec {server.name} -- nft -a list ruleset", f"lan exec {server.name} -- {rule.remedy()}"
        yield Step(
            "firewall",
            server.name,
            said,
            f"firewall.{rule.verdict}",
            (where, *told(reached)),
            numbers(reached),
            look,
            remedy,
        )
    yield from listens(case, server, Packet("udp", "0.0.0.0", address, CLIENT_PORT, SERVER_PORT), "dhcp")
    refusals = [line for line in server.decisions if "no address left" in line]
    if refusals:
        said = Sentence("{device} has no address left in its pool {pool}", device=server.name, pool=server.pool)
        look, remedy = f"lan show leases {server.name}", f"lan set {server.name} pool=FIRST-LAST"
        yield Step(
            "pool", server.name, said, "lease.pool", (refusals[-1], *told(reached)), numbers(reached), look, remedy
        )
    said = Sentence("{device} gets the DISCOVER and offers nothing", device=server.name)
    look, evidence = f"lan inspect {server.name}", (*server.decisions[-1:], *told(reached))
    yield Step("DHCP server", server.name, said, "lease.silent", evidence, numbers(reached), look)
