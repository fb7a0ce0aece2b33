"""Request targets and the Host field: which forms a method may have, and that both name one host.  RFC 9112 §3.2, §3.3.

Pure.
"""

import ipaddress
import re
from typing import NamedTuple

from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import HTTP_1_1, Request

_ABSOLUTE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^#]*)")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9!$&'()*+,;=._~\-]|%[0-9A-Fa-f]{2})*)(?::([0-9]{0,5}))?")
_SCHEME_PORTS = {"http": "80", "https": "443"}


class Authority(NamedTuple):
    """Where a request goes: a host name or address (IPv6 without brackets), and a port, 0 for the scheme's own."""

    host: str
    port: int


def parse_authority(text: str) -> Authority | None:
    """``web:8080``, ``[::1]``, ``web`` → host in lower case and port; None for what is none, such as ``user@web``.

    An empty text is an authority too: of a Host field whose sender has none to name (RFC 9112 §3.2).
    """
    found = _HOST.fullmatch(text)
    if found is None or (not found[1] and text):
        return None
    host, port = found[1].lower(), int(found[2] or 0)
    if port > 65535 or (found[2] and not port):
        return None
    if host.startswith("["):
        host = host[1:-1]
        if not _is_ipv6(host):
            return None
    return Authority(host, port)


def split_absolute(target: str) -> tuple[str, str, str] | None:
    """``http://web:80/a?b`` → ("http", "web:80", "/a?b"); None for a target of another form."""
    found = _ABSOLUTE.fullmatch(target)
    return (found[1].lower(), found[2], found[3]) if found else None


def scheme_of(request: Request) -> str | None:
    """The scheme that the target names, in lower case; None where it is the connection's (RFC 9110 §7.1)."""
    absolute = None if request.target.startswith("/") else split_absolute(request.target)
    return absolute[0] if absolute is not None else None


def check_host(request: Request) -> list[str]:
    """The Host field, a list of at most one.  Raises Refused where it must stand, stands twice, or names no host."""
    hosts = [value for name, value in request.headers.items if name.lower() == "host"]
    if len(hosts) > 1:
        raise Refused(400, "RFC 9112 §3.2", "more than one Host field", hosts=", ".join(hosts))
    if not hosts and request.version >= HTTP_1_1:
        raise Refused(400, "RFC 9112 §3.2", "an HTTP/1.1 request without a Host field")
    if hosts and parse_authority(hosts[0]) is None:
        raise Refused(400, "RFC 9112 §3.2", "the Host field names no host", host=hosts[0])
    return hosts


def check_target(request: Request) -> None:
    """Raises Refused unless target and Host are well formed and name the same host."""
    hosts = check_host(request)
    target = request.target
    if request.method == "CONNECT":
        authority = parse_authority(target)
        if authority is None or not authority.host or not authority.port:
            raise Refused(400, "RFC 9112 §3.2.3", "CONNECT wants host:port", target=target)
        return _check_same(target, hosts, str(authority.port))
    if target.startswith("/"):
        if "#" in target:
            raise Refused(400, "RFC 9112 §3.2.1", "a fragment is no part of a target", target=target)
        return None
    if target == "*":
        if request.method != "OPTIONS":
            raise Refused(400, "RFC 9112 §3.2.4", "only OPTIONS may ask for *", method=request.method)
        return None
    absolute = split_absolute(target)
    if absolute is None:
        raise Refused(400, "RFC 9112 §3.2", "the target is neither a path nor a URL", target=target)
    scheme, where, _ = absolute
    known = parse_authority(where)
    if known is None or not known.host:
        raise Refused(400, "RFC 9110 §4.2", "the target names no host, or a user", target=target)
    return _check_same(where, hosts, _SCHEME_PORTS.get(scheme, ""))


def _check_same(where: str, hosts: list[str], port: str) -> None:
    """A Host field that differs from the target is ignored by one reader and believed by another: refused.

    `port` is what an authority without one means: the scheme's, or for CONNECT the target's (the example in
    RFC 9112 §3.2.3 has a Host without port).
    """
    if hosts and _full(where, port) != _full(hosts[0], port):
        raise Refused(400, "RFC 9112 §3.2.2", "the target and Host name different hosts", target=where, host=hosts[0])


def _full(text: str, port: str) -> tuple[str, str]:
    authority = parse_authority(text)
    assert authority is not None
    return authority.host, str(authority.port or port)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
