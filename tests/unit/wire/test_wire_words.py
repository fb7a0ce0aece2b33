"""What each header, option and message says, in words; and that any bytes in their place can be looked at."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import ethernet, ipv4, llc, lldp, tcp_options, udp
from lan.wire import tls_certificate as x509
from lan.wire.frame import decode
from lan.wire.malformed import Malformed
from lan.wire.packet import Packet

PC, WEB = "02:77:00:00:00:01", "02:77:00:00:00:02"
ADDRESSES_6 = bytes.fromhex("fd07000000000000000000000000000100000000fd0700000000000000000000"[:64])


def in_ipv4(protocol: int, content: bytes, options: bytes = b"") -> Packet:
    made = bytearray(ipv4.build("10.0.0.1", "10.0.0.2", protocol, options + content))
    made[0] += len(options) // 4
    return decode(ethernet.build(WEB, PC, ethernet.IPV4, bytes(made)))


def in_ipv6(number: int, content: bytes) -> Packet:
    head = b"\x60\0\0\0" + len(content).to_bytes(2, "big") + bytes((number, 64)) + ADDRESSES_6
    return decode(ethernet.build(WEB, PC, ethernet.IPV6, head + content))


def said(packet: Packet, protocol: str) -> dict[str, str]:
    """Field → words, of the last layer of a protocol; the last value where a name comes again."""
    [*_, layer] = [layer for layer in packet.layers if layer.protocol == protocol]
    return {field.name: field.text for field in layer.fields}


@pytest.mark.parametrize(
    ("option", "name", "words"),
    [
        ("070b080a00000100000000 00", "record route", "10.0.0.1; 1 slot left"),
        ("070704 00000000 00", "record route", "nothing yet; 1 slot left"),
        ("44140d01 0a000001 000003e8 00000000 00000000", "timestamp", "10.0.0.1 1000 ms"),
        ("440c0d30 000003e8 000007d0", "timestamp", "1000 ms, 2000 ms; 3 had no room"),
        ("830708 0a000001 00", "loose source route", "by 10.0.0.1; 1 of 1 passed"),
        ("89070b", "strict source route (cut)", ""),
        ("94040000", "router alert", "every router is to look"),
        ("9404002a", "router alert", "value 42"),
        ("5e040102", "option 94", "01 02"),
        ("01010100", "padding (no-operation)", ""),
    ],
)
def test_an_option_of_ipv4(option: str, name: str, words: str) -> None:
    fields = said(
        in_ipv4(17, udp.build("10.0.0.1", "10.0.0.2", 1, 2, b""), bytes.fromhex(option).ljust(4, b"\0")), "IPv4"
    )
    assert fields.get(name, "") == words


def test_damage_to_an_option_of_ipv4_is_named() -> None:
    packet = in_ipv4(1, b"\0" * 8, bytes.fromhex("070b0400"))
    assert "IPv4 option record route runs past the header" in packet.problems
    assert "IPv4 option record route has no length" in in_ipv4(1, b"\0" * 8, bytes.fromhex("01010107")).problems


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (2, "05b4", "1460 bytes"),
        (3, "07", "7 (window × 128)"),
        (5, "0000000100000005", "1-5"),
        (8, "0000000100000002", "value 1, echo reply 2"),
        (19, "00" * 16, "00 " * 15 + "00"),
        (28, "8005", "5 min"),
        (28, "003c", "60 s"),
        (30, "0181", "MP_CAPABLE: 01 81"),
        (30, "4005", "REMOVE_ADDR: 40 05"),
        (30, "f0", "MPTCP subtype 15: f0"),
        (34, "", "asks for one"),
        (34, "0102030405060708", "01 02 03 04 05 06 07 08"),
        (77, "41", "A"),
    ],
)
def test_an_option_of_tcp(kind: int, value: str, words: str) -> None:
    assert tcp_options.words(kind, bytes.fromhex(value)) == words


def test_the_options_of_a_segment_by_name() -> None:
    data = bytes.fromhex("220a0102030405060708 1e040181 1d0401ff 1312" + "ab" * 16 + "4504 0000")
    options = tcp_options.read(data, 0, len(data), faults := [])
    assert (options.fast_open, options.mptcp, options.md5) == (bytes(range(1, 9)), "MP_CAPABLE", b"\xab" * 16)
    assert (options.others, faults, options.words()) == ((29, 69), [], "tfo=0102030405060708 MP_CAPABLE md5")


@pytest.mark.parametrize(
    ("first", "content", "expected"),
    [
        (0, "3b00 0502 0000 0100", {"router alert": "a message of multicast listener discovery"}),
        (60, "3b00 00 01 03 000000", {"padding (Pad1)": "1 byte", "padding (PadN)": "5 bytes"}),
        (0, "3b00 c204 00010000", {"jumbo payload": "65536 bytes"}),
        (43, "3b02 0201 00000000" + "00" * 15 + "01", {"routing: segments left": "1", "routing: address": "::1"}),
        (44, "3b00 0051 00000007", {"fragment offset": "80", "more fragments": "yes"}),
        (51, "3b02 0000 00000009 00000001 01020304", {"authentication: value": "01 02 03 04"}),
    ],
)  # fmt: skip
def test_an_extension_header_of_ipv6(first: int, content: str, expected: dict[str, str]) -> None:
    packet = in_ipv6(first, bytes.fromhex(content))
    fields = said(packet, "IPv6")
    assert {name: fields.get(name) for name in expected} == expected
    assert packet.ipv6 is not None and packet.ipv6.next_header == 59


def icmp6(kind: int, code: int, rest: str) -> dict[str, str]:
    return said(in_ipv6(58, bytes((kind, code, 0, 0)) + bytes.fromhex(rest)), "ICMPv6")


def test_a_router_advertisement_says_all_its_options() -> None:
    prefix = "0304 40c0 00015180 ffffffff 00000000" + ADDRESSES_6[:16].hex()
    fields = icmp6(134, 0, "40c80708 00007530 000003e8 0101020000000001 0501000000000578" + prefix)
    assert (
        fields
        | {
            "router preference": "high",
            "router lifetime": "1800 s",
            "source link-layer address": "02:00:00:00:00:01",
            "MTU": "1400 bytes",
            "prefix": "fd07::1/64, on-link, for autoconfiguration, valid 86400 s, preferred for ever",
        }
        == fields
    )


def test_options_of_neighbour_discovery_that_are_damaged_are_named() -> None:
    [problem, *_] = [
        each
        for each in in_ipv6(58, bytes((135, 0, 0, 0, 0, 0, 0, 0)) + bytes(16) + b"\1\0").problems
        if "neigh" in each
    ]
    assert problem == "neighbor discovery source link-layer address has no length"


def test_listeners_and_their_sources() -> None:
    record = "0400 0001" + "ff15" + "00" * 13 + "07" + ADDRESSES_6[:16].hex()
    assert icmp6(143, 0, "00000001" + record)["record"] == "ff15::7, now from all but fd07::1"
    query = icmp6(130, 0, "81230000" + "00" * 16 + "0a910000")
    assert (query["maximum response delay"], query["query interval"]) == ("35096 ms", "272 s")
    fields = said(in_ipv4(2, bytes.fromhex("22000000000000010100 0001 ef010203 0a000009")), "IGMP")
    assert fields["record"] == "239.1.2.3, only from 10.0.0.9"


def test_an_error_of_icmp6_says_whose_packet_it_is_about() -> None:
    quoted = b"\x60\0\0\0\0\x08\x11\x40" + ADDRESSES_6 + struct.pack("!HHHH", 5000, 53, 8, 0)
    packet = in_ipv6(58, b"\1\4\0\0\0\0\0\0" + quoted)
    assert packet.icmp6 is not None and packet.icmp6.quoted_ports() == (5000, 53)
    assert packet.icmp6.summary().startswith(
        "ICMPv6 destination unreachable (port unreachable) for UDP [fd07::1]:5000 →"
    )
    assert said(packet, "ICMPv6")["quoted hop limit"] == "64 hops"


def test_snap_carries_an_ethertype_or_a_companys_own() -> None:
    inner = ipv4.build("10.0.0.1", "10.0.0.2", 17, udp.build("10.0.0.1", "10.0.0.2", 1, 2, b"x"))
    packet = decode(ethernet.build_802_3(WEB, PC, llc.build_snap(ethernet.IPV4, inner)).ljust(60, b"\0"))
    assert [layer.protocol for layer in packet.layers] == ["Ethernet", "LLC", "IPv4", "UDP", "Data", "Data"]
    assert (packet.problems, packet.layers[-1].title[:7]) == ((), "padding")
    own = decode(ethernet.build_802_3(WEB, PC, bytes.fromhex("aaaa03 00000c 2000 01b4")))
    assert own.summary() == "LLC, SNAP, 0x2000 of 00000c"


def test_an_802_3_frame_within_a_vlan() -> None:
    frame = ethernet.build_802_3(WEB, PC, bytes.fromhex("424203 00000080"))
    packet = decode(frame[:12] + b"\x81\0\0\7" + frame[12:])
    assert [layer.protocol for layer in packet.layers] == ["Ethernet", "802.1Q", "LLC", "STP"]


def test_within_tunnels_the_names_are_those_of_the_innermost_packet(captured: dict[str, bytes]) -> None:
    plain = captured["echo request"]
    inner = plain[14:]
    for packet, kinds in (
        (in_ipv4(47, b"\0\0\x08\0" + inner), ["IPv4", "GRE", "IPv4", "ICMP"]),
        (in_ipv4(47, b"\x20\0\x65\x58\0\0\0\7" + plain), ["IPv4", "GRE", "Ethernet", "IPv4", "ICMP"]),
        (in_ipv4(4, inner), ["IPv4", "IPv4", "ICMP"]),
        (
            in_ipv4(17, udp.build("10.0.0.1", "10.0.0.2", 50000, 4789, b"\x08\0\0\0\0\0\x2a\0" + plain)),
            ["IPv4", "UDP", "VXLAN", "Ethernet", "IPv4", "ICMP"],
        ),
    ):
        assert [layer.protocol for layer in packet.layers][1:] == kinds
        assert packet.problems == () and packet.udp is None
        assert packet.icmp is not None and packet.icmp.identifier == 14467
        assert packet.ipv4 is not None and packet.ipv4.src == "10.77.0.1"


def test_lldp_says_who_the_neighbour_is() -> None:
    ids = "0207 04 020000000001 0405 05 65746830 0602 0078 0a02 7331"
    body = ids + "0e04 0014 0004 100c 0501 0a000001 02 00000001 00 0000"
    packet = decode(ethernet.build(lldp.GROUP_MACS[0], PC, ethernet.LLDP, bytes.fromhex(body) + bytes(9)))
    assert packet.summary() == "LLDP s1, port eth0, for 120 s"
    fields = said(packet, "LLDP")
    assert (fields["chassis id"], fields["capabilities"]) == ("02:00:00:00:00:01", "bridge, router (off)")
    assert (fields["management address"], packet.problems) == ("10.0.0.1", ())
    cut = decode(packet.data[:40])
    assert "LLDP announcement has no end" in cut.problems or cut.problems


def openflow(*messages: str) -> Packet:
    payload = b"".join(bytes.fromhex(each) for each in messages)
    head = struct.pack("!HHLLHHHH", 40000, 6653, 1, 1, 5 << 12 | 24, 99, 0, 0)
    return in_ipv4(6, head + payload)


def test_a_flow_is_said_in_words() -> None:
    match = "0001 001c 80000004 00000001 80000606 020000000002 80000a02 0800 00000000"
    action = "0000 0010 fffffffb ffff 000000000000"
    body = (
        "00" * 16 + "00 00 001e 012c 0064 ffffffff ffffffff ffffffff 0001 0000" + match + "0004 0018 00000000" + action
    )
    length = 8 + len(bytes.fromhex(body))
    packet = openflow("0400000800000001", f"040e{length:04x}00000002{body}")
    assert packet.openflow is not None
    assert packet.openflow.summary() == "OpenFlow 1.3 HELLO, FLOW_MOD xid=1"
    fields = said(packet, "OpenFlow")
    assert (
        fields
        | {
            "command": "0 (add)",
            "idle time-out": "30 s",
            "match in port": "1",
            "match eth dst": "02:00:00:00:00:02",
            "match eth type": "0x0800",
            "instruction": "apply actions",
            "action": "output to flood",
            "flow flags": "tell when removed",
        }
        == fields
    )


def test_a_flow_of_openflow_1_0_is_said_in_words() -> None:
    match = "00000000 0001 020000000001 020000000002 0007 03 00 0800 08 06 0000 0a000001 0a000002 9c40 0050"
    body = match + "00" * 7 + "05 0000 001e 0000 0064 ffffffff ffff 0000" + "0000 0008 fffb 0000"
    fields = said(openflow(f"010e{8 + len(bytes.fromhex(body)):04x}00000002{body}"), "OpenFlow")
    assert (
        fields
        | {
            "match in port": "1",
            "match eth src": "02:00:00:00:00:01",
            "match eth dst": "02:00:00:00:00:02",
            "match VLAN id": "7",
            "match eth type": "0x0800",
            "match IP protocol": "6",
            "match ipv4 dst": "10.0.0.2",
            "match port src": "40000",
            "match port dst": "80",
            "cookie": "0x0000000000000005",
            "action": "output to flood",
        }
        == fields
    )


def test_a_short_message_of_openflow_is_named() -> None:
    assert "OpenFlow PACKET_IN has 12 bytes, expected 24" in openflow("040a000c00000001ffffffff").problems


def test_requests_in_one_segment_are_layers_of_their_own() -> None:
    text = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\n\r\n"
    head = struct.pack("!HHLLHHHH", 40000, 80, 1, 1, 5 << 12 | 24, 99, 0, 0)
    packet = in_ipv4(6, head + text)
    assert [layer.title for layer in packet.layers if layer.protocol == "HTTP"] == [
        f"HTTP request, {line}" for line in ("GET /a HTTP/1.1", "POST /b HTTP/1.1", "GET /c HTTP/1.1")
    ]
    assert packet.http is not None and packet.http.target == "/a"


def test_a_chunked_response_ends_at_its_last_chunk() -> None:
    first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
    head = struct.pack("!HHLLHHHH", 80, 40000, 1, 1, 5 << 12 | 24, 99, 0, 0)
    packet = in_ipv4(6, head + first + b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert [layer.end - layer.start for layer in packet.layers if layer.protocol == "HTTP"] == [len(first), 45]


def test_a_certificate_says_whose_it_is(captured: dict[str, bytes]) -> None:
    fields = said(decode(captured["certificate"]), "TLS")
    assert "CN=web.lan.test" in fields["certificate"] and "for web.lan.test" in fields["certificate"]


def test_a_segment_that_the_capture_cut_has_the_length_that_it_had(captured: dict[str, bytes]) -> None:
    data = captured["http request"]
    whole, cut = decode(data), decode(data[:70], wire_length=len(data))
    assert whole.tcp is not None and cut.tcp is not None
    assert (cut.tcp.length, cut.tcp.next_seq(), len(cut.payload)) == (whole.tcp.length, whole.tcp.next_seq(), 4)


def test_a_length_that_is_none_is_named() -> None:
    assert decode(bytes(12) + (1510).to_bytes(2, "big") + bytes(1510)).problems == (
        "Ethernet length 1510 is above 1500",
    )


@given(data=st.binary(max_size=120))
def test_any_bytes_are_a_certificate_or_malformed(data: bytes) -> None:
    try:
        assert x509.read(data, 0, len(data)).words().isprintable()
    except Malformed:
        pass


@given(
    st.sampled_from([2, 4, 41, 47, 50, 0, 43, 44, 51, 58, 60, 6]), st.binary(max_size=150), st.booleans()
)  # fmt: skip
def test_any_bytes_behind_a_protocol_number_can_be_looked_at(number: int, data: bytes, is_6: bool) -> None:
    packet: Any = in_ipv6(number, data) if is_6 else in_ipv4(number, data)
    assert packet.summary().isprintable()
    for layer in packet.layers:
        for field in layer.fields:
            assert layer.start <= field.start <= field.end <= layer.end, field
            assert field.text.isprintable(), field
