"""Which addresses a proxy connects to for strangers: none of the machine that it runs on.  RFC 9110 §17.9.

A client could otherwise reach through the proxy what listens on its loopback alone.  Asked is the
address that a name led to, the very one that is then connected to: a name that answers differently
the second time (DNS rebinding) gains nothing.

Pure.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from lan.reasons import Reason

_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv6 addresses that hold an IPv4 one in their last 32 bits: RFC 6052 §2.1, RFC 4291 §2.5.5.1."""


def refusal(address: str, *, allow_loopback: bool = False) -> Reason | None:
    """Why this address is not connected to; None: it may be.  Raises ValueError for what is no address."""
    found = inner(ip_address(address.partition("%")[0]))
    shown = str(found)
    if found.is_unspecified or (isinstance(found, IPv4Address) and found.packed[0] == 0):
        return Reason("RFC 1122 §3.2.1.3", "an address that means this machine", address=shown)
    if found.is_loopback and not allow_loopback:
        return Reason("RFC 9110 §17.9", "loopback: what listens there is not for strangers", address=shown)
    if found.is_link_local:
        return Reason("RFC 3927 §7; RFC 4291 §2.5.6", "a link-local address, never a server of others", address=shown)
    if found.is_multicast or shown == "255.255.255.255":
        return Reason("RFC 1122 §3.2.1.3", "an address of many machines", address=shown)
    return None


def inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, translated), or the address as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _TRANSLATED) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
