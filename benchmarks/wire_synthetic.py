"""Frames made of bytes, for the decoder and a second reader: every header and option that lan/wire names.

Pure, but for the `Random` that is given: the same one makes the same frames.  `FAMILIES` is the table; those of
applications are in `wire_synthetic_apps.py`.
"""

import struct
from pathlib import Path
from random import Random

from benchmarks.wire_bytes import (
    GRE,
    ICMPV6,
    IGMP,
    IPV6_IN,
    PC,
    PC_IP,
    PC_IP6,
    WEB,
    WEB_IP,
    WEB_IP6,
    Family,
    datagram,
    datagram6,
    icmp6_message,
    in_ipv4,
    in_ipv6,
    ping,
    segment,
    udp6,
)
from benchmarks.wire_synthetic_apps import APPLICATIONS
from lan.wire import arp, ethernet, icmp, ipv4, llc, stp, udp
from lan.wire import checksum as sums
from lan.wire.addresses import mac_text

CAPTURED = Path(__file__).resolve().parents[1] / "tests" / "unit" / "wire" / "captured.txt"


def tags(random: Random) -> list[bytes]:
    """One to three VLAN tags before IPv4, ARP and an 802.3 frame."""
    inside = [in_ipv4(ipv4.ICMP, ping(random)), arps(random)[0], stps(random)[0]]
    frames = []
    for frame in inside:
        for number in (1, 2, 3):
            made = b"".join(
                (0x88A8 if more and number > 1 else 0x8100).to_bytes(2, "big") + random.randbytes(2)
                for more in range(number - 1, -1, -1)
            )
            frames.append(frame[:12] + made + frame[12:])
    return frames


def lengths(random: Random) -> list[bytes]:
    """802.3 frames: SNAP with ethertypes and a company's own, LLC's other formats, padding behind."""
    echo = datagram(ipv4.ICMP, ping(random, 8))
    frames = [
        ethernet.build_802_3(WEB, PC, llc.build_snap(ethernet.IPV4, echo)),
        ethernet.build_802_3(
            WEB, PC, llc.build_snap(ethernet.ARP, arp.build(1, PC, PC_IP, "00:00:00:00:00:00", WEB_IP))
        ),
        ethernet.build_802_3(WEB, PC, bytes((0xAA, 0xAA, 3, 0x12, 0x34, 0x56, 0x20, 0x04)) + random.randbytes(9)),
        ethernet.build_802_3(WEB, PC, bytes((0xFE, 0xFE, 3)) + b"\x83" + random.randbytes(20)),
        ethernet.build_802_3(WEB, PC, bytes((0, 1, 0xAF, 0x81, 1, 0))),
        ethernet.build_802_3(WEB, PC, bytes((0xF0, 0xF1, 1, 2 * random.randrange(100)))),
        ethernet.build_802_3(WEB, PC, bytes((0, 0, 0xF3)) + random.randbytes(10)),
    ]
    return [frame.ljust(60, b"\0") if number % 2 else frame for number, frame in enumerate(frames)]


def stps(random: Random) -> list[bytes]:
    def one(kind: int, version: int) -> bytes:
        def bridge() -> stp.BridgeId:
            return stp.BridgeId(random.randrange(16) << 12 | random.randrange(4096), mac_text(random.randbytes(6)))

        return ethernet.build_802_3(
            stp.GROUP_MAC, PC,
            stp.build(stp.Stp(
                kind, random.getrandbits(8), bridge(), random.getrandbits(24), bridge(), random.getrandbits(16),
                random.randrange(20), 20, 2, 15, version,
            )),
        ).ljust(60, b"\0")  # fmt: skip

    return [one(stp.CONFIGURATION, 0), one(stp.RAPID, 2), one(stp.TOPOLOGY_CHANGE, 0), one(stp.RAPID, 2)]


def arps(random: Random) -> list[bytes]:
    nobody = "00:00:00:00:00:00"
    asked = [
        arp.build(arp.REQUEST, PC, PC_IP, nobody, WEB_IP),
        arp.build(arp.REPLY, WEB, WEB_IP, PC, PC_IP),
        arp.build(arp.REQUEST, PC, "0.0.0.0", nobody, PC_IP),
        arp.build(arp.REQUEST, PC, PC_IP, nobody, PC_IP),
        arp.build(arp.REPLY, PC, PC_IP, ethernet.BROADCAST_MAC, PC_IP),
        arp.build(3, PC, "0.0.0.0", PC, "0.0.0.0"),
        arp.build(4, WEB, WEB_IP, PC, PC_IP),
    ]
    return [ethernet.build("ff:ff:ff:ff:ff:ff", PC, ethernet.ARP, each).ljust(60, b"\0") for each in asked]


def ipv4_headers(random: Random) -> list[bytes]:
    """Every option, alone and in company, and odd values in the fixed part."""
    address = random.randbytes
    options = [
        b"\x07\x0b\x04" + bytes(8),
        b"\x07\x0f\x0c" + address(8) + bytes(4),
        b"\x44\x0c\x05\x00" + bytes(8),
        b"\x44\x14\x0d\x01" + address(4) + random.randrange(86_400_000).to_bytes(4, "big") + bytes(8),
        b"\x44\x14\x0d\x23" + address(4) + random.randrange(86_400_000).to_bytes(4, "big") + address(4) + bytes(4),
        b"\x83\x0b\x04" + address(8),
        b"\x89\x0b\x08" + address(8),
        b"\x94\x04\x00\x00",
        b"\x01\x94\x04\x00\x07\x01\x01\x00",
        b"\x88\x04" + address(2),
        b"\x01" * 4 + b"\x07\x07\x04" + bytes(4) + b"\x94\x04\0\0\0",
    ]
    frames = [in_ipv4(ipv4.ICMP, ping(random), each, ttl=random.randrange(1, 256)) for each in options]
    for _ in range(6):
        frames.append(
            in_ipv4(
                ipv4.UDP, udp.build(PC_IP, WEB_IP, random.randrange(40000, 50000), 9999, random.randbytes(20)),
                tos=random.getrandbits(8), identification=random.getrandbits(16), flags_offset=0x4000,
            )
        )  # fmt: skip
    return frames


def fragments(random: Random) -> list[bytes]:
    """Datagrams in pieces, IPv4 and IPv6, some out of order."""
    frames = []
    for protocol in (ipv4.ICMP, ipv4.UDP):
        whole = (
            ping(random, 600) if protocol == ipv4.ICMP else udp.build(PC_IP, WEB_IP, 5000, 9999, random.randbytes(600))
        )
        number, size = random.getrandbits(16), 8 * random.randrange(10, 30)
        pieces = []
        for at in range(0, len(whole), size):
            more = 0x2000 if at + size < len(whole) else 0
            pieces.append(in_ipv4(protocol, whole[at : at + size], identification=number, flags_offset=more | at // 8))
        random.shuffle(pieces)
        frames += pieces
    whole = udp6(5000, 9999, random.randbytes(600))
    number, size = random.getrandbits(32), 8 * random.randrange(10, 30)
    for at in range(0, len(whole), size):
        head = struct.pack("!BBHL", ipv4.UDP, 0, at | (at + size < len(whole)), number)
        frames.append(in_ipv6(44, head + whole[at : at + size]))
    frames.append(in_ipv6(44, struct.pack("!BBHL", ipv4.UDP, 0, 0, number + 1 & 0xFFFFFFFF) + udp6(1, 2, b"whole")))
    return frames


def ipv6_headers(random: Random) -> list[bytes]:
    """Extension headers, alone and in company, and values of the fixed part."""
    inside = udp6(40000, 9999, random.randbytes(12))
    following = ipv4.UDP

    def hop(number: int, content: bytes) -> bytes:
        return bytes((number, 0, 5, 2, 0, 0, 1, 0)) + content

    def destination(number: int, content: bytes) -> bytes:
        return bytes((number, 1, 1, 12)) + bytes(12) + content

    def routing(number: int, content: bytes) -> bytes:
        return bytes((number, 2, 0, 1, 0, 0, 0, 0)) + WEB_IP6 + content

    frames = [
        in_ipv6(0, hop(following, inside)),
        in_ipv6(60, destination(following, inside)),
        in_ipv6(43, routing(following, inside)),
        in_ipv6(0, hop(60, destination(43, routing(following, inside)))),
        in_ipv6(0, bytes((following, 0, 4, 1, 3, 1, 1, 0)) + inside),
        in_ipv6(60, bytes((following, 2, 0xC9, 16)) + PC_IP6 + bytes((1, 2, 0, 0)) + inside),
        in_ipv6(51, bytes((following, 4, 0, 0)) + random.randbytes(20) + inside),
        in_ipv6(59, b""),
    ]
    for _ in range(4):
        word = 6 << 28 | random.getrandbits(28)
        frames.append(in_ipv6(following, inside, word=word, hop_limit=random.getrandbits(8), pad=bytes(6)))
    return frames


def icmps(random: Random) -> list[bytes]:
    """Each type, errors with what they quote."""
    quoted = [
        datagram(ipv4.UDP, udp.build(PC_IP, WEB_IP, 40000, 9, b"nobody there")),
        datagram(ipv4.TCP, segment(b"", b"", 2, random)),
        datagram(ipv4.ICMP, ping(random)),
    ]
    frames = [in_ipv4(ipv4.ICMP, ping(random, random.randrange(60)))]
    frames.append(in_ipv4(ipv4.ICMP, icmp.build_echo(1, 2, b"answer", reply=True)))
    for number, code in (
        (3, 0),
        (3, 1),
        (3, 3),
        (3, 4),
        (3, 9),
        (3, 13),
        (4, 0),
        (5, 0),
        (5, 1),
        (11, 0),
        (11, 1),
        (12, 0),
    ):
        rest = {(3, 4): 1400, (5, 0): 0x0A070001, (5, 1): 0x0A070001, (12, 0): 20 << 24}.get((number, code), 0)
        frames.append(in_ipv4(ipv4.ICMP, icmp.build_error(number, code, random.choice(quoted), rest=rest)))

    def plain(kind: int, rest: bytes) -> bytes:
        head = bytes((kind, 0, 0, 0)) + rest
        return in_ipv4(ipv4.ICMP, head[:2] + sums.checksum(head).to_bytes(2, "big") + head[4:])

    frames.append(plain(13, struct.pack("!HHLLL", 5, 6, random.randrange(86_400_000), 0, 0)))
    frames.append(plain(14, struct.pack("!HHLLL", 5, 6, 1000, 2000, random.randrange(86_400_000))))
    frames.append(plain(17, struct.pack("!HHL", 5, 6, 0)))
    frames.append(plain(18, struct.pack("!HHL", 5, 6, 0xFFFFFF00)))
    frames.append(plain(9, struct.pack("!BBHLlLl", 2, 2, 1800, 0x0A070001, 0, 0x0A070002, -5)))
    frames.append(plain(10, bytes(4)))
    return frames


def icmp6s(random: Random) -> list[bytes]:
    """Errors, neighbours with every option, listeners."""
    quoted = datagram6(ipv4.UDP, udp6(40000, 9, b"nobody there"))
    echo = datagram6(ICMPV6, icmp6_message(128, 0, random.randbytes(20)))
    mac = random.randbytes(6)
    source, target = b"\x01\x01" + mac, b"\x02\x01" + mac
    prefix = struct.pack("!BBBBLLL", 3, 4, 64, 0xC0, 86400, 14400, 0) + PC_IP6[:8] + bytes(8)
    servers = struct.pack("!BBHL", 25, 3, 0, 1200) + WEB_IP6
    search = struct.pack("!BBHL", 31, 2, 0, 1200) + b"\x03lan\x00\0\0\0"
    mtu = struct.pack("!BBHL", 5, 1, 0, 1480)
    route = struct.pack("!BBBBL", 24, 2, 64, 0x08, 600) + PC_IP6[:8]
    nonce = b"\x0e\x01" + random.randbytes(6)
    redirected = b"\x04\x07" + bytes(6) + quoted[:48]
    record = struct.pack("!BBH", 4, 0, 0) + WEB_IP6
    sourced = struct.pack("!BBH", 1, 0, 2) + WEB_IP6 + PC_IP6 + WEB_IP6
    messages = [
        (1, 0, bytes(4) + quoted), (1, 4, bytes(4) + quoted), (2, 0, struct.pack("!L", 1280) + echo),
        (3, 0, bytes(4) + echo), (3, 1, bytes(4) + quoted), (4, 1, struct.pack("!L", 6) + quoted),
        (128, 0, random.randbytes(4) + b"who is there"), (129, 0, random.randbytes(4) + b"it is me"),
        (133, 0, bytes(4) + source), (133, 0, bytes(4)),
        (134, 0, struct.pack("!BBHLL", 64, 0xC8, 1800, 30000, 1000) + source + mtu + prefix + servers + search + route),
        (134, 0, struct.pack("!BBHLL", 0, 0x18, 0, 0, 0)),
        (135, 0, bytes(4) + WEB_IP6 + source + nonce), (135, 0, bytes(4) + WEB_IP6),
        (136, 0, b"\xe0\0\0\0" + WEB_IP6 + target), (136, 0, b"\x20\0\0\0" + PC_IP6 + target),
        (137, 0, bytes(4) + WEB_IP6 + PC_IP6 + target + redirected),
        (130, 0, struct.pack("!HH", 1000, 0) + bytes(16)), (131, 0, bytes(4) + WEB_IP6), (132, 0, bytes(4) + WEB_IP6),
        (130, 0, struct.pack("!HH", 0x8123, 0) + WEB_IP6 + struct.pack("!BBH", 10, 0x91, 1) + PC_IP6),
        (143, 0, struct.pack("!HH", 0, 2) + record + sourced),
    ]  # fmt: skip
    return [in_ipv6(ICMPV6, icmp6_message(*each), hop_limit=255) for each in messages]


def igmps(random: Random) -> list[bytes]:
    group = bytes((239, 1, 2, 3))
    messages = [
        b"\x11\x64\0\0" + bytes(4),
        b"\x11\x0a\0\0" + group,
        b"\x11\x8f\0\0" + group + b"\x0a\x91\0\1" + bytes((10, 7, 0, 1)),
        b"\x12\0\0\0" + group,
        b"\x16\0\0\0" + group,
        b"\x17\0\0\0" + group,
        b"\x22\0\0\0\0\0\0\2\4\0\0\0" + group + b"\1\0\0\2" + group + bytes((10, 7, 0, 1, 10, 7, 0, 2)),
    ]
    summed = [each[:2] + sums.checksum(each).to_bytes(2, "big") + each[4:] for each in messages]
    return [in_ipv4(IGMP, each, b"\x94\x04\0\0", ttl=1) for each in summed]


def segments(random: Random) -> list[bytes]:
    """Every option, alone and in company; every flag; urgent data."""
    stamps = struct.pack("!BBLL", 8, 10, random.getrandbits(32), random.getrandbits(32))
    blocks = struct.pack("!BBLLLL", 5, 18, 100, 200, 300, 400)
    options = [
        b"", b"\2\4\5\xb4\1\3\3\7", b"\2\4\5\xb4\4\2" + stamps + b"\1\3\3\x0a", b"\1\1" + stamps, b"\1\1" + blocks,
        b"\1\1" + stamps + b"\1\1" + struct.pack("!BBLL", 5, 10, 1, 2), b"\1\1" + struct.pack("!BBLL", 5, 10, 9, 10),
        b"\x22\2\1\1", b"\x22\x0a" + random.randbytes(8) + b"\1\1", b"\x13\x12" + random.randbytes(16) + b"\1\1",
        b"\x1c\4\x80\x05", b"\x1c\4\x00\x3c", b"\x1e\x0c\x01\x81" + random.randbytes(8),
        b"\x1e\x0c\x10\x01" + random.randbytes(8), b"\x1e\x08\x20\x01" + random.randbytes(4), b"\x1e\x04\x40\x05",
        b"\x45\4\1\2", b"\xfd\6\x12\x34\1\2\1\1", b"\x00\0\0\0", b"\2\4\2\x18\0\0\0\0",
    ]  # fmt: skip
    frames = [
        in_ipv4(
            ipv4.TCP, segment(each, b"" if number % 3 else random.randbytes(9), 0x02 if number < 3 else 0x10, random)
        )
        for number, each in enumerate(options)
    ]
    frames += [
        in_ipv4(ipv4.TCP, segment(b"", b"x" * (flags & 1), flags, random))
        for flags in (0, 1, 4, 9, 18, 41, 63, 194, 16)
    ]
    return frames


def tunnels(random: Random) -> list[bytes]:
    """Packets within packets: GRE with each flag, VXLAN, IP in IP."""
    inner, inner6 = datagram(ipv4.ICMP, ping(random)), datagram6(ipv4.UDP, udp6(1, 2, b"inner"))
    frame = in_ipv4(ipv4.TCP, segment(b"", b"hello", 24, random))
    summed = struct.pack("!HHHHL", 0xA000, 0x0800, 0, 0, 7) + inner
    summed = summed[:4] + sums.checksum(summed).to_bytes(2, "big") + summed[6:]
    vxlan = struct.pack("!LL", 8 << 24, random.getrandbits(24) << 8) + frame
    return [
        in_ipv4(GRE, struct.pack("!HH", 0, 0x0800) + inner),
        in_ipv4(GRE, struct.pack("!HHLL", 0x3000, 0x86DD, random.getrandbits(32), 9) + inner6),
        in_ipv4(GRE, struct.pack("!HH", 0, 0x6558) + frame),
        in_ipv4(GRE, summed),
        in_ipv4(ipv4.UDP, udp.build(PC_IP, WEB_IP, 50000, 4789, vxlan)),
        in_ipv4(4, inner),
        in_ipv4(IPV6_IN, inner6),
        in_ipv6(4, inner),
        in_ipv6(IPV6_IN, inner6),
    ]


def spoiled(random: Random) -> list[bytes]:
    """Sums that are wrong, sums left out, bytes behind the end."""
    frames = []
    for made, at in (
        (in_ipv4(ipv4.ICMP, ping(random)), 24), (in_ipv4(ipv4.ICMP, ping(random)), 36),
        (in_ipv4(ipv4.UDP, udp.build(PC_IP, WEB_IP, 1, 2, b"abc")), 40),
        (in_ipv4(ipv4.TCP, segment(b"", b"abc", 16, random)), 50),
        (in_ipv6(ICMPV6, icmp6_message(128, 0, bytes(8))), 56),
    ):  # fmt: skip
        frames.append(made[:at] + bytes((made[at] ^ 0x55,)) + made[at + 1 :])
    blank = bytearray(in_ipv4(ipv4.UDP, udp.build(PC_IP, WEB_IP, 1, 2, b"abc")))
    blank[40:42] = b"\0\0"
    frames += [bytes(blank), in_ipv4(ipv4.TCP, segment(b"", b"", 16, random)) + bytes(6)]
    return frames


FAMILIES: dict[str, Family] = {
    "tags": tags,
    "802.3": lengths,
    "STP": stps,
    "ARP": arps,
    "IPv4": ipv4_headers,
    "fragments": fragments,
    "IPv6": ipv6_headers,
    "ICMP": icmps,
    "ICMPv6": icmp6s,
    "IGMP": igmps,
    "TCP": segments,
    "tunnels": tunnels,
    "spoiled": spoiled,
    **APPLICATIONS,
}


def corpus(seed: int = 1) -> list[bytes]:
    """The frames of the decoder's own tests, and one family after the other."""
    blocks = CAPTURED.read_text(encoding="utf-8").strip().split("\n\n")
    frames = [bytes.fromhex(block.split("\n")[2]) for block in blocks if not block.startswith("#")]
    for make in FAMILIES.values():
        frames += make(Random(seed))
    return frames


def captures(seed: int) -> dict[str, list[bytes]]:
    """One capture for each family."""
    return {f"{name} of bytes, {seed}": make(Random(seed)) for name, make in FAMILIES.items()}
