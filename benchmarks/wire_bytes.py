"""Two hosts' packets as bytes, options and odd values included, with the checksums they need.  Pure."""

import struct
from collections.abc import Callable
from random import Random

from lan.wire import arp, ethernet, icmp, ipv4, udp
from lan.wire import checksum as sums

Family = Callable[[Random], list[bytes]]
"""Makes frames of a kind."""
PC, WEB = "02:00:00:00:00:01", "02:00:00:00:00:02"
PC_IP, WEB_IP = "10.7.0.1", "10.7.0.2"
PC_IP6 = bytes.fromhex("fd070000000000000000000000000001")
WEB_IP6 = bytes.fromhex("fd070000000000000000000000000002")
IGMP, IPV6_IN, GRE, ICMPV6 = 2, 41, 47, 58


def in_ipv4(protocol: int, content: bytes, options: bytes = b"", **fields: int) -> bytes:
    """An Ethernet frame with an IPv4 header, options and all; `fields` are ttl, tos, identification, flags_offset."""
    return ethernet.build(WEB, PC, ethernet.IPV4, datagram(protocol, content, options, **fields))


def datagram(
    protocol: int,
    content: bytes,
    options: bytes = b"",
    *,
    ttl: int = 64,
    tos: int = 0,
    identification: int = 1,
    flags_offset: int = 0,
) -> bytes:
    options = options.ljust((len(options) + 3) // 4 * 4, b"\0")
    words = (20 + len(options)) // 4
    total = 20 + len(options) + len(content)
    head = struct.pack("!BBHHHBB", 0x40 | words, tos, total, identification, flags_offset, ttl, protocol)
    addresses = ipv4.build(PC_IP, WEB_IP, protocol, b"")[12:20]
    return head + sums.checksum(head + addresses + options).to_bytes(2, "big") + addresses + options + content


def in_ipv6(number: int, content: bytes, *, word: int = 6 << 28, hop_limit: int = 64, pad: bytes = b"") -> bytes:
    return ethernet.build(WEB, PC, ethernet.IPV6, datagram6(number, content, word=word, hop_limit=hop_limit)) + pad


def datagram6(number: int, content: bytes, *, word: int = 6 << 28, hop_limit: int = 64) -> bytes:
    return struct.pack("!LHBB", word, len(content), number, hop_limit) + PC_IP6 + WEB_IP6 + content


def summed6(protocol: int, content: bytes, at: int) -> bytes:
    """A message in IPv6 with its checksum filled in at offset `at`."""
    total = sums.checksum(sums.pseudo_header(PC_IP6 + WEB_IP6, protocol, len(content)) + content)
    return content[:at] + total.to_bytes(2, "big") + content[at + 2 :]


def icmp6_message(kind: int, code: int, rest: bytes) -> bytes:
    return summed6(ICMPV6, bytes((kind, code, 0, 0)) + rest, 2)


def udp6(src: int, dst: int, payload: bytes) -> bytes:
    return summed6(ipv4.UDP, struct.pack("!HHHH", src, dst, 8 + len(payload), 0) + payload, 6)


def segment(options: bytes, payload: bytes, flags: int, random: Random) -> bytes:
    """A TCP segment between the two, whose options are these bytes."""
    words = 5 + len(options) // 4
    head = struct.pack(
        "!HHLLHHHH", 40000 + random.randrange(99), 9999, random.getrandbits(32), random.getrandbits(32),
        words << 12 | flags, random.getrandbits(16), 0, 0,
    )  # fmt: skip
    whole = head + options + payload
    addresses = ipv4.build(PC_IP, WEB_IP, ipv4.TCP, b"")[12:20]
    total = sums.checksum(sums.pseudo_header(addresses, ipv4.TCP, len(whole)) + whole)
    return whole[:16] + total.to_bytes(2, "big") + whole[18:]


def ping(random: Random, length: int = 32) -> bytes:
    return icmp.build_echo(random.getrandbits(16), random.getrandbits(16), random.randbytes(length))


def in_udp(src_port: int, dst_port: int, payload: bytes) -> bytes:
    """A frame with a UDP datagram from one host to the other."""
    return in_ipv4(ipv4.UDP, udp.build(PC_IP, WEB_IP, src_port, dst_port, payload))


class Talk:
    """One direction of a TCP connection: its segments' numbers go on."""

    def __init__(self, src_port: int, dst_port: int, random: Random) -> None:
        self.ports = src_port, dst_port
        self.seq, self.ack = random.getrandbits(32), random.getrandbits(32)

    def say(self, payload: bytes) -> bytes:
        """A frame with the next segment."""
        head = struct.pack("!HHLLHHHH", *self.ports, self.seq, self.ack, 5 << 12 | 0x18, 501, 0, 0)
        self.seq = (self.seq + len(payload)) & 0xFFFFFFFF
        whole = head + payload
        addresses = ipv4.build(PC_IP, WEB_IP, ipv4.TCP, b"")[12:20]
        total = sums.checksum(sums.pseudo_header(addresses, ipv4.TCP, len(whole)) + whole)
        return in_ipv4(ipv4.TCP, whole[:16] + total.to_bytes(2, "big") + whole[18:])


def arp_request() -> bytes:
    """A frame that asks for the other host's MAC address."""
    asked = arp.build(arp.REQUEST, PC, PC_IP, "00:00:00:00:00:00", WEB_IP)
    return ethernet.build(ethernet.BROADCAST_MAC, PC, ethernet.ARP, asked)
