"""The judges: from what packets show to a verdict.  Pure; each says what was seen instead of what it missed.

SEED rows S2 to S11 are judged here: the lease, the name, the handshake, request and response, the
close, ping, and HTTPS as far as it shows without keys.
"""

from dataclasses import dataclass

from lan.scenario.verdict import Verdict, span_ms
from lan.trace.timeline import Window
from lan.trace.trackers.tcp import Connection
from lan.trace.trackers.tls import Session


@dataclass(frozen=True, slots=True)
class Site:
    """A page as the client asks for it: a name or the server's address, with or without TLS."""

    client: str
    server: str
    server_ip: str
    host: str
    is_secure: bool = False

    @property
    def by_name(self) -> bool:
        return self.host != self.server_ip

    @property
    def port(self) -> int:
        return 443 if self.is_secure else 80

    @property
    def url(self) -> str:
        return f"{'https' if self.is_secure else 'http'}://{self.host}/"


def lease(window: Window, client: str, server: str, wanted: str | None) -> Verdict:
    """The client has its address from the server: DISCOVER, OFFER, REQUEST, ACK.  RFC 2131 §3.1."""
    exchanges = [exchange for exchange in window.dhcp if exchange.client == client]
    granted = next((exchange for exchange in exchanges if exchange.is_granted()), None)
    who = f"{client} ⇄ {server}"
    if granted is None:
        seen = "; ".join(" ".join(exchange.types) for exchange in exchanges) or f"no DHCP message of {client}"
        return Verdict("DHCP", who, "lease an address", False, f"seen instead: {seen}")
    words = " ".join(granted.types)
    detail = f"{granted.yiaddr}, lease {_duration(granted.lease_s or 0)}"
    ok = wanted is None or str(granted.yiaddr) == wanted
    if not ok:
        detail = f"expected {wanted}, leased {granted.yiaddr}"
    return Verdict("DHCP", who, words, ok, detail, span_ms(granted.frames), granted.frames)


def asks_for(window: Window, site: Site) -> Verdict:
    """The browser sets out for the page: its first packets ask for the name, or go to the address."""
    name, what = "Browse", site.url
    if site.by_name:
        asked = [query for query in window.dns if query.client == site.client and _same(query.name, site.host)]
        frames = asked[0].frames[:1] if asked else []
        seen = "; ".join(f"{query.name}?" for query in window.dns) or "no question of its"
    else:
        opened = window.connections(client=site.client, server_ip=site.server_ip)
        frames = opened[0].frames[:1] if opened else []
        seen = "no segment to it"
    return Verdict(name, site.client, what, bool(frames), "" if frames else f"seen instead: {seen}", None, frames)


def resolves(window: Window, site: Site, dns: str, dns_ip: str) -> Verdict:
    """The DNS server answers the name with the server's address.  RFC 1034."""
    asked = [query for query in window.dns if query.client == site.client and _same(query.name, site.host)]
    answered = next((query for query in asked if query.type == "A" and query.message is not None), None)
    who, what = f"{site.client} ⇄ {dns}", f"A {site.host}?"
    if answered is None:
        seen = f"{len(asked)} question(s), no answer" if asked else "the name was never asked for"
        return Verdict("DNS", who, what, False, f"seen instead: {seen}", None, [f for q in asked for f in q.frames])
    ok = site.server_ip in answered.addresses and answered.server_ip == dns_ip
    found = ", ".join(answered.addresses) or str(answered.rcode)
    detail = found if ok else f"expected {site.server_ip} from {dns_ip}, seen {found} from {answered.server_ip}"
    return Verdict("DNS", who, what, ok, detail, answered.rtt_ms, answered.frames)


def connects(connection: Connection | None, site: Site, window: Window) -> Verdict:
    """The three-way handshake.  RFC 9293 §3.5."""
    who, what = f"{site.client} ⇄ {site.server}", "SYN  SYN-ACK  ACK"
    if connection is None:
        others = "; ".join(repr(other) for other in window.tcp) or f"no SYN to {site.server_ip}:{site.port}"
        return Verdict("Connect", who, what, False, f"seen instead: {others}")
    ok = len(connection.handshake) == 3
    detail = f":{connection.client.port} → :{connection.server.port}"
    if not ok:
        seen = "  ".join(frame.packet.summary() for frame in connection.frames[:4])
        detail = (
            f"refused (RST): nothing listens on port {site.port}"
            if connection.is_refused()
            else f"seen instead: {seen}"
        )
    return Verdict("Connect", who, what, ok, detail, connection.connect_ms, connection.handshake)


def requests(window: Window, connection: Connection | None, site: Site) -> Verdict:
    """The request on that connection, for the page, with the Host it was asked by.  RFC 9112 §3."""
    who = f"{site.client} → {site.server}"
    found = next((it for it in window.http if connection is not None and it.connection is connection), None)
    if found is None:
        return Verdict("Request", who, "GET / HTTP/1.1", False, "seen instead: no request on the connection")
    head = found.request.head
    ok = (found.method, found.target, head.get("Host")) == ("GET", "/", site.host)
    detail = f"{head.get('Host')}, Connection: {head.get('Connection') or '—'}"
    return Verdict("Request", who, head.start_line, ok, detail, None, found.request.frames)


def responds(window: Window, connection: Connection | None, site: Site) -> Verdict:
    """The response: 200, whole, with its length and type.  RFC 9110 §15.3.1."""
    who, what = f"{site.client} ← {site.server}", "200 OK with the page"
    found = next((it for it in window.http if connection is not None and it.connection is connection), None)
    if found is None or found.response is None:
        return Verdict("Response", who, what, False, "seen instead: no response")
    response, head = found.response, found.response.head
    ok = found.status == 200 and found.is_complete and response.body_bytes > 0
    words = f"{found.status} {head.reason}, {response.body_bytes} bytes"
    kind = (head.get("Content-Type") or "no type").partition(";")[0]
    detail = f"{kind}, Connection: {head.get('Connection') or '—'}"
    if not ok:
        detail = "seen instead: " + ("the response is cut short" if found.is_truncated else words)
    return Verdict("Response", who, words, ok, detail, found.first_byte_ms, response.frames)


def closes(connection: Connection | None, site: Site, first: str) -> Verdict:
    """Each side's FIN is acknowledged, and the one expected to close first did.  RFC 9293 §3.6."""
    who, what = f"{site.client} ⇄ {site.server}", "FIN  ACK  FIN  ACK"
    if connection is None:
        return Verdict("Close", who, what, False, "seen instead: no connection")
    frames = connection.close_frames
    if not connection.is_closed():
        state = f"{site.client} {connection.client.state}, {site.server} {connection.server.state}"
        return Verdict("Close", who, what, False, f"seen instead: still {state}", None, frames)
    if connection.reset_by is not None:
        return Verdict("Close", who, what, False, f"seen instead: RST by {connection.reset_by}", None, frames)
    by, holder = connection.closed_by, connection.time_wait_holder
    ok = by == first
    words = _close_words(connection)
    detail = f"{holder or by} holds TIME_WAIT" if ok else f"expected {first} to close first, {by} did"
    return Verdict("Close", who, words, ok, detail, span_ms(frames), frames)


def pings(window: Window, client: str, server: str, server_ip: str, count: int) -> Verdict:
    """Every echo request is answered.  RFC 792."""
    echoes = [echo for echo in window.icmp if echo.client == client and echo.dst_ip == server_ip]
    answered = [echo for echo in echoes if echo.is_answered]
    times = [echo.rtt_ms for echo in answered if echo.rtt_ms is not None]
    ok = len(answered) == count == len(echoes)
    detail = f"{len(answered)}/{count} answered" + (f", {sum(times) / len(times):.2f} ms on average" if times else "")
    if not ok:
        errors = "; ".join(frame.packet.summary() for frame in window.icmp_errors[:1])
        detail = f"seen instead: {len(echoes)} asked, {len(answered)} answered" + (f"; {errors}" if errors else "")
    frames = [frame for echo in echoes for frame in echo.frames]
    name = f"ping {server}"
    return Verdict(name, f"{client} ⇄ {server}", f"{count} echo requests", ok, detail, span_ms(frames), frames, True)


def page(window: Window, site: Site, first: str) -> Verdict:
    """A whole page load: HTTP read from the packets, HTTPS as far as it shows."""
    name = f"{'https' if site.is_secure else 'http'} {'by name' if site.by_name else 'by IP'}"
    who, what = f"{site.client} ⇄ {site.server}", site.url
    opened = window.connections(client=site.client, server_ip=site.server_ip, server_port=site.port)
    connection = opened[0] if opened else None
    parts = [connects(connection, site, window)]
    if site.is_secure:
        parts.append(_secured(window, connection, site))
    else:
        parts += [requests(window, connection, site), responds(window, connection, site)]
    parts.append(closes(connection, site, first))
    bad = next((part for part in parts if not part.ok), None)
    frames = connection.frames if connection else []
    detail = f"{bad.name}: {bad.detail}" if bad else parts[-2].detail
    return Verdict(name, who, what, bad is None, detail, span_ms(frames), frames, True)


def _secured(window: Window, connection: Connection | None, site: Site) -> Verdict:
    """A TLS session: the server proved itself to the client, and data went both ways.  RFC 8446."""
    who = f"{site.client} ⇄ {site.server}"
    session = next((it for it in window.tls if connection is not None and it.connection is connection), None)
    if session is None:
        return Verdict("TLS", who, "handshake", False, "seen instead: no TLS on the connection")
    asked = session.server_name if site.by_name else None
    ok = session.has_data_both_ways and (not site.by_name or _same(asked or "", site.host))
    told = f"{session.version}" + (f", SNI {asked}" if asked else "") if ok else f"seen instead: {_trouble(session)}"
    return Verdict("TLS", who, "handshake", ok, told, None, session.frames)


def _trouble(session: Session) -> str:
    alerts = ", ".join(f"{device} said {text}" for device, text in session.alerts)
    return f"{session!r}" + (f" ({alerts})" if alerts else "")


def _same(name: str, other: str) -> bool:
    return name.rstrip(".").lower() == other.rstrip(".").lower()


def _close_words(connection: Connection) -> str:
    """``FIN  ACK  FIN  ACK``, or ``FIN  FIN+ACK  ACK`` where the answer to a FIN carries the other.

    Every segment but a SYN has the ACK bit; it is named where it acknowledges the other side's FIN.
    """
    acking = {side.fin_acked_by.number for side in (connection.client, connection.server) if side.fin_acked_by}
    fins = {side.fin.number for side in (connection.client, connection.server) if side.fin}
    words = [
        "FIN+ACK" if frame.number in fins & acking else "FIN" if frame.number in fins else "ACK"
        for frame in connection.close_frames
    ]
    return "  ".join(words)


def _duration(seconds: int) -> str:
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
