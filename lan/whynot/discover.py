"""One DHCPDISCOVER in the client's own name, and the offers that come.  RFC 2131 §4.4.1.

Nothing is taken: a server holds what it offers for a moment and then forgets it.
"""

import contextlib
import random
import select
import socket
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lan.wire import dhcp, ethernet, frame, ipv4, udp
from lan.wire.addresses import BROADCAST_MAC
from lan.wire.malformed import Malformed
from lan.wire.ports import BOOTP_CLIENT, BOOTP_SERVER

EVERYONE = IPv4Address("255.255.255.255")


def discover(interface: str, patience_s: float) -> dict[str, Any]:
    """Ask on an interface; the fields `offers`, `ok` and `said` of `facts.Attempt`.

    After the first offer a quarter of the patience is left for another server's.
    """
    try:
        mac = Path(f"/sys/class/net/{interface}/address").read_text().strip()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethernet.IPV4)) as sock:
            sock.bind((interface, 0))
            sock.send(_question(mac, xid := random.randrange(1, 1 << 32)))
            offers = list(_offers(sock, xid, patience_s))
    except OSError as fault:
        return {"ok": False, "said": fault.strerror or str(fault), "offers": []}
    return {"ok": bool(offers), "offers": offers}


def _question(mac: str, xid: int) -> bytes:
    options = dhcp.options(type=dhcp.DISCOVER, client_id=b"\1" + bytes.fromhex(mac.replace(":", "")))
    message = dhcp.Message(dhcp.BOOTREQUEST, xid, chaddr=mac, options=options)
    datagram = udp.build(dhcp.ANY, EVERYONE, BOOTP_CLIENT, BOOTP_SERVER, dhcp.build(message))
    packet = ipv4.build(dhcp.ANY, EVERYONE, ipv4.UDP, datagram)
    return ethernet.build(BROADCAST_MAC, mac, ethernet.IPV4, packet)


def _offers(sock: socket.socket, xid: int, patience_s: float) -> Any:
    until_s = time.monotonic() + patience_s
    while (left_s := until_s - time.monotonic()) > 0 and select.select([sock], [], [], left_s)[0]:
        answer = None
        with contextlib.suppress(Malformed):
            answer = frame.decode(sock.recv(65535)).dhcp
        if answer is None or answer.xid != xid or answer.op == dhcp.BOOTREQUEST or answer.type is not dhcp.OFFER:
            continue
        until_s = min(until_s, time.monotonic() + patience_s / 4)
        yield {
            "server": str(answer.server_id),
            "address": str(answer.yiaddr),
            "mask": str(answer.subnet_mask or ""),
            "router": " ".join(map(str, answer.routers)),
        }
