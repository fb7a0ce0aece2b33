"""Mutated inputs for each decoder of lan/wire: does one raise what it may not, or keep it busy?

    bin/lan python benchmarks/fuzz_wire.py [--decoders tcp,dns] [--inputs 10000000] [--seed 1] [--within-s 600]

Each decoder gets the bytes of its own layer, taken from the frames of tests/unit/wire/captured.txt and of
`wire_synthetic.py`, with bits turned, numbers set to their ends, pieces cut, doubled and taken from elsewhere; one
input in four starts from a mutated one that was read lately, and one in sixteen is noise.  `frame` gets whole frames.
A crash is any exception but `Malformed`, a byte range outside the input, or text that is not printable.  A hang
is an input that costs a second of processor time.  The same seed gives the same inputs.  Exit code 1 where there
was a crash or a hang.
"""

import sys
import time
import traceback
from collections.abc import Callable, Iterable
from random import Random

from benchmarks.fuzz_http import POOL, SHOWN_CRASHES, Hang, Tally, Watchdog, run
from benchmarks.wire_synthetic import corpus
from lan.wire import (
    arp,
    dhcp,
    dns,
    ethernet,
    gre,
    http,
    icmp,
    icmp6,
    igmp,
    ipv4,
    ipv6,
    llc,
    lldp,
    openflow,
    stp,
    tcp,
    tls,
    tls_certificate,
    udp,
    vxlan,
)
from lan.wire.frame import decode
from lan.wire.layer import Header
from lan.wire.malformed import Malformed

ADDRESSES_4, ADDRESSES_6 = bytes(range(8)), bytes(range(32))
BATCH = 256
ENDS = (0, 1, 2, 3, 4, 7, 8, 0x0F, 0x10, 0x1F, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xF0, 0xFE, 0xFF)
LONGEST_BYTES = 2048

Decoder = Callable[[bytes], Header]


def _dns_over_tcp(data: bytes) -> Header:
    end = len(data)
    if not dns.is_tcp_beginning(data, 0, end):
        raise Malformed("no beginning")
    after = min(dns.PREFIX_BYTES + int.from_bytes(data[: dns.PREFIX_BYTES], "big"), end)
    return dns.read_over_tcp(data, 0, after, end)


def _http(data: bytes) -> Header:
    head = http.read(data, 0, len(data))
    if not 0 <= http.end_of_message(head, data, 0, len(data)) <= len(data):
        raise AssertionError("a message that ends outside its bytes")
    return head


DECODERS: dict[str, Decoder] = {
    "Ethernet": lambda data: ethernet.read(data),
    "802.1Q": lambda data: ethernet.read_tag(data, 0, len(data)),
    "LLC": lambda data: llc.read(data, 0, len(data)),
    "STP": lambda data: stp.read(data, 0, len(data)),
    "ARP": lambda data: arp.read(data, 0, len(data)),
    "LLDP": lambda data: lldp.read(data, 0, len(data))[0],
    "IPv4": lambda data: ipv4.read(data, 0, len(data)),
    "IPv6": lambda data: ipv6.read(data, 0, len(data)),
    "ICMP": lambda data: icmp.read(data, 0, len(data)),
    "ICMPv6": lambda data: icmp6.read(data, 0, len(data), ADDRESSES_6),
    "IGMP": lambda data: igmp.read(data, 0, len(data)),
    "GRE": lambda data: gre.read(data, 0, len(data)),
    "VXLAN": lambda data: vxlan.read(data, 0, len(data)),
    "UDP": lambda data: udp.read(data, 0, len(data), ADDRESSES_4),
    "TCP": lambda data: tcp.read(data, 0, len(data), ADDRESSES_4),
    "DHCP": lambda data: dhcp.read(data, 0, len(data)),
    "DNS": lambda data: dns.read(data, 0, len(data)),
    "DNS over TCP": _dns_over_tcp,
    "TLS": lambda data: tls.read(data, 0, len(data)),
    "HTTP": _http,
    "OpenFlow": lambda data: openflow.read(data, 0, len(data)),
}


def header_end(header: Header, data: bytes) -> int:
    """Where a header's own bytes end, as `frame` tells the views."""
    length = getattr(header, "header_length", None)
    least = {
        "Ethernet": ethernet.HEADER_BYTES,
        "802.1Q": ethernet.TAG_BYTES,
        "ARP": arp.ARP_BYTES,
        "UDP": 8,
        "VXLAN": 8,
    }
    if length is None:
        length = least.get(header.protocol_name, len(data))
    return min(max(length, 20 if header.protocol_name in ("IPv4", "TCP") else 0), len(data))


def look_at(data: bytes, read: Decoder) -> None:
    """All that a view may ask of a header; raises AssertionError where an answer is not fit to show."""
    header = read(data)
    end = header_end(header, data)
    show(header.summary(), header.title(), *header.problems)
    for field in header.fields(data, 0, end):
        if not 0 <= field.start <= field.end <= end:
            raise AssertionError(f"{field} is outside 0…{end}")
        show(field.name, field.text)


def look_at_frame(data: bytes, _: Decoder) -> None:
    """All that a view may ask of a frame."""
    packet = decode(data)
    show(packet.summary(), packet.protocol, *packet.problems)
    for layer in packet.layers:
        if not 0 <= layer.start <= layer.end <= len(data):
            raise AssertionError(f"{layer} is outside 0…{len(data)}")
        for field in layer.fields:
            if not layer.start <= field.start <= field.end <= layer.end:
                raise AssertionError(f"{field} is outside {layer.start}…{layer.end}")
            show(field.text)


def look_at_certificate(data: bytes, _: Decoder) -> None:
    show(tls_certificate.read(data, 0, len(data)).words())


def show(*texts: str) -> None:
    """Raises AssertionError for a text that can't be shown."""
    for text in texts:
        if not text.isprintable():
            raise AssertionError(f"{text!r} is not printable")


def mutated(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """A likely input, made unlikely in one to four places."""
    chance = random.random
    if chance() < 1 / 16:
        return random.randbytes(int(chance() * 128))
    made = bytearray(data)
    for _ in range(1 + int(chance() * 4)):
        size = len(made) or 1
        at, kind = int(chance() * size), int(chance() * 9)
        if kind < 3:
            made[at : at + 1] = bytes((ENDS[int(chance() * len(ENDS))],))
        elif kind < 5:
            made[at : at + 1] = bytes((made[at] ^ 1 << int(chance() * 8),)) if at < len(made) else b"\x80"
        elif kind == 5:
            del made[at : at + 1 + int(chance() * 16)]
        elif kind == 6:
            del made[at:]
        elif kind == 7:
            made[at:at] = made[at : at + 1 + int(chance() * 32)]
        else:
            other = others[int(chance() * len(others))]
            first = int(chance() * (len(other) or 1))
            made[at:at] = other[first : first + 1 + int(chance() * 48)]
    return bytes(made[:LONGEST_BYTES])


def fuzz(name: str, given: list[bytes], *, inputs: int, seed: int, within_s: float) -> Tally:
    """Give a decoder so many inputs, or fewer where the time is up."""
    look, read = TARGETS[name]
    tally, random, pool = Tally(name), Random(f"{name} {seed}"), list(given)
    began_s = time.monotonic()
    data = b""
    with Watchdog(tally):
        while tally.inputs < inputs and not (tally.inputs % BATCH == 0 and time.monotonic() - began_s > within_s):
            tally.inputs += 1
            try:
                chosen = pool if random.random() < 0.25 else given
                data = mutated(chosen[int(random.random() * len(chosen))], random, given)
                look(data, read)
                tally.taken += 1
                if len(pool) < POOL:
                    pool.append(data)
                elif random.random() < 0.1:
                    pool[int(random.random() * POOL)] = data
            except Malformed:
                pass
            except Hang:
                tally.hangs.append(data.hex())
            except Exception:
                tally.crashes.append(f"{data.hex()}\n{traceback.format_exc()}")
                if len(tally.crashes) >= SHOWN_CRASHES:
                    break
    tally.seconds = time.monotonic() - began_s
    return tally


def given_to(name: str, frames: Iterable[bytes]) -> list[bytes]:
    """The bytes that a decoder would be given from these frames: its own header and all behind it."""
    found = []
    for frame in frames:
        if name == "frame":
            found.append(frame)
            continue
        for layer in decode(frame).layers:
            if name == "certificate" and layer.protocol == "TLS":
                found += [
                    each.value for each in layer.fields if each.name == "certificate" and type(each.value) is bytes
                ]
            elif layer.protocol == name.removesuffix(" over TCP"):
                is_over_tcp = bool(layer.fields) and layer.fields[0].name == "length"
                if layer.protocol != "DNS" or is_over_tcp == name.endswith("over TCP"):
                    found.append(frame[layer.start :])
    return found


TARGETS: dict[str, tuple[Callable[[bytes, Decoder], None], Decoder]] = {
    **{name: (look_at, read) for name, read in DECODERS.items()},
    "certificate": (look_at_certificate, DECODERS["Ethernet"]),
    "frame": (look_at_frame, DECODERS["Ethernet"]),
}


def main() -> int:
    frames = corpus()
    return run("decoder", TARGETS, lambda name, **how: fuzz(name, given_to(name, frames), **how), __doc__)


if __name__ == "__main__":
    sys.exit(main())
