"""How long a stored response is fresh.  RFC 9111 §4.2.

Pure.  `lifetime` tells which field decided; the age is the entry's own (`Entry.current_age_s`).
"""

from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.cache.entry import Entry, read_date
from lan.services.http.cache.settings import Settings

HEURISTICALLY_CACHEABLE = frozenset((200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501))
"""Status codes that may be kept without a lifetime of their own, RFC 9110 §15.1."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Seconds from the response's generation to its expiration, and who said so."""

    seconds: float
    why: Reason
    is_heuristic: bool = False


def lifetime(entry: Entry, settings: Settings) -> Lifetime:
    """The freshness lifetime by the first rule that applies (§4.2.1)."""
    directives, fields = entry.directives, entry.response.headers
    shared_s = directives.age_s("s-maxage") if settings.is_shared else None
    if shared_s is not None:
        return Lifetime(shared_s, Reason("RFC 9111 §5.2.2.10", "s-maxage", seconds=shared_s))
    max_age_s = directives.age_s("max-age")
    if max_age_s is not None:
        return Lifetime(max_age_s, Reason("RFC 9111 §5.2.2.1", "max-age", seconds=max_age_s))
    expires = fields.get("Expires")
    if expires is not None:
        moment_s = read_date(expires, now_s=entry.received_s)
        if moment_s is None:
            return Lifetime(0, Reason("RFC 9111 §5.3", "Expires is no date: already expired", value=expires))
        seconds = max(0.0, moment_s - entry.date_s)
        return Lifetime(seconds, Reason("RFC 9111 §5.3", "Expires less Date", seconds=round(seconds)))
    return _heuristic(entry, settings)


def _heuristic(entry: Entry, settings: Settings) -> Lifetime:
    """What has not changed for long will not change soon (§4.2.2; book 7.8.3)."""
    if entry.response.status not in HEURISTICALLY_CACHEABLE and not entry.directives.permits("public"):
        return Lifetime(0, Reason("RFC 9111 §4.2.2", "no guess for this status", status=entry.response.status))
    if entry.modified_s is None:
        return Lifetime(0, Reason("RFC 9111 §4.2.2", "no lifetime, and no Last-Modified to guess from"))
    seconds = (entry.date_s - entry.modified_s) * settings.heuristic_fraction
    seconds = min(max(0.0, seconds), settings.heuristic_most_s)
    text = f"{settings.heuristic_fraction:.0%} of the time since the last change"
    return Lifetime(seconds, Reason("RFC 9111 §4.2.2", text, seconds=round(seconds)), is_heuristic=True)
