"""Trackers of single messages: repetitions, conflicts, answers nobody asked for, errors."""

import struct
from ipaddress import IPv4Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline
from lan.wire import arp, checksum, dhcp, ethernet, icmp, icmp6, ipv4
from lan.wire.dhcp_options import options

from .talk import IPS, MACS, Talk

QUERY = bytes.fromhex("1234010000010000000000000377777703 6c616e0000010001".replace(" ", ""))
ANSWER = bytes.fromhex(
    "123485000001000100000000037777 7703 6c616e0000010001c00c000100010000012c0004c0a864fd".replace(" ", "")
)
NULL_MAC = "00:00:00:00:00:00"


def timeline_of(*frames: Frame) -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    return timeline


def arp_frame(talk: Talk, who: str, operation: int, target_ip: str, *, target: str = NULL_MAC, ip: str = "") -> Frame:
    message = arp.build(operation, MACS[who], ip or IPS[who], target, target_ip)
    return talk.send(who, "web" if who == "pc1" else "pc1", message, ethertype=ethernet.ARP)


def test_an_arp_question_repeated_is_one_and_an_answer_ends_it() -> None:
    talk = Talk()
    ask = [arp_frame(talk, "pc1", arp.REQUEST, IPS["web"]) for _ in range(2)]
    answer = arp_frame(talk, "web", arp.REPLY, IPS["pc1"], target=MACS["pc1"])
    later = arp_frame(talk, "pc1", arp.REQUEST, IPS["web"])
    one, two = timeline_of(*ask, answer, later).arp
    assert (one.requests, one.replies, one.mac) == (ask, [answer], MACS["web"])
    assert (two.requests, two.mac) == ([later], None)


def test_two_answers_to_one_arp_question_are_a_conflict() -> None:
    talk = Talk()
    ask = arp_frame(talk, "pc1", arp.REQUEST, IPS["web"])
    answers = [arp_frame(talk, who, arp.REPLY, IPS["pc1"], target=MACS["pc1"], ip=IPS["web"]) for who in ("web", "r1")]
    [one] = timeline_of(ask, *answers).arp
    assert one.is_conflict()
    assert repr(one).endswith(f"{MACS['web']} and {MACS['r1']}")


def test_announcements_probes_and_unasked_answers_are_named() -> None:
    talk = Talk()
    frames = [
        arp_frame(talk, "pc1", arp.REQUEST, IPS["pc1"]),
        arp_frame(talk, "pc1", arp.REQUEST, "192.168.100.9", ip="0.0.0.0"),
        arp_frame(talk, "web", arp.REPLY, IPS["pc1"], target=MACS["pc1"]),
    ]
    assert [each.kind for each in timeline_of(*frames).arp] == ["announcement", "probe", "unasked answer"]


def message(kind: dhcp.MessageType, op: int) -> bytes:
    return dhcp.build(dhcp.Message(op, 7, chaddr=MACS["pc1"], options=options(type=kind)))


def test_a_dhcp_exchange_ends_with_ack_and_a_renewal_begins_another() -> None:
    talk = Talk()
    kinds = (dhcp.DISCOVER, dhcp.DISCOVER, dhcp.OFFER, dhcp.REQUEST, dhcp.ACK, dhcp.REQUEST, dhcp.NAK, dhcp.DISCOVER)
    frames = []
    for kind in kinds:
        is_reply = kind in (dhcp.OFFER, dhcp.ACK, dhcp.NAK)
        ports = (67, 68) if is_reply else (68, 67)
        body = message(kind, dhcp.BOOTREPLY if is_reply else dhcp.BOOTREQUEST)
        frames.append(talk.datagram("web" if is_reply else "pc1", *ports, body))
    got, renewal, again = timeline_of(*frames).dhcp
    assert got.types == ("DISCOVER", "DISCOVER", "OFFER", "REQUEST", "ACK")
    assert got.is_granted()
    assert got.frame_of(dhcp.OFFER) is frames[2]
    assert (renewal.types, renewal.is_refused(), renewal.yiaddr) == (("REQUEST", "NAK"), True, None)
    assert again.types == ("DISCOVER",)


def test_what_was_offered_and_then_refused_is_no_lease() -> None:
    talk = Talk()
    offer = dhcp.Message(dhcp.BOOTREPLY, 7, yiaddr=IPv4Address(IPS["pc1"]), chaddr=MACS["pc1"],
                         options=options(type=dhcp.OFFER, lease_s=3600))  # fmt: skip
    frames = [talk.datagram("web", 67, 68, dhcp.build(offer))]
    [exchange] = timeline_of(*frames).dhcp
    assert (str(exchange.yiaddr), exchange.lease_s) == (IPS["pc1"], 3600)
    frames.append(talk.datagram("web", 67, 68, message(dhcp.NAK, dhcp.BOOTREPLY)))
    [exchange] = timeline_of(*frames).dhcp
    assert (exchange.yiaddr, exchange.lease_s) == (None, None)


def test_a_dns_question_sent_again_is_one_and_its_first_answer_counts() -> None:
    talk = Talk()
    ask = [talk.datagram("pc1", 5353 + 1000, 53, QUERY) for _ in range(2)]
    answers = [talk.datagram("web", 53, 6353, ANSWER) for _ in range(2)]
    [query] = timeline_of(*ask, *answers).dns
    assert (query.requests, query.answer, query.rtt_ms) == (ask, answers[0], 2.0)
    assert query.addresses == ["192.168.100.253"]


def test_a_dns_answer_from_elsewhere_or_with_another_id_is_none() -> None:
    talk = Talk()
    ask = talk.datagram("pc1", 6353, 53, QUERY)
    wrong_port, wrong_id = talk.datagram("web", 53, 6354, ANSWER), talk.datagram("web", 53, 6353, b"\0\1" + ANSWER[2:])
    [query] = timeline_of(ask, wrong_port, wrong_id).dns
    assert query.answer is None
    assert repr(query).endswith("no answer")


def test_dns_over_tcp_is_followed_too() -> None:
    talk = Talk(server_port=53)
    frames = talk.open()
    frames += [
        talk.say(who, "ACK", len(data).to_bytes(2, "big") + data) for who, data in (("pc1", QUERY), ("web", ANSWER))
    ]
    [query] = timeline_of(*frames).dns
    assert query.over_tcp
    assert query.addresses == ["192.168.100.253"]


def ping(talk: Talk, who: str, sequence: int, *, reply: bool = False, via: str = "") -> Frame:
    peer = "web" if who == "pc1" else "pc1"
    body = icmp.build_echo(9, sequence, b"abc", reply=reply)
    return talk.send(who, peer, ipv4.build(IPS[who], IPS[peer], ipv4.ICMP, body), via=via)


def test_an_echo_has_its_own_reply_and_lost_ones_none() -> None:
    talk = Talk()
    frames = [ping(talk, "pc1", 1), ping(talk, "pc1", 2), ping(talk, "web", 2, reply=True)]
    lost, answered = timeline_of(*frames).icmp
    assert (lost.reply, answered.reply, answered.rtt_ms) == (None, frames[2], 1.0)


def test_an_echo_that_a_router_passes_on_is_one_and_the_senders() -> None:
    talk = Talk()
    frames = [ping(talk, "pc1", 1), ping(talk, "pc1", 1, via="r1")]
    frames += [ping(talk, "web", 1, reply=True), ping(talk, "web", 1, reply=True, via="r1")]
    [echo] = timeline_of(*frames).icmp
    assert (echo.client, echo.request, echo.is_answered) == ("pc1", frames[0], True)


def test_an_icmp_error_is_told_at_the_echo_it_quotes() -> None:
    talk = Talk()
    request = ping(talk, "pc1", 1)
    error = icmp.build_error(icmp.UNREACHABLE, 1, request.data[14:])
    frame = talk.send("r1", "pc1", ipv4.build("192.168.100.254", IPS["pc1"], ipv4.ICMP, error))
    timeline = timeline_of(request, frame)
    assert timeline.icmp[0].error is frame
    assert "host unreachable" in repr(timeline.icmp[0])
    assert timeline.icmp_errors == [frame]


def test_a_switch_that_repeats_itself_begins_a_new_journey() -> None:
    bpdu = [Frame(n, n, "s1:eth1", "pc1:eth0", Direction.OUT, b"\1\x80\xc2\0\0\0" + b"\0" * 30) for n in (1, 2)]
    timeline = timeline_of(*bpdu)
    assert [timeline.journey(frame) for frame in bpdu] == [[bpdu[0]], [bpdu[1]]]
    assert timeline.first_sightings == []


def test_a_cable_without_a_switch_shows_both_ends_frames_once() -> None:
    frames = [
        Frame(n, n, "pc1:eth0", "pc2:eth0", way, bytes(14))
        for n, way in ((1, Direction.OUT), (2, Direction.IN))
    ]  # fmt: skip
    timeline = timeline_of(*frames)
    assert timeline.first_sightings == timeline.deliveries == frames


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=120)), max_size=12))
def test_no_frame_breaks_the_timeline(seen: list[tuple[Direction, bytes]]) -> None:
    frames = [Frame(n, n, "s1:eth1", "pc1:eth0", way, data) for n, (way, data) in enumerate(seen, 1)]
    assert timeline_of(*frames).frames == frames


def test_a_tls_sessions_frames_stand_in_their_order_each_once() -> None:
    """The frame that ends one of the server's records begins the next, whose end comes behind others' frames."""
    talk = Talk(server_port=443)
    record = bytes.fromhex("1703030020") + bytes(32)
    frames = [*talk.open(), talk.say("pc1", "ACK", record), talk.say("web", "ACK", record + record[:10])]
    frames += [talk.say("pc1", "ACK", record) for _ in range(4)]
    frames.append(talk.say("web", "ACK", record[10:]))
    [session] = timeline_of(*frames).tls
    assert session.frames == frames[3:]


V6 = {"pc1": "fd00::1", "web": "fd00::fd"}


def packet_6(src: str, dst: str, kind: int, rest: bytes) -> bytes:
    """An ICMPv6 message in its IPv6 packet."""
    addresses = ip_address(src).packed + ip_address(dst).packed
    message = bytes([kind, 0, 0, 0]) + rest
    sums = checksum.checksum(checksum.pseudo_header(addresses, ipv4.ICMPV6, len(message)) + message)
    message = message[:2] + sums.to_bytes(2, "big") + message[4:]
    return struct.pack("!IHBB", 6 << 28, len(message), ipv4.ICMPV6, 64) + addresses + message


def ping_6(talk: Talk, who: str, sequence: int, kind: int) -> Frame:
    peer = "web" if who == "pc1" else "pc1"
    echo = packet_6(V6[who], V6[peer], kind, struct.pack("!HH", 9, sequence) + b"abc")
    return talk.send(who, peer, echo, ethertype=ethernet.IPV6)


def test_echoes_of_ipv6_are_told_as_those_of_ipv4() -> None:
    talk = Talk()
    frames = [ping_6(talk, "pc1", 1, icmp6.ECHO), ping_6(talk, "web", 1, icmp6.ECHO_REPLY)]
    frames.append(ping_6(talk, "pc1", 2, icmp6.ECHO))
    quoted = frames[2].data[14:]
    error = packet_6(V6["web"], V6["pc1"], icmp6.UNREACHABLE, bytes(4) + quoted)
    frames.append(talk.send("web", "pc1", error, ethertype=ethernet.IPV6))
    timeline = timeline_of(*frames)
    answered, refused = timeline.icmp
    assert (answered.client, answered.dst_ip, answered.sequence, answered.rtt_ms) == ("pc1", V6["web"], 1, 1.0)
    assert (refused.reply, refused.error, timeline.icmp_errors) == (None, frames[3], [frames[3]])


def test_an_answer_to_another_question_is_no_echo() -> None:
    talk = Talk()
    time_stamp = bytearray(icmp.build_echo(9, 1, bytes(12), reply=True))
    time_stamp[0] = icmp.TIMESTAMP_REPLY
    answer = talk.send("web", "pc1", ipv4.build(IPS["web"], IPS["pc1"], ipv4.ICMP, bytes(time_stamp)))
    [echo] = timeline_of(ping(talk, "pc1", 1), answer).icmp
    assert not echo.is_answered
