"""What a DHCP server's messages carry, and where they go.  RFC 2131 §4.1, table 3 of §4.3.1.  Pure."""

from dataclasses import dataclass
from ipaddress import IPv4Address

from lan.services.dhcp.settings import Settings
from lan.wire import dhcp_options as opt
from lan.wire.dhcp import ACK, ANY, BOOTREPLY, BROADCAST, ETHERNET, NAK, OFFER, Message, MessageType, options
from lan.wire.ports import BOOTP_CLIENT, BOOTP_SERVER

EVERYONE = IPv4Address("255.255.255.255")
BROADCAST_ADDRESS = 28
FOREVER_S = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a message goes; with `mac`, to that card alone, for its owner can't answer ARP yet."""

    ip: IPv4Address
    port: int
    mac: str | None = None


def client_of(message: Message) -> str:
    """Who asks, in hex: option 61, or else hardware type and address (RFC 2131 §4.2).

    So a client that sends type and MAC as its identifier, as RFC 2132 §9.14 suggests, and one on the same
    card that sends none are the same client.
    """
    return (message.client_id or bytes((message.htype & 0xFF,)) + bytes.fromhex(message.chaddr.replace(":", ""))).hex()


def reply_to(message: Message, reply: Message) -> Destination:
    """Where a reply goes.  RFC 2131 §4.1."""
    if message.giaddr != ANY:
        return Destination(message.giaddr, BOOTP_SERVER)
    if reply.type == NAK:
        return Destination(EVERYONE, BOOTP_CLIENT)
    if message.ciaddr != ANY:
        return Destination(message.ciaddr, BOOTP_CLIENT)
    if message.is_broadcast() or message.htype != ETHERNET or len(message.chaddr) != 17:
        return Destination(EVERYONE, BOOTP_CLIENT)
    return Destination(reply.yiaddr, BOOTP_CLIENT, message.chaddr)


def offer(message: Message, address: IPv4Address, settings: Settings) -> Message:
    """DHCPOFFER."""
    return _lease(OFFER, message, address, settings)


def ack(message: Message, address: IPv4Address, settings: Settings) -> Message:
    """DHCPACK of a request."""
    return _lease(ACK, message, address, settings)


def inform_ack(message: Message, settings: Settings) -> Message:
    """DHCPACK of an inform: no address, no lease time.  RFC 2131 §4.3.5."""
    values = options(type=ACK, server_id=settings.server_ip) | _asked(message, settings)
    return _reply(message, values, ciaddr=message.ciaddr)


def nak(message: Message, text: str, settings: Settings) -> Message:
    """DHCPNAK, with the reason in words (option 56); a relay is told to broadcast it."""
    flags = message.flags | BROADCAST if message.giaddr != ANY else message.flags
    return _reply(message, options(type=NAK, server_id=settings.server_ip, message=text), flags=flags)


def _lease(kind: MessageType, message: Message, address: IPv4Address, settings: Settings) -> Message:
    lease_s = granted_s(message, settings)
    values = options(
        type=kind,
        server_id=settings.server_ip,
        lease_s=lease_s,
        t1_s=lease_s // 2,
        t2_s=lease_s * 7 // 8,
    )
    ciaddr = message.ciaddr if kind == ACK else ANY
    return _reply(message, values | _asked(message, settings), ciaddr=ciaddr, yiaddr=address)


def granted_s(message: Message, settings: Settings) -> int:
    """The lease time: what the client asks for, if that is shorter than ours.  RFC 2131 §3.5."""
    return min(message.lease_s or FOREVER_S, settings.lease_s)


def _asked(message: Message, settings: Settings) -> dict[int, bytes]:
    """The settings that we have and the client asked for (all, where it has no list); the mask is first.

    RFC 2132 §3.3, §9.8.
    """
    values = options(
        subnet_mask=settings.subnet.netmask,
        routers=(settings.router,) if settings.router else None,
        dns_servers=settings.dns or None,
        domain_name=settings.domain,
    )
    values[BROADCAST_ADDRESS] = opt.encode(BROADCAST_ADDRESS, settings.subnet.broadcast_address)
    asked = message.parameters
    return {code: value for code, value in values.items() if not asked or code in asked}


def _reply(
    message: Message,
    values: dict[int, bytes],
    *,
    ciaddr: IPv4Address = ANY,
    yiaddr: IPv4Address = ANY,
    flags: int | None = None,
) -> Message:
    """The fields that every reply takes from its request; option 61 comes back too (RFC 6842)."""
    if message.client_id is not None:
        values = values | {opt.CLIENT_ID: message.client_id}
    return Message(
        BOOTREPLY,
        message.xid,
        message.flags if flags is None else flags,
        ciaddr=ciaddr,
        yiaddr=yiaddr,
        giaddr=message.giaddr,
        chaddr=message.chaddr,
        htype=message.htype,
        options=values,
    )
