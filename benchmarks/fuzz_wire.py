"""Mutated inputs for each decoder of lan/wire: does one raise what it may not, or keep it busy?

    bin/lan python benchmarks/fuzz_wire.py [--decoders TCP,DNS] [--inputs 10000000] [--seed 1] [--within-s 600]
        [--log FILE]

Each decoder gets the bytes of its own layer, taken from the frames of tests/unit/wire/captured.txt and of
`wire_synthetic.py`, alone and with what was behind, with bits turned, numbers set to their ends, pieces cut, doubled
and taken from elsewhere; one base in four is a changed one that was read lately, and one in eight is noise.  `frame`
gets whole frames.  Of each input all is asked that a view may ask.
A crash is any exception but `Malformed`, a byte range outside the input, or text that is not printable.  A hang
is an input that costs a second of processor time.  The same seed gives the same inputs.  With `--log` a run that was
stopped goes on where it was.  Exit code 1 where there was a crash or a hang.
"""

import sys
from collections.abc import Callable, Iterable
from random import Random

from benchmarks.fuzz_inputs import byte_mutants
from benchmarks.fuzz_runner import Parser, run
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
NEAR_BYTES = 16
"""So many bytes stay behind a header where it is tried alone."""

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


FIXED_BYTES = {
    "Ethernet": ethernet.HEADER_BYTES,
    "802.1Q": ethernet.TAG_BYTES,
    "ARP": arp.ARP_BYTES,
    "UDP": udp.HEADER_BYTES,
    "VXLAN": vxlan.HEADER_BYTES,
}
LEAST_BYTES = {"IPv4": 20, "TCP": 20}


def header_end(header: Header, data: bytes) -> int:
    """Where a header's own bytes end, as `frame` tells the views."""
    name, size = header.protocol_name, len(data)
    length = getattr(header, "header_length", None)
    if length is None:
        length = FIXED_BYTES.get(name, size)
    return min(max(length, LEAST_BYTES.get(name, 0)), size)


def look_at(data: bytes, read: Decoder) -> None:
    """All that a view may ask of a header; raises AssertionError where an answer is not fit to show."""
    header = read(data)
    end = header_end(header, data)
    texts = [header.summary(), header.title(), *header.problems]
    for field in header.fields(data, 0, end):
        if not 0 <= field.start <= field.end <= end:
            raise AssertionError(f"{field} is outside 0…{end}")
        texts += (field.name, field.text)
    show(texts)


def look_at_frame(data: bytes, _: Decoder) -> None:
    """All that a view may ask of a frame."""
    packet = decode(data)
    texts = [packet.summary(), packet.protocol, *packet.problems]
    size = len(data)
    for layer in packet.layers:
        start, end = layer.start, layer.end
        if not 0 <= start <= end <= size:
            raise AssertionError(f"{layer} is outside 0…{size}")
        for field in layer.fields:
            if not start <= field.start <= field.end <= end:
                raise AssertionError(f"{field} is outside {start}…{end}")
            texts.append(field.text)
    show(texts)


def look_at_certificate(data: bytes, _: Decoder) -> None:
    show([tls_certificate.read(data, 0, len(data)).words()])


def show(texts: list[str]) -> None:
    """Raises AssertionError for a text that can't be shown."""
    if not "".join(texts).isprintable():
        raise AssertionError(f"not printable: {[text for text in texts if not text.isprintable()]!r}")


def given_to(name: str, frames: Iterable[bytes]) -> list[bytes]:
    """The bytes that a decoder would be given from these frames: its own header with all behind it, and near alone."""
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
                    found += [frame[layer.start :], frame[layer.start : layer.end + NEAR_BYTES]]
    return list(dict.fromkeys(found))


TARGETS: dict[str, tuple[Callable[[bytes, Decoder], None], Decoder]] = {
    **{name: (look_at, read) for name, read in DECODERS.items()},
    "certificate": (look_at_certificate, DECODERS["Ethernet"]),
    "frame": (look_at_frame, DECODERS["Ethernet"]),
}


def made(name: str, frames: Iterable[bytes]) -> Parser:
    """A decoder, as what may be asked of it."""
    look, read = TARGETS[name]

    def looked_at(data: bytes, _: Random) -> bool:
        look(data, read)
        return True

    return Parser(name, given_to(name, frames), looked_at, (Malformed,), byte_mutants)


def main() -> int:
    frames = corpus()
    return run("decoder", TARGETS, lambda name: made(name, frames), __doc__)


if __name__ == "__main__":
    sys.exit(main())
