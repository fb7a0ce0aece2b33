"""What DHCP, DNS, web servers, proxies and caches do, and the reasons that must be seen of it: layer 7."""

from lan.wire import dhcp
from lan.wire.dhcp_options import options

from .journey_wires import IPS, MACS, datagram, frame, segment
from .test_journey import ANSWER, FOUND, GET, ONWARD
from .why_network import knows, opened, says
from .why_wires import DNS, PC1, PROXY, WEB, Told, scenario


def dhcp_frame(kind: dhcp.MessageType, *, of: str = "pc1") -> bytes:
    is_reply = kind in (dhcp.OFFER, dhcp.ACK, dhcp.NAK)
    op = dhcp.BOOTREPLY if is_reply else dhcp.BOOTREQUEST
    body = dhcp.build(dhcp.Message(op, 7, chaddr=MACS["pc1"], options=options(type=kind)))
    if is_reply:
        return frame("dns", "pc1", datagram(DNS, PC1, body, ports=(67, 68)))
    return frame(of, "all", datagram("0.0.0.0", "255.255.255.255", body, ports=(68, 67)))


@scenario(
    *("pc1 out dhcp.asks", "dns in dhcp.offers", "dns out dhcp.offers", "pc1 in dhcp.gets"),
    *("dns in dhcp.acknowledges", "dns out dhcp.acknowledges"),
)
def an_address_is_leased(wires: Told) -> None:
    pc1, server = {"xid": 7, "client": MACS["pc1"]}, {"xid": 7, "client": MACS["pc1"], "ip": PC1}
    wires.decide("pc1", "dhcp-client", "DISCOVER", "it has no address yet", **pc1)
    wires.path("pc1 s1 dns", dhcp_frame(dhcp.DISCOVER))
    wires.decide("dns", "dhcp", "offered", "a new address from the pool", **server)
    wires.path("dns s1 pc1", dhcp_frame(dhcp.OFFER))
    wires.decide("pc1", "dhcp-client", "REQUEST", "takes the first offer", **pc1)
    wires.path("pc1 s1 dns", dhcp_frame(dhcp.REQUEST))
    wires.decide("dns", "dhcp", "acknowledged", "the client took our offer", **server)
    wires.path("dns s1 pc1", dhcp_frame(dhcp.ACK))


@scenario("dns in dhcp.ignores", "~dns out dhcp.refuses", "~pc1 out dhcp.asks", "~pc1 in dhcp.gets")
def an_address_is_not_leased(wires: Told) -> None:
    wires.path("pc1 s1 dns", dhcp_frame(dhcp.DISCOVER))
    wires.decide("dns", "dhcp", "ignored", "no address left", xid=7)
    wires.path("dns s1 pc1", dhcp_frame(dhcp.NAK))


QUERY = bytes.fromhex("12340100000100000000000003777777036c616e0000010001")


def asks_dns(wires: Told, rcode: int, answers: int = 0, what: str = "") -> None:
    wires.path("pc1 s1 dns", frame("pc1", "dns", datagram(PC1, DNS, QUERY, ports=(40000, 53))))
    if what:
        wires.decide("dns", "dns", what, "from the zone", id=0x1234, client=f"{PC1}:40000")
    record = bytes.fromhex("c00c000100010000012c00040a000003") * answers
    head = bytes((0x12, 0x34, 0x85, rcode, 0, 1, 0, answers, 0, 0, 0, 0))
    wires.path("dns s1 pc1", frame("dns", "pc1", datagram(DNS, PC1, head + QUERY[12:] + record, ports=(53, 40000))))


@scenario("~pc1 out dns.asks", "dns in dns.answers", "dns out dns.answers", "~pc1 in dns.gets")
def a_name_is_found(wires: Told) -> None:
    asks_dns(wires, 0, 1, "answered")


@scenario("dns in dns.no-name", "dns out dns.no-name")
def a_name_is_not_there(wires: Told) -> None:
    asks_dns(wires, 3, 0, "no such name")


@scenario("~dns out dns.no-name")
def a_name_is_not_there_by_the_packet(wires: Told) -> None:
    asks_dns(wires, 3)


@scenario("dns out dns.no-data")
def a_name_has_no_such_record(wires: Told) -> None:
    asks_dns(wires, 0, 0, "no data")


@scenario("dns out dns.refuses")
def a_name_is_not_served(wires: Told) -> None:
    asks_dns(wires, 5, 0, "refused")


WEB_GET = b"GET / HTTP/1.1\r\nHost: web\r\n\r\n"
CLOSING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@scenario("~pc1 out http.asks", "web in http.reads", "web out http.answers", "web out http.keeps", "~pc1 in http.gets")
def a_page_is_got(wires: Told) -> None:
    ends = {"client": f"{PC1}:40000", "server": f"{WEB}:80"}
    says(wires, "pc1", "ACK", WEB_GET, seq=2, ack=101)
    wires.decide("web", "http", "request", "a request is read", **ends)
    wires.decide("web", "http", "response", "the file", status=200, **ends)
    wires.decide("web", "http", "keep", "HTTP/1.1 persists unless told to close", **ends)
    says(wires, "web", "ACK", FOUND, seq=101, ack=40)


@scenario("~web in http.reads", "~web out http.answers", "~web out http.closes")
def a_page_is_not_there(wires: Told) -> None:
    says(wires, "pc1", "ACK", WEB_GET, seq=2, ack=101)
    says(wires, "web", "ACK", CLOSING, seq=101, ack=40)


@scenario("~web in tls.record", "web in http.reads", "web out http.answers")
def a_servers_log_tells_what_was_encrypted(wires: Told) -> None:
    record, ends = b"\x17\x03\x03\x00\x10" + bytes(16), {"client": f"{PC1}:40000"}
    opened(wires)
    says(wires, "pc1", "ACK", record, seq=2, ack=101)
    says(wires, "web", "ACK", seq=101, ack=23)
    wires.decide("web", "http", "request", "a request is read", method="GET", target="/", **ends)
    wires.decide("web", "http", "response", "the file", status=200, **ends)
    says(wires, "web", "ACK", record, seq=101, ack=23)


@scenario("web in http.reads", "web out http.answers")
def a_server_sends_tickets_before_it_reads_what_was_encrypted(wires: Told) -> None:
    """As TLS 1.3 servers do where the client's Finished and its request came in one segment."""
    record, ends = b"\x17\x03\x03\x00\x10" + bytes(16), {"client": f"{PC1}:40000"}
    opened(wires)
    says(wires, "pc1", "ACK", record, seq=2, ack=101)
    says(wires, "web", "ACK", record, seq=101, ack=23)
    wires.decide("web", "http", "request", "a request is read", method="GET", target="/", **ends)
    says(wires, "pc1", "ACK", seq=23, ack=122)
    wires.decide("web", "http", "response", "the file", status=200, **ends)
    says(wires, "pc1", "ACK", record, seq=23, ack=122)
    says(wires, "web", "ACK", record, seq=122, ack=44)


def by_proxy(who: str, to: str, data: bytes, ports: tuple[int, int]) -> bytes:
    return frame(who, to, segment(IPS[who], IPS[to], "ACK", data, ports=ports))


@scenario(
    *("proxy in cache.miss", "proxy in proxy.forwards", "proxy in proxy.connects", "~proxy out tcp.sends"),
    *("proxy out cache.stores", "proxy out proxy.returns"),
)
def a_proxy_asks_the_server(wires: Told) -> None:
    ends = {"client": f"{PC1}:40000", "proxy": f"{PROXY}:3128"}
    wires.path("pc1 s1 proxy", by_proxy("pc1", "proxy", GET, (40000, 3128)))
    for what in ("cache", "forward", "connection"):
        wires.decide("proxy", "proxy", what, "so", **ends)
    wires.path("proxy s1 web", by_proxy("proxy", "web", ONWARD, (50000, 80)))
    wires.path("web s1 proxy", by_proxy("web", "proxy", FOUND, (80, 50000)))
    wires.decide("proxy", "proxy", "cache", "may be kept", cache_status="cache; fwd=uri-miss; stored", **ends)
    wires.decide("proxy", "proxy", "response", "no hop-by-hop field", **ends)
    wires.path("proxy s1 pc1", by_proxy("proxy", "pc1", ANSWER, (3128, 40000)))


@scenario("~proxy in proxy.forwards", "~proxy out proxy.returns")
def a_proxy_without_a_log(wires: Told) -> None:
    wires.path("pc1 s1 proxy", by_proxy("pc1", "proxy", GET, (40000, 3128)))
    wires.path("proxy s1 web", by_proxy("proxy", "web", ONWARD, (50000, 80)))
    wires.path("web s1 proxy", by_proxy("web", "proxy", FOUND, (80, 50000)))
    wires.path("proxy s1 pc1", by_proxy("proxy", "pc1", ANSWER, (3128, 40000)))


@scenario("~proxy in ip.other", "~proxy in tcp.opens", "~proxy in proxy.forwards")
def a_proxy_on_the_path_takes_what_is_for_another(wires: Told) -> None:
    knows(wires, "proxy", "web")
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, WEB, "SYN")))
    wires.path("proxy pc1", frame("proxy", "pc1", segment(WEB, PC1, "SYN+ACK", ports=(80, 40000), seq=100, ack=2)))
    wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, WEB, "ACK", WEB_GET, seq=2, ack=101)))
    wires.path("proxy s1 web", by_proxy("proxy", "web", WEB_GET, (50000, 80)))


@scenario("~proxy in proxy.relays")
def a_proxy_relays_what_it_cannot_read(wires: Told) -> None:
    wires.path("pc1 s1 proxy", by_proxy("pc1", "proxy", bytes(range(40)), (40000, 3128)))
    wires.path("proxy s1 web", by_proxy("proxy", "web", bytes(range(40)), (50000, 80)))


@scenario("proxy in cache.hit", "proxy out cache.hit", "proxy in http.reads", "proxy out http.answers")
def a_cache_answers(wires: Told) -> None:
    ends = {"client": f"{PC1}:40000", "proxy": f"{PROXY}:3128"}
    wires.path("pc1 s1 proxy", by_proxy("pc1", "proxy", GET, (40000, 3128)))
    wires.decide("proxy", "proxy", "request", "a request is read", **ends)
    wires.decide("proxy", "proxy", "cache", "fresh", cache_status="cache; hit; ttl=8", **ends)
    wires.decide("proxy", "proxy", "response", "fresh", **ends)
    wires.path("proxy s1 pc1", by_proxy("proxy", "pc1", ANSWER, (3128, 40000)))


@scenario(
    *("proxy in cache.hit", "proxy in cache.refreshes", "proxy out cache.hit", "proxy in cache.stores"),
    *("proxy out http.answers", "~proxy in http.gets"),
)
def a_cache_asks_about_what_it_answered_with(wires: Told) -> None:
    ends, own = {"client": f"{PC1}:40000", "proxy": f"{PROXY}:3128"}, {"local": f"{PROXY}:50000"}
    wires.path("pc1 s1 proxy", by_proxy("pc1", "proxy", GET, (40000, 3128)))
    wires.decide("proxy", "proxy", "request", "a request is read", **ends)
    wires.decide("proxy", "proxy", "cache", "served now, validated meanwhile", cache_status="p; hit; ttl=-2", **ends)
    wires.decide("proxy", "proxy", "response", "stale", **ends)
    wires.decide("proxy", "proxy", "refresh", "validated in the background", **ends, **own)
    wires.path("proxy s1 web", by_proxy("proxy", "web", ONWARD, (50000, 80)))
    wires.path("proxy s1 pc1", by_proxy("proxy", "pc1", ANSWER, (3128, 40000)))
    wires.path("web s1 proxy", by_proxy("web", "proxy", FOUND, (80, 50000)))
    wires.decide("proxy", "proxy", "refreshed", "the origin says it is still good", **own)
