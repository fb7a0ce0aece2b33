"""The frames of a capture, changed: put into VLANs and tunnels, cut into fragments, lost and reordered.

Pure, but for the `Random` that is given.  `CHANGES` is the table.
"""

import struct
from collections.abc import Callable
from random import Random

from benchmarks.wire_bytes import datagram, in_ipv4
from lan.wire import checksum as sums
from lan.wire import ethernet, ipv4, llc, udp

Change = Callable[[list[bytes], Random], list[bytes]]
VXLAN_PORT, GRE = 4789, 47
MTU = 1500


def vlan(frames: list[bytes], random: Random) -> list[bytes]:
    """Each frame with an 802.1Q tag, and every third with two."""
    made = []
    for number, frame in enumerate(frames):
        tag = b"\x81\x00" + random.randbytes(2)
        made.append(frame[:12] + (tag + tag if number % 3 == 0 else tag) + frame[12:])
    return made


def provider(frames: list[bytes], random: Random) -> list[bytes]:
    """Each frame with an 802.1ad tag around an 802.1Q tag."""
    return [
        frame[:12] + b"\x88\xa8" + random.randbytes(2) + b"\x81\x00" + random.randbytes(2) + frame[12:]
        for frame in frames
    ]


def snap(frames: list[bytes], random: Random) -> list[bytes]:
    """Each frame as 802.3 with LLC and SNAP, where it is short enough."""
    return [
        frame[:12]
        + (len(frame) - 6).to_bytes(2, "big")
        + llc.build_snap(int.from_bytes(frame[12:14], "big"), frame[14:])
        if 14 <= len(frame) <= ethernet.LARGEST_LENGTH + 6
        else frame
        for frame in frames
    ]


def vxlan(frames: list[bytes], random: Random) -> list[bytes]:
    """Each frame within UDP."""
    head = struct.pack("!LL", 8 << 24, random.getrandbits(24) << 8)
    return [
        in_ipv4(ipv4.UDP, udp.build("10.7.0.1", "10.7.0.2", random.randrange(49152, 65536), VXLAN_PORT, head + frame))
        for frame in frames
    ]


def gre(frames: list[bytes], random: Random) -> list[bytes]:
    """Each packet within GRE, by its ethertype; now and then a whole frame."""
    return [
        in_ipv4(GRE, struct.pack("!HHL", 0x2000, ethernet.BRIDGED, 7) + frame)
        if number % 5 == 0
        else in_ipv4(GRE, b"\0\0" + frame[12:])
        for number, frame in enumerate(frames)
    ]


def fragments(frames: list[bytes], random: Random) -> list[bytes]:
    """IPv4 datagrams without options in pieces of some hundred bytes, some out of order."""
    made = []
    for frame in frames:
        if frame[12:15] != b"\x08\x00\x45" or len(frame) < 200 or frame[20] & 0x3F or frame[21]:
            made.append(frame)
            continue
        content, size = frame[34 : 14 + int.from_bytes(frame[16:18], "big")], 8 * random.randrange(10, 40)
        pieces = []
        for at in range(0, len(content), size):
            more = 0x2000 if at + size < len(content) else 0
            head = struct.pack(
                "!BBHHHBB", 0x45, frame[15], 20 + len(content[at : at + size]), 0, more | at // 8, *frame[22:24]
            )
            head = head[:4] + frame[18:20] + head[6:]
            total = sums.checksum(head + frame[26:34])
            pieces.append(frame[:14] + head + total.to_bytes(2, "big") + frame[26:34] + content[at : at + size])
        if random.random() < 0.3:
            random.shuffle(pieces)
        made += pieces
    return made


def disorder(frames: list[bytes], random: Random) -> list[bytes]:
    """One in ten lost, one in ten twice, neighbours swapped."""
    kept = [frame for frame in frames if random.random() >= 0.1]
    for at in range(len(kept) - 1):
        if random.random() < 0.1:
            kept[at], kept[at + 1] = kept[at + 1], kept[at]
    return [each for frame in kept for each in ([frame, frame] if random.random() < 0.1 else [frame])]


def in_ip(frames: list[bytes], random: Random) -> list[bytes]:
    """IPv4 and IPv6 packets within IPv4."""
    numbers = {0x0800: 4, 0x86DD: 41}
    made = []
    for frame in frames:
        number = numbers.get(int.from_bytes(frame[12:14], "big"))
        made.append(frame if number is None else frame[:12] + b"\x08\x00" + datagram(number, frame[14:]))
    return made


CHANGES: dict[str, Change] = {
    "in VLANs": vlan,
    "in a provider's VLANs": provider,
    "in 802.3": snap,
    "in VXLAN": vxlan,
    "in GRE": gre,
    "in IP": in_ip,
    "in fragments": fragments,
    "in disorder": disorder,
}
