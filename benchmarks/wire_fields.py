"""Our fields beside tshark's: which of its names each of ours has, and how the values are made equal.  Pure.

`SAME` is the table for fields of one value; `PARTS` has those that tshark cuts into several.  Numbers are compared as
numbers, bytes as hex, all else as text.
"""

from collections.abc import Callable, Iterator

from lan.wire import checksum as sums
from lan.wire import dhcp_options, dns_names, ipv4_options, ipv6_extensions, tcp_options
from lan.wire.dns import Dns
from lan.wire.layer import Field, Layer
from lan.wire.packet import Packet

Value = int | str
Pairs = Iterator[tuple[str, Value]]

LINK = {
    ("Ethernet", "destination"): "eth.dst",
    ("Ethernet", "source"): "eth.src",
    ("Ethernet", "ethertype"): "eth.type",
    ("Ethernet", "length"): "eth.len",
    ("LLC", "DSAP"): "llc.dsap",
    ("LLC", "SSAP"): "llc.ssap",
    ("LLC", "control"): "llc.control",
    ("LLC", "organization"): "llc.oui",
    ("STP", "version"): "stp.version",
    ("STP", "type"): "stp.type",
    ("STP", "flags"): "stp.flags",
    ("STP", "root path cost"): "stp.root.cost",
    ("STP", "port"): "stp.port",
    ("ARP", "hardware type"): "arp.hw.type",
    ("ARP", "protocol type"): "arp.proto.type",
    ("ARP", "hardware length"): "arp.hw.size",
    ("ARP", "protocol length"): "arp.proto.size",
    ("ARP", "operation"): "arp.opcode",
    ("ARP", "sender MAC"): "arp.src.hw_mac",
    ("ARP", "sender IP"): "arp.src.proto_ipv4",
    ("ARP", "target MAC"): "arp.dst.hw_mac",
    ("ARP", "target IP"): "arp.dst.proto_ipv4",
}
IPV4 = {
    "version": "ip.version",
    "header length": "ip.hdr_len",
    "DSCP": "ip.dsfield.dscp",
    "ECN": "ip.dsfield.ecn",
    "total length": "ip.len",
    "identification": "ip.id",
    "flags": "ip.flags",
    "TTL": "ip.ttl",
    "protocol": "ip.proto",
    "header checksum": "ip.checksum",
    "source": "ip.src",
    "destination": "ip.dst",
}
IPV6 = {
    "version": "ipv6.version",
    "traffic class": "ipv6.tclass",
    "DSCP": "ipv6.tclass.dscp",
    "ECN": "ipv6.tclass.ecn",
    "flow label": "ipv6.flow",
    "payload length": "ipv6.plen",
    "next header": "ipv6.nxt",
    "hop limit": "ipv6.hlim",
    "source": "ipv6.src",
    "destination": "ipv6.dst",
    "hop-by-hop options: next header": "ipv6.hopopts.nxt",
    "hop-by-hop options: length": "ipv6.hopopts.len_oct",
    "destination options: next header": "ipv6.dstopts.nxt",
    "destination options: length": "ipv6.dstopts.len_oct",
    "routing: next header": "ipv6.routing.nxt",
    "routing: length": "ipv6.routing.len_oct",
    "routing: type": "ipv6.routing.type",
    "routing: segments left": "ipv6.routing.segleft",
    "fragment: next header": "ipv6.fraghdr.nxt",
    "more fragments": "ipv6.fraghdr.more",
    "fragment identification": "ipv6.fraghdr.ident",
    "authentication: next header": "ah.next_header",
    "authentication: SPI": "ah.spi",
    "authentication: sequence": "ah.sequence",
    "authentication: value": "ah.icv",
    "jumbo payload": "ipv6.opt.jumbo",
}
QUOTED = {
    "source port": {6: "tcp.srcport", 17: "udp.srcport"},
    "destination port": {6: "tcp.dstport", 17: "udp.dstport"},
    "sequence number": {6: "tcp.seq"},
    "UDP length": {17: "udp.length"},
    "UDP checksum": {17: "udp.checksum"},
    "ICMP type": {1: "icmp.type", 58: "icmpv6.type"},
    "ICMP code": {1: "icmp.code", 58: "icmpv6.code"},
    "ICMP checksum": {1: "icmp.checksum", 58: "icmpv6.checksum"},
    "identifier": {1: "icmp.ident", 58: "icmpv6.echo.identifier"},
    "sequence": {1: "icmp.seq", 58: "icmpv6.echo.sequence_number"},
}
CONTROL = {
    ("ICMP", "type"): "icmp.type",
    ("ICMP", "code"): "icmp.code",
    ("ICMP", "checksum"): "icmp.checksum",
    ("ICMP", "identifier"): "icmp.ident",
    ("ICMP", "sequence number"): "icmp.seq",
    ("ICMP", "next-hop MTU"): "icmp.mtu",
    ("ICMP", "gateway"): "icmp.redir_gw",
    ("ICMP", "pointer"): "icmp.pointer",
    ("ICMP", "originate timestamp"): "icmp.originate_timestamp",
    ("ICMP", "receive timestamp"): "icmp.receive_timestamp",
    ("ICMP", "transmit timestamp"): "icmp.transmit_timestamp",
    ("ICMP", "address mask"): "icmp.address_mask",
    ("ICMP", "address count"): "icmp.num_addrs",
    ("ICMP", "address entry size"): "icmp.addr_entry_size",
    ("ICMP", "router"): "icmp.router_address",
    ("ICMPv6", "type"): "icmpv6.type",
    ("ICMPv6", "code"): "icmpv6.code",
    ("ICMPv6", "checksum"): "icmpv6.checksum",
    ("ICMPv6", "identifier"): "icmpv6.echo.identifier",
    ("ICMPv6", "sequence number"): "icmpv6.echo.sequence_number",
    ("ICMPv6", "hop limit"): "icmpv6.nd.ra.cur_hop_limit",
    ("ICMPv6", "managed addresses"): "icmpv6.nd.ra.flag.m",
    ("ICMPv6", "other configuration"): "icmpv6.nd.ra.flag.o",
    ("ICMPv6", "router preference"): "icmpv6.nd.ra.flag.prf",
    ("ICMPv6", "router lifetime"): "icmpv6.nd.ra.router_lifetime",
    ("ICMPv6", "reachable time"): "icmpv6.nd.ra.reachable_time",
    ("ICMPv6", "retransmission timer"): "icmpv6.nd.ra.retrans_timer",
    ("ICMPv6", "router"): "icmpv6.nd.na.flag.r",
    ("ICMPv6", "solicited"): "icmpv6.nd.na.flag.s",
    ("ICMPv6", "override"): "icmpv6.nd.na.flag.o",
    ("ICMPv6", "redirected destination"): "icmpv6.rd.na.destination_address",
    ("ICMPv6", "record count"): "icmpv6.mldr.nb_mcast_records",
    ("ICMPv6", "multicast address"): "icmpv6.mld.multicast_address",
    ("ICMPv6", "suppress"): "icmpv6.mld.flag.s",
    ("ICMPv6", "robustness"): "icmpv6.mld.flag.qrv",
    ("ICMPv6", "query interval"): "icmpv6.mld.qqi",
    ("ICMPv6", "source count"): "icmpv6.mld.nb_sources",
    ("IGMP", "type"): "igmp.type",
    ("IGMP", "checksum"): "igmp.checksum",
    ("IGMP", "group"): "igmp.maddr",
    ("IGMP", "record count"): "igmp.num_grp_recs",
    ("IGMP", "suppress"): "igmp.s",
    ("IGMP", "robustness"): "igmp.qrv",
    ("GRE", "flags"): "gre.flags_and_version",
    ("GRE", "ethertype"): "gre.proto",
    ("GRE", "checksum"): "gre.checksum",
    ("GRE", "key"): "gre.key",
    ("GRE", "sequence number"): "gre.sequence_number",
    ("VXLAN", "network"): "vxlan.vni",
}
TRANSPORT = {
    ("UDP", "source port"): "udp.srcport",
    ("UDP", "destination port"): "udp.dstport",
    ("UDP", "length"): "udp.length",
    ("UDP", "checksum"): "udp.checksum",
    ("TCP", "source port"): "tcp.srcport",
    ("TCP", "destination port"): "tcp.dstport",
    ("TCP", "sequence number"): "tcp.seq_raw",
    ("TCP", "acknowledgment number"): "tcp.ack_raw",
    ("TCP", "header length"): "tcp.hdr_len",
    ("TCP", "window"): "tcp.window_size_value",
    ("TCP", "checksum"): "tcp.checksum",
    ("TCP", "urgent pointer"): "tcp.urgent_pointer",
    ("TCP", "maximum segment size"): "tcp.options.mss_val",
    ("TCP", "window scale"): "tcp.options.wscale.shift",
    ("TCP", "MD5 signature"): "tcp.options.md5.digest",
}
APPLICATIONS = {
    ("DHCP", "op"): "dhcp.type",
    ("DHCP", "htype"): "dhcp.hw.type",
    ("DHCP", "hlen"): "dhcp.hw.len",
    ("DHCP", "hops"): "dhcp.hops",
    ("DHCP", "xid"): "dhcp.id",
    ("DHCP", "secs"): "dhcp.secs",
    ("DHCP", "flags"): "dhcp.flags",
    ("DHCP", "ciaddr"): "dhcp.ip.client",
    ("DHCP", "yiaddr"): "dhcp.ip.your",
    ("DHCP", "siaddr"): "dhcp.ip.server",
    ("DHCP", "giaddr"): "dhcp.ip.relay",
    ("DHCP", "chaddr"): "dhcp.hw.mac_addr",
    ("DNS", "id"): "dns.id",
    ("DNS", "length"): "dns.length",
    ("DNS", "response"): "dns.flags.response",
    ("DNS", "truncated"): "dns.flags.truncated",
    ("DNS", "recursion desired"): "dns.flags.recdesired",
    ("DNS", "checking disabled"): "dns.flags.checkdisable",
    ("DNS", "question count"): "dns.count.queries",
    ("DNS", "answer count"): "dns.count.answers",
    ("DNS", "authority count"): "dns.count.auth_rr",
    ("DNS", "additional count"): "dns.count.add_rr",
    ("TLS", "handshake type"): "tls.handshake.type",
    ("TLS", "handshake length"): "tls.handshake.length",
    ("TLS", "hello version"): "tls.handshake.version",
    ("TLS", "random"): "tls.handshake.random",
    ("TLS", "session id"): "tls.handshake.session_id",
    ("TLS", "cipher suite"): "tls.handshake.ciphersuite",
    ("TLS", "extensions' length"): "tls.handshake.extensions_length",
    ("TLS", "certificate"): "tls.handshake.certificate",
    ("TLS", "alert level"): "tls.alert_message.level",
    ("TLS", "alert"): "tls.alert_message.desc",
    ("TLS", "curve"): "tls.handshake.server_named_curve",
    ("TLS", "ticket lifetime"): "tls.handshake.session_ticket_lifetime_hint",
    ("LLDP", "time to live"): "lldp.time_to_live",
    ("LLDP", "port description"): "lldp.port.desc",
    ("LLDP", "system name"): "lldp.tlv.system.name",
    ("LLDP", "system description"): "lldp.tlv.system.desc",
}
SAME: dict[tuple[str, str], str] = {
    **LINK,
    **{("IPv4", name): theirs for name, theirs in IPV4.items()},
    **{("IPv6", name): theirs for name, theirs in IPV6.items()},
    **CONTROL,
    **TRANSPORT,
    **APPLICATIONS,
}

HTTP_FIELDS = {
    **{name.lower(): f"http.{name.lower().replace('-', '_')}" for name in (
        "Host", "User-Agent", "Accept", "Connection", "Server", "Date", "Content-Type", "Location", "Cookie",
        "Referer",
        "Cache-Control", "Last-Modified", "Transfer-Encoding", "Content-Encoding", "Upgrade", "Set-Cookie",
        "Authorization",
    )},
    "content-length": "http.content_length_header",
}  # fmt: skip
DHCP_OPTIONS = {
    1: "subnet_mask", 2: "time_offset", 3: "router", 4: "time_server", 6: "domain_name_server", 12: "hostname",
    15: "domain_name", 17: "root_path", 19: "ip_forwarding", 23: "default_ip_ttl", 26: "interface_mtu",
    28: "broadcast_address", 40: "nis_domain", 41: "nis_server", 42: "ntp_server", 44: "netbios_over_tcpip_name_server",
    46: "netbios_over_tcpip_node_type", 50: "requested_ip_address", 51: "ip_address_lease_time", 53: "dhcp",
    54: "dhcp_server_id", 55: "request_list_item", 56: "message", 57: "dhcp_max_message_size", 58: "renewal_time_value",
    59: "rebinding_time_value", 60: "vendor_class_id", 66: "tftp_server_name", 67: "bootfile_name", 69: "smtp_server",
    100: "tz_pcode", 101: "tz_tcode", 118: "subnet_selection_option", 150: "tftp_server_address",
}  # fmt: skip
RDATA = {
    "A": ("dns.a",),
    "AAAA": ("dns.aaaa",),
    "NS": ("dns.ns",),
    "CNAME": ("dns.cname",),
    "PTR": ("dns.ptr.domain_name",),
    "DNAME": ("dns.dname",),
    "MX": ("dns.mx.preference", "dns.mx.mail_exchange"),
    "SRV": ("dns.srv.priority", "dns.srv.weight", "dns.srv.port", "dns.srv.target"),
    "SOA": (
        *("dns.soa.mname", "dns.soa.rname", "dns.soa.serial_number", "dns.soa.refresh_interval"),
        *("dns.soa.retry_interval", "dns.soa.expire_limit", "dns.soa.minimum_ttl"),
    ),
    "SSHFP": ("dns.sshfp.algorithm", "dns.sshfp.fingerprint.type", "dns.sshfp.fingerprint"),
    "TLSA": (
        *("dns.tlsa.certificate_usage", "dns.tlsa.selector", "dns.tlsa.matching_type"),
        "dns.tlsa.certificate_association_data",
    ),
    "DS": ("dns.ds.key_id", "dns.ds.algorithm", "dns.ds.digest_type", "dns.ds.digest"),
    "HTTPS": ("dns.svcb.svcpriority", "dns.svcb.targetname"),
}
OPENFLOW_1_3 = {
    ("PACKET_IN", "buffer"): "packet_in.buffer_id",
    ("PACKET_IN", "total length"): "packet_in.total_len",
    ("PACKET_IN", "reason"): "packet_in.reason",
    ("PACKET_IN", "table"): "packet_in.table_id",
    ("PACKET_IN", "cookie"): "packet_in.cookie",
    ("PACKET_OUT", "buffer"): "packet_out.buffer_id",
    ("PACKET_OUT", "in port"): "packet_out.in_port",
    ("PACKET_OUT", "actions' length"): "packet_out.acts_len",
    ("FLOW_MOD", "cookie"): "flowmod.cookie",
    ("FLOW_MOD", "cookie mask"): "flowmod.cookie_mask",
    ("FLOW_MOD", "table"): "flowmod.table_id",
    ("FLOW_MOD", "command"): "flowmod.command",
    ("FLOW_MOD", "idle time-out"): "flowmod.idle_timeout",
    ("FLOW_MOD", "hard time-out"): "flowmod.hard_timeout",
    ("FLOW_MOD", "priority"): "flowmod.priority",
    ("FLOW_MOD", "buffer"): "flowmod.buffer_id",
    ("FLOW_MOD", "out port"): "flowmod.out_port",
    ("FLOW_MOD", "out group"): "flowmod.out_group",
    ("FLOW_MOD", "flow flags"): "flowmod.flags",
    ("FLOW_REMOVED", "cookie"): "flow_removed.cookie",
    ("FLOW_REMOVED", "priority"): "flow_removed.priority",
    ("FLOW_REMOVED", "reason"): "flow_removed.reason",
    ("FLOW_REMOVED", "table"): "flow_removed.table_id",
    ("FLOW_REMOVED", "idle time-out"): "flow_removed.idle_timeout",
    ("FLOW_REMOVED", "hard time-out"): "flow_removed.hard_timeout",
    ("FEATURES_REPLY", "datapath id"): "switch_features.datapath_id",
    ("FEATURES_REPLY", "buffers"): "switch_features.n_buffers",
    ("FEATURES_REPLY", "tables"): "switch_features.n_tables",
    ("FEATURES_REPLY", "auxiliary id"): "switch_features.auxiliary_id",
    ("FEATURES_REPLY", "capabilities"): "switch_features.capabilities",
    ("PORT_STATUS", "reason"): "port_status.reason",
    ("PORT_STATUS", "port"): "port.port_no",
    ("PORT_STATUS", "port MAC"): "port.hw_addr",
    ("PORT_STATUS", "port name"): "port.name",
    **{(kind, "flags"): "switch_config.flags" for kind in ("SET_CONFIG", "GET_CONFIG_REPLY")},
    **{(kind, "miss send length"): "switch_config.miss_send_len" for kind in ("SET_CONFIG", "GET_CONFIG_REPLY")},
    ("ERROR", "error type"): "error.type",
    **{(kind, "instruction"): "instruction.type" for kind in ("FLOW_MOD",)},
    **{(kind, "action"): "action.type" for kind in ("FLOW_MOD", "PACKET_OUT")},
    **{(kind, "match type"): "match.type" for kind in ("FLOW_MOD", "PACKET_IN", "FLOW_REMOVED")},
    **{(kind, "match length"): "match.length" for kind in ("FLOW_MOD", "PACKET_IN", "FLOW_REMOVED")},
}
OPENFLOW_1_0 = {
    "datapath id": "datapath_id", "buffers": "n_buffers", "tables": "n_tables", "buffer": "buffer_id",
    "in port": "in_port", "reason": "reason", "actions' length": "actions_len", "idle time-out": "idle_timeout",
    "hard time-out": "hard_timeout", "priority": "priority", "out port": "out_port", "port name": "port_name",
    "action": "action_typ", "cookie": "cookie", "match in port": "in_port",
    "match eth type": "ofp_match.dl_type", "match IP protocol": "ofp_match.nw_proto",
    "match ipv4 src": "ofp_match.source_addr", "match ipv4 dst": "ofp_match.dest_addr",
    "match port src": "ofp_match.source_port", "match port dst": "ofp_match.dest_port",
}  # fmt: skip
CHECKSUMS = {
    "IPv4": "ip.checksum.status",
    "ICMP": "icmp.checksum.status",
    "ICMPv6": "icmpv6.checksum.status",
    "UDP": "udp.checksum.status",
    "TCP": "tcp.checksum.status",
    "IGMP": "igmp.checksum.status",
    "GRE": "gre.checksum.status",
}


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
THEIRS = sorted(
    {
        *SAME.values(),
        *CHECKSUMS.values(),
        *HTTP_FIELDS.values(),
        *(f"dhcp.option.{name}" for name in DHCP_OPTIONS.values()),
        *(name for names in RDATA.values() for name in names),
        *(f"openflow_v4.{name}" for name in OPENFLOW_1_3.values()),
        *(f"openflow.{name}" for name in OPENFLOW_1_0.values()),
        *("vlan.priority", "vlan.dei", "vlan.id", "vlan.etype", "vlan.len", "ieee8021ad.priority", "ieee8021ad.dei"),
        *("ieee8021ad.id", "ieee8021ad.svid", "ieee8021ad.cvid"),
        *("ip.frag_offset", "ipv6.fraghdr.offset", "ipv6.routing.src.addr", "igmp.qqic"),
        *("ipv6.routing.mipv6.home_address", "icmpv6.mld.source_address", "dns.flags.authoritative"),
        *("dns.flags.recavail", "dns.flags.authenticated"),
        *("ip.opt.type", "ip.opt.len", "ip.opt.ptr", "ip.opt.ra", "ipv6.opt.type", "ipv6.opt.length"),
        *("ipv6.opt.router_alert", "icmpv6.nd.ns.target_address", "icmpv6.nd.na.target_address"),
        *("icmpv6.nd.rd.target_address", "icmpv6.mtu", "icmpv6.mld.maximum_response_code"),
        *("icmpv6.mld.maximum_response_delay", "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.multicast_address"),
        *("icmpv6.mldr.mar.source_address", "icmpv6.opt.type", "icmpv6.opt.length", "icmpv6.opt.linkaddr"),
        *("icmpv6.opt.prefix.length", "icmpv6.opt.prefix.valid_lifetime", "icmpv6.opt.prefix.preferred_lifetime"),
        *("icmpv6.opt.prefix", "icmpv6.opt.mtu", "icmpv6.opt.rdnss", "icmpv6.opt.dnssl", "igmp.record_type"),
        *("igmp.saddr", "tcp.flags", "tcp.len", "tcp.option_kind", "tcp.option_len", "tcp.options.timestamp.tsval"),
        *("tcp.options.timestamp.tsecr", "tcp.options.sack_le", "tcp.options.sack_re", "tcp.options.tfo.cookie"),
        *("tcp.options.mptcp.subtype", "tcp.options.user_to_val", "llc.type", "llc.pid", "stp.root.prio"),
        *("stp.root.ext", "stp.root.hw", "stp.bridge.prio", "stp.bridge.ext", "stp.bridge.hw", "stp.msg_age"),
        *("stp.max_age", "stp.hello", "stp.forward", "dhcp.server", "dhcp.file", "dhcp.cookie", "dhcp.option.type"),
        *("dhcp.option.length", "dhcp.option.end", "dns.flags.opcode", "dns.flags.rcode", "dns.qry.name"),
        *("dns.qry.type", "dns.qry.class", "dns.resp.type", "dns.resp.name", "dns.resp.class", "dns.resp.ttl"),
        *("dns.rr.udp_payload_size", "tls.record.content_type", "tls.record.version", "tls.record.length"),
        *(
            "tls.record.opaque_type",
            "tls.handshake.ciphersuite",
            "tls.handshake.extension.type",
            "tls.handshake.extension.len",
        ),
        *("tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str"),
        *("tls.handshake.extensions_supported_group", "tls.handshake.sig_hash_alg"),
        *("tls.handshake.extensions.supported_version", "http.response.version", "http.response.code"),
        *("http.response.phrase", "http.request.method", "http.request.uri", "http.request.version"),
        *("lldp.tlv.type", "lldp.tlv.len", "lldp.chassis.subtype", "lldp.chassis.id.mac", "lldp.chassis.id.ip4"),
        *("lldp.chassis.id", "lldp.port.subtype", "lldp.port.id.mac", "lldp.port.id.ip4", "lldp.port.id"),
        *("lldp.mgn.addr.ip4", "lldp.tlv.system_cap", "lldp.tlv.enable_system_cap", "openflow_1_0.type"),
        *("openflow.length", "openflow.xid", "openflow.version", "openflow_v4.type", "openflow_v4.length"),
        *("openflow_v4.xid", "openflow_v4.version", "openflow_v4.oxm.field", "openflow_v4.oxm.length"),
    }
)
"""All of tshark's names that the table knows."""
