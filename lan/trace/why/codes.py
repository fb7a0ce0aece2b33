"""Every reason that the trace can give: its code, its layer, where the rule stands, and its sentence.

`docs/trace-reasons.md` is made from this table (`python -m lan.trace.why` prints it), and the catalogues of
`lan/locale` translate its sentences.  What stands in braces are facts of the case.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One reason: `layer` is OSI's number, `source` where the rule stands, `text` an English sentence.

    `told` is the sentence where the device's own kernel has told more than packets can show; "" for the same.
    """

    name: str
    layer: int
    source: str
    text: str
    told: str = ""


CODES: dict[str, Code] = {}


def _codes(layer: int, *rows: tuple[str, str, str] | tuple[str, str, str, str]) -> None:
    for name, source, text, *told in rows:
        CODES[name] = Code(name, layer, source, text, *told)


_codes(
    1,
    ("link.lost", "tc-netem(8)", "the cable lost the frame: {why}"),
    ("link.dropped", "tc-netem(8)", "the cable's queue did not take the frame: {why}"),
    ("link.duplicated", "tc-netem(8)", "the cable made two frames of one: {why}"),
    ("link.corrupted", "tc-netem(8)", "the cable turned bit {bit} of the frame: {why}"),
    ("link.reordered", "tc-netem(8)", "the frame overtook others on the cable: {why}"),
    ("link.down", "IEEE 802.3 §22.2.4.2", "the cable between {a} and {b} is not plugged"),
    ("link.missing", "IEEE 802.3", "the frame left {a} and was not seen to arrive at {b}"),
)
_codes(
    2,
    ("nic.mine", "IEEE 802.3 §4.2.4.1", "the frame is for this port's address {mac}"),
    ("nic.broadcast", "IEEE 802.3 §4.2.4.1", "the frame is for every station"),
    ("nic.multicast", "IEEE 802.3 §4.2.4.1", "the frame is for the group {mac}"),
    ("nic.other", "IEEE 802.3 §4.2.4.1", "the frame is for {mac}, which is {owner}: the port does not take it"),
    ("switch.learned", "802.1D §7.8", "{mac} was unknown: the table learns that it is on port {port}"),
    ("switch.moved", "802.1D §7.8", "{mac} was on another port: the table has it on port {port} from now on"),
    ("switch.known", "802.1D §7.8", "the table has {mac} on port {port} already"),
    ("switch.refused", "802.1D §7.8", "the table does not learn {mac}: {why}"),
    ("switch.hit", "802.1D §7.7", "the table has {mac} on port {port}: the frame goes there alone"),
    ("switch.broadcast", "802.1D §7.7", "the frame is for every station: it goes out of all other ports"),
    ("switch.multicast", "802.1D §7.7", "the frame is for the group {mac}: it goes out of all other ports"),
    ("switch.flood", "802.1D §7.7", "the table has no row for {mac}: the frame goes out of all other ports"),
    ("switch.aged", "802.1D §7.9.2", "the table had {mac} on port {port} and forgot it: {why}"),
    ("switch.filtered", "802.1D §7.7", "{mac} is on the port that the frame came from: nothing to hand on"),
    ("switch.reserved", "802.1D §7.12.6", "frames to {mac} never leave the cable that they came over"),
    ("switch.dropped", "802.1D §7.7", "the switch did not hand the frame on: {why}"),
    ("switch.kept", "802.1D §7.7", "the switch was not seen to hand the frame on"),
    ("switch.own", "802.1D §7.12.3", "the switch says this itself"),
    ("arp.miss", "RFC 826", "no row for {ip} in the ARP cache: everyone is asked"),
    ("arp.confirm", "RFC 1122 §2.3.2.1", "the ARP row of {ip} is old: {mac} is asked whether it still holds"),
    ("arp.probe", "RFC 5227 §2.1.1", "before {ip} is used, everyone is asked whether somebody has it"),
    ("arp.announce", "RFC 5227 §2.3", "it tells everyone that {ip} is at {mac}"),
    ("arp.answer", "RFC 826", "{ip} is its own address: it tells that it is at {mac}"),
    (
        "arp.hit",
        "RFC 826",
        "the ARP cache has {ip} at {mac}, since frame {frame}",
        "the ARP cache has {ip} at {mac}: {state} for {age}",
    ),
    ("arp.unseen", "RFC 826", "{ip} is known to be at {mac}; how it came to be known was not seen"),
    ("arp.learned", "RFC 826", "{ip} is at {mac}: that goes into the ARP cache"),
    ("arp.unasked", "RFC 826", "{ip} is at {mac}: nobody here asked, and the ARP cache stays as it is"),
    ("arp.other", "RFC 826", "{ip} is not its own address: no answer"),
)
_codes(
    3,
    (
        "route.link",
        "RFC 1122 §3.3.1.1",
        "{ip} is on the same network: the packet goes straight to it",
        "the route for {ip} is {route}: the packet goes straight to it",
    ),
    (
        "route.gateway",
        "RFC 1122 §3.3.1.2",
        "{ip} is on another network: the packet goes to the gateway {gateway}",
        "the route for {ip} is {route}: the packet goes to the gateway {gateway}",
    ),
    ("route.all", "RFC 919 §7", "{ip} is everyone on this network: the packet goes to all of them"),
    ("route.group", "RFC 1112 §6.4", "{ip} is a group: the packet goes to its hardware address {mac}"),
    (
        "route.on",
        "RFC 1812 §5.2.1",
        "{ip} is not its own address: the packet goes on by port {port}, TTL {ttl} now",
        "the route for {ip} is {route}: the packet goes on by port {port}, TTL {ttl} now",
    ),
    ("route.cut", "RFC 791 §3.2", "the packet is too large for port {port}: it goes on as {count} fragments"),
    ("route.kept", "RFC 1122 §3.3.1.1", "{ip} is not its own address, and the packet was not sent on"),
    ("route.none", "RFC 1812 §5.2.7.1", "no route to {ip}: the sender is told"),
    ("route.unreachable", "RFC 1812 §5.2.7.1", "no answer from {ip} on its network: the sender is told"),
    ("route.forbidden", "RFC 1812 §5.2.7.1", "a filter forbids the packet to {ip}: the sender is told"),
    ("route.large", "RFC 1191 §4", "the packet may not be cut and is too large for the next cable: the sender is told"),
    ("route.ttl", "RFC 1812 §5.3.1", "its TTL ran out here: the sender is told"),
    ("route.redirect", "RFC 1812 §5.2.7.2", "{gateway} is a shorter way to {ip}: the sender is told"),
    ("nat.source", "RFC 3022 §2.2", "the sender's {old} becomes {new}"),
    ("nat.destination", "RFC 3022 §2.2", "the destination {old} becomes {new}"),
    ("nat.rule", "nft(8)", "by the rule {rule} its addresses are rewritten: {words}"),
    ("filter.accepts", "nft(8)", "the rule {rule} lets it pass: {words}"),
    ("filter.drops", "nft(8)", "the rule {rule} drops it: {words}"),
    ("filter.rejects", "nft(8)", "the rule {rule} rejects it: {words}"),
    ("filter.policy", "nft(8)", "no rule of the chain {rule} takes it, and the chain's policy drops it: {words}"),
    ("filter.answers", "nft(8)", "the rule {rule} rejects what came in frame {frame}: the sender is told ({words})"),
    ("ip.mine", "RFC 1122 §3.2.1.3", "{ip} is its own address"),
    ("ip.other", "RFC 3234 §2.10", "{ip} is the address of {owner}: it takes the packet in its place"),
    ("ip.all", "RFC 1122 §3.2.1.3", "{ip} is everyone on this network"),
    ("ip.group", "RFC 1112 §7.2", "{ip} is a group that it may be in"),
    ("ip.checksum", "RFC 1122 §3.2.1.2", "the header's checksum is wrong: the packet is dropped"),
    ("icmp.asks", "RFC 792", "it asks {ip} for an echo"),
    ("icmp.answers", "RFC 1122 §3.2.2.6", "it answers the echo request in frame {frame}"),
    ("icmp.answered", "RFC 792", "the answer to its own echo request in frame {frame}"),
    ("icmp.tells", "RFC 1122 §3.2.2", "it tells what became of frame {frame}: {what}"),
    ("icmp.told", "RFC 1122 §3.2.2", "it is told what became of its packet: {what}"),
    ("nd.probe", "RFC 4862 §5.4", "before {ip} is used, its neighbours are asked whether somebody has it"),
    ("nd.miss", "RFC 4861 §7.2.2", "no neighbour is known for {ip}: its group is asked"),
    ("nd.answer", "RFC 4861 §7.2.4", "{ip} is its own address: it tells its hardware address"),
    ("nd.learned", "RFC 4861 §7.2.5", "it is told where {ip} is: that goes into the neighbour cache"),
    ("nd.routers", "RFC 4861 §6.3.7", "it asks which routers there are"),
    ("icmp.checksum", "RFC 1122 §3.2.2", "the message's checksum is wrong: it is dropped"),
)
_codes(
    4,
    ("udp.sends", "RFC 768", "a program sends {count} bytes from port {port}"),
    ("udp.takes", "RFC 768", "for the program at port {port}, where one listens"),
    (
        "udp.refused",
        "RFC 1122 §4.1.3.1",
        "no program listens at port {port}: the sender is told",
        "no socket is bound to port {port}, {later} later: the sender is told",
    ),
    ("udp.checksum", "RFC 1122 §4.1.3.4", "the datagram's checksum is wrong: it is dropped"),
    ("tcp.state", "RFC 9293 §3.3.2", "with this its side of the connection goes from {before} to {after}"),
    (
        "tcp.opens",
        "RFC 9293 §3.5",
        "the other side wants a connection to port {port}",
        "the other side wants a connection to port {port}: a socket listens there ({queued} of at most {most} wait)",
    ),
    ("tcp.sends", "RFC 9293 §3.8", "it sends {count} bytes; its side is {state}"),
    ("tcp.takes", "RFC 9293 §3.10.7.4", "{count} bytes for the program at port {port}; its side is {state}"),
    ("tcp.acks", "RFC 9293 §3.8.6.3", "it tells that all before {ack} has come; its side is {state}"),
    ("tcp.acked", "RFC 9293 §3.10.7.4", "all before {ack} has reached the other side; its side is {state}"),
    ("tcp.event", "RFC 9293 §3.8", "{what}"),
    (
        "tcp.refused",
        "RFC 9293 §3.10.7.1",
        "no program listens at port {port}: RST in frame {frame}",
        "no socket listens at port {port}, {later} later: RST in frame {frame}",
    ),
    (
        "tcp.refuses",
        "RFC 9293 §3.10.7.1",
        "no program listens at port {port} for the SYN in frame {frame}: RST",
        "no socket listens at port {port} for the SYN in frame {frame}, {later} later: RST",
    ),
    ("tcp.reset", "RFC 9293 §3.5.3", "it ends the connection at once: RST"),
    ("tcp.was-reset", "RFC 9293 §3.10.7.4", "the other side has ended the connection at once"),
    (
        "tcp.backlog",
        "listen(2)",
        "no answer to this SYN though port {port} answered others: its queue may be full",
        "no answer to this SYN: the queue of the socket at port {port} is full ({queued} of at most {most} wait)",
    ),
    ("tcp.silent", "RFC 9293 §3.8.1", "no answer to this SYN, and none from port {port} before: a filter may drop it"),
    ("tcp.checksum", "RFC 9293 §3.1", "the segment's checksum is wrong: it is dropped"),
)
_codes(
    6,
    ("tls.record", "RFC 8446 §5", "the connection is encrypted: {what}"),
)
_codes(
    7,
    ("dhcp.asks", "RFC 2131 §4.4.1", "the client sends {what}: {why}"),
    ("dhcp.gets", "RFC 2131 §4.4.1", "the client takes {what}: {why}"),
    ("dhcp.offers", "RFC 2131 §4.3.1", "the server offers {ip}: {why}"),
    ("dhcp.acknowledges", "RFC 2131 §4.3.2", "the server grants {ip}: {why}"),
    ("dhcp.refuses", "RFC 2131 §4.3.2", "the server refuses: {why}"),
    ("dhcp.ignores", "RFC 2131 §4.3", "the server does not answer: {why}"),
    ("dns.asks", "RFC 1034 §5.3.1", "a program asks for {type} of {name}"),
    ("dns.gets", "RFC 1034 §5.3.1", "the answer about {name}: {what}"),
    ("dns.answers", "RFC 1034 §4.3.2", "{name} {type} is answered: {why}"),
    ("dns.no-name", "RFC 2308 §2.1", "{name} does not exist: {why}"),
    ("dns.no-data", "RFC 2308 §2.2", "{name} has no {type}: {why}"),
    ("dns.refuses", "RFC 1035 §4.1.1", "no answer about {name}, {what}: {why}"),
    ("http.asks", "RFC 9110 §9.1", "a program asks for {target}"),
    ("http.gets", "RFC 9110 §15", "the answer is {status}"),
    ("http.reads", "RFC 9112 §3", "the server reads {method} {target}: {why}"),
    ("http.answers", "RFC 9110 §15", "the server answers {status}: {why}"),
    ("http.keeps", "RFC 9112 §9.3", "the connection stays open: {why}"),
    ("http.closes", "RFC 9112 §9.6", "the connection is to be closed: {why}"),
    ("proxy.forwards", "RFC 9110 §7.6", "the proxy sends the request on: {why}"),
    ("proxy.relays", "book 4.5.6", "the proxy passes the bytes on as they are: {why}"),
    ("proxy.connects", "RFC 9112 §9.3", "the proxy's way to the server: {why}"),
    ("proxy.returns", "RFC 9110 §7.6", "the proxy sends the response on: {why}"),
    ("cache.hit", "RFC 9111 §4", "the cache answers by itself: {why}"),
    ("cache.miss", "RFC 9111 §4", "the cache asks the server: {why}"),
    ("cache.refreshes", "RFC 5861 §3", "the cache has answered with what is stale, and asks about it: {why}"),
    ("cache.stores", "RFC 9111 §3", "what the cache makes of the response: {why}"),
)


def table() -> str:
    """The table of docs/trace-reasons.md: a row a code."""
    rows = [
        f"| `{code.name}` | {code.layer} | {'<br>read: '.join(filter(None, (code.text, code.told)))} | {code.source} |"
        for code in CODES.values()
    ]
    return "\n".join(["| Code | Layer | Sentence | Rule |", "|---|---|---|---|", *rows])
