"""A frame's fields by tshark's names: what our decoder says of it, in the order of its bytes.  Pure.

`PARTS` has what tshark cuts into several fields or names by what stands in them; `wire_field_names.py` all others.
"""

from collections.abc import Callable, Iterator

from benchmarks.wire_field_names import (
    CHECKSUMS,
    DHCP_OPTIONS,
    HTTP_FIELDS,
    IPV4,
    IPV6,
    OPENFLOW_1_0,
    OPENFLOW_1_3,
    QUOTED,
    RDATA,
    SAME,
)
from lan.wire import checksum as sums
from lan.wire import dhcp_options, dns_names, ipv4_options, ipv6_extensions, tcp_options
from lan.wire.dns import Dns
from lan.wire.layer import Field, Layer
from lan.wire.packet import Packet

Value = int | str
Pairs = Iterator[tuple[str, Value]]

STATUSES = {"(good)": 1, "(bad)": 0, "(not checked)": 2, "(none sent)": 3}
"""The end of our words → what tshark calls the state of a checksum."""
APPLICATION_DATA = 23


def plain(field: Field) -> Value:
    """A field's value as it is compared."""
    value = field.value
    if isinstance(value, bytes):
        return value.hex()
    return int(value) if isinstance(value, int) else str(value)


def fields_of(packet: Packet) -> Pairs:
    """(tshark's name, value) of each field of ours that tshark names too, in the order of the bytes."""
    for header, layer in zip((each for each, _, _ in packet.headers), packet.layers, strict=False):
        for field in layer.fields:
            if theirs := SAME.get((layer.protocol, field.name)):
                yield theirs, plain(field)
            if layer.protocol in PARTS:
                yield from PARTS[layer.protocol](packet, layer, field)
        if isinstance(header, Dns):
            yield from _dns_records(header)


def _number(packet: Packet, field: Field) -> int:
    return int.from_bytes(packet.data[field.start : field.end], "big")


def _tag(packet: Packet, layer: Layer, field: Field) -> Pairs:
    """tshark knows the tags of 802.1ad by names of their own."""
    is_ad = packet.data[layer.start - 2 : layer.start] == b"\x88\xa8"
    room = "ieee8021ad" if is_ad else "vlan"
    names = {"priority": "priority", "drop eligible": "dei", "VLAN id": "id", "ethertype": "etype", "length": "len"}
    if is_ad and field.name == "VLAN id":
        is_inner = layer.start >= 18 and packet.data[layer.start - 6 : layer.start - 4] == b"\x88\xa8"
        is_outer = packet.data[layer.end - 2 : layer.end] == b"\x88\xa8"
        yield f"ieee8021ad.{'cvid' if is_inner else 'svid' if is_outer else 'id'}", plain(field)
    elif not is_ad or field.name in ("priority", "drop eligible"):
        yield f"{room}.{names[field.name]}", plain(field)


def _ipv4(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "fragment offset":
        yield "ip.frag_offset", int(str(field.value)) // 8
    if field.name == "header checksum":
        yield from _status(layer, field)
    if field.start >= layer.start + 20 and field.name != "options' padding":
        option = packet.data[field.start : field.end]
        yield "ip.opt.type", option[0]
        if option[0] > ipv4_options.NOP:
            yield "ip.opt.len", option[1]
        if option[0] in (7, 68, 131, 137):
            yield "ip.opt.ptr", option[2]
        if option[0] == ipv4_options.ROUTER_ALERT:
            yield "ip.opt.ra", int.from_bytes(option[2:4], "big")


def _status(layer: Layer, field: Field) -> Pairs:
    for word, status in STATUSES.items():
        if field.text.endswith(word):
            yield CHECKSUMS[layer.protocol], status


def _ipv6(packet: Packet, layer: Layer, field: Field) -> Pairs:
    data = packet.data[field.start : field.end]
    if field.name == "version":
        yield "ip.version", plain(field)
    if field.name == "fragment offset":
        yield "ipv6.fraghdr.offset", int(str(field.value)) // 8
    if field.name == "routing: address":
        kind = next(each.value for each in layer.fields if each.name == "routing: type")
        yield f"ipv6.routing.{'src.addr' if kind == 0 else 'mipv6.home_address'}", plain(field)
    if field.name in ipv6_extensions.OPTION_NAMES.values() or field.name.startswith("option 0x"):
        yield "ipv6.opt.type", data[0]
        if data[0]:
            yield "ipv6.opt.length", data[1]
        if field.name == "router alert":
            yield "ipv6.opt.router_alert", int.from_bytes(data[2:], "big")


def _icmp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "checksum":
        yield from _status(layer, field)
    yield from _quote(packet, layer, field)


def _quote(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if not field.name.startswith("quoted "):
        return
    name = field.name.removeprefix("quoted ")
    first = next(each for each in layer.fields if each.name == "quoted version")
    if name in QUOTED:
        is_4 = first.value == 4
        wanted = "quoted protocol" if is_4 else "quoted next header"
        protocol = next(each.value for each in layer.fields if each.name == wanted)
        if isinstance(protocol, int) and (theirs := QUOTED[name].get(protocol)):
            yield theirs, plain(field)
            if theirs.startswith("icmp") and theirs.endswith("checksum"):
                yield f"{theirs}.status", 2  # tshark: not verified
            elif theirs == "udp.checksum":
                yield "udp.checksum.status", _quoted_status(packet, layer, field)
    elif name == "fragment offset":
        yield ("ip.frag_offset" if first.value == 4 else "ipv6.fraghdr.offset"), int(str(field.value)) // 8
    elif theirs := (IPV4 if first.value == 4 else IPV6).get(name):
        yield theirs, plain(field)
        if theirs == "ipv6.version":
            yield "ip.version", plain(field)
        if name == "header checksum":
            for word, status in (("(good)", 1), ("(bad)", 0)):
                if field.text.endswith(word):
                    yield "ip.checksum.status", status


def _quoted_status(packet: Packet, layer: Layer, field: Field) -> int:
    """tshark verifies the checksum of a quoted UDP datagram where all of it is quoted."""
    start, value = field.start - 6, plain(field)
    length = int.from_bytes(packet.data[start + 4 : start + 6], "big")
    if value == 0:
        return 3
    if start + length > layer.end or not isinstance(value, int):
        return 2
    ip_at = next(each.start for each in layer.fields if each.name == "quoted version")
    addresses = (
        packet.data[ip_at + 12 : ip_at + 20] if packet.data[ip_at] >> 4 == 4 else packet.data[ip_at + 8 : ip_at + 40]
    )
    pseudo = sums.pseudo_header(addresses, 17, length)
    return int(sums.verify(pseudo, packet.data[start : start + length], value) is True)


def _icmp6(packet: Packet, layer: Layer, field: Field) -> Pairs:
    data, kind = packet.data[field.start : field.end], packet.data[layer.start]
    if field.name == "target":
        name = {135: "nd.ns.target_address", 136: "nd.na.target_address", 137: "nd.rd.target_address"}[kind]
        yield f"icmpv6.{name}", plain(field)
    elif field.name == "MTU" and kind == 2:
        yield "icmpv6.mtu", plain(field)
    elif field.name == "maximum response delay":
        is_2 = kind == 130 and layer.end - layer.start >= 28
        yield f"icmpv6.mld.maximum_response_{'code' if is_2 else 'delay'}", plain(field)
    elif field.name == "record" and isinstance(field.value, tuple):
        yield "icmpv6.mldr.mar.record_type", field.value[0]
        yield "icmpv6.mldr.mar.multicast_address", field.value[1]
        for source in field.value[2]:
            yield "icmpv6.mldr.mar.source_address", source
    elif field.name == "source" and kind == 130:
        yield "icmpv6.mld.source_address", plain(field)
    elif field.name.startswith("quoted "):
        pass
    elif kind in range(133, 138) and field.start >= layer.start + {133: 8, 134: 16, 135: 24, 136: 24, 137: 40}[kind]:
        yield "icmpv6.opt.type", data[0]
        yield "icmpv6.opt.length", data[1]
        if data[0] in (1, 2):
            yield "icmpv6.opt.linkaddr", data[2:8].hex(":")
        elif data[0] == 3:
            yield "icmpv6.opt.prefix.length", data[2]
            yield "icmpv6.opt.prefix.valid_lifetime", int.from_bytes(data[4:8], "big")
            yield "icmpv6.opt.prefix.preferred_lifetime", int.from_bytes(data[8:12], "big")
            yield "icmpv6.opt.prefix", field.text.partition("/")[0]
        elif data[0] == 24:
            yield "icmpv6.opt.prefix.length", data[2]
            yield "icmpv6.opt.prefix", field.text.partition("/")[0]
        elif data[0] == 5:
            yield "icmpv6.opt.mtu", int.from_bytes(data[4:], "big")
        elif data[0] == 25:
            yield from (("icmpv6.opt.rdnss", server) for server in field.text.split(", ")[:-1])
        elif data[0] == 31:
            yield from (("icmpv6.opt.dnssl", name) for name in field.text.split(", ")[:-1])
    yield from _icmp(packet, layer, field)


def _igmp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "record" and isinstance(field.value, tuple):
        yield "igmp.record_type", field.value[0]
        yield "igmp.maddr", field.value[1]
        yield from (("igmp.saddr", source) for source in field.value[2])
    if field.name == "source":
        yield "igmp.saddr", plain(field)
    if field.name == "query interval":
        yield "igmp.qqic", packet.data[field.start]
    if field.name == "checksum":
        yield from _status(layer, field)


def _summed(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "checksum":
        yield from _status(layer, field)


def _tcp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    data = packet.data[field.start : field.end]
    yield from _summed(packet, layer, field)
    if field.name == "flags":
        yield "tcp.flags", int(str(field.value))
        assert packet.tcp is not None
        yield "tcp.len", packet.tcp.length
    if field.name == "options' padding":  # tshark takes each zero behind the end mark for another one
        yield from (("tcp.option_kind", 0) for byte in data if byte == 0)
    if field.start < layer.start + 20 or field.name == "options' padding":
        return
    yield "tcp.option_kind", data[0]
    if data[0] > tcp_options.NOP:
        yield "tcp.option_len", data[1]
    if isinstance(field.value, tuple) and data[0] == tcp_options.TIMESTAMPS:
        yield "tcp.options.timestamp.tsval", field.value[0]
        yield "tcp.options.timestamp.tsecr", field.value[1]
    elif isinstance(field.value, tuple):
        for left, right in field.value:
            yield "tcp.options.sack_le", left
            yield "tcp.options.sack_re", right
    elif data[0] == tcp_options.FAST_OPEN and len(data) > 2:
        yield "tcp.options.tfo.cookie", data[2:].hex()
    elif data[0] == tcp_options.MPTCP:
        yield "tcp.options.mptcp.subtype", data[2] >> 4
    elif data[0] == tcp_options.USER_TIMEOUT:
        yield "tcp.options.user_to_val", int.from_bytes(data[2:4], "big") & 0x7FFF


def _llc(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "protocol id":
        oui = packet.data[field.start - 3 : field.start]
        if oui in (b"\0\0\0", b"\0\0\xf8"):
            yield "llc.type", plain(field)
        else:
            yield "llc.pid", plain(field)


def _stp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name in ("root bridge", "bridge"):
        name = "root" if field.name == "root bridge" else "bridge"
        number = int.from_bytes(packet.data[field.start : field.start + 2], "big")
        yield f"stp.{name}.prio", number & 0xF000
        yield f"stp.{name}.ext", number & 0x0FFF
        yield f"stp.{name}.hw", str(field.value).partition("/")[2]
    times = {"message age": "msg_age", "max age": "max_age", "hello time": "hello", "forward delay": "forward"}
    if field.name in times:
        yield f"stp.{times[field.name]}", f"{_number(packet, field) / 256:g}"


def _dhcp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name in ("sname", "file"):
        if field.value:
            yield {"sname": "dhcp.server", "file": "dhcp.file"}[field.name], plain(field)
        return
    if field.name == "magic cookie":
        yield "dhcp.cookie", ".".join(map(str, packet.data[field.start : field.end]))
    if field.start < layer.start + 240:
        return
    data = packet.data[field.start : field.end]
    yield "dhcp.option.type", 0 if data[0] == dhcp_options.END else data[0]  # so does tshark 4.0 for the end mark
    if data[0] == dhcp_options.CLIENT_ID and data[1:3] == b"\x07\x01":
        yield "dhcp.hw.type", data[2]
        yield "dhcp.hw.mac_addr", data[3:].hex(":")
    if data[0] == dhcp_options.END:
        yield "dhcp.option.end", data[0]
        return
    yield "dhcp.option.length", data[1]
    name, value = DHCP_OPTIONS.get(data[0]), data[2:]
    if name is None or dhcp_options.fault_of(data[0], value):
        return
    decoded = dhcp_options.decode(data[0], value)
    for one in decoded if isinstance(decoded, tuple) else (decoded,):
        yield f"dhcp.option.{name}", int(one) if isinstance(one, int) else str(one)


def _dns(packet: Packet, layer: Layer, field: Field) -> Pairs:
    if field.name == "opcode":
        yield "dns.flags.opcode", plain(field)
    answers = {
        "authoritative": "authoritative",
        "recursion available": "recavail",
        "authentic data": "authenticated",
        "response code": "rcode",
    }
    if field.name in answers:
        at = field.start if field.name == "authoritative" else field.start - 1
        is_told = field.name == "authentic data" and bool(field.value)
        if packet.data[at] & 0x80 or is_told:  # else tshark tells these of answers alone
            yield f"dns.flags.{answers[field.name]}", plain(field)


TYPES = {name: number for number, name in dns_names.TYPE_NAMES.items()}
CLASSES = {name: number for number, name in dns_names.CLASS_NAMES.items()}


def dns_name(name: str) -> str:
    """A name as tshark writes it."""
    return "<Root>" if name == "." else name


def _dns_records(message: Dns) -> Pairs:
    for question in message.questions:
        yield "dns.qry.name", dns_name(question.name)
        yield "dns.qry.type", TYPES.get(question.type, question.type)
        yield "dns.qry.class", CLASSES.get(question.dns_class, question.dns_class)
    for record in (*message.answers, *message.authorities, *message.additionals):
        yield "dns.resp.type", TYPES.get(record.type, record.type)
        if record.type == "OPT":
            yield "dns.resp.name", dns_name(record.name)
            yield "dns.rr.udp_payload_size", int(record.dns_class)
            continue
        if record.type != "SRV":
            yield "dns.resp.name", dns_name(record.name)
        yield "dns.resp.class", CLASSES.get(record.dns_class, record.dns_class)
        yield "dns.resp.ttl", record.ttl_s
        names = RDATA.get(record.type, ())
        for theirs, text in zip(names, record.data.split(" "), strict=False):
            is_hex = theirs.endswith(("digest", "fingerprint", "data")) and not text.isdigit()
            yield theirs, text.lower() if is_hex else int(text) if text.isdigit() else dns_name(text)


def _tls(packet: Packet, layer: Layer, field: Field) -> Pairs:
    data = packet.data[field.start : field.end]
    records = {"content type": "content_type", "version": "version", "length": "length"}
    if field.name == "content type" and _number(packet, field) == APPLICATION_DATA:
        yield "tls.application_data", APPLICATION_DATA
    elif field.name in records:
        yield f"tls.record.{records[field.name]}", _number(packet, field)
    elif field.name == "cipher suites" and isinstance(field.value, tuple):
        yield from (("tls.handshake.ciphersuite", number) for number in field.value)
    elif isinstance(field.value, tuple) and field.name != "cipher suites":
        kind, value = field.value
        yield "tls.handshake.extension.type", kind
        yield "tls.handshake.extension.len", int.from_bytes(data[2:4], "big")
        if field.name == "server name" and value:
            yield "tls.handshake.extensions_server_name", field.text
        elif field.name == "application protocols":
            yield from (("tls.handshake.extensions_alpn_str", name) for name in field.text.split(", "))
        elif field.name == "supported groups":
            yield from _sixteens("tls.handshake.extensions_supported_group", value[2:])
        elif field.name == "signature algorithms":
            yield from _sixteens("tls.handshake.sig_hash_alg", value[2:])
        elif field.name == "supported versions":
            yield from _sixteens("tls.handshake.extensions.supported_version", value[1:] if len(value) % 2 else value)


def _sixteens(name: str, data: bytes) -> Pairs:
    for at in range(0, len(data) - 1, 2):
        yield name, data[at] << 8 | data[at + 1]


def _http(packet: Packet, layer: Layer, field: Field) -> Pairs:
    text = field.text
    if field.name == "start line" and text.startswith("HTTP/"):
        version, _, rest = text.partition(" ")
        yield "http.response.version", version
        yield "http.response.code", int(rest[:3]) if rest[:3].isdigit() else rest[:3]
        yield "http.response.phrase", rest[4:]
    elif field.name == "start line" and text.count(" ") == 2:
        yield from zip(
            ("http.request.method", "http.request.uri", "http.request.version"), text.split(" "), strict=True
        )
    elif field.name.lower() in HTTP_FIELDS and packet.data[field.end - 1 : field.end] == b"\n":
        yield HTTP_FIELDS[field.name.lower()], text


def _lldp(packet: Packet, layer: Layer, field: Field) -> Pairs:
    data = packet.data[field.start : field.end]
    yield "lldp.tlv.type", data[0] >> 1
    yield "lldp.tlv.len", len(data) - 2
    if field.name == "chassis id":
        yield "lldp.chassis.subtype", data[2]
        names = {4: "lldp.chassis.id.mac", 5: "lldp.chassis.id.ip4"}
        yield names.get(data[2], "lldp.chassis.id"), field.text if data[2] in names else data[3:].hex()
    elif field.name == "port id":
        yield "lldp.port.subtype", data[2]
        names = {3: "lldp.port.id.mac", 4: "lldp.port.id.ip4"}
        yield names.get(data[2], "lldp.port.id"), field.text
    elif field.name == "management address" and data[3] == 1:
        yield "lldp.mgn.addr.ip4", field.text
    elif field.name == "capabilities":
        yield "lldp.tlv.system_cap", int.from_bytes(data[2:4], "big")
        yield "lldp.tlv.enable_system_cap", int.from_bytes(data[4:6], "big")


def _openflow(packet: Packet, layer: Layer, field: Field) -> Pairs:
    openflow = packet.openflow
    assert openflow is not None
    message = next((each for each in openflow.messages if each.start <= field.start < each.end), None)
    if message is None or message.version not in (1, 4):
        return
    header = {"type": "type", "length": "length", "xid": "xid", "version": "version"}
    if field.start < message.start + 8:
        if message.version == 1:
            yield {"type": "openflow_1_0.type"}.get(field.name, f"openflow.{header[field.name]}"), plain(field)
        else:
            yield f"openflow_v4.{header[field.name]}", plain(field)
    elif message.version == 4:
        if theirs := OPENFLOW_1_3.get((message.type_name, field.name)):
            yield f"openflow_v4.{theirs}", plain(field)
            data = packet.data[field.start : field.end]
            if field.name == "action" and field.value == 25:
                yield "openflow_v4.oxm.field", data[6] >> 1
                yield "openflow_v4.oxm.length", data[7]
        elif (
            field.name.startswith("match ")
            and field.name not in ("match padding",)
            and message.type_name != "PACKET_OUT"
        ):
            data = packet.data[field.start : field.end]
            yield "openflow_v4.oxm.field", data[2] >> 1
            yield "openflow_v4.oxm.length", data[3]
    elif theirs := OPENFLOW_1_0.get(field.name):
        yield f"openflow.{theirs}", plain(field)


PARTS: dict[str, Callable[[Packet, Layer, Field], Pairs]] = {
    "802.1Q": _tag,
    "IPv4": _ipv4,
    "IPv6": _ipv6,
    "ICMP": _icmp,
    "ICMPv6": _icmp6,
    "IGMP": _igmp,
    "GRE": _summed,
    "UDP": _summed,
    "TCP": _tcp,
    "LLC": _llc,
    "STP": _stp,
    "DHCP": _dhcp,
    "DNS": _dns,
    "TLS": _tls,
    "HTTP": _http,
    "LLDP": _lldp,
    "OpenFlow": _openflow,
}
