"""May a stored response be used as it is, and if not, why?  RFC 9111 §4, §5.2; RFC 5861; RFC 8246.

Pure.  `judge` is asked for each request, `on_error` when the origin failed to answer.
"""

import enum
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.cache import cache_control, storing
from lan.services.http.cache.cache_control import Directives
from lan.services.http.cache.entry import Entry
from lan.services.http.cache.freshness import Lifetime, lifetime
from lan.services.http.cache.settings import Settings
from lan.services.http.protocol.messages import Request

ERRORS = frozenset((500, 502, 503, 504))
"""What stale-if-error takes for an error, RFC 5861 §4."""


class Use(enum.Enum):
    """What may be done with a stored response."""

    FRESH = "fresh"
    STALE = "stale, and allowed"
    REFRESH = "stale, served while it is validated"
    VALIDATE = "to be validated first"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`remaining_s` of freshness, below 0 when stale.  `by_request`: the client's wish alone decided."""

    use: Use
    why: Reason
    age_s: float
    remaining_s: float
    by_request: bool = False

    @property
    def ttl_s(self) -> int:
        """What is left, in whole seconds that change when the age does."""
        return int(round(self.age_s + self.remaining_s, 3)) - int(self.age_s)


def wishes(request: Request) -> Directives:
    """The request's directives; ``Pragma: no-cache`` counts where there is no `Cache-Control` (§5.4; book 7.9)."""
    text = request.headers.get("Cache-Control")
    if text is None and "no-cache" in request.headers.listed("Pragma"):
        text = "no-cache"
    return cache_control.parse(text)


def judge(entry: Entry, wanted: Directives, settings: Settings, *, now_s: float) -> Judgement:
    """May this entry answer a request with these wishes now?"""
    life = lifetime(entry, settings)
    age_s = entry.current_age_s(now_s)
    remaining_s = life.seconds - age_s

    def validate(why: Reason, *, by_request: bool = False) -> Judgement:
        return Judgement(Use.VALIDATE, why, age_s, remaining_s, by_request)

    if entry.is_invalid:
        return validate(Reason("RFC 9111 §4.3.5", "something newer was seen, so it counts as stale"))
    if now_s < entry.received_s:
        return validate(Reason("RFC 9111 §4", "the clock went back, so its age is not known"))
    if storing.is_about_the_whole(entry.directives, "no-cache"):
        return validate(Reason("RFC 9111 §5.2.2.4", "the response says no-cache"))
    if wanted.restricts("no-cache"):
        return validate(Reason("RFC 9111 §5.2.1.4", "the request says no-cache"), by_request=True)
    unwanted = _unwanted(entry, wanted, age_s, remaining_s)
    if unwanted is not None:
        return validate(unwanted, by_request=remaining_s > 0)
    if remaining_s > 0:
        return Judgement(Use.FRESH, _fresh(life, age_s), age_s, remaining_s)
    forbidden = never_stale(entry, settings)
    if forbidden is not None:
        return validate(forbidden)
    return _stale(entry, wanted, age_s, remaining_s)


def _fresh(life: Lifetime, age_s: float) -> Reason:
    return Reason("RFC 9111 §4.2", f"fresh by {life.why.text}", lifetime_s=round(life.seconds), age_s=int(age_s))


def _unwanted(entry: Entry, wanted: Directives, age_s: float, remaining_s: float) -> Reason | None:
    """What the client asks beyond freshness: max-age and min-fresh, §5.2.1.1 and §5.2.1.3."""
    max_age_s = wanted.age_s("max-age")
    if max_age_s is not None and age_s > max_age_s:
        if max_age_s == 0 and remaining_s > 0 and entry.directives.permits("immutable"):
            return None  # a reload, not a forced one: RFC 8246 §2
        return Reason("RFC 9111 §5.2.1.1", "older than the request's max-age", age_s=int(age_s), max_age_s=max_age_s)
    fresh_for_s = wanted.wants_fresh_for_s()
    if fresh_for_s is not None and remaining_s < fresh_for_s:
        return Reason("RFC 9111 §5.2.1.3", "not fresh for as long as min-fresh wants", min_fresh_s=fresh_for_s)
    return None


def _stale(entry: Entry, wanted: Directives, age_s: float, remaining_s: float) -> Judgement:
    max_stale_s = wanted.max_stale_s()
    if max_stale_s is not None and -remaining_s <= max_stale_s:
        why = Reason("RFC 9111 §5.2.1.2", "stale, and the request's max-stale allows it", stale_s=int(-remaining_s))
        return Judgement(Use.STALE, why, age_s, remaining_s)
    revalidate_s = entry.directives.grace_s("stale-while-revalidate")
    if revalidate_s is not None and -remaining_s <= revalidate_s and wanted.age_s("max-age") is None:
        why = Reason("RFC 5861 §3", "stale-while-revalidate: served now, validated meanwhile", seconds=revalidate_s)
        return Judgement(Use.REFRESH, why, age_s, remaining_s)
    why = Reason("RFC 9111 §4.2.4", "stale, and nobody allowed that", stale_s=int(-remaining_s))
    return Judgement(Use.VALIDATE, why, age_s, remaining_s)


def never_stale(entry: Entry, settings: Settings) -> Reason | None:
    """The directive that forbids to use this response when it is stale, whatever else allows it (§4.2.4)."""
    directives = entry.directives
    if storing.is_about_the_whole(directives, "no-cache"):
        return Reason("RFC 9111 §5.2.2.4", "no-cache: not without validation")
    if directives.restricts("must-revalidate"):
        return Reason("RFC 9111 §5.2.2.2", "must-revalidate: not when stale")
    if settings.is_shared and directives.restricts("proxy-revalidate"):
        return Reason("RFC 9111 §5.2.2.8", "proxy-revalidate: not when stale, in a shared cache")
    if settings.is_shared and directives.restricts("s-maxage"):
        return Reason("RFC 9111 §5.2.2.10", "s-maxage: not when stale, in a shared cache")
    return None


def on_error(
    entry: Entry, wanted: Directives, settings: Settings, *, now_s: float, status: int | None
) -> tuple[bool, Reason]:
    """May this entry answer although the origin did not?  `status`: the error it gave, None: none came at all.

    The reason tells why it may, or why it may not.
    """
    judgement = judge(entry, wanted, settings, now_s=now_s)
    stale_s = -judgement.remaining_s
    if entry.is_invalid or now_s < entry.received_s or wanted.restricts("no-cache"):
        return False, judgement.why
    forbidden = never_stale(entry, settings)
    if forbidden is not None and (stale_s >= 0 or storing.is_about_the_whole(entry.directives, "no-cache")):
        return False, forbidden
    if judgement.use is not Use.VALIDATE:
        return True, judgement.why
    graces_s = [side.grace_s("stale-if-error") for side in (entry.directives, wanted)]
    grace_s = max((seconds for seconds in graces_s if seconds is not None), default=None)
    if grace_s is not None and stale_s <= grace_s and (status is None or status in ERRORS):
        return True, Reason("RFC 5861 §4", "stale-if-error", seconds=grace_s, stale_s=int(stale_s))
    if wanted.age_s("max-age") is not None:
        return False, Reason("RFC 9111 §5.2.1.1", "the request's max-age wants nothing stale")
    if status is None and settings.stale_when_disconnected:
        return True, Reason("RFC 9111 §4.2.4", "stale, but the origin can't be reached", stale_s=int(stale_s))
    return False, Reason("RFC 9111 §4.2.4", "stale, and nobody allowed that", stale_s=int(stale_s))
