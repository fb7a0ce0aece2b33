"""Frames made of bytes: DHCP, DNS (by dnslib), HTTP, TLS, LLDP, OpenFlow (by os-ken).  Pure but for the `Random`."""

import struct
from ipaddress import IPv4Address
from random import Random

import dnslib
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_0_parser, ofproto_v1_3, ofproto_v1_3_parser
from os_ken.ofproto.ofproto_protocol import ProtocolDesc

from benchmarks.wire_bytes import PC, Family, Talk, arp_request, in_udp
from lan.wire import dhcp, ethernet

ADDRESS = IPv4Address


def leases(random: Random) -> list[bytes]:
    """Each message type; every option that is named; options in sname and file."""
    own: dict[int, bytes] = {
        1: b"\xff\xff\xff\0", 2: struct.pack("!L", 3600), 3: bytes((10, 7, 0, 254)), 4: bytes((10, 7, 0, 9)),
        6: bytes((10, 7, 0, 254, 10, 7, 0, 253)), 12: b"pc1", 15: b"lan.test", 17: b"/root", 19: b"\1", 23: b"\x40",
        26: struct.pack("!H", 1400), 28: bytes((10, 7, 0, 255)), 33: bytes((10, 9, 0, 0, 10, 7, 0, 1)), 40: b"nis",
        41: bytes((10, 7, 0, 8)), 42: bytes((10, 7, 0, 7)), 44: bytes((10, 7, 0, 6)), 46: b"\x08",
        58: struct.pack("!L", 1800), 59: struct.pack("!L", 3150), 66: b"tftp.lan.test", 67: b"boot.img",
        100: b"KST-9", 101: b"Asia/Seoul",
        108: struct.pack("!L", 1800), 114: b"http://portal.lan.test/", 118: bytes((10, 7, 0, 0)),
        121: bytes((24, 10, 8, 0, 10, 7, 0, 1, 0, 10, 7, 0, 254)), 150: bytes((10, 7, 0, 5)), 252: b"http://wpad/",
        119: b"\x03lan\x04test\x00\x01b\xc0\x00", 82: b"\1\4\0\1\2\3\2\6" + random.randbytes(6), 80: b"",
    }  # fmt: skip
    asked: dict[int, bytes] = {
        12: b"pc1", 50: bytes((10, 7, 0, 20)), 51: struct.pack("!L", 7200), 55: bytes((1, 3, 6, 15, 121, 26, 42)),
        57: struct.pack("!H", 1500), 60: b"udhcp 1.35", 61: b"\1" + random.randbytes(6), 77: b"\x04user",
        81: b"\1\0\0pc1.lan.test", 93: b"\0\7", 97: b"\0" + random.randbytes(16), 54: bytes((10, 7, 0, 252)),
    }  # fmt: skip
    frames = []
    for kind in dhcp.MessageType:
        is_answer = kind in (dhcp.OFFER, dhcp.ACK, dhcp.NAK)
        chosen = own if is_answer else asked
        options = {53: bytes((kind,)), **{code: chosen[code] for code in chosen if kind < 3 or random.random() < 0.6}}
        if kind == dhcp.NAK:
            options = {53: b"\6", 54: bytes((10, 7, 0, 252)), 56: b"no such address"}
        message = dhcp.Message(
            2 if is_answer else 1, random.getrandbits(32), random.choice((0, dhcp.BROADCAST)),
            yiaddr=ADDRESS("10.7.0.20") if is_answer else dhcp.ANY,
            siaddr=ADDRESS("10.7.0.252") if is_answer else dhcp.ANY,
            chaddr=PC, options=options, secs=random.randrange(9), hops=random.randrange(3),
            sname="server" if is_answer else "", file="pxe.0" if is_answer else "",
        )  # fmt: skip
        ports = (67, 68) if is_answer else (68, 67)
        frames.append(in_udp(*ports, dhcp.build(message)))
    return frames


RECORDS = """
a.lan.test. 300 IN A 10.7.0.2
a.lan.test. 300 IN AAAA fd07::2
b.lan.test. 60 IN CNAME a.lan.test.
lan.test. 600 IN NS ns.lan.test.
lan.test. 600 IN SOA ns.lan.test. root.lan.test. 7 3600 600 86400 60
lan.test. 600 IN MX 10 mail.lan.test.
2.0.7.10.in-addr.arpa. 300 IN PTR a.lan.test.
lan.test. 300 IN TXT "v=spf1 -all" "second string"
_http._tcp.lan.test. 300 IN SRV 5 10 80 a.lan.test.
n.lan.test. 300 IN NAPTR 100 50 "s" "SIP+D2U" "" _sip._udp.lan.test.
lan.test. 300 IN CAA 0 issue "ca.lan.test"
h.lan.test. 300 IN SSHFP 4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789
_443._tcp.lan.test. 300 IN TLSA 3 1 1 0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3
lan.test. 300 IN DS 60485 8 2 d4b7d520e7bb5f0f67674a0cceb1e3e0614b93c4f9e99b8383f6a1e4469da50a
lan.test. 300 IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3
"""
HTTPS = bytes.fromhex("0001 00 0001 0006 026832 026833 0003 0002 20fb 0004 0004 0a070002")


def answers(random: Random) -> list[bytes]:
    """A question and an answer for each type of record, over UDP and TCP; EDNS; each response code."""
    frames, talk = [], Talk(53, 40000, random)
    records = [*dnslib.RR.fromZone(RECORDS), dnslib.RR("lan.test", 65, rdata=dnslib.RD(HTTPS), ttl=300)]
    for record in records:
        kind = dnslib.QTYPE.get(record.rtype)
        question = dnslib.DNSRecord.question(str(record.rname), kind)
        question.header.id = random.getrandbits(16)
        reply = question.reply(aa=random.randrange(2), ra=random.randrange(2))
        reply.add_answer(record)
        if random.random() < 0.5:
            reply.add_auth(*dnslib.RR.fromZone("lan.test. 60 IN NS ns.lan.test."))
            reply.add_ar(*dnslib.RR.fromZone("ns.lan.test. 60 IN A 10.7.0.254"))
        frames.append(in_udp(random.randrange(40000, 60000), 53, question.pack()))
        frames.append(in_udp(53, random.randrange(40000, 60000), reply.pack()))
        wire = reply.pack()
        frames.append(talk.say(len(wire).to_bytes(2, "big") + wire))
    both = b"".join(len(wire).to_bytes(2, "big") + wire for wire in (question.pack(), reply.pack()))
    frames.append(talk.say(both))
    options = [
        dnslib.EDNSOption(10, random.randbytes(8)), dnslib.EDNSOption(8, b"\0\1\x18\0\x0a\x07\0"),
        dnslib.EDNSOption(3, b""), dnslib.EDNSOption(12, bytes(11)), dnslib.EDNSOption(15, b"\0\x12not for you"),
    ]  # fmt: skip
    for rcode in range(6):
        asked = dnslib.DNSRecord.question("nobody.lan.test")
        asked.add_ar(dnslib.EDNS0(udp_len=1232, flags="do" if rcode % 2 else "", opts=options[: rcode % 6]))
        frames.append(in_udp(50000 + rcode, 53, asked.pack()))
        reply = asked.reply()
        reply.header.rcode, reply.header.tc = rcode, rcode == 1
        reply.header.ad, reply.header.cd = rcode == 2, rcode == 3
        frames.append(in_udp(53, 50000 + rcode, reply.pack()))
    return frames


def pages(random: Random) -> list[bytes]:
    """Requests and responses: pipelined, chunked, in pieces, without body."""
    client, server = Talk(40001, 80, random), Talk(80, 40001, random)
    fields = "Host: www.lan.test\r\nUser-Agent: made/1.0\r\nAccept: */*\r\n"
    get = f"GET /page?n={random.randrange(99)} HTTP/1.1\r\n{fields}\r\n".encode()
    post = f"POST /form HTTP/1.1\r\n{fields}Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello".encode()
    head = f"HEAD / HTTP/1.1\r\n{fields}Connection: close\r\n\r\n".encode()
    ok = b"HTTP/1.1 200 OK\r\nServer: made\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<h1>hi</h1>\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    gone = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nDate: Sat, 28 Nov 2026 00:00:00 GMT\r\n\r\n"
    same = b"HTTP/1.1 304 Not Modified\r\nLast-Modified: Sat, 28 Nov 2026 00:00:00 GMT\r\n\r\n"
    moved = b"HTTP/1.1 301 Moved Permanently\r\nLocation: http://www.lan.test/other\r\nContent-Length: 0\r\n\r\n"
    return [
        *map(
            client.say,
            (get, post, head, get + get, b"PUT /x HTTP/1.0\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
        ),
        *map(server.say, (ok, chunked, gone, same, moved, ok + gone, b"HTTP/1.0 200 OK\r\n\r\nuntil the end")),
    ]


def secrets(random: Random) -> list[bytes]:
    """Records that need no keys to be read, and such as do: alerts, ChangeCipherSpec, data, several in a segment."""
    client = Talk(40002, 443, random)
    records = [
        b"\x15\3\3\0\2\1\0", b"\x15\3\3\0\2\2\x30", b"\x14\3\3\0\1\1", b"\x17\3\3\0\x13" + random.randbytes(19),
        b"\x14\3\3\0\1\1\x16\3\3\0\x28" + bytes(40), b"\x17\3\3\0\4abcd\x17\3\3\0\2ef",
    ]  # fmt: skip
    return [client.say(each) for each in records]


def neighbors(random: Random) -> list[bytes]:
    """LLDP with each kind of id, and the TLVs of companies."""

    def tlv(kind: int, value: bytes) -> bytes:
        return (kind << 9 | len(value)).to_bytes(2, "big") + value

    chassis = [b"\4" + random.randbytes(6), b"\5\1" + bytes((10, 7, 0, 1)), b"\7switch one"]
    ports = [b"\3" + random.randbytes(6), b"\5eth0", b"\7" + b"port 1"]
    frames = []
    for first, second in zip(chassis, ports, strict=True):
        body = tlv(1, first) + tlv(2, second) + tlv(3, struct.pack("!H", random.randrange(1, 300)))
        if first[0] != 7:
            body += tlv(4, b"to the office") + tlv(5, b"s1") + tlv(6, b"a switch of the lan") + tlv(7, b"\0\x14\0\4")
            body += tlv(8, b"\5\1" + bytes((10, 7, 0, 1)) + b"\2\0\0\0\1\0") + tlv(127, b"\0\x80\xc2\1\0\7")
        frame = ethernet.build("01:80:c2:00:00:0e", PC, ethernet.LLDP, body + b"\0\0")
        frames.append(frame.ljust(60, b"\0"))
    return frames


def controllers(random: Random) -> list[bytes]:
    """OpenFlow 1.0 and 1.3: what a learning switch and its controller say, as os-ken writes it."""
    talk, back = Talk(40003, 6653, random), Talk(6653, 40003, random)
    return [
        *(frame for message in _messages_1_3(random) for frame in (talk.say(message),)),
        *(back.say(message) for message in _messages_1_0(random)),
    ]


def _messages_1_3(random: Random) -> list[bytes]:
    path = ProtocolDesc(version=ofproto_v1_3.OFP_VERSION)
    of, parser, arp = ofproto_v1_3, ofproto_v1_3_parser, arp_request()
    matches = [
        parser.OFPMatch(),
        parser.OFPMatch(in_port=1, eth_dst="02:00:00:00:00:02", eth_src=PC),
        parser.OFPMatch(eth_type=0x0800, ipv4_dst="10.7.0.2", ip_proto=6, tcp_dst=80),
        parser.OFPMatch(eth_type=0x0806, arp_tpa="10.7.0.2", arp_op=1),
        parser.OFPMatch(eth_type=0x86DD, ipv6_dst="fd07::2"),
        parser.OFPMatch(vlan_vid=0x1007),
    ]
    actions = [
        parser.OFPActionOutput(of.OFPP_FLOOD), parser.OFPActionSetField(eth_dst="02:00:00:00:00:09"),
        parser.OFPActionPushVlan(), parser.OFPActionDecNwTtl(),
    ]  # fmt: skip
    apply = [parser.OFPInstructionActions(of.OFPIT_APPLY_ACTIONS, actions), parser.OFPInstructionGotoTable(3)]
    messages = [
        parser.OFPHello(path), parser.OFPEchoRequest(path, b"are you there"), parser.OFPFeaturesRequest(path),
        parser.OFPSetConfig(path, 0, 128), parser.OFPBarrierRequest(path), parser.OFPRoleRequest(path, 2, 5),
        parser.OFPPortDescStatsRequest(path, 0),
        parser.OFPPacketOut(path, of.OFP_NO_BUFFER, of.OFPP_CONTROLLER, actions[:1], arp),
        *(
            parser.OFPFlowMod(
                path, random.getrandbits(32), 0, number, of.OFPFC_ADD, 30, 300, 100 + number, of.OFP_NO_BUFFER,
                of.OFPP_ANY, of.OFPG_ANY, of.OFPFF_SEND_FLOW_REM, match, apply if number else [],
            )
            for number, match in enumerate(matches)
        ),
    ]  # fmt: skip
    made = []
    for message in messages:
        message.set_xid(random.getrandbits(32))
        message.serialize()
        made.append(bytes(message.buf))
    number = random.getrandbits(32)
    match = struct.pack("!HHHBBL", 1, 12, 0x8000, 0, 4, 7) + bytes(4)
    replies = [
        (6, struct.pack("!QLBBHLL", 0x1234, 256, 254, 0, 0, 0x4F, 0)),
        (10, struct.pack("!LHBBQ", of.OFP_NO_BUFFER, len(arp), 0, 0, 5) + match + b"\0\0" + arp),
        (11, struct.pack("!QHBBLLHHQQ", 5, 100, 0, 1, 30, 9, 30, 300, 12, 999) + match),
        (12, struct.pack("!B7xL4x6s2x16sLLLLLLLL", 2, 3, b"\2\0\0\0\0\3", b"s1-eth3", 1, 1, 0, 0, 0, 0, 9, 9)),
        (1, struct.pack("!HH", 5, 1) + made[8][:64]),
        (8, struct.pack("!HH", 0, 128)), (21, b""), (3, b"here"),
    ]  # fmt: skip
    made += [struct.pack("!BBHL", 4, kind, 8 + len(body), number) + body for kind, body in replies]
    return [*made, made[0] + made[2] + made[4]]


def _messages_1_0(random: Random) -> list[bytes]:
    path = ProtocolDesc(version=ofproto_v1_0.OFP_VERSION)
    of, parser, arp = ofproto_v1_0, ofproto_v1_0_parser, arp_request()
    match = parser.OFPMatch(in_port=3, dl_dst=b"\2\0\0\0\0\2", dl_type=0x0800, nw_dst=0x0A070002, nw_dst_mask=24)
    actions = [parser.OFPActionOutput(2, 128), parser.OFPActionSetDlDst(b"\2\0\0\0\0\5")]
    exact = parser.OFPMatch(
        in_port=1, dl_src=b"\2\0\0\0\0\1", dl_dst=b"\2\0\0\0\0\2", dl_vlan=7, dl_vlan_pcp=3, dl_type=0x0800,
        nw_tos=8, nw_proto=6, nw_src=0x0A070001, nw_dst=0x0A070002, tp_src=40000, tp_dst=80,
    )  # fmt: skip
    messages = [
        parser.OFPHello(path), parser.OFPEchoReply(path), parser.OFPFeaturesRequest(path),
        parser.OFPBarrierRequest(path), parser.OFPSetConfig(path, 0, 128),
        parser.OFPPacketOut(path, of.OFP_NO_BUFFER, 1, actions[:1], arp),
        parser.OFPFlowMod(path, match, 7, of.OFPFC_ADD, 10, 60, 99, of.OFP_NO_BUFFER, of.OFPP_NONE, 1, actions),
        parser.OFPFlowMod(path, exact, 8, of.OFPFC_DELETE, 0, 0, 7, of.OFP_NO_BUFFER, of.OFPP_NONE, 0, []),
    ]  # fmt: skip
    made = []
    for message in messages:
        message.set_xid(random.getrandbits(32))
        if isinstance(message, parser.OFPEchoReply):
            message.data = b"here"
        message.serialize()
        made.append(bytes(message.buf))
    port = struct.pack("!H6s16sLLLLLL", 1, b"\2\0\0\0\0\1", b"s1-eth1", 0, 1, 0xC0, 0, 0, 0)
    replies = [
        (6, struct.pack("!QLB3xLL", 0x99, 256, 2, 0xC7, 0xFFF) + port),
        (10, struct.pack("!LHHBx", of.OFP_NO_BUFFER, len(arp), 3, 0) + arp),
        (12, struct.pack("!B7x", 0) + port),
        (1, struct.pack("!HH", 1, 2) + made[0]),
    ]
    made += [struct.pack("!BBHL", 1, kind, 8 + len(body), random.getrandbits(32)) + body for kind, body in replies]
    return made


APPLICATIONS: dict[str, Family] = {
    "DHCP": leases,
    "DNS": answers,
    "HTTP": pages,
    "TLS": secrets,
    "LLDP": neighbors,
    "OpenFlow": controllers,
}
