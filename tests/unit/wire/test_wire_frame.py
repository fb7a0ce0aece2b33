"""Any bytes can be looked at; what is right is read right, what is wrong is named, nothing raises."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.wire import ethernet, icmp, ipv4, udp
from lan.wire.frame import Packet, decode
from lan.wire.tcp import TcpFlags

PC, WEB = "02:77:00:00:00:01", "02:77:00:00:00:02"


def look_at_everything(packet: Packet) -> None:
    """Ask for all that a view may ask for, and check that ranges stay inside the frame."""
    for name in ("arp", "dhcp", "dns", "http", "tls", "payload", "protocol", "problems"):
        getattr(packet, name)
    assert packet.summary().isprintable()
    for layer in packet.layers:
        assert 0 <= layer.start <= layer.end <= len(packet.data)
        assert layer.title.isprintable()
        for field in layer.fields:
            assert layer.start <= field.start <= field.end <= layer.end, field
            assert field.text.isprintable(), field


def places(data: bytes) -> range:
    """Every offset of a short frame, every few of a long one."""
    return range(0, len(data), 1 + len(data) // 200)


def test_a_captured_frame_is_clean_and_says_what_it_is(a_captured_frame: Any) -> None:
    packet = decode(a_captured_frame.data)
    assert packet.summary() == a_captured_frame.summary
    assert packet.problems == ()


def test_the_layers_of_a_captured_frame_cover_it_without_gap(a_captured_frame: Any) -> None:
    packet = decode(a_captured_frame.data)
    look_at_everything(packet)
    ends = [0, *(layer.end for layer in packet.layers)]
    assert [layer.start for layer in packet.layers] == ends[:-1]
    assert ends[-1] == len(a_captured_frame.data)


def test_a_frame_cut_at_any_length_can_be_looked_at(a_captured_frame: Any) -> None:
    for length in places(a_captured_frame.data):
        look_at_everything(decode(a_captured_frame.data[:length]))


def test_a_frame_that_the_capture_cut_is_not_called_bad(a_captured_frame: Any) -> None:
    data = a_captured_frame.data
    for length in places(data):
        assert decode(data[:length], wire_length=len(data)).problems == ()


def test_a_frame_with_any_byte_changed_can_be_looked_at(a_captured_frame: Any) -> None:
    data = bytearray(a_captured_frame.data)
    for at in places(data):
        right = data[at]
        for wrong in (0, 1, right ^ 0x01, right ^ 0x80, 0x3F, 0xC0, 0xFF):
            data[at] = wrong
            look_at_everything(decode(bytes(data)))
        data[at] = right


@given(st.binary(max_size=400))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    look_at_everything(decode(data))


@settings(max_examples=300)
@given(
    st.sampled_from([ethernet.IPV4, ethernet.IPV6, ethernet.ARP, ethernet.VLAN, ethernet.QINQ]),
    st.binary(max_size=200),
)
def test_any_bytes_behind_a_known_ethertype_can_be_looked_at(ethertype: int, data: bytes) -> None:
    look_at_everything(decode(ethernet.build(WEB, PC, ethertype, data)))


@settings(max_examples=500)
@given(
    st.sampled_from([53, 67, 80, 443, 9999]), st.sampled_from([ipv4.UDP, ipv4.TCP, ipv4.ICMP]), st.binary(max_size=200)
)
def test_any_payload_of_a_known_port_can_be_looked_at(port: int, protocol: int, data: bytes) -> None:
    content = udp.build("10.0.0.1", "10.0.0.2", 40000, port, data) if protocol == ipv4.UDP else data
    look_at_everything(
        decode(ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build("10.0.0.1", "10.0.0.2", protocol, content)))
    )


def test_a_wrong_bit_in_an_ip_header_or_segment_is_a_bad_checksum(captured: dict[str, bytes]) -> None:
    for at, problem in (
        (22, "IPv4 header checksum is wrong"),
        (40, "TCP checksum is wrong"),
        (157, "TCP checksum is wrong"),
    ):
        data = bytearray(captured["http request"])
        data[at] ^= 0x10
        assert decode(bytes(data)).problems == (problem,)


@pytest.mark.parametrize(
    ("name", "at", "value", "problem"),
    [
        ("echo request", 14, 0x65, "IP version 6 under the ethertype of IPv4"),
        ("echo request", 14, 0x44, "IPv4 header length 16 is below 20"),
        ("echo request", 14, 0x4F, "IPv4 header checksum is wrong"),
        ("echo request", 16, 0x10, "IPv4 total length 4180, but 84 bytes here"),
        ("echo request", 50, 0xEE, "ICMP checksum is wrong"),
        ("dns query", 39, 0xFF, "UDP length 255, but 61 bytes here"),
        ("dns query", 39, 0x07, "UDP length 7 is below 8"),
        ("dns query", 60, 0x00, "UDP checksum is wrong"),
        ("syn", 46, 0x40, "TCP header length 16 is below 20"),
        ("syn", 46, 0xF0, "TCP header length 60, but 40 bytes here"),
        ("syn", 55, 0x00, "TCP option 2 has no length"),
        ("syn", 55, 0x30, "TCP option 2 runs past the header"),
        ("syn", 55, 0x03, "TCP option maximum segment size has length 3, expected 4"),
        ("arp request", 21, 0x09, "ARP operation 9 is unknown"),
        ("arp request", 18, 0x07, "ARP malformed: address lengths 7 and 4, expected 6 and 4"),
        ("dhcp offer", 278, 0x00, "DHCP malformed: no DHCP magic cookie (99.130.83.99)"),
    ],
)
def test_damage_is_named(captured: dict[str, bytes], name: str, at: int, value: int, problem: str) -> None:
    data = bytearray(captured[name])
    data[at] = value
    assert problem in decode(bytes(data)).problems


def test_a_checksum_left_to_the_network_card_is_neither_good_nor_bad(captured: dict[str, bytes]) -> None:
    data = bytearray(captured["http request"])
    sent = decode(bytes(data)).tcp
    assert sent is not None and sent.checksum_ok is True
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(26, 34, 2)]  # the addresses
    total = sum(words) + ipv4.TCP + len(data) - 34
    data[50:52] = ((total & 0xFFFF) + (total >> 16)).to_bytes(2, "big")
    packet = decode(bytes(data))
    assert packet.tcp is not None and packet.tcp.checksum_ok is None
    assert packet.problems == ()


def test_a_tag_says_its_vlan_and_what_it_carries_is_read(captured: dict[str, bytes]) -> None:
    plain = captured["echo request"]
    tagged = plain[:12] + bytes.fromhex("8100a007") + plain[12:]
    packet = decode(tagged)
    assert packet.ethernet is not None and (packet.ethernet.vlan, packet.ethernet.ethertype) == (7, ethernet.IPV4)
    assert [layer.protocol for layer in packet.layers] == ["Ethernet", "802.1Q", "IPv4", "ICMP"]
    assert [field.text for field in packet.layers[1].fields] == ["5", "no", "7", "IPv4"]
    assert packet.summary() == decode(plain).summary()


def test_two_tags_are_both_stepped_over(captured: dict[str, bytes]) -> None:
    plain = captured["echo request"]
    packet = decode(plain[:12] + bytes.fromhex("88a8000281000007") + plain[12:])
    assert [layer.protocol for layer in packet.layers] == ["Ethernet", "802.1Q", "802.1Q", "IPv4", "ICMP"]
    assert packet.ethernet is not None and packet.ethernet.vlan == 2
    assert packet.problems == ()


def test_padding_is_no_part_of_what_is_carried(captured: dict[str, bytes]) -> None:
    packet = decode(captured["reset"] + b"\0" * 6)
    assert packet.payload == b""
    assert packet.layers[-1].title == "padding, 6 bytes"
    assert packet.problems == ()


def test_bytes_behind_the_udp_length_are_no_part_of_the_datagram() -> None:
    datagram = udp.build("10.0.0.1", "10.0.0.2", 5, 6, b"abc") + b"more"
    packet = decode(ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build("10.0.0.1", "10.0.0.2", ipv4.UDP, datagram)))
    assert (packet.payload, packet.problems) == (b"abc", ())
    assert packet.layers[-1].title == "padding, 4 bytes"


def test_fragments_are_named_and_not_judged(captured: dict[str, bytes]) -> None:
    first, last = decode(captured["first fragment"]), decode(captured["last fragment"])
    assert first.icmp is not None and first.icmp.checksum_ok is None
    assert last.icmp is None and last.ipv4 is not None and last.ipv4.fragment_offset == 2960


def test_an_icmp_error_says_whose_datagram_it_is_about(captured: dict[str, bytes]) -> None:
    error = decode(captured["port unreachable"]).icmp
    assert error is not None and error.quoted is not None
    assert (error.type, error.code, error.quoted.dst, error.quoted_ports()) == (3, 3, "10.77.0.2", (40696, 9))


def test_the_payload_is_what_udp_or_tcp_carries(captured: dict[str, bytes]) -> None:
    assert decode(captured["http body"]).payload == b"<h1>hi</h1>\n"
    assert decode(captured["arp request"]).payload == b""


def test_a_segment_says_its_numbers_flags_and_options(captured: dict[str, bytes]) -> None:
    syn = decode(captured["syn, ack"]).tcp
    assert syn is not None
    assert syn.flags == TcpFlags.SYN | TcpFlags.ACK
    assert (syn.seq, syn.ack, syn.window, syn.next_seq()) == (2312812461, 506709324, 65160, 2312812462)
    assert (syn.options.mss, syn.options.wscale, syn.options.sack_ok, syn.options.sack) == (1460, 10, True, ())
    assert syn.options.timestamps is not None


def test_sack_blocks_are_read() -> None:
    # hand-built: NOP NOP SACK with two blocks
    data = bytes.fromhex("0101051200000001000000050000000a00000014")
    segment = bytes.fromhex("9c40005000000001000000022810ffff00000000")
    header = bytearray(segment)
    header[12] = (20 + len(data)) // 4 << 4
    frame = ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build("10.0.0.1", "10.0.0.2", ipv4.TCP, bytes(header) + data))
    packet = decode(frame)
    assert packet.tcp is not None and packet.tcp.options.sack == ((1, 5), (10, 20))


def test_the_fields_of_an_echo_request_stand_where_they_are(captured: dict[str, bytes]) -> None:
    [_, _, layer] = decode(captured["echo request"]).layers
    assert [(field.name, field.text, field.start, field.end) for field in layer.fields[:5]] == [
        ("type", "8 (echo request)", 34, 35),
        ("code", "0", 35, 36),
        ("checksum", f"0x{captured['echo request'][36:38].hex()} (good)", 36, 38),
        ("identifier", "14467", 38, 40),
        ("sequence number", "1", 40, 42),
    ]


def test_an_unknown_ethertype_is_data() -> None:
    packet = decode(ethernet.build(WEB, PC, 0x88B5, b"hello"))
    assert packet.protocol == "Ethernet"
    assert packet.layers[-1].title == "data, 5 bytes"


def test_a_redirect_names_the_gateway() -> None:
    datagram = ipv4.build("10.0.0.1", "10.1.0.1", ipv4.UDP, udp.build("10.0.0.1", "10.1.0.1", 5, 6, b"abc"))
    message = icmp.build_redirect(1, "10.0.0.254", datagram)
    packet = decode(ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build("10.0.0.2", "10.0.0.1", ipv4.ICMP, message)))
    assert packet.problems == ()
    assert "10.0.0.254" in [field.text for field in packet.layers[-1].fields]
