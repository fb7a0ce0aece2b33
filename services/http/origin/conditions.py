"""Conditional requests: whether the client's condition on a resource's version holds.  RFC 9110 §13.

Pure: a request and the validators of what it would act on in, an `Unmet` or None out.  `evaluate`
is the order of §13.2.2.  Its last step, `If-Range`, is decided with the range (`ranges.choose`).
Whoever calls has found that the request would succeed without its conditions (§13.2.1).
"""

import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Headers, Request

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_SEPARATORS = re.compile(r"[ \t,]*")


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells versions of a representation apart: `etag` as in its field, and the moment of the last change."""

    etag: str | None = None
    modified_s: int | None = None


@dataclass(frozen=True, slots=True)
class Unmet:
    """The condition does not hold: 304 (Not Modified) or 412 (Precondition Failed), and by which rule."""

    status: int
    why: Reason


@dataclass(frozen=True, slots=True)
class EntityTag:
    """A version's name: `opaque` with its quotes; weak ones may stand for equivalent bytes (RFC 9110 §8.8.3)."""

    opaque: str
    is_weak: bool = False


def evaluate(request: Request, current: Validators | None, *, now_s: float) -> Unmet | None:
    """Which condition of the request fails, by the order of RFC 9110 §13.2.2; None: it may be carried out.

    `current` is the selected representation; None where there is none.  `now_s`: see `dates.parse`.
    """
    if request.method in ("CONNECT", "OPTIONS", "TRACE"):  # no representation is selected: §13.2.1
        return None
    unmet = _before_the_change(request.headers, current, now_s)
    if unmet is not None:
        return unmet
    is_reading = request.method in ("GET", "HEAD")
    if request.headers.get("If-None-Match") is not None:
        return _if_none_match(request.headers, current, is_reading=is_reading)
    return _if_modified_since(request.headers, current, now_s) if is_reading else None


def parse_tags(text: str) -> tuple[EntityTag, ...] | None:
    """``"a", W/"b"`` → two tags; None for what is no list of entity tags.  A tag may hold commas."""
    tags: list[EntityTag] = []
    at = _end_of_separators(text, 0)
    while at < len(text):
        found = _TAG.match(text, at)
        if found is None:
            return None
        tags.append(EntityTag(found[2], found[1] is not None))
        at = _end_of_separators(text, found.end())
        if at < len(text) and "," not in text[found.end() : at]:
            return None
    return tuple(tags) or None


def _end_of_separators(text: str, at: int) -> int:
    found = _SEPARATORS.match(text, at)
    assert found is not None
    return found.end()


def _before_the_change(fields: Headers, current: Validators | None, now_s: float) -> Unmet | None:
    """Steps 1 and 2: the client wants to act on the version it knows, and no other (lost updates)."""
    wanted = fields.get("If-Match")
    if wanted is not None:
        if _matches(wanted, current, is_strong=True):
            return None
        etag = "none" if current is None else current.etag
        return Unmet(412, Reason("RFC 9110 §13.1.1", "no version that If-Match names", wanted=wanted, etag=etag))
    since_s = _moment(fields, "If-Unmodified-Since", now_s)
    if since_s is None or current is None or current.modified_s is None or current.modified_s <= since_s:
        return None
    return Unmet(412, Reason("RFC 9110 §13.1.4", "modified since that moment", modified_s=current.modified_s))


def _if_none_match(fields: Headers, current: Validators | None, *, is_reading: bool) -> Unmet | None:
    """Step 3.  A match means: the client has it (304), or what it would create exists (412)."""
    text = fields.get("If-None-Match") or ""
    if current is None or not _matches(text, current, is_strong=False):
        return None
    if is_reading:
        return Unmet(304, Reason("RFC 9110 §13.1.2", "the client has this version", etag=current.etag))
    return Unmet(412, Reason("RFC 9110 §13.1.2", "there is such a version already", etag=current.etag))


def _if_modified_since(fields: Headers, current: Validators | None, now_s: float) -> Unmet | None:
    """Step 4."""
    since_s = _moment(fields, "If-Modified-Since", now_s)
    if since_s is None or current is None or current.modified_s is None or current.modified_s > since_s:
        return None
    return Unmet(304, Reason("RFC 9110 §13.1.3", "not modified since the client's copy", modified_s=current.modified_s))


def _matches(text: str, current: Validators | None, *, is_strong: bool) -> bool:
    """Whether a list of tags, or ``*``, names this version.  A list that can't be read names none.

    Strong comparison (If-Match): equal, and neither is weak; weak (If-None-Match): equal (§8.8.3.2).
    """
    if current is None:
        return False
    if text.strip() == "*":
        return True
    [ours] = parse_tags(current.etag or "") or (None,)
    if ours is None or (is_strong and ours.is_weak):
        return False
    return any(tag.opaque == ours.opaque and not (is_strong and tag.is_weak) for tag in parse_tags(text) or ())


def _moment(fields: Headers, name: str, now_s: float) -> int | None:
    """Seconds since 1970; None for no field, for several, and for what is no date: those are ignored."""
    said = fields.get(name)
    return None if said is None else dates.parse(said, now_s=now_s)
