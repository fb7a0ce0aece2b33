"""What a kernel told is heard a little after it happened, on a busy machine a second: no reason is untrue by that.

Each test lets a frame pass, and has its device tell only then what had changed before it.
"""

from lan.wire import arp, icmp, ipv4

from .journey_wires import IPS, MACS, datagram, frame, ip
from .why_kernel import listened_to, row, sockets
from .why_network import FAR, TO_WEB, arp_frame, says
from .why_services import FOUND, WEB_GET
from .why_wires import PC1, R1, WEB, Told

SECOND_NS = 1_000_000_000
OPEN = ["tcp", WEB, 80, PC1, 40000]


def interface(wires: Told, device: str, mac: str = "") -> None:
    given = {"name": f"{device}-eth0", "is_up": True, "mac": mac or MACS[device]}
    wires.kernel_tells(device, "interface", index=11, **given)


def own_address(wires: Told, device: str, *, is_gone: bool = False) -> None:
    own = {"destination": f"{IPS[device]}/32", "gateway": "", "index": 11, "is_gone": is_gone}
    wires.kernel_tells(device, "route", table=255, kind="local", **own)


def late(wires: Told) -> None:
    wires.now_ns += SECOND_NS


def test_a_packet_for_an_address_that_just_came_to_be_is_not_said_to_be_for_another() -> None:
    wires = Told()
    wires.kernel_tells("", "watched", devices=["web"])
    wires.path("pc1 s1 web", TO_WEB)
    assert "web in route.kept" in wires.codes()
    late(wires)
    own_address(wires, "web")
    assert "~web in ip.mine" in wires.codes()
    assert not [one for one in wires.codes() if "route.kept" in one]


def test_an_address_that_went_soon_after_may_have_gone_before() -> None:
    wires = Told()
    listened_to(wires, "web")
    wires.path("pc1 s1 web", TO_WEB)
    assert "web in ip.mine" in wires.codes()
    late(wires)
    own_address(wires, "web", is_gone=True)
    assert "~web in ip.mine" in wires.codes()


def test_a_frame_for_a_port_that_just_came_to_be_is_not_said_to_be_for_another() -> None:
    wires = Told()
    wires.kernel_tells("", "watched", devices=["web"])
    interface(wires, "web", "00:00:00:00:00:00")
    wires.path("pc1 s1 web", TO_WEB)
    assert "web in nic.other" in wires.codes()
    late(wires)
    interface(wires, "web")
    assert "~web in nic.mine" in wires.codes()


def test_a_route_that_was_heard_late_is_the_one_that_led_to_the_neighbour_who_got_it() -> None:
    wires = Told()
    listened_to(wires, "pc1")
    row(wires, "pc1", "r1")
    wires.path("pc1 s1 r1", frame("pc1", "r1", datagram(PC1, FAR)))
    assert "~pc1 out route.gateway" in wires.codes()
    late(wires)
    wires.kernel_tells("pc1", "route", table=254, kind="unicast", destination="0.0.0.0/0", gateway=R1, index=11)
    assert "pc1 out route.gateway" in wires.codes()


def test_a_route_that_refuses_and_was_heard_late_is_why_the_sender_is_told() -> None:
    wires = Told()
    listened_to(wires, "r1")
    wires.kernel_tells("r1", "route", table=254, kind="unicast", destination="0.0.0.0/0", gateway=WEB, index=11)
    packet = datagram(PC1, FAR)
    wires.path("pc1 r1", frame("pc1", "r1", packet))
    error = icmp.build_error(icmp.UNREACHABLE, 13, packet)
    wires.path("r1 pc1", frame("r1", "pc1", ip(error, R1, PC1, protocol=ipv4.ICMP)))
    assert "~r1 in route.forbidden" in wires.codes()
    late(wires)
    wires.kernel_tells("r1", "route", table=254, kind="prohibit", destination=f"{FAR}/32", gateway="", index=0)
    assert "r1 in route.forbidden" in wires.codes()


def test_a_row_whose_end_was_heard_late_was_missing_where_everyone_was_asked() -> None:
    wires = Told()
    listened_to(wires, "pc1")
    row(wires, "pc1", "web")
    wires.path("pc1 s1 web", arp_frame(arp.REQUEST, "pc1", "all", WEB))
    assert "~pc1 out arp.miss" in wires.codes()
    late(wires)
    wires.kernel_tells("pc1", "neighbour", index=11, ip=WEB, mac="", state="", is_gone=True)
    assert "pc1 out arp.miss" in wires.codes()


def test_a_bridges_row_whose_end_was_heard_late_was_gone_where_the_frame_was_flooded() -> None:
    wires = Told()
    station = {"mac": MACS["web"], "port": "s1:to-web"}
    wires.kernel_tells("s1", "station", **station, is_gone=False)
    wires.path("pc1 s1 web", TO_WEB)
    wires.cross("s1", "pc2", TO_WEB)
    assert "~s1 out switch.flood" in wires.codes()
    late(wires)
    wires.kernel_tells("s1", "station", **station, is_gone=True)
    assert "s1 out switch.flood" in wires.codes() and "s1 out switch.aged" in wires.codes()


def test_a_socket_that_was_asked_for_before_the_segment_reached_it_is_asked_for_again() -> None:
    wires = Told()
    says(wires, "pc1", "SYN", seq=1, ack=0)
    says(wires, "web", "SYN+ACK", seq=100, ack=2)
    says(wires, "pc1", "ACK", seq=2, ack=101)
    sockets(wires, "web", [*OPEN, "SYN-RECEIVED", 0, 0])
    assert wires.codes().count("web in tcp.state") == 0
    wires.now_ns += 20_000_000
    sockets(wires, "web", [*OPEN, "ESTABLISHED", 0, 0])
    assert wires.codes().count("web in tcp.state") == 1


def test_what_becomes_of_a_connection_may_be_written_late_and_is_not_the_next_responses() -> None:
    wires, ends = Told(), {"client": f"{PC1}:40000", "server": f"{WEB}:80"}
    says(wires, "pc1", "ACK", WEB_GET, seq=2, ack=101)
    wires.decide("web", "http", "response", "the file", status=200, **ends)
    says(wires, "web", "ACK", FOUND, seq=101, ack=40)
    late(wires)
    late(wires)
    wires.decide("web", "http", "keep", "HTTP/1.1 persists unless told to close", **ends)
    assert wires.codes().count("web out http.keeps") == 1
    late(wires)
    wires.decide("web", "http", "response", "the file", status=200, **ends)
    says(wires, "web", "ACK", FOUND, seq=101 + len(FOUND), ack=40)
    assert wires.codes().count("web out http.keeps") == 1
