"""`Cache-Status`: how a cache handled a request, in one field.  RFC 9211.

Pure.  Each cache on the way appends its own member, so that the last one is the client's nearest.
"""

import enum
import re
from dataclasses import dataclass

from lan.services.http.protocol.messages import Response

FIELD = "Cache-Status"
_TOKEN = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")


class Forwarded(enum.StrEnum):
    """Why the request went on towards the origin, RFC 9211 §2.2."""

    BYPASS = "bypass"
    METHOD = "method"
    URI_MISS = "uri-miss"
    VARY_MISS = "vary-miss"
    REQUEST = "request"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """One member: a hit, or why not.  `ttl_s` is the freshness that is left, below 0 when stale."""

    cache: str
    hit: bool = False
    forwarded: Forwarded | None = None
    forwarded_status: int | None = None
    ttl_s: int | None = None
    stored: bool = False
    collapsed: bool = False
    detail: str | None = None

    def build(self) -> str:
        """``lan; fwd=uri-miss; fwd-status=200; stored``."""
        parts = [_item(self.cache)]
        if self.hit:
            parts.append("hit")
        elif self.forwarded is not None:
            parts.append(f"fwd={self.forwarded}")
        if self.forwarded_status is not None:
            parts.append(f"fwd-status={self.forwarded_status}")
        if self.ttl_s is not None:
            parts.append(f"ttl={self.ttl_s}")
        parts += [word for word, is_so in (("stored", self.stored), ("collapsed", self.collapsed)) if is_so]
        if self.detail is not None:
            parts.append(f"detail={_item(self.detail)}")
        return "; ".join(parts)

    def on(self, response: Response) -> Response:
        """The response with this member after those of caches nearer to the origin."""
        before = response.headers.get(FIELD)
        return response.with_field(FIELD, f"{before}, {self.build()}" if before else self.build())


def _item(text: str) -> str:
    """A token where it is one, else a string; what a string can't hold becomes a question mark (RFC 8941 §3.3.3)."""
    if _TOKEN.fullmatch(text):
        return text
    plain = "".join(letter if " " <= letter <= "~" else "?" for letter in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
