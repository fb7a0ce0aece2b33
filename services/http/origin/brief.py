"""The whole answer to a plain GET for a small file, in one go.  RFC 9112 §3, RFC 9110 §9.3.1.

The long way (`connection.Server`, `Origin.answer`) makes an object of each thing that it decides, to be told
and tested; most requests decide nothing.  A request is plain when it is one GET of HTTP/1.1 for a path of
ordinary names, with one ordinary Host and no other field that anybody asks about than those of PLAIN below;
a site is plain where it is files alone, the same for each host.  Whatever is not so goes the long way, and
the answers of both are the same, byte for byte.

Pure, but for the site that is asked for the file.
"""

import re
from functools import lru_cache, partial

from lan.services.http.origin import serving
from lan.services.http.origin.answer import Memory
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import Resource, is_settled
from lan.services.http.origin.shortcuts import Made
from lan.services.http.protocol import messages
from lan.services.http.protocol.messages import Response, headers

_NAME = rb"/[0-9A-Za-z_\-][0-9A-Za-z_.\-]*"
_START_LINE = re.compile(rb"GET ((?:" + _NAME + rb")+) HTTP/1\.1")

PLAIN = (
    re.compile(rb"(?i:host): [0-9A-Za-z.\-]+(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}))?"),
    re.compile(rb"(?i:accept-encoding): [0-9A-Za-z,;=.* \-]*"),
    re.compile(rb"(?i:connection): (?i:keep-alive)"),
)
"""Host, which must stand once; what matters for a file with compressed forms alone; what HTTP/1.1 is without it."""
_HOST = 0


def brief(origin: Origin, request: bytes, now_s: float, turn_s: float | None = None) -> Made | None:
    """The answer to these bytes, one request, where both they and the site are plain and the file is small.

    `turn_s` names a turn of the server's loop, in which a folder is looked at once.
    """
    if not origin.is_plain:
        return None
    start_line, *fields = request[:-4].split(b"\r\n")
    found = _START_LINE.fullmatch(start_line)
    kinds = [_kind(line) for line in fields]
    if found is None or kinds.count(_HOST) != 1 or None in kinds:
        return None
    path = Path(tuple(found[1][1:].decode("ascii").split("/")))
    resource = origin.site.find(path, turn_s=turn_s)
    if not isinstance(resource, Resource):
        return None
    if resource.codings or not isinstance(resource.content, Memory):
        resource.content.close()
        return None
    head = messages.build(Response(200, headers=headers(serving.fields(resource, now_s=now_s))))
    if (place := resource.place) is None or not is_settled(place, now_s):
        return Made(head, resource.content.data, None)
    return Made(head, resource.content.data, partial(origin.site.is_current, place))


@lru_cache(256)
def _kind(line: bytes) -> int | None:
    """Which of PLAIN a field line is."""
    return next((at for at, pattern in enumerate(PLAIN) if pattern.fullmatch(line)), None)
