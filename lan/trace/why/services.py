"""DHCP, DNS, HTTP, proxies and caches: layer 7, by the services' own logs where there are any, else by packets.  Pure.

A service's decision names what ties it to frames: DHCP's xid, DNS's id and client, HTTP's client's address and port.
"""

from collections.abc import Iterator
from itertools import islice

from lan.trace.decryption_messages import clear_heads
from lan.trace.journey import StopKind
from lan.trace.trackers.flow import endpoint
from lan.trace.trackers.http import is_hit
from lan.trace.trackers.tcp import Connection
from lan.trace.why import transport
from lan.trace.why.decisions import SLACK_NS, Decision
from lan.trace.why.saying import LONG_NS, Case, Explained
from lan.wire.dhcp import BOOTREQUEST, Message
from lan.wire.dns import Dns
from lan.wire.http import Http

DHCP_SERVER = {
    "offered": "dhcp.offers",
    "acknowledged": "dhcp.acknowledges",
    "refused": "dhcp.refuses",
    "ignored": "dhcp.ignores",
}
DHCP_REPLIES = {"OFFER": "offered", "ACK": "acknowledged", "NAK": "refused"}
DHCP_CLIENT = ("DISCOVER", "REQUEST", "DECLINE", "RELEASE", "INFORM")
DNS_SERVER = {"answered": "dns.answers", "no such name": "dns.no-name", "no data": "dns.no-data"}
NXDOMAIN = 3


def sending(case: Case) -> Iterator[Explained]:
    """What a program, client or server, sends this message for."""
    packet = (case.sent or case.frame).packet
    if packet.udp is None and packet.tcp is None:
        return
    if (dhcp := packet.dhcp) is not None:
        yield from _dhcp_out(case, dhcp)
    elif (dns := packet.dns) is not None:
        yield from _dns_out(case, dns)
    elif (http := packet.http) is not None:
        yield from _http_out(case, http)
    elif (tls := packet.tls) is not None:
        yield case.say("tls.record", "out", what=tls.summary())
        yield from _encrypted(case, "out")


def arriving(case: Case) -> Iterator[Explained]:
    """What the program that gets this message decides about it."""
    packet = case.frame.packet
    if packet.udp is None and packet.tcp is None:
        return
    if (dhcp := packet.dhcp) is not None:
        yield from _dhcp_in(case, dhcp)
    elif (dns := packet.dns) is not None:
        yield from _dns_in(case, dns)
    elif (http := packet.http) is not None:
        yield from _proxy_in(case) if case.stop.kind is StopKind.PROXY else _http_in(case, http)
    elif case.stop.kind is StopKind.PROXY:
        yield from _proxy_in(case)
    elif (tls := packet.tls) is not None:
        yield case.say("tls.record", "in", what=tls.summary())
        yield from _encrypted(case, "in")


# --- DHCP ------------------------------------------------------------------------------------------------------------


def _dhcp_out(case: Case, message: Message) -> Iterator[Explained]:
    kind = _kind(message)
    if message.op == BOOTREQUEST:
        by = case.decided_before("dhcp-client", message.xid, DHCP_CLIENT)
        yield case.tell("dhcp.asks", "out", by=by, what=kind)
    elif (what := DHCP_REPLIES.get(kind)) is not None:
        by = case.decided_before("dhcp", message.xid, (what,))
        yield case.tell(DHCP_SERVER[what], "out", by=by, ip=message.yiaddr)


def _dhcp_in(case: Case, message: Message) -> Iterator[Explained]:
    if message.op == BOOTREQUEST:
        by = case.decisions.after(
            case.device, "dhcp", message.xid, case.frame.time_ns, case.frame.time_ns + 10**10, DHCP_SERVER
        )
        if by is not None:
            yield case.say(DHCP_SERVER[by.what], "in", by=by, ip=by.keys.get("ip"))
        return
    if message.chaddr not in case.timeline.devices or case.timeline.devices[message.chaddr] != case.device:
        return
    kind = _kind(message)
    by = case.decided("dhcp-client", message.chaddr, ("REQUEST",) if kind == "OFFER" else ("bound", "unbound"))
    yield case.tell("dhcp.gets", "in", by=by, what=kind)


def _kind(message: Message) -> str:
    return message.type.name if message.type is not None else "?"


# --- DNS -------------------------------------------------------------------------------------------------------------


def _dns_out(case: Case, message: Dns) -> Iterator[Explained]:
    name, kind = _question(message)
    if not message.is_response:
        yield case.say("dns.asks", "out", name=name, type=kind)
        return
    network, transport = _ends(case, is_sent=True)
    by = case.decided_before("dns", (message.id, endpoint(network[1], transport[1])))
    if by is not None:
        code = DNS_SERVER.get(by.what, "dns.refuses")
        yield case.say(code, "out", by=by, name=name, type=kind, what=case.language.say(by.what))
        return
    yield case.tell(_dns_code(message), "out", name=name, type=kind, what=message.rcode_name)


def _dns_in(case: Case, message: Dns) -> Iterator[Explained]:
    name, kind = _question(message)
    if message.is_response:
        texts = [record.data for record in message.answers]
        yield case.say("dns.gets", "in", name=name, what=", ".join(map(str, texts)) or message.rcode_name)
        return
    network, transport = _ends(case, is_sent=False)
    by = case.decided("dns", (message.id, endpoint(network[0], transport[0])))
    if by is not None:
        code = DNS_SERVER.get(by.what, "dns.refuses")
        yield case.say(code, "in", by=by, name=name, type=kind, what=case.language.say(by.what))


def _dns_code(message: Dns) -> str:
    if message.rcode == NXDOMAIN:
        return "dns.no-name"
    if message.rcode:
        return "dns.refuses"
    return "dns.answers" if message.answers else "dns.no-data"


def _question(message: Dns) -> tuple[str, str]:
    if not message.questions:
        return "?", "?"
    return message.questions[0].name, message.questions[0].type


def _ends(case: Case, *, is_sent: bool) -> tuple[tuple[str, str], tuple[int, int]]:
    """((source, destination) address, (source, destination) port)."""
    packet = ((case.sent or case.frame) if is_sent else case.frame).packet
    network, transport = packet.ipv4 or packet.ipv6, packet.udp or packet.tcp
    assert network is not None and transport is not None
    return (network.src, network.dst), (transport.src_port, transport.dst_port)


# --- HTTP ------------------------------------------------------------------------------------------------------------


def _http_out(case: Case, message: Http) -> Iterator[Explained]:
    network, transport = _ends(case, is_sent=True)
    if message.kind == "request" and case.is_origin:
        yield case.say("http.asks", "out", target=f"{message.method} {message.target}")
    if message.kind != "response" or not case.is_origin:
        return
    client = endpoint(network[1], transport[1])
    for service in ("http", "proxy"):
        by = case.decided_before(service, client, ("response",))
        if by is not None:
            hit = case.decided_before("proxy", client, ("cache",))
            if hit is not None and _looked_up(hit) == "cache.hit":
                yield case.say("cache.hit", "out", by=hit)
            yield case.say("http.answers", "out", by=by, status=message.status)
            then = _kept_or_closed(case, service, client, by)
            if then is not None:
                yield case.say("http.keeps" if then.what == "keep" else "http.closes", "out", by=then)
            return
    yield case.tell("http.answers", "out", status=message.status)
    if (message.get("Connection") or "").lower() == "close":
        yield case.say("http.closes", "out", why="Connection: close")


def _kept_or_closed(case: Case, service: str, client: str, response: Decision) -> Decision | None:
    """What became of the connection after a response: decided when all of it is sent, and before there is another."""
    until_ns = response.time_ns + LONG_NS
    lines = case.decisions.each_after(
        case.device, service, client, response.time_ns, until_ns, ("response", "keep", "close")
    )
    following = next((one for one in lines if one is not response), None)
    return following if following is not None and following.what != "response" else None


def _http_in(case: Case, message: Http) -> Iterator[Explained]:
    if message.kind == "response":
        yield case.say("http.gets", "in", status=f"{message.status} {message.reason or ''}".strip())
        yield from _refreshed(case)
        return
    if message.kind != "request":
        return
    network, transport = _ends(case, is_sent=False)
    client = endpoint(network[0], transport[0])
    for service in ("http", "proxy"):
        if (by := case.decided(service, client, ("request",))) is not None:
            yield case.tell("http.reads", "in", by=by, method=message.method, target=message.target)
            if service == "proxy" and (cache := case.decided("proxy", client, ("cache",))) is not None:
                yield case.say(_looked_up(cache), "in", by=cache)
            return
    yield case.tell("http.reads", "in", method=message.method, target=message.target)


def _looked_up(cache: Decision) -> str:
    """The code of what a cache found for a request."""
    return "cache.hit" if is_hit(str(cache.keys.get("cache_status", ""))) else "cache.miss"


def _refreshed(case: Case) -> Iterator[Explained]:
    """What a cache makes of a response that no client waits for: the log knows it by the cache's own end."""
    network, transport = _ends(case, is_sent=False)
    by = case.decided("proxy", endpoint(network[1], transport[1]), ("refreshed",))
    if by is not None:
        yield case.say("cache.stores", "in", by=by)


def _proxy_in(case: Case) -> Iterator[Explained]:
    """What a proxy does with what it sends on: `case.stop.sent` is the other connection's."""
    network, transport = _ends(case, is_sent=False)
    client = endpoint(network[0], transport[0])
    message = case.frame.packet.http
    if message is not None and message.kind == "response":
        yield from _proxy_back(case)
        return
    rows = (
        ("cache", ""),
        ("refresh", "cache.refreshes"),
        ("forward", "proxy.forwards"),
        ("relay", "proxy.relays"),
        ("connection", "proxy.connects"),
        ("connected", "proxy.connects"),
    )
    told = [(code, by) for what, code in rows if (by := case.decided("proxy", client, (what,))) is not None]
    for code, by in told:
        yield case.say(code or _looked_up(by), "in", by=by)
    if not told:
        is_request = message is not None and message.kind == "request"
        yield case.tell("proxy.forwards" if is_request else "proxy.relays", "in")


def _proxy_back(case: Case) -> Iterator[Explained]:
    """The response on its way back: the log knows it by the client, to whom it is sent."""
    network, transport = _ends(case, is_sent=True)
    client = endpoint(network[1], transport[1])
    cache = case.decided_before("proxy", client, ("cache",))
    if cache is not None and "cache_status" in cache.keys and cache.time_ns >= case.frame.time_ns:
        yield case.say("cache.stores", "out", by=cache)
    by = case.decided_before("proxy", client, ("response",))
    by = by if by is not None and by.time_ns >= case.frame.time_ns else None
    yield case.tell("proxy.returns", "out", by=by)


def _encrypted(case: Case, way: str) -> Iterator[Explained]:
    """What a web server read, or sent, in a record: by what is known in the clear, else by what its log has then."""
    frame = case.frame if way == "in" else case.sent or case.frame
    connection = case.timeline.connection_of(frame)
    if connection is None or (at := transport.place(case, connection, frame)) is None:
        return
    network, ports = _ends(case, is_sent=way == "out")
    client = endpoint(network[0], ports[0]) if way == "in" else endpoint(network[1], ports[1])
    if way == "in":
        session = case.timeline.tls_tracker.session_of(connection)
        if session is not None and session.decryption is not None and session.decryption.client.data:
            yield from _read_in_clear(case, client, connection, at)
        else:
            yield from _read_unseen(case, client, connection, at)
        return
    sender = connection.sender(frame)
    own = (one for one in reversed(connection.frames[:at]) if connection.sender(one) is sender)
    earliest_ns = next((one.time_ns for one in own if one.packet.payload), 0)
    for service in ("http", "proxy"):
        by = case.decisions.before(case.device, service, client, frame.time_ns, ("response",))
        if by is not None and by.time_ns >= earliest_ns:
            yield case.say("http.answers", "out", by=by, status=by.keys.get("status"))


def _read_in_clear(case: Case, client: str, connection: Connection, at: int) -> Iterator[Explained]:
    """The requests that began in the frame, each with the log's line of its own: it may come after later frames.

    Of equal requests of the connection each has one, in their order.
    """
    heads = [head for head in clear_heads(case.frame, case.timeline) if head.kind == "request"]
    lines = {_asked(head): _lines_of(case, client, connection, head) for head in heads}
    for earlier in islice(connection.frames, at if lines else 0):
        for head in clear_heads(earlier, case.timeline):
            if head.kind == "request" and _asked(head) in lines:
                _next_since(lines[_asked(head)], earlier.time_ns)
    for head in heads:
        by = _next_since(lines[_asked(head)], case.frame.time_ns)
        yield case.tell("http.reads", "in", by=by, method=head.method, target=head.target)


def _asked(head: Http) -> tuple[object, object]:
    return head.method, head.target


def _lines_of(case: Case, client: str, connection: Connection, head: Http) -> Iterator[Decision]:
    """The log's lines of such a request, since the connection began."""
    begun_ns, until_ns = connection.frames[0].time_ns, case.frame.time_ns + LONG_NS
    for service in ("http", "proxy"):
        for by in case.decisions.each_after(case.device, service, client, begun_ns, until_ns, ("request",)):
            if (by.keys.get("method"), by.keys.get("target")) == _asked(head):
                yield by


def _next_since(lines: Iterator[Decision], time_ns: int) -> Decision | None:
    return next((by for by in lines if by.time_ns >= time_ns), None)


def _read_unseen(case: Case, client: str, connection: Connection, at: int) -> Iterator[Explained]:
    """Nobody else can read the record: the log has a request before the client sent more.

    What the server itself sent meanwhile, such as session tickets, does not say that it had read.  Once the connection
    is over, a line is of the next one from the same port.
    """
    frame, behind = case.frame, islice(connection.frames, at + 1, None)
    sender = connection.sender(frame)
    later = (one.time_ns for one in behind if one.packet.payload and connection.sender(one) is sender)
    end_ns = connection.frames[-1].time_ns + SLACK_NS if connection.is_closed() else frame.time_ns + LONG_NS
    until_ns = next(later, end_ns) - SLACK_NS
    for service in ("http", "proxy"):
        by = case.decisions.after(case.device, service, client, frame.time_ns, until_ns, ("request",))
        if by is not None:
            yield case.say("http.reads", "in", by=by, method=by.keys.get("method"), target=by.keys.get("target"))
