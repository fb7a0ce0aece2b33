"""A dumb proxy: what it reads of a request before it copies bytes blindly.  Book 4.5.6.

It looks at the first line, to know where to connect, and for a Content-Length, to know how long the
client speaks.  It does not know `Connection`, nor any other field: all are passed on as they are.
Then it listens to the client no more, and copies the server's bytes until the server closes.  So when
a client and a server agree, through it, to keep their connection, both wait for ever: the server for
a next request, the proxy for the server's close, and the client's next request is never read.

Pure.  `relay.py` is its shell.
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.proxy.destination import Destination, by_authority, by_url
from lan.services.http.proxy.forwarding import Here, Mode, Rules

MAX_HEAD_BYTES = 64 * 1024

_LINE = re.compile(rb"([^ \r\n]+) ([^ \r\n]+)( HTTP/\d\.\d)?")
_LENGTH = re.compile(rb"\n content-length [ \t]* : [ \t]* (\d{1,18}) [ \t]* \r?\n", re.IGNORECASE | re.VERBOSE)
_CHUNKED = re.compile(rb"\n transfer-encoding [ \t]* :", re.IGNORECASE | re.VERBOSE)
_HOST = re.compile(rb"\n host [ \t]* : [ \t]* ([^ \t\r\n]+) [ \t]* \r?\n", re.IGNORECASE | re.VERBOSE)
_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Relay:
    """Where to connect, and how the client's bytes go there: `first` in place of its first `skipped` bytes.

    `speaks_bytes`: how much the client sends in all, counted in its own bytes; None: nobody knows.
    """

    destination: Destination
    first: bytes
    skipped_bytes: int
    speaks_bytes: int | None
    why: Reason


def read(data: bytes, rules: Rules, original: Destination | None = None) -> Relay | Here | None:
    """What the bytes received so far say; None: the head goes on.  `original`: where an intercepted client went."""
    end = _END.search(data)
    if end is None:
        too_long = Reason("book 4.5.6", "the head has no end", limit_bytes=MAX_HEAD_BYTES)
        return Here(431, too_long) if len(data) > MAX_HEAD_BYTES else None
    head = data[: end.end()]
    line = head.partition(b"\n")[0].rstrip(b"\r")
    found = _LINE.fullmatch(line)
    if found is None:
        return Here(400, Reason("RFC 9112 §3", "not a request line"))
    method, target = found[1].decode("latin-1"), found[2].decode("latin-1")
    if method == "CONNECT" and rules.mode is not Mode.GATEWAY:
        return Here(501, Reason("RFC 9110 §9.3.6", "a dumb proxy knows no tunnels"))
    try:
        destination, path = _route(target, head, rules, original)
    except ValueError as error:
        return Here(400, Reason("RFC 9112 §3.2", str(error)))
    first = b"%b %b%b" % (found[1], path.encode("latin-1"), found[3] or b"")
    length = _LENGTH.search(head)
    speaks = None if _CHUNKED.search(head) else len(head) + (int(length[1]) if length else 0)
    why = Reason("book 4.5.6", "bytes are relayed blindly until the server closes", to=destination)
    return Relay(destination, first, len(line), speaks, why)


def _route(target: str, head: bytes, rules: Rules, original: Destination | None) -> tuple[Destination, str]:
    """Where to connect, and the target there: a path to a server, the whole URL to a parent.  Raises ValueError."""
    if rules.mode is Mode.GATEWAY and rules.upstream is not None:
        return rules.upstream, target
    if rules.mode is Mode.INTERCEPT:
        if original is None:
            host = _HOST.search(head)
            original = by_authority(host[1].decode("latin-1") if host else "", "http")
        return original, target
    destination, path = by_url(target, "GET")
    if destination.scheme != "http":
        raise ValueError("a dumb proxy knows no TLS")
    return (rules.parent, target) if rules.parent is not None else (destination, path)
