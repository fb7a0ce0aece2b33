"""One frame's bytes → a `Packet`: the lenient reading of the house.

`decode` never raises; damage becomes `problems`.  Headers down to TCP and UDP are read at once,
what they carry when first asked for, and fields in words only for `layers`.  Each protocol's own
module reads its bytes; here is who comes after whom.
"""

from collections.abc import Callable

from lan.wire import arp, dhcp, dns, ethernet, http, icmp, icmp6, ipv4, ipv6, ports, stp, tcp, tls, udp
from lan.wire.layer import Broken, Data, Header, Layer
from lan.wire.malformed import Malformed

__all__ = ["Packet", "decode"]


class Packet:
    """A decoded frame: each protocol's header, or None where the frame has none (or too broken a one).

    `data` is the frame from the destination MAC on, without FCS; all byte ranges are within it.
    Treat it as frozen.
    """

    __slots__ = (
        "_carried",
        "_dhcp",
        "_dns",
        "_http",
        "_parts",
        "_rest",
        "_stop",
        "_tls",
        "arp",
        "data",
        "ethernet",
        "icmp",
        "icmp6",
        "ipv4",
        "ipv6",
        "stp",
        "tcp",
        "udp",
    )

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.ethernet: ethernet.Ethernet | None = None
        self.arp: arp.Arp | None = None
        self.ipv4: ipv4.Ipv4 | None = None
        self.ipv6: ipv6.Ipv6 | None = None
        self.icmp: icmp.Icmp | None = None
        self.icmp6: icmp6.Icmp6 | None = None
        self.stp: stp.Stp | None = None
        self.udp: udp.Udp | None = None
        self.tcp: tcp.Tcp | None = None
        self._dhcp: dhcp.Message | None = None
        self._dns: dns.Dns | None = None
        self._http: http.Http | None = None
        self._tls: tls.Tls | None = None
        self._parts: list[tuple[Header, int, int]] = []
        self._carried = (0, 0)
        self._stop = len(data)
        self._rest: Step | None = None

    @property
    def dhcp(self) -> dhcp.Message | None:
        self._read_rest()
        return self._dhcp

    @property
    def dns(self) -> dns.Dns | None:
        self._read_rest()
        return self._dns

    @property
    def http(self) -> http.Http | None:
        self._read_rest()
        return self._http

    @property
    def tls(self) -> tls.Tls | None:
        self._read_rest()
        return self._tls

    @property
    def payload(self) -> bytes:
        """What the innermost UDP or TCP header carries; b"" where there is none."""
        start, end = self._carried
        return self.data[start:end]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is malformed, in words, outermost first; () for a clean frame."""
        self._read_rest()
        return tuple(problem for header, _, _ in self._parts for problem in header.problems)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All of the frame's bytes by protocol, outermost first; a trailer such as padding comes last."""
        self._read_rest()
        parts = self._parts
        if self._stop < len(self.data):
            parts = [*parts, (Data(len(self.data) - self._stop, "padding"), self._stop, len(self.data))]
        return tuple(
            Layer(
                header.protocol_name,
                header.title(),
                start,
                end,
                tuple(header.fields(self.data, start, end)),
                header.problems,
            )
            for header, start, end in parts
        )

    @property
    def protocol(self) -> str:
        """The innermost protocol's short name, for a table's column: ARP, DHCP, TCP…"""
        return self._innermost().protocol_name

    def summary(self) -> str:
        """One line on what the frame says, with its first problem if it has one."""
        innermost, problems = self._innermost(), self.problems
        line = innermost.summary()
        return f"{line} — {problems[0]}" if problems and problems[0] not in line else line

    def __repr__(self) -> str:
        return f"<Packet {len(self.data)} bytes: {self.summary()}>"

    def _innermost(self) -> Header:
        self._read_rest()
        headers = [header for header, _, _ in self._parts if not isinstance(header, Data)]
        return headers[-1] if headers else self._parts[-1][0]

    def _read_rest(self) -> None:
        if self._rest is not None:
            step, self._rest = self._rest, None
            _follow(self, step)


Reader = Callable[[Packet, int, int, bool], "Step | None"]
Step = tuple[str, Reader, int, int, bool]
"""What to read next: its name, its reader, the bytes' start and end, and whether they are all there."""


def decode(data: bytes, *, wire_length: int | None = None) -> Packet:
    """Read one Ethernet frame, however broken.

    `wire_length` is the frame's true length in bytes where the capture kept only its beginning;
    what was cut off is then no problem of the frame, and checksums over it are left unchecked.
    """
    packet = Packet(bytes(data))
    whole = wire_length is None or wire_length <= len(packet.data)
    _follow(packet, ("Ethernet", _ethernet, 0, len(packet.data), whole))
    return packet


def _follow(packet: Packet, step: Step | None) -> None:
    while step is not None:
        name, reader, start, end, whole = step
        try:
            step = reader(packet, start, end, whole)
        except Malformed as fault:
            problems = (f"{name} malformed: {fault}",) if whole else ()
            packet._parts.append((Broken(name, problems), start, end))
            return


def _ethernet(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ethernet = ethernet.read(packet.data)
    after = start + ethernet.HEADER_BYTES
    packet._parts.append((header, start, after))
    if header.length is not None:
        stop = min(after + header.length, end)
        packet._stop = stop
        return "LLC", _llc, after, stop, whole
    if header.vlan is not None:
        return "802.1Q", _tag, after, end, whole
    return _behind_ethertype(packet, header.ethertype, after, end, whole)


def _tag(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    tag = ethernet.read_tag(packet.data, start, end)
    after = start + ethernet.TAG_BYTES
    packet._parts.append((tag, start, after))
    return _behind_ethertype(packet, tag.ethertype, after, end, whole)


def _behind_ethertype(packet: Packet, ethertype: int, start: int, end: int, whole: bool) -> Step | None:
    name, reader = ETHERTYPES.get(ethertype, ("Data", _data))
    return name, reader, start, end, whole


def _llc(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = ethernet.read_llc(packet.data, start, end)
    after = start + ethernet.LLC_BYTES
    packet._parts.append((header, start, after))
    name, reader = ("STP", _stp) if header.dsap == ethernet.LLC_STP else ("Data", _data)
    return name, reader, after, end, whole


def _stp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.stp = stp.read(packet.data, start, end)
    packet._parts.append((packet.stp, start, end))
    return None


def _arp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.arp = arp.read(packet.data, start, end)
    packet._stop = start + arp.ARP_BYTES
    packet._parts.append((packet.arp, start, packet._stop))
    return None


def _ipv4(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ipv4 = ipv4.read(packet.data, start, end, whole=whole)
    after = min(start + max(header.header_length, ipv4.HEADER_BYTES), end)
    packet._parts.append((header, start, after))
    stop = max(after, min(start + header.total_length, end))
    packet._stop = stop
    if header.fragment_offset:
        return "Data", _data, after, stop, whole
    whole = whole and not header.is_fragment() and header.total_length == stop - start
    name, reader = IP_PROTOCOLS.get(header.protocol, ("Data", _data))
    return name, reader, after, stop, whole


def _ipv6(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ipv6 = ipv6.read(packet.data, start, end, whole=whole)
    after = start + header.header_length
    packet._parts.append((header, start, after))
    wanted = start + ipv6.HEADER_BYTES + header.payload_length
    stop = packet._stop = max(after, min(wanted, end))
    whole = whole and stop == wanted and not header.is_fragment
    name, reader = IP_PROTOCOLS.get(header.next_header, ("Data", _data))
    if header.is_fragment or reader is _icmp:
        name, reader = "Data", _data
    return name, reader, after, stop, whole


def _icmp6(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if packet.ipv6 is None:
        return "Data", _data, start, end, whole
    packet.icmp6 = icmp6.read(packet.data, start, end, _addresses(packet), whole=whole)
    packet._parts.append((packet.icmp6, start, end))
    return None


def _icmp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.icmp = icmp.read(packet.data, start, end, whole=whole)
    packet._parts.append((packet.icmp, start, end))
    return None


def _udp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.udp = udp.read(packet.data, start, end, _addresses(packet), whole=whole)
    after = start + udp.HEADER_BYTES
    packet._parts.append((header, start, after))
    stop = max(after, min(start + header.length, end))
    packet._carried = (after, stop)
    if after < stop:
        name, reader = UDP_PORTS.get(header.dst_port) or UDP_PORTS.get(header.src_port) or ("Data", _data)
        packet._rest = (name, reader, after, stop, whole and header.length == stop - start)
    return None


def _tcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.tcp = tcp.read(packet.data, start, end, _addresses(packet), whole=whole)
    after = min(start + max(header.header_length, tcp.HEADER_BYTES), end)
    packet._parts.append((header, start, after))
    packet._carried = (after, end)
    if after < end:
        packet._rest = ("TCP data", _tcp_data, after, end, whole)
    return None


def _tcp_data(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    """What a segment carries, told by its first bytes; by the port only where they tell nothing."""
    assert packet.tcp is not None
    port_pair = {packet.tcp.src_port, packet.tcp.dst_port}
    name, reader = "Data", _data
    if ports.DNS in port_pair:
        name, reader = "DNS", _dns_over_tcp
    elif tls.is_beginning(packet.data, start, end):
        name, reader = "TLS", _tls
    elif port_pair & ports.HTTP_PORTS or http.is_message(packet.data, start, end):
        name, reader = "HTTP", _http
    elif port_pair & ports.TLS_PORTS:
        name, reader = "TLS", _tls
    return name, reader, start, end, whole


def _addresses(packet: Packet) -> bytes:
    """Source and destination as they stand in the IP header just read, for the pseudo header."""
    _, start, _ = packet._parts[-1]
    return packet.data[start + 8 : start + 40] if packet.ipv4 is None else packet.data[start + 12 : start + 20]


def _dhcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet._dhcp = dhcp.read(packet.data, start, end, whole=whole)
    packet._parts.append((packet._dhcp, start, end))
    return None


def _dns(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet._dns = dns.read(packet.data, start, end, whole=whole)
    packet._parts.append((packet._dns, start, end))
    return None


def _dns_over_tcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if not dns.is_tcp_beginning(packet.data, start, end):
        return "Data", _data, start, end, whole
    packet._dns = dns.read_over_tcp(packet.data, start, end)
    packet._parts.append((packet._dns, start, end))
    return None


def _http(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet._http = http.read(packet.data, start, end)
    packet._parts.append((packet._http, start, end))
    return None


def _tls(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet._tls = tls.read(packet.data, start, end)
    packet._parts.append((packet._tls, start, end))
    return None


def _data(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if start < end:
        packet._parts.append((Data(end - start), start, end))
    return None


ETHERTYPES: dict[int, tuple[str, Reader]] = {
    ethernet.IPV4: ("IPv4", _ipv4),
    ethernet.ARP: ("ARP", _arp),
    ethernet.IPV6: ("IPv6", _ipv6),
    ethernet.VLAN: ("802.1Q", _tag),
    ethernet.QINQ: ("802.1Q", _tag),
}
IP_PROTOCOLS: dict[int, tuple[str, Reader]] = {
    ipv4.ICMP: ("ICMP", _icmp),
    ipv4.UDP: ("UDP", _udp),
    ipv4.TCP: ("TCP", _tcp),
    ipv4.ICMPV6: ("ICMPv6", _icmp6),
}
UDP_PORTS: dict[int, tuple[str, Reader]] = {
    ports.BOOTP_SERVER: ("DHCP", _dhcp),
    ports.BOOTP_CLIENT: ("DHCP", _dhcp),
    ports.DNS: ("DNS", _dns),
    ports.MDNS: ("DNS", _dns),
    5355: ("DNS", _dns),
}
