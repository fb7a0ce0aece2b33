"""What devices' kernels tell of packets, neighbours and routes, and the reasons that must be seen of it."""

from lan.wire import arp, icmp, ipv4

from .journey_wires import IPS, MACS, frame, ip, segment
from .why_network import TO_WEB, arp_frame, opened, says
from .why_wires import PC1, WEB, Told, scenario

PLACE = {"family": "inet", "table": "wall", "chain": "guard"}


def listened_to(wires: Told, *devices: str) -> None:
    """Kernels of these devices are heard; each has its address on 10.0.0.0/24."""
    wires.kernel_tells("", "watched", devices=list(devices))
    for name in devices:
        wires.kernel_tells(name, "interface", index=11, name=f"{name}-eth0", is_up=True)
        own = {"gateway": "", "index": 11, "source": IPS[name]}
        wires.kernel_tells(name, "route", table=255, kind="local", destination=f"{IPS[name]}/32", **own)
        wires.kernel_tells(name, "route", table=254, kind="unicast", destination="10.0.0.0/24", **own)


def row(wires: Told, device: str, of: str, state: str = "REACHABLE") -> None:
    wires.kernel_tells(device, "neighbour", index=11, ip=IPS[of], mac=MACS[of], state=state)


def rule(wires: Told, device: str, data: bytes, words: str, verdict: str, *, handle: int = 4, oif: int = 0) -> None:
    """A rule of a device with these words did so with a frame's packet."""
    rules = [[*PLACE.values(), handle, words]] if handle else []
    wires.kernel_tells(device, "ruleset", rules=rules, bases=[[*PLACE.values(), "type filter hook input"]])
    packet = data[14:]
    headers = {"network": packet[:20].hex(), "transport": packet[20:40].hex()}
    wires.kernel_tells(device, "rule" if handle else "policy", **PLACE, handle=handle, verdict=verdict, id=1,
                       iif=11, oif=oif, **headers)  # fmt: skip


@scenario("web in filter.drops")
def a_rule_drops_a_packet(wires: Told) -> None:
    wires.path("pc1 s1 web", TO_WEB)
    rule(wires, "web", TO_WEB, "udp dport 9 drop", "drop")


@scenario("web in filter.accepts", "~web in udp.takes")
def a_rule_lets_a_packet_pass(wires: Told) -> None:
    wires.path("pc1 s1 web", TO_WEB)
    rule(wires, "web", TO_WEB, "udp dport 9 accept", "accept")


@scenario("web in filter.policy")
def a_chains_policy_drops_a_packet(wires: Told) -> None:
    wires.path("pc1 s1 web", TO_WEB)
    rule(wires, "web", TO_WEB, "", "drop", handle=0)


@scenario("web in filter.rejects", "web out filter.answers", "~pc1 in tcp.was-reset")
def a_rule_rejects_a_connection(wires: Told) -> None:
    syn = frame("pc1", "web", segment(PC1, WEB, "SYN", seq=1))
    says(wires, "pc1", "SYN", seq=1, ack=0)
    rule(wires, "web", syn, "tcp dport 80 reject with tcp reset", "drop")
    says(wires, "web", "RST+ACK", seq=0, ack=2)


@scenario("r1 out nat.rule", "r1 out nat.source")
def a_rule_rewrites_an_address(wires: Told) -> None:
    from_pc1, on = (frame(*ends, segment(ip, WEB, "SYN", ttl=ttl)) for ends, ip, ttl in
                    ((("pc1", "r1"), PC1, 64), (("r1", "web"), "192.0.2.1", 63)))  # fmt: skip
    wires.path("pc1 r1", from_pc1)
    rule(wires, "r1", from_pc1, "masquerade", "accept", oif=12)
    wires.path("r1 web", on)


@scenario(
    *("pc1 out arp.miss", "web out arp.answer", "pc1 in arp.learned", "web in arp.learned", "pc2 in arp.other"),
    *("pc1 out route.link", "pc1 out arp.hit", "web in ip.mine"),
)
def a_kernel_asks_and_keeps_the_answer(wires: Told) -> None:
    listened_to(wires, "pc1", "pc2", "web")
    question = arp_frame(arp.REQUEST, "pc1", "all", WEB)
    wires.path("pc1 s1 web", question)
    row(wires, "web", "pc1", "STALE")
    wires.path("s1 pc2", question)
    wires.path("web s1 pc1", arp_frame(arp.REPLY, "web", "pc1", PC1))
    row(wires, "pc1", "web")
    wires.path("pc1 s1 web", TO_WEB)


@scenario("web out arp.answer", "~pc2 out arp.answer")
def an_address_came_to_be_just_before_its_answer_and_was_heard_of_late(wires: Told) -> None:
    wires.kernel_tells("", "watched", devices=["web", "pc2"])
    wires.path("pc2 s1 pc1", arp_frame(arp.REPLY, "pc2", "pc1", PC1))
    wires.path("web s1 pc1", arp_frame(arp.REPLY, "web", "pc1", PC1))
    own = {"table": 255, "kind": "local", "destination": f"{WEB}/32", "gateway": "", "index": 11}
    wires.kernel_tells("web", "route", **own)


@scenario("pc2 in arp.unasked", "~web out arp.announce")
def a_kernel_does_not_keep_what_it_did_not_ask_for(wires: Told) -> None:
    listened_to(wires, "pc2", "web")
    wires.path("web s1 pc2", arp_frame(arp.REQUEST, "web", "all", WEB))


def sockets(wires: Told, device: str, *rows: list[object]) -> None:
    """What a device says that it has: ``["tcp", ip, port, peer ip, peer port, state, queued, most]``."""
    wires.kernel_tells(device, "sockets", new=list(rows), gone=[])


@scenario("web in tcp.refused", "web out tcp.refuses")
def no_socket_listens(wires: Told) -> None:
    says(wires, "pc1", "SYN", seq=1, ack=0)
    says(wires, "web", "RST+ACK", seq=0, ack=2)
    sockets(wires, "web", ["tcp", "0.0.0.0", 81, "", 0, "LISTEN", 0, 128])


@scenario("web in tcp.backlog")
def a_sockets_queue_is_full(wires: Told) -> None:
    for _ in range(2):
        says(wires, "pc1", "SYN", seq=1, ack=0)
    sockets(wires, "web", ["tcp", "0.0.0.0", 80, "", 0, "LISTEN", 2, 1])


@scenario("web in tcp.opens", "web in tcp.state", "~web out tcp.state", "~pc1 out tcp.state", "pc1 out tcp.state")
def states_are_those_that_were_asked_for(wires: Told) -> None:
    opened(wires)
    sockets(wires, "web", ["tcp", "0.0.0.0", 80, "", 0, "LISTEN", 0, 128],
            ["tcp", WEB, 80, PC1, 40000, "ESTABLISHED", 0, 0])  # fmt: skip
    sockets(wires, "pc1", ["tcp", PC1, 40000, WEB, 80, "ESTABLISHED", 0, 0])


@scenario("web in udp.refused")
def no_socket_is_bound(wires: Told) -> None:
    wires.path("pc1 web", TO_WEB)
    error = icmp.build_error(icmp.UNREACHABLE, 3, TO_WEB[14:])
    wires.path("web pc1", frame("web", "pc1", ip(error, WEB, PC1, protocol=ipv4.ICMP)))
    sockets(wires, "web")


@scenario("~proxy in ip.other", "~proxy in tcp.opens")
def a_proxy_takes_what_is_for_an_address_that_nobody_here_has(wires: Told) -> None:
    """Its routes say that it is not its own, and that it took the packet the packets say."""
    listened_to(wires, "proxy")
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, "192.0.2.9", "SYN", seq=1)))
    taken = segment("192.0.2.9", PC1, "SYN+ACK", ports=(80, 40000), seq=100, ack=2)
    wires.path("proxy pc1", frame("proxy", "pc1", taken))


@scenario("pc2 in route.kept")
def an_address_that_a_device_has_no_longer(wires: Told) -> None:
    """What it answered before, as that address, it did not answer in another's place."""
    listened_to(wires, "pc2")
    former = "10.0.0.77"
    wires.path("pc2 web", frame("pc2", "web", segment(former, WEB, "SYN", ports=(9, 80), seq=1)))
    wires.path("pc1 pc2", frame("pc1", "pc2", segment(PC1, former, "SYN", seq=1)))


@scenario("~pc1 out arp.unseen", "pc1 in arp.learned")
def a_row_that_came_of_what_came_later(wires: Told) -> None:
    """The frame's own answer made it: a program had put the frame on the cable past the ARP cache."""
    listened_to(wires, "pc1")
    wires.path("pc1 s1 web", TO_WEB)
    wires.path("web s1 pc1", arp_frame(arp.REQUEST, "web", "all", PC1))
    row(wires, "pc1", "web", "STALE")


@scenario("pc1 out arp.hit")
def a_row_that_was_written_by_hand_and_heard_of_late(wires: Told) -> None:
    listened_to(wires, "pc1")
    wires.path("pc1 s1 web", TO_WEB)
    row(wires, "pc1", "web", "PERMANENT")
