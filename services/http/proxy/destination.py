"""The server that a request is for, from its target or from what the proxy was told.  RFC 9112 §3.2, §3.3.

Pure.  `target.check_target` has refused what is malformed; here a host is read more strictly still,
for its letters go to a resolver and into a field.
"""

import re
from dataclasses import dataclass

from lan.services.http.protocol.target import parse_authority, split_absolute

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._:\-]{1,253}")


@dataclass(frozen=True, slots=True)
class Destination:
    """A server to reach, by http, https, or (a tunnel's end) bare tcp.

    `host` is a name or an address, in lower case and without brackets.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """``web:8080``: the port only where it is not the scheme's (RFC 9110 §4.2.3)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS.get(self.scheme) else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


def by_authority(text: str, scheme: str) -> Destination:
    """``HOST[:PORT]`` as a destination.  Raises ValueError with what is wrong."""
    found = parse_authority(text)
    if found is None or not _HOST.fullmatch(found.host):
        raise ValueError(f"{text[:80]!r} names no host")
    if text.endswith(":0") or (not found.port and scheme not in PORTS):
        raise ValueError(f"{text[:80]!r} names no port")
    return Destination(scheme, found.host, found.port or PORTS[scheme])


def by_url(target: str, method: str) -> tuple[Destination, str]:
    """A URL as its destination and the path that is asked for there.  Raises ValueError.

    OPTIONS of a URL without a path asks about the server as a whole: ``*`` (RFC 9112 §3.2.4).
    """
    parts = split_absolute(target)
    if parts is None:
        raise ValueError("the target is no URL")
    scheme, authority, rest = parts
    if scheme not in PORTS:
        raise ValueError(f"scheme {scheme} is not spoken here")
    if not rest and method == "OPTIONS":
        rest = "*"
    elif not rest.startswith("/"):
        rest = "/" + rest
    return by_authority(authority, scheme), rest
