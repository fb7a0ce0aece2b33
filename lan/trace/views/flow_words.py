"""What an arrow of the ladder diagram says: short, in the protocol's own words."""

from collections.abc import Mapping
from types import MappingProxyType

from lan.language.catalogue import ENGLISH, Language
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.views import ladder
from lan.wire import dhcp
from lan.wire.dns import Dns
from lan.wire.http import Http

NOTHING: Mapping[int, str] = MappingProxyType({})


def in_clear(timeline: Timeline) -> Mapping[int, str]:
    """Of TLS connections whose secrets are known: by a frame's number, the HTTP message that begins in it."""
    found: dict[int, str] = {}
    for transaction in timeline.http:
        for message in (transaction.request, transaction.response):
            if message is not None and message.frames and message.frames[0].packet.tls is not None:
                found[message.frames[0].number] = "HTTPS" + _http(message.head).removeprefix("HTTP")
    return found


def words(frame: Frame, timeline: Timeline, clear: Mapping[int, str] = NOTHING, language: Language = ENGLISH) -> str:
    """``DNS A www.lan.test?``, ``DHCP OFFER 192.168.100.1``, ``HTTP GET /``, ``SYN seq=0``.

    `clear` is what `in_clear` found; what is remarkable about a segment is said in a language.
    """
    packet = frame.packet
    if packet.problems:
        return packet.summary()
    if packet.dhcp is not None:
        return _dhcp(packet.dhcp)
    if packet.dns is not None:
        return _dns(packet.dns)
    if packet.arp is not None:
        return packet.arp.summary().partition(" tell ")[0]
    if packet.icmp is not None:
        return packet.icmp.summary().partition(",")[0]
    if packet.tcp is not None:
        return _tcp(frame, timeline, clear, language)
    return packet.summary()


def _tcp(frame: Frame, timeline: Timeline, clear: Mapping[int, str], language: Language) -> str:
    packet, connection = frame.packet, timeline.connection_of(frame)
    head = packet.http
    carried = "" if head is None else _http(head)
    if packet.tls is not None:
        carried = clear.get(frame.number) or packet.tls.summary()
    if connection is None:
        return carried or packet.summary()
    segment = ladder.label(connection, connection.sender(frame), frame)
    events = ", ".join(language.say(str(event.kind)) for event in connection.events_of(frame))
    told = f"{carried} · {segment}" if carried else segment
    return f"{told} · {events}" if events else told


def _http(head: Http) -> str:
    if head.kind == "request":
        return f"HTTP {head.method} {head.target}"
    return f"HTTP {head.status} {head.reason or ''}".rstrip() if head.kind == "response" else ""


def _dhcp(message: dhcp.Message) -> str:
    name = message.type.name if message.type else "BOOTP"
    if message.yiaddr != dhcp.ANY:
        return f"DHCP {name} {message.yiaddr}"
    wanted = message.requested_ip
    return f"DHCP {name} {wanted}" if wanted else f"DHCP {name}"


def _dns(message: Dns) -> str:
    return message.summary().partition(" id=")[0]
