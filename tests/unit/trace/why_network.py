"""What cables, switches, hosts and routers do, and the reasons that must be seen of it: layers 1 to 4."""

import zlib
from collections.abc import Callable
from ipaddress import IPv6Address

from lan.wire import arp, checksum, ethernet, icmp, ipv4, nd

from .journey_wires import IPS, MACS, Wires, datagram, frame, ip, segment
from .why_wires import PC1, PC2, R1, WEB, Told, scenario

FAR, PUBLIC, NULL_MAC = "172.16.0.9", "192.0.2.1", "00:00:00:00:00:00"
TO_WEB = frame("pc1", "web", datagram(PC1, WEB))
FROM_WEB = frame("web", "pc1", datagram(WEB, PC1))


def arp_frame(operation: int, who: str, to: str, target_ip: str, *, ip: str | None = None) -> bytes:
    sender = IPS[who] if ip is None else ip
    target = NULL_MAC if to == "all" else MACS[to]
    return frame(who, to, arp.build(operation, MACS[who], sender, target, target_ip), ethernet.ARP)


def knows(wires: Wires, who: str, of: str) -> None:
    """`who` hears an ARP answer of `of`."""
    wires.path(f"{of} s1 {who}", arp_frame(arp.REPLY, of, who, IPS[who]))


# --- cables


def on_cable(wires: Told, what: str, **keys: object) -> None:
    wires.path("pc1 s1 web", TO_WEB)
    crc = zlib.crc32(TO_WEB)
    wires.decide("", "links", what, "as it was told", **{"from": "s1", "to": "web", "crc": crc, **keys})


@scenario("web in link.lost")
def a_cable_loses_a_frame(wires: Told) -> None:
    on_cable(wires, "lost")


@scenario("web in link.dropped")
def a_cables_queue_is_full(wires: Told) -> None:
    on_cable(wires, "dropped")


@scenario("web in link.duplicated", "~web in nic.mine")
def a_cable_doubles_a_frame(wires: Told) -> None:
    on_cable(wires, "duplicated")


@scenario("web in link.corrupted")
def a_cable_damages_a_frame(wires: Told) -> None:
    on_cable(wires, "corrupted", bit=7)


@scenario("s1 in link.corrupted")
def a_damaged_frame_is_seen_behind_its_cable(wires: Told) -> None:
    turned = bytes([*TO_WEB[:40], TO_WEB[40] ^ 8, *TO_WEB[41:]])
    for length, crc in ((60, 1), (60, zlib.crc32(TO_WEB))):
        ends = {"from": "pc1", "to": "s1", "crc": crc, "bit": 40 * 8 + 3, "bytes": length}
        wires.decide("", "links", "corrupted", "one in ten", **ends)
    wires.path("pc1 s1", turned)


@scenario("web in link.reordered")
def a_frame_overtakes_others(wires: Told) -> None:
    on_cable(wires, "reordered")


@scenario("~s2 in link.missing")
def a_frame_does_not_arrive_at_the_next_switch(wires: Told) -> None:
    wires.switches = ("s1", "s2")
    wires.path("pc1 s1 s2 web", frame("pc1", "web", datagram(PC1, WEB, ident=8)))
    wires.path("pc1 s1 s2", TO_WEB)
    del wires.frames[-1]
    wires.path("pc1 s1 s2 web", frame("pc1", "web", datagram(PC1, WEB, ident=9)))


@scenario("s1 in link.down", "~s1 in switch.kept")
def the_cable_to_the_receiver_is_pulled(wires: Told) -> None:
    wires.decide("", "links", "pulled", "pulled by hand", **{"from": "s1", "to": "web", "cable": "s1-web"})
    wires.path("pc1 s1", TO_WEB)


# --- switches


@scenario("s1 in switch.learned", "s1 out switch.flood", "~web in nic.mine", "~pc2 in nic.other")
def a_switch_learns_and_floods(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("learned", "pc1")
    wires.switch_decides("flooded", "pc1", "web")
    wires.path("s1 web", TO_WEB)
    wires.path("s1 pc2", TO_WEB)


@scenario("s1 in switch.known", "s1 out switch.hit", "s1 in switch.learned")
def a_switch_hits_what_its_log_put_into_the_table(wires: Told) -> None:
    wires.path("web s1", FROM_WEB)
    wires.switch_decides("learned", "web", in_port=2)
    wires.path("s1 pc1", FROM_WEB)
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("learned", "pc1")
    wires.path("s1 web", TO_WEB)
    wires.path("pc1 s1 web", frame("pc1", "web", datagram(PC1, WEB, ident=8)))


@scenario("~s1 in switch.learned", "~s1 in switch.known", "~s1 out switch.hit", "~s1 out switch.flood")
def a_bridge_without_a_log_is_told_by_what_it_heard(wires: Told) -> None:
    wires.path("pc1 s1 web", TO_WEB)
    wires.path("web s1 pc1", FROM_WEB)
    wires.path("pc1 s1 web", frame("pc1", "web", datagram(PC1, WEB, ident=8)))


@scenario("s1 in switch.moved")
def a_station_moves(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("moved", "pc1")
    wires.path("s1 web", TO_WEB)


@scenario("s1 in switch.refused")
def a_full_table_learns_nothing(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("not learned", "pc1", text="the table is full")
    wires.path("s1 web", TO_WEB)


@scenario("s1 out switch.aged", "s1 out switch.flood")
def a_row_ages_and_the_frame_is_flooded(wires: Told) -> None:
    wires.switch_decides("learned", "web", in_port=2)
    wires.now_ns += 10**9
    wires.switch_decides("aged", "web", text="silent for 300 s", in_port=2)
    wires.path("pc1 s1 web", TO_WEB)
    wires.path("s1 pc2", TO_WEB)


@scenario("s1 in switch.filtered")
def a_station_is_on_the_port_the_frame_came_from(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("dropped", "pc1", "web", text="destination is on the port it came from: filtered")


@scenario("s1 in switch.dropped")
def a_switch_drops_by_its_rules(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)
    wires.switch_decides("dropped", "pc1", "web", text="a group address can't be a source")


@scenario("~s1 in switch.kept")
def a_switch_hands_nothing_on(wires: Told) -> None:
    wires.path("pc1 s1", TO_WEB)


@scenario("~s1 in switch.reserved", "~s1 out switch.own")
def frames_of_switches_stay_on_their_cable(wires: Told) -> None:
    bpdu = bytes.fromhex("0180c2000000") + bytes(6) + b"\0\x04BPDU"
    wires.path("pc1 s1", bpdu)
    wires.path("s1 web", bpdu + b"!")


@scenario("~s1 out switch.broadcast", "~web in nic.broadcast", "~pc1 out arp.miss", "~web in arp.learned")
def everyone_is_asked_for_an_address(wires: Told) -> None:
    knows(wires, "pc2", "web")
    wires.path("pc1 s1 web", arp_frame(arp.REQUEST, "pc1", "all", WEB))


@scenario("~s1 out switch.multicast", "~pc1 out route.group", "~web in nic.multicast", "~web in ip.group")
def a_group_is_flooded(wires: Told) -> None:
    group = ethernet.build("01:00:5e:00:00:fb", MACS["pc1"], ethernet.IPV4, datagram(PC1, "224.0.0.251"))
    wires.path("pc1 s1 web", group)


# --- ARP


@scenario("~web out arp.answer", "~pc1 in arp.learned", "~pc2 in arp.other")
def the_owner_answers_and_the_others_do_not(wires: Told) -> None:
    wires.path("web s1 pc1", arp_frame(arp.REPLY, "web", "pc1", PC1))
    wires.path("pc1 s1 pc2", arp_frame(arp.REQUEST, "pc1", "all", WEB))


@scenario("~pc1 out arp.probe", "~pc1 out arp.announce", "~pc1 out arp.confirm")
def an_address_is_probed_announced_and_confirmed(wires: Told) -> None:
    wires.path("pc1 s1 web", arp_frame(arp.REQUEST, "pc1", "all", PC1, ip="0.0.0.0"))
    wires.path("pc1 s1 web", arp_frame(arp.REQUEST, "pc1", "all", PC1))
    wires.path("pc1 s1 web", arp_frame(arp.REQUEST, "pc1", "web", WEB))


@scenario("~pc1 out arp.hit", "~pc1 out route.link", "~web in ip.mine", "~pc1 out udp.sends", "~web in udp.takes")
def an_address_is_in_the_cache(wires: Told) -> None:
    knows(wires, "pc1", "web")
    wires.path("pc1 s1 web", TO_WEB)


@scenario("~pc1 out arp.unseen")
def an_address_was_known_before_the_capture(wires: Told) -> None:
    wires.path("pc1 s1 web", TO_WEB)


# --- routes


@scenario("~pc1 out route.gateway", "~pc1 out arp.hit", "~r1 out route.on", "~r1 out arp.hit")
def a_gateway_sends_on(wires: Told) -> None:
    knows(wires, "pc1", "r1")
    knows(wires, "r1", "web")
    wires.path("pc1 s1 r1", frame("pc1", "r1", datagram(PC1, WEB)))
    wires.path("r1 s1 web", frame("r1", "web", datagram(PC1, WEB, ttl=63)))


@scenario("~r1 out route.cut")
def a_packet_is_cut(wires: Told) -> None:
    body = datagram(PC1, WEB, bytes(400))[20:]
    wires.path("pc1 r1", frame("pc1", "r1", ip(body, PC1, WEB)))
    wires.path("r1 web", frame("r1", "web", ip(body[:200], PC1, WEB, ttl=63, more=True)))
    wires.path("r1 web", frame("r1", "web", ip(body[200:], PC1, WEB, ttl=63, offset=200)))


@scenario("~r1 out nat.source", "~r1 out nat.destination")
def addresses_are_rewritten(wires: Told) -> None:
    wires.path("pc1 r1", frame("pc1", "r1", datagram(PC1, FAR)))
    wires.path("r1 web", frame("r1", "web", datagram(PUBLIC, FAR, ports=(1024, 9), ttl=63)))
    wires.path("web r1", frame("web", "r1", datagram(FAR, PUBLIC, ports=(9, 1024), ident=8)))
    wires.path("r1 pc1", frame("r1", "pc1", datagram(FAR, PC1, ports=(9, 40000), ident=8, ttl=63)))


@scenario("~r1 in route.kept")
def a_host_that_is_no_router_keeps_the_packet(wires: Told) -> None:
    knows(wires, "pc1", "web")
    wires.path("pc1 r1", frame("pc1", "r1", datagram(PC1, WEB)))


def refused(kind: int, code: int) -> Callable[[Told], None]:
    def play(wires: Told) -> None:
        packet = datagram(PC1, FAR)
        wires.path("pc1 r1", frame("pc1", "r1", packet))
        error = icmp.build_error(kind, code, packet)
        wires.path("r1 pc1", frame("r1", "pc1", ip(error, R1, PC1, protocol=ipv4.ICMP)))

    play.__name__ = f"icmp_{kind}_{code}"
    return play


for kind, number, code in (
    (icmp.UNREACHABLE, 0, "route.none"),
    (icmp.UNREACHABLE, 1, "route.unreachable"),
    (icmp.UNREACHABLE, 4, "route.large"),
    (icmp.UNREACHABLE, 13, "route.forbidden"),
    (icmp.TIME_EXCEEDED, 0, "route.ttl"),
    (icmp.UNREACHABLE, 3, "udp.refused"),
):
    scenario(f"~r1 in {code}", "~r1 out icmp.tells", "~pc1 in icmp.told")(refused(kind, number))


@scenario("~r1 out route.redirect", "~pc1 in icmp.told", "~r1 out route.on")
def a_shorter_way_is_told(wires: Told) -> None:
    packet = datagram(PC1, WEB)
    wires.path("pc1 r1", frame("pc1", "r1", packet))
    wires.path("r1 pc1", frame("r1", "pc1", ip(icmp.build_redirect(1, WEB, packet), R1, PC1, protocol=ipv4.ICMP)))
    wires.path("r1 web", frame("r1", "web", datagram(PC1, WEB, ttl=63)))


@scenario("~pc1 out route.all", "~web in ip.all")
def everyone_gets_a_datagram(wires: Told) -> None:
    wires.path("pc1 s1 web", frame("pc1", "all", datagram(PC1, "255.255.255.255")))


@scenario("~pc1 out icmp.asks", "~web out icmp.answers", "~pc1 in icmp.answered")
def an_echo_is_answered(wires: Told) -> None:
    ask, answer = (icmp.build_echo(5, 1, b"abc", reply=reply) for reply in (False, True))
    wires.path("pc1 s1 web", frame("pc1", "web", ip(ask, PC1, WEB, protocol=ipv4.ICMP)))
    wires.path("web s1 pc1", frame("web", "pc1", ip(answer, WEB, PC1, protocol=ipv4.ICMP)))


def neighbours_say(who: str, kind: int, src: str, dst: str, target: str = "") -> bytes:
    """An ICMPv6 message of neighbour discovery, to a group."""
    source, to = IPv6Address(src).packed, IPv6Address(dst).packed
    body = bytes((kind, 0, 0, 0, 0, 0, 0, 0)) + (IPv6Address(target).packed if target else b"")
    total = checksum.checksum(checksum.pseudo_header(source + to, ipv4.ICMPV6, len(body)) + body)
    message = body[:2] + total.to_bytes(2, "big") + body[4:]
    packet = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + bytes((ipv4.ICMPV6, 255)) + source + to + message
    return ethernet.build("33:33:ff:00:00:03", MACS[who], ethernet.IPV6, packet)


@scenario("~pc1 out nd.probe", "~pc1 out nd.miss", "~web out nd.answer", "~pc1 in nd.learned", "~pc1 out nd.routers")
def neighbours_are_discovered(wires: Told) -> None:
    wires.path("pc1 s1 web", neighbours_say("pc1", nd.SOLICITATION, "::", "ff02::1:ff00:1", "fe80::1"))
    wires.path("pc1 s1 web", neighbours_say("pc1", nd.SOLICITATION, "fe80::1", "ff02::1:ff00:3", "fe80::3"))
    wires.path("web s1 pc1", neighbours_say("web", nd.ADVERTISEMENT, "fe80::3", "fe80::1", "fe80::3"))
    wires.path("pc1 s1 web", neighbours_say("pc1", nd.ROUTER_SOLICITATION, "fe80::1", "ff02::2"))


def damaged(packet: bytes, at: int) -> bytes:
    return frame("pc1", "web", packet[:at] + bytes([packet[at] ^ 1]) + packet[at + 1 :])


@scenario("~web in ip.checksum", "~web in udp.checksum", "~web in tcp.checksum", "~web in icmp.checksum")
def damage_is_found_by_each_layers_checksum(wires: Told) -> None:
    echo = ip(icmp.build_echo(5, 1, b"abc"), PC1, WEB, protocol=ipv4.ICMP)
    wires.path("pc1 web", damaged(datagram(PC1, WEB), 4))
    wires.path("pc1 web", damaged(datagram(PC1, WEB), -1 % len(datagram(PC1, WEB))))
    wires.path("pc1 web", damaged(segment(PC1, WEB, "ACK", b"data"), 41))
    wires.path("pc1 web", damaged(echo, 29))


# --- TCP


def opened(wires: Told) -> None:
    for who, flags, seq, ack in (("pc1", "SYN", 1, 0), ("web", "SYN+ACK", 100, 2), ("pc1", "ACK", 2, 101)):
        says(wires, who, flags, seq=seq, ack=ack)


def says(wires: Told, who: str, flags: str, data: bytes = b"", *, seq: int, ack: int, port: int = 80) -> None:
    other = "web" if who == "pc1" else "pc1"
    ports = (40000, port) if who == "pc1" else (port, 40000)
    packet = segment(IPS[who], IPS[other], flags, data, ports=ports, seq=seq, ack=ack)
    wires.path(f"{who} s1 {other}", frame(who, other, packet))


@scenario(
    *("~pc1 out tcp.state", "~web in tcp.opens", "~web out tcp.state", "~web in tcp.state", "~pc1 out tcp.sends"),
    *("~web in tcp.takes", "~web out tcp.acks", "~pc1 in tcp.acked", "~pc1 out tcp.event"),
)
def a_connection_opens_and_carries_bytes(wires: Told) -> None:
    opened(wires)
    for _ in range(2):
        says(wires, "pc1", "ACK", b"hello", seq=2, ack=101)
    says(wires, "web", "ACK", seq=101, ack=7)


@scenario("~web in tcp.refused", "~web out tcp.refuses", "~pc1 in tcp.was-reset")
def no_program_listens(wires: Told) -> None:
    says(wires, "pc1", "SYN", seq=1, ack=0)
    says(wires, "web", "RST+ACK", seq=0, ack=2)


@scenario("~web out tcp.reset", "~pc1 in tcp.was-reset")
def a_connection_is_reset(wires: Told) -> None:
    opened(wires)
    says(wires, "web", "RST", seq=101, ack=0)


@scenario("~web in tcp.backlog")
def a_port_that_answered_others_is_silent(wires: Told) -> None:
    opened(wires)
    for _ in range(2):
        packet = segment(PC2, WEB, "SYN", ports=(50000, 80))
        wires.path("pc2 s1 web", frame("pc2", "web", packet))


@scenario("~web in tcp.silent")
def a_port_never_answers(wires: Told) -> None:
    for _ in range(2):
        says(wires, "pc1", "SYN", seq=1, ack=0, port=81)


@scenario("~pc1 out tls.record", "~web in tls.record")
def a_connection_is_encrypted(wires: Told) -> None:
    opened(wires)
    says(wires, "pc1", "ACK", b"\x17\x03\x03\x00\x10" + bytes(16), seq=2, ack=101)
