"""What is built reads back as what was meant; what can't be said is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.wire import arp, checksum, ethernet, icmp, ipv4, stp, tcp, udp
from lan.wire.frame import decode
from lan.wire.malformed import Malformed

U8, U16, U32 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32))
MACS = st.binary(min_size=6, max_size=6).map(lambda data: data.hex(":"))
IPS = st.ip_addresses(v=4).map(str)
PC, WEB = "02:00:00:00:00:01", "02:00:00:00:00:02"


def framed(protocol: int, content: bytes, src: str = "10.0.0.1", dst: str = "10.0.0.2") -> bytes:
    return ethernet.build(WEB, PC, ethernet.IPV4, ipv4.build(src, dst, protocol, content))


@given(MACS, MACS, st.none() | st.integers(0, 4095), st.integers(0, 7))
def test_an_ethernet_header_reads_back(dst: str, src: str, vlan: int | None, priority: int) -> None:
    packet = decode(ethernet.build(dst, src, 0x88B5, b"x", vlan=vlan, priority=priority))
    assert packet.ethernet == ethernet.Ethernet(dst, src, 0x88B5, vlan)


@given(st.sampled_from(sorted(arp.OPERATIONS)), MACS, IPS, MACS, IPS)
def test_an_arp_message_reads_back(operation: int, mac: str, ip: str, target_mac: str, target_ip: str) -> None:
    packet = decode(ethernet.build(WEB, PC, ethernet.ARP, arp.build(operation, mac, ip, target_mac, target_ip)))
    assert packet.arp == arp.Arp(operation, mac, ip, target_mac, target_ip)


@given(IPS, IPS, st.integers(143, 252), U8, U16, U8, st.booleans(), st.binary(max_size=50))
def test_an_ipv4_header_reads_back(
    src: str, dst: str, protocol: int, ttl: int, number: int, tos: int, whole: bool, content: bytes
) -> None:
    datagram = ipv4.build(src, dst, protocol, content, ttl=ttl, identification=number, tos=tos, dont_fragment=whole)
    packet = decode(ethernet.build(WEB, PC, ethernet.IPV4, datagram))
    header = packet.ipv4
    assert header is not None and header.checksum_ok and packet.problems == ()
    assert (header.src, header.dst, header.protocol, header.ttl, header.tos) == (src, dst, protocol, ttl, tos)
    assert (header.identification, header.total_length) == (number, 20 + len(content))
    assert header.flags == (ipv4.Ipv4Flags.DF if whole else 0)


@given(IPS, IPS, U16, U16, st.binary(max_size=100))
def test_a_udp_datagram_reads_back(src: str, dst: str, src_port: int, dst_port: int, payload: bytes) -> None:
    packet = decode(framed(ipv4.UDP, udp.build(src, dst, src_port, dst_port, payload), src, dst))
    header = packet.udp
    assert header is not None and header.checksum_ok
    assert (header.src_port, header.dst_port, packet.payload) == (src_port, dst_port, payload)


def test_a_udp_checksum_that_comes_out_as_zero_is_sent_as_all_ones() -> None:
    rest = udp.build("10.0.0.1", "10.0.0.2", 1, 2, b"\0\0")
    field = int.from_bytes(rest[6:8], "big")  # a payload of just that brings the sum to zero
    datagram = udp.build("10.0.0.1", "10.0.0.2", 1, 2, field.to_bytes(2, "big"))
    assert datagram[6:8] == b"\xff\xff"
    assert decode(framed(ipv4.UDP, datagram)).problems == ()


OPTIONS = st.builds(
    tcp.TcpOptions,
    mss=st.none() | U16,
    wscale=st.none() | U8,
    sack_ok=st.booleans(),
    timestamps=st.none() | st.tuples(U32, U32),
    sack=st.lists(st.tuples(U32, U32), max_size=2).map(tuple),
)


@given(U16, U16, U32, U32, st.integers(0, 511), U16, OPTIONS, st.binary(max_size=100))
def test_a_segment_reads_back(
    src: int, dst: int, seq: int, ack: int, flags: int, window: int, options: tcp.TcpOptions, payload: bytes
) -> None:
    made = tcp.build(
        "10.0.0.1",
        "10.0.0.2",
        src,
        dst,
        seq=seq,
        ack=ack,
        flags=tcp.TcpFlags(flags),
        window=window,
        options=options,
        payload=payload,
    )
    packet = decode(framed(ipv4.TCP, made))
    header = packet.tcp
    assert header is not None and header.checksum_ok and header.problems == ()
    assert (header.src_port, header.dst_port, header.seq, header.ack) == (src, dst, seq, ack)
    assert (header.flags, header.window, header.options, packet.payload) == (flags, window, options, payload)


@given(U16, U16, st.binary(max_size=100), st.booleans())
def test_an_echo_reads_back(identifier: int, sequence: int, data: bytes, reply: bool) -> None:
    packet = decode(framed(ipv4.ICMP, icmp.build_echo(identifier, sequence, data, reply=reply)))
    message = packet.icmp
    assert message is not None and message.checksum_ok and packet.problems == ()
    assert (message.type, message.identifier, message.sequence, message.data) == (
        8 * (not reply),
        identifier,
        sequence,
        data,
    )


BRIDGES = st.builds(stp.BridgeId, U16, MACS)
TIMES = st.integers(0, 0xFFFF).map(lambda ticks: ticks / 256)


@given(st.builds(stp.Stp, st.just(0), U8, BRIDGES, U32, BRIDGES, U16, TIMES, TIMES, TIMES, TIMES))
def test_a_bpdu_reads_back(bpdu: stp.Stp) -> None:
    packet = decode(ethernet.build_802_3(stp.GROUP_MAC, PC, stp.build(bpdu)) + b"\0" * 8)
    assert packet.stp == bpdu
    assert packet.problems == ()


@pytest.mark.parametrize(
    "build",
    [
        lambda: ethernet.build("02:00", PC, 0x0800, b""),
        lambda: ethernet.build(WEB, PC, 60, b""),
        lambda: ethernet.build(WEB, PC, 0x0800, b"", vlan=4096),
        lambda: ipv4.build("10.0.0.256", "10.0.0.1", 6, b""),
        lambda: ipv4.build("10.0.0.1", "10.0.0.2", 6, bytes(65516)),
        lambda: ipv4.build("10.0.0.1", "10.0.0.2", 6, b"", ttl=256),
        lambda: udp.build("10.0.0.1", "10.0.0.2", 65536, 1, b""),
        lambda: icmp.build_echo(65536, 1, b""),
        lambda: tcp.build("10.0.0.1", "10.0.0.2", 1, 2, seq=2**32, flags=tcp.TcpFlags.SYN),
        lambda: arp.build(1, PC, "10.0.0.1", "nowhere", "10.0.0.2"),
    ],
)
def test_what_does_not_fit_is_refused(build) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Malformed):
        build()


def sum_by_words(data: bytes) -> int:
    """RFC 1071 §4.1, word by word."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big")
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@given(st.binary(max_size=64))
def test_the_quick_sum_is_the_sum_word_by_word(data: bytes) -> None:
    assert checksum.ones_sum(data) == sum_by_words(data)


@given(
    st.integers(checksum.LONG_BYTES - 1, 3000), st.binary(max_size=64), st.sampled_from([b"\0", b"\xff", b"\xa5\x01"])
)
def test_the_sum_of_a_long_number_is_the_same(length: int, some: bytes, more: bytes) -> None:
    data = (some + more * length)[:length]
    assert checksum.ones_sum(data) == sum_by_words(data)


def test_the_example_of_rfc_1071() -> None:
    assert checksum.ones_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2
