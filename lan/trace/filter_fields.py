"""What a filter can ask of a frame: each field's name, its kind, and where its values come from.  Pure.

Names are Wireshark's where it has one; ours (`src`, `dst`, `device`, `type`, …) are about devices, which it does
not know.  A field has any number of values in a frame: none where the frame lacks it, two for `tcp.port`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from lan.errors import UsageError
from lan.trace.decryption_messages import clear_heads, clear_titles
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.trackers.tcp_analysis import Kind as Event
from lan.wire import arp
from lan.wire.dhcp import Message
from lan.wire.dns import Dns
from lan.wire.ethernet import Tag
from lan.wire.http import Http
from lan.wire.ipv4 import Ipv4Flags
from lan.wire.layer import Header
from lan.wire.packet import Packet
from lan.wire.tcp import TcpFlags
from lan.wire.tls import Tls, TlsRecord

Values = Iterable[object]


class Kind(Enum):
    """What values a field has, and so what it can be compared with."""

    NUMBER = "a number"
    TEXT = "a text"
    ADDRESS = "an IP address or network, such as 192.168.100.0/24"
    MAC = "a MAC address"
    DEVICE = "a device"
    TIME = "a time, such as 3.2s or 15ms"
    BIT = "1 or 0"
    PROTOCOL = "nothing: it is there or not"


@dataclass(frozen=True, slots=True)
class Field:
    """One name: its kind, what it means, and its values in a frame."""

    name: str
    kind: Kind
    help: str
    values: Callable[[Frame, Timeline], Values]


FIELDS: dict[str, Field] = {}
"""All fields by name."""

ALIASES = {
    "last": "from",
    "at": "to",
    "protocol": "type",
    "bad": "problem",
    "frame": "number",
    "frame.number": "number",
    "frame.len": "length",
    "frame.time_relative": "time",
    "icmpv6": "icmp6",
    "bootp": "dhcp",
    "http.response.code": "http.status",
    "http.request.method": "http.method",
    "http.request.uri": "http.uri",
    "http.request.version": "http.version",
    "http.response.version": "http.version",
    "dns.qry.name": "dns.name",
    "dns.qry.type": "dns.type",
    "dns.flags.rcode": "dns.rcode",
    "dns.flags.response": "dns.response",
    "tls.handshake.extensions_server_name": "tls.sni",
    "tcp.window_size_value": "tcp.window",
    "tcp.flags.reset": "tcp.flags.rst",
    "tcp.flags.push": "tcp.flags.psh",
    "arp.src.proto_ipv4": "arp.src",
    "arp.dst.proto_ipv4": "arp.dst",
    "dhcp.option.dhcp": "dhcp.type",
    "dhcp.ip.your": "dhcp.yiaddr",
    "dhcp.hw.mac_addr": "dhcp.mac",
    "ip.src_host": "ip.src",
    "ip.dst_host": "ip.dst",
    "ipv6.hlim": "ipv6.hop_limit",
}
"""Other words for the same: Wireshark's longer ones, and a user's first guess."""


def _add(name: str, kind: Kind, help_text: str, values: Callable[[Frame, Timeline], Values]) -> None:
    FIELDS[name] = Field(name, kind, help_text, values)


def _of(name: str, kind: Kind, help_text: str, values: Callable[[Packet], Values]) -> None:
    """A field that the frame's own bytes tell."""
    _add(name, kind, help_text, lambda frame, timeline: values(frame.packet))


# ---- ours: devices, ports, times

EVERYONE = "everyone"


def sources(frame: Frame, timeline: Timeline) -> Iterator[str]:
    """Name and addresses of the device that the packet is from, past routers too."""
    header, network = frame.packet.ethernet, frame.packet.ipv4 or frame.packet.ipv6
    yield from _ends(timeline, network.src if network else "", header.src if header else "", frame.from_device)


def destinations(frame: Frame, timeline: Timeline) -> Iterator[str]:
    """Name and addresses of the device that the packet is for; `everyone` of a broadcast."""
    header, network = frame.packet.ethernet, frame.packet.ipv4 or frame.packet.ipv6
    yield from _ends(timeline, network.dst if network else "", header.dst if header else "", "")
    if header is not None and header.is_broadcast():
        yield EVERYONE


def _ends(timeline: Timeline, ip: str, mac: str, otherwise: str) -> Iterator[str]:
    yield from (address for address in (ip, mac) if address)
    device = timeline.device_of(ip) or timeline.device_of(mac) or otherwise
    if device:
        yield device


def _ms(frame: Frame, timeline: Timeline) -> Values:
    yield (frame.time_ns - timeline.begun_ns) / 1e6 if timeline.all_frames else 0.0


_add("src", Kind.DEVICE, "the device that the packet is from, past routers too, or its address", sources)
_add("dst", Kind.DEVICE, "the device that it is for, or its address; everyone", destinations)
_add("host", Kind.DEVICE, "either of the two", lambda f, t: (*sources(f, t), *destinations(f, t)))
_add("from", Kind.DEVICE, "the last device: the sending end of the cable", lambda f, t: [f.from_device])
_add("to", Kind.DEVICE, "the device at the cable's other end", lambda f, t: [f.to_device])
_add("device", Kind.DEVICE, "either end of the cable", lambda f, t: [f.from_device, f.to_device])
_add("port", Kind.TEXT, "either end of the cable: s1:eth3", lambda f, t: [f.port, f.peer])
_add("direction", Kind.TEXT, "in or out, at the port where it was seen", lambda f, t: [f.direction.value])
_add("number", Kind.NUMBER, "the frame's number", lambda f, t: [f.number])
_add("time", Kind.TIME, "since the first frame; a bare number is seconds", _ms)
_add("length", Kind.NUMBER, "bytes on the cable", lambda f, t: [f.length])
_add("comment", Kind.TEXT, "what the capture file says of the frame", lambda f, t: [f.comment] if f.comment else [])
_of("type", Kind.TEXT, "the innermost protocol: ARP, DHCP, TCP, HTTP", lambda p: [p.protocol])
_add("info", Kind.TEXT, "the line of the table", lambda f, t: [f.packet.summary(), *clear_titles(f, t)])
_of("problem", Kind.TEXT, "what is malformed about it, in words", lambda p: p.problems)

# ---- protocols by name

PROTOCOLS = {
    "eth": ("Ethernet",),
    "vlan": ("802.1Q",),
    "llc": ("LLC",),
    "stp": ("STP",),
    "lldp": ("LLDP",),
    "arp": ("ARP",),
    "ip": ("IPv4",),
    "ipv6": ("IPv6",),
    "icmp": ("ICMP",),
    "icmp6": ("ICMPv6",),
    "igmp": ("IGMP",),
    "udp": ("UDP",),
    "tcp": ("TCP",),
    "dhcp": ("DHCP",),
    "dns": ("DNS",),
    "http": ("HTTP",),
    "tls": ("TLS",),
    "openflow": ("OpenFlow",),
    "gre": ("GRE",),
    "vxlan": ("VXLAN",),
}
"""The filter's word → the protocol's name in a frame."""


def headers(packet: Packet) -> list[Header]:
    """All headers, of what UDP and TCP carry too."""
    packet.first(Http)  # they are read when first asked for
    return [header for header, _, _ in packet.headers]


def _layer(names: tuple[str, ...]) -> Callable[[Packet], Values]:
    return lambda packet: [True for header in headers(packet) if header.protocol_name in names][:1]


for _word, _names in PROTOCOLS.items():
    _of(_word, Kind.PROTOCOL, f"it has {_names[0]}", _layer(_names))


def _has_http(frame: Frame, timeline: Timeline) -> Values:
    return [*_layer(PROTOCOLS["http"])(frame.packet), *(True for _ in clear_heads(frame, timeline))][:1]


_add("http", Kind.PROTOCOL, "it has HTTP, in the clear or under TLS whose secrets are known", _has_http)

# ---- layers 2 and 3


def _attributes(header: str, *names: str) -> Callable[[Packet], Values]:
    """Attributes of one of the packet's headers, where it has it; None is no value."""

    def values(packet: Packet) -> Values:
        found = getattr(packet, header)
        return [] if found is None else [value for name in names if (value := getattr(found, name)) is not None]

    return values


_of("eth.src", Kind.MAC, "sender's MAC address", _attributes("ethernet", "src"))
_of("eth.dst", Kind.MAC, "receiver's MAC address", _attributes("ethernet", "dst"))
_of("eth.addr", Kind.MAC, "either MAC address", _attributes("ethernet", "src", "dst"))
_of("eth.type", Kind.NUMBER, "the ethertype: 0x0800", _attributes("ethernet", "ethertype"))
_of("vlan.id", Kind.NUMBER, "VLAN id", lambda p: [each.vlan for each in p.all(Tag)])
_of("arp.opcode", Kind.NUMBER, "1 asks, 2 answers", _attributes("arp", "operation"))
_of("arp.request", Kind.BIT, "it asks", lambda p: [p.arp.operation == arp.REQUEST] if p.arp else [])
_of("arp.reply", Kind.BIT, "it answers", lambda p: [p.arp.operation == arp.REPLY] if p.arp else [])
_of("arp.src", Kind.ADDRESS, "sender's IP address", _attributes("arp", "sender_ip"))
_of("arp.dst", Kind.ADDRESS, "the address asked for", _attributes("arp", "target_ip"))
_of("ip.src", Kind.ADDRESS, "IPv4 source", _attributes("ipv4", "src"))
_of("ip.dst", Kind.ADDRESS, "IPv4 destination", _attributes("ipv4", "dst"))
_of("ip.addr", Kind.ADDRESS, "either IPv4 address", _attributes("ipv4", "src", "dst"))
_of("ip.ttl", Kind.NUMBER, "time to live", _attributes("ipv4", "ttl"))
_of("ip.proto", Kind.NUMBER, "the carried protocol's number", _attributes("ipv4", "protocol"))
_of("ip.id", Kind.NUMBER, "identification", _attributes("ipv4", "identification"))
_of("ip.len", Kind.NUMBER, "total length", _attributes("ipv4", "total_length"))
_of("ip.flags.df", Kind.BIT, "don't fragment", lambda p: [p.ipv4.flags & Ipv4Flags.DF] if p.ipv4 else [])
_of("ip.flags.mf", Kind.BIT, "more fragments", lambda p: [p.ipv4.flags & Ipv4Flags.MF] if p.ipv4 else [])
_of("ip.frag_offset", Kind.NUMBER, "fragment offset in bytes", _attributes("ipv4", "fragment_offset"))
_of("ipv6.src", Kind.ADDRESS, "IPv6 source", _attributes("ipv6", "src"))
_of("ipv6.dst", Kind.ADDRESS, "IPv6 destination", _attributes("ipv6", "dst"))
_of("ipv6.addr", Kind.ADDRESS, "either IPv6 address", _attributes("ipv6", "src", "dst"))
_of("ipv6.hop_limit", Kind.NUMBER, "hop limit", _attributes("ipv6", "hop_limit"))
for _word, _header in (("icmp", "icmp"), ("icmp6", "icmp6")):
    _of(f"{_word}.type", Kind.NUMBER, "type: 8 asks, 0 answers", _attributes(_header, "type"))
    _of(f"{_word}.code", Kind.NUMBER, "code", _attributes(_header, "code"))
    _of(f"{_word}.ident", Kind.NUMBER, "an echo's identifier", _attributes(_header, "identifier"))
    _of(f"{_word}.seq", Kind.NUMBER, "an echo's sequence number", _attributes(_header, "sequence"))

# ---- layer 4


def _relative(which: str) -> Callable[[Frame, Timeline], Values]:
    """A sequence or acknowledgment number as counted from the sender's first, as Wireshark shows it."""

    def values(frame: Frame, timeline: Timeline) -> Values:
        segment, connection = frame.packet.tcp, timeline.connection_of(frame)
        if segment is None or connection is None or (which == "ack" and not segment.flags & TcpFlags.ACK):
            return []
        side = connection.sender(frame)
        counted = side if which == "seq" else connection.other(side)
        first, number = counted.stream.first_seq, segment.seq if which == "seq" else segment.ack
        return [number if first is None else (number - first + 1) % (1 << 32)]

    return values


def _stream(frame: Frame, timeline: Timeline) -> Values:
    connection = timeline.connection_of(frame)
    if connection is None:
        return []
    number = timeline.number_of(connection)
    if number is None:
        raise UsageError(
            f"tcp.stream counts the connections of a whole recording; at frame {frame.number} only a part is held",
            todo="choose by tcp.port, ip.addr, number or time",
        )
    return [number]


def _has_event(*kinds: Event) -> Callable[[Frame, Timeline], Values]:
    """True or False of a segment; nothing of other frames."""

    def values(frame: Frame, timeline: Timeline) -> Values:
        connection = timeline.connection_of(frame)
        if connection is None:
            return []
        return [any(event.kind in kinds for event in connection.events_of(frame))]

    return values


for _word in ("udp", "tcp"):
    _of(f"{_word}.srcport", Kind.NUMBER, "source port", _attributes(_word, "src_port"))
    _of(f"{_word}.dstport", Kind.NUMBER, "destination port", _attributes(_word, "dst_port"))
    _of(f"{_word}.port", Kind.NUMBER, "either port", _attributes(_word, "src_port", "dst_port"))
    _of(f"{_word}.length", Kind.NUMBER, "length: UDP's with its header", _attributes(_word, "length"))
_of("tcp.len", Kind.NUMBER, "bytes of data", _attributes("tcp", "length"))
_add("tcp.seq", Kind.NUMBER, "sequence number, from the sender's first", _relative("seq"))
_add("tcp.ack", Kind.NUMBER, "acknowledgment number, from the other side's first", _relative("ack"))
_of("tcp.seq_raw", Kind.NUMBER, "sequence number as it stands there", _attributes("tcp", "seq"))
_of("tcp.ack_raw", Kind.NUMBER, "acknowledgment number as it stands there", _attributes("tcp", "ack"))
_of("tcp.window", Kind.NUMBER, "window as it stands there", _attributes("tcp", "window"))
_of("tcp.flags", Kind.NUMBER, "all bits: 0x12 is SYN, ACK", _attributes("tcp", "flags"))
_add("tcp.stream", Kind.NUMBER, "the connection's number, from 0: lan flow -c", _stream)


def _flag(flag: TcpFlags) -> Callable[[Packet], Values]:
    return lambda packet: [] if packet.tcp is None else [bool(packet.tcp.flags & flag)]


for _flag_name in TcpFlags:
    _word = str(_flag_name.name)
    _of(f"tcp.flags.{_word.lower()}", Kind.BIT, f"{_word} is set", _flag(_flag_name))

EVENTS = {
    "retransmission": (Event.RETRANSMISSION, Event.FAST_RETRANSMISSION, Event.SPURIOUS_RETRANSMISSION),
    "fast_retransmission": (Event.FAST_RETRANSMISSION,),
    "spurious_retransmission": (Event.SPURIOUS_RETRANSMISSION,),
    "out_of_order": (Event.OUT_OF_ORDER,),
    "lost_segment": (Event.LOST_SEGMENT,),
    "ack_lost_segment": (Event.ACKED_UNSEEN,),
    "duplicate_ack": (Event.DUPLICATE_ACK,),
    "zero_window": (Event.ZERO_WINDOW,),
    "zero_window_probe": (Event.ZERO_WINDOW_PROBE,),
    "window_update": (Event.WINDOW_UPDATE,),
    "window_full": (Event.WINDOW_FULL,),
    "keep_alive": (Event.KEEP_ALIVE,),
    "keep_alive_ack": (Event.KEEP_ALIVE_ACK,),
}
for _word, _kinds in EVENTS.items():
    _add(f"tcp.analysis.{_word}", Kind.BIT, str(_kinds[0]), _has_event(*_kinds))

# ---- what they carry


def _dns_records(packet: Packet) -> Iterator[str]:
    for message in packet.all(Dns):
        yield from (record.data for record in message.answers)


def _dns(values: Callable[[Dns], Values]) -> Callable[[Packet], Values]:
    return lambda packet: [value for message in packet.all(Dns) for value in values(message)]


def _dhcp(values: Callable[[Message], Values]) -> Callable[[Packet], Values]:
    return lambda packet: values(packet.dhcp) if packet.dhcp else []


def _http(values: Callable[[Http], Values]) -> Callable[[Frame, Timeline], Values]:
    """Of the heads that a frame carries, and of those that begin in it under TLS, where the secrets are known."""

    def of(frame: Frame, timeline: Timeline) -> Values:
        heads = (message for message in frame.packet.all(Http) if message.kind != "data")
        every = chain(heads, clear_heads(frame, timeline))
        return [value for head in every for value in values(head) if value is not None]

    return of


def _tls(values: Callable[[TlsRecord], Values]) -> Callable[[Packet], Values]:
    def of(packet: Packet) -> Values:
        records = (record for each in packet.all(Tls) for record in each.records)
        return [value for record in records for value in values(record) if value is not None]

    return of


_of("dhcp.type", Kind.TEXT, "DISCOVER, OFFER, REQUEST, ACK, NAK …", _dhcp(lambda m: [m.type.name] if m.type else []))
_of("dhcp.id", Kind.NUMBER, "transaction id", _dhcp(lambda m: [m.xid]))
_of("dhcp.yiaddr", Kind.ADDRESS, "the address offered or granted", _dhcp(lambda m: [str(m.yiaddr)]))
_of("dhcp.mac", Kind.MAC, "the client's MAC address", _dhcp(lambda m: [m.chaddr]))
_of("dns.id", Kind.NUMBER, "the message's id", _dns(lambda m: [m.id]))
_of("dns.name", Kind.TEXT, "a name asked for", _dns(lambda m: [each.name for each in m.questions]))
_of("dns.type", Kind.TEXT, "what is asked for: A, AAAA, MX", _dns(lambda m: [each.type for each in m.questions]))
_of("dns.response", Kind.BIT, "it answers", _dns(lambda m: [m.is_response]))
_of("dns.rcode", Kind.TEXT, "NOERROR, NXDOMAIN …", _dns(lambda m: [m.rcode_name] if m.is_response else []))
_of("dns.answer", Kind.TEXT, "what an answer's records say", _dns_records)
_of("dns.a", Kind.ADDRESS, "an address in the answer", _dns_records)
_add("http.request", Kind.BIT, "a request begins here", _http(lambda h: [h.kind == "request"]))
_add("http.response", Kind.BIT, "a response begins here", _http(lambda h: [h.kind == "response"]))
_add("http.method", Kind.TEXT, "GET, POST …", _http(lambda h: [h.method]))
_add("http.uri", Kind.TEXT, "the request's target", _http(lambda h: [h.target]))
_add("http.version", Kind.TEXT, "HTTP/1.1", _http(lambda h: [h.version]))
_add("http.status", Kind.NUMBER, "the response's status", _http(lambda h: [h.status]))
_add("http.header", Kind.TEXT, "any field: 'Name: value'", _http(lambda h: [f"{n}: {v}" for n, v in h.headers]))
for _word in ("host", "connection", "location", "server", "user_agent", "content_type", "content_length", "cookie"):
    _name = _word.replace("_", "-")
    _add(f"http.{_word}", Kind.TEXT, f"the field {_name.title()}", _http(lambda h, name=_name: [h.get(name)]))  # type: ignore[misc]
_of("tls.content", Kind.TEXT, "handshake, alert, application data", _tls(lambda r: [r.content_type]))
_of("tls.handshake", Kind.TEXT, "ClientHello, ServerHello, Certificate …", _tls(lambda r: r.handshake_types))
_of("tls.sni", Kind.TEXT, "the server's name in a ClientHello", _tls(lambda r: [r.server_name]))
_of("tls.alert", Kind.TEXT, "an alert in words", _tls(lambda r: [r.alert]))
