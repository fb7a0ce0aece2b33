"""One frame's bytes → a `Packet`: the lenient reading of the house.

`decode` never raises; damage becomes `problems`.  Headers down to TCP and UDP are read at once,
what they carry when first asked for, and fields in words only for `layers`.  Each protocol's own
module reads its bytes; here is who comes after whom.
"""

from dataclasses import replace

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
    ports,
    stp,
    tcp,
    tls,
    udp,
    vxlan,
)
from lan.wire.layer import Data
from lan.wire.packet import Packet, Reader, Step, follow

__all__ = ["Packet", "decode"]


def decode(data: bytes, *, wire_length: int | None = None) -> Packet:
    """Read one Ethernet frame, however broken.

    `wire_length` is the frame's true length in bytes where the capture kept only its beginning;
    what was cut off is then no problem of the frame, and checksums over it are left unchecked.
    """
    packet = Packet(bytes(data))
    whole = wire_length is None or wire_length <= len(packet.data)
    if wire_length is not None and not whole:
        packet.cut_bytes = wire_length - len(packet.data)
    follow(packet, ("Ethernet", _ethernet, 0, len(packet.data), whole))
    return packet


def _ethernet(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ethernet = ethernet.read(packet.data, start, end)
    after = start + ethernet.HEADER_BYTES
    packet.add(header, start, after)
    if header.length is not None:
        return _802_3(packet, header.length, after, end, whole)
    if header.vlan is not None:
        return "802.1Q", _tag, after, end, whole
    return _behind_ethertype(packet, header.ethertype, after, end, whole)


def _tag(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    tag = ethernet.read_tag(packet.data, start, end)
    after = start + ethernet.TAG_BYTES
    packet.add(tag, start, after)
    return _behind_ethertype(packet, tag.ethertype, after, end, whole)


def _802_3(packet: Packet, length: int, start: int, end: int, whole: bool) -> Step | None:
    """An LLC header, where the frame says its length in the place of the ethertype."""
    stop = packet.stop = min(start + length, end)
    return "LLC", _llc, start, stop, whole and start + length <= end


def _behind_ethertype(packet: Packet, ethertype: int, start: int, end: int, whole: bool) -> Step | None:
    if ethertype < ethernet.LOWEST_ETHERTYPE:
        return _802_3(packet, ethertype, start, end, whole)
    name, reader = ETHERTYPES.get(ethertype, ("Data", _data))
    return name, reader, start, end, whole


def _llc(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = llc.read(packet.data, start, end)
    after = start + header.header_length
    packet.add(header, start, after)
    if header.ethertype is not None and header.ethertype >= ethernet.LOWEST_ETHERTYPE:
        return _behind_ethertype(packet, header.ethertype, after, end, whole)
    name, reader = ("STP", _stp) if header.dsap == llc.STP else ("Data", _data)
    return name, reader, after, end, whole


def _stp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.stp = stp.read(packet.data, start, end)
    packet.add(packet.stp, start, end)
    return None


def _lldp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.lldp, packet.stop = lldp.read(packet.data, start, end, whole=whole)
    packet.add(packet.lldp, start, packet.stop)
    return None


def _arp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.arp = arp.read(packet.data, start, end)
    packet.stop = start + arp.ARP_BYTES
    packet.add(packet.arp, start, packet.stop)
    return None


def _ipv4(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ipv4 = ipv4.read(packet.data, start, end, whole=whole)
    after = min(start + max(header.header_length, ipv4.HEADER_BYTES), end)
    packet.add(header, start, after)
    stop = max(after, min(start + header.total_length, end))
    packet.stop = stop
    if header.fragment_offset:
        return "Data", _data, after, stop, whole
    whole = whole and not header.is_fragment() and header.total_length == stop - start
    name, reader = IP_PROTOCOLS.get(header.protocol, ("Data", _data))
    return name, reader, after, stop, whole


def _ipv6(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.ipv6 = ipv6.read(packet.data, start, end, whole=whole)
    after = start + header.header_length
    packet.add(header, start, after)
    wanted = start + ipv6.HEADER_BYTES + header.payload_length
    stop = packet.stop = max(after, min(wanted, end))
    if header.fragment is not None and header.fragment.offset:
        return "Data", _data, after, stop, whole
    whole = whole and stop == wanted and not header.is_fragment()
    name, reader = IP_PROTOCOLS.get(header.next_header, ("Data", _data))
    if reader is _icmp:
        name, reader = "Data", _data
    return name, reader, after, stop, whole


def _icmp6(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if packet.ipv6 is None:
        return "Data", _data, start, end, whole
    packet.icmp6 = icmp6.read(packet.data, start, end, _addresses(packet), whole=whole)
    packet.add(packet.icmp6, start, end)
    return None


def _icmp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.icmp = icmp.read(packet.data, start, end, whole=whole)
    packet.add(packet.icmp, start, end)
    return None


def _igmp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.igmp = igmp.read(packet.data, start, end, whole=whole)
    packet.add(packet.igmp, start, end)
    return None


def _gre(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = gre.read(packet.data, start, end, whole=whole)
    after = start + header.header_length
    packet.add(header, start, after)
    packet.enter_tunnel()
    if header.ethertype == ethernet.BRIDGED:
        return "Ethernet", _ethernet, after, end, whole
    return _behind_ethertype(packet, header.ethertype, after, end, whole)


def _vxlan(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = vxlan.read(packet.data, start, end)
    after = start + vxlan.HEADER_BYTES
    packet.add(header, start, after)
    packet.enter_tunnel()
    return "Ethernet", _ethernet, after, end, whole


def _ipv4_in_ip(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.enter_tunnel()
    return "IPv4", _ipv4, start, end, whole


def _ipv6_in_ip(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.enter_tunnel()
    return "IPv6", _ipv6, start, end, whole


def _udp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = packet.udp = udp.read(packet.data, start, end, _addresses(packet), whole=whole)
    after = start + udp.HEADER_BYTES
    packet.add(header, start, after)
    stop = max(after, min(start + header.length, end))
    packet.carried, packet.stop = (after, stop), stop
    if after < stop:
        whole = whole and header.length == stop - start
        if header.dst_port == ports.VXLAN:  # read at once: what the headers' names mean depends on it
            return "VXLAN", _vxlan, after, stop, whole
        name, reader = UDP_PORTS.get(header.dst_port) or UDP_PORTS.get(header.src_port) or ("Data", _data)
        packet.unread = (name, reader, after, stop, whole)
    return None


def _tcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    header = tcp.read(packet.data, start, end, _addresses(packet), whole=whole)
    if packet.cut_bytes:
        header = replace(header, length=max(_end_on_the_wire(packet) - start - header.header_length, header.length))
    packet.tcp = header
    after = min(start + max(header.header_length, tcp.HEADER_BYTES), end)
    packet.add(header, start, after)
    packet.carried = (after, end)
    if after < end:
        packet.unread = ("TCP data", _tcp_data, after, end, whole)
    return None


def _tcp_data(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    """What a segment carries, told by its first bytes; by the port only where they tell nothing."""
    assert packet.tcp is not None
    port_pair = {packet.tcp.src_port, packet.tcp.dst_port}
    name, reader = "Data", _data
    if ports.DNS in port_pair:
        name, reader = "DNS", _dns_over_tcp
    elif port_pair & ports.OPENFLOW_PORTS and openflow.is_beginning(packet.data, start, end):
        name, reader = "OpenFlow", _openflow
    elif tls.is_beginning(packet.data, start, end):
        name, reader = "TLS", _tls
    elif port_pair & ports.HTTP_PORTS or http.is_message(packet.data, start, end):
        name, reader = "HTTP", _http
    elif port_pair & ports.TLS_PORTS:
        name, reader = "TLS", _tls
    return name, reader, start, end, whole


def _addresses(packet: Packet) -> bytes:
    """Source and destination as they stand in the IP header just read, for the pseudo header."""
    _, start, _ = packet.headers[-1]
    return packet.data[start + 8 : start + 40] if packet.ipv4 is None else packet.data[start + 12 : start + 20]


def _end_on_the_wire(packet: Packet) -> int:
    """Where the IP packet just read ends, if the capture had cut nothing; no further than the frame."""
    _, start, _ = packet.headers[-1]
    if packet.ipv4 is not None:
        end = start + packet.ipv4.total_length
    else:
        assert packet.ipv6 is not None
        end = start + ipv6.HEADER_BYTES + packet.ipv6.payload_length
    return min(end, len(packet.data) + packet.cut_bytes)


def _dhcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.add(dhcp.read(packet.data, start, end, whole=whole), start, end)
    return None


def _dns(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.add(dns.read(packet.data, start, end, whole=whole), start, end)
    return None


def _dns_over_tcp(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if not dns.is_tcp_beginning(packet.data, start, end):
        return "Data", _data, start, end, whole
    after = min(start + dns.PREFIX_BYTES + (packet.data[start] << 8 | packet.data[start + 1]), end)
    packet.add(dns.read_over_tcp(packet.data, start, after, end), start, after)
    return ("DNS", _dns_over_tcp, after, end, whole) if after < end else None


def _http(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    head = http.read(packet.data, start, end)
    after = http.end_of_message(head, packet.data, start, end)
    packet.add(replace(head, length=after - start) if after < end else head, start, after)
    if after >= end:
        return None
    is_next = http.is_message(packet.data, after, end)
    return ("HTTP", _http, after, end, whole) if is_next else ("Data", _data, after, end, whole)


def _openflow(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.add(openflow.read(packet.data, start, end), start, end)
    return None


def _tls(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    packet.add(tls.read(packet.data, start, end), start, end)
    return None


def _data(packet: Packet, start: int, end: int, whole: bool) -> Step | None:
    if start < end:
        packet.add(Data(end - start), start, end)
    return None


ETHERTYPES: dict[int, tuple[str, Reader]] = {
    ethernet.IPV4: ("IPv4", _ipv4),
    ethernet.ARP: ("ARP", _arp),
    ethernet.IPV6: ("IPv6", _ipv6),
    ethernet.VLAN: ("802.1Q", _tag),
    ethernet.QINQ: ("802.1Q", _tag),
    ethernet.LLDP: ("LLDP", _lldp),
}
IP_PROTOCOLS: dict[int, tuple[str, Reader]] = {
    ipv4.ICMP: ("ICMP", _icmp),
    ipv4.UDP: ("UDP", _udp),
    ipv4.TCP: ("TCP", _tcp),
    ipv4.ICMPV6: ("ICMPv6", _icmp6),
    ipv4.IGMP: ("IGMP", _igmp),
    ipv4.GRE: ("GRE", _gre),
    ipv4.IN_IPV4: ("IPv4", _ipv4_in_ip),
    ipv4.IN_IPV6: ("IPv6", _ipv6_in_ip),
}
UDP_PORTS: dict[int, tuple[str, Reader]] = {
    ports.BOOTP_SERVER: ("DHCP", _dhcp),
    ports.BOOTP_CLIENT: ("DHCP", _dhcp),
    ports.DNS: ("DNS", _dns),
    ports.MDNS: ("DNS", _dns),
    ports.LLMNR: ("DNS", _dns),
}
