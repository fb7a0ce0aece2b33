"""Asking the origin whether a stored response is still good, and answering clients who ask us.  RFC 9111 §4.3.

Pure.  `ask` puts the conditions into a request; `identify` tells which stored responses a 304 is
about, `updated` renews one; `answers` tells whether the client's own copy is good.
"""

from collections.abc import Sequence
from dataclasses import replace

from lan.reasons import Reason
from lan.services.http.cache import selection, storing
from lan.services.http.cache.entry import Entry, read_date
from lan.services.http.cache.settings import Settings
from lan.services.http.origin import conditions
from lan.services.http.origin.conditions import Validators
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Headers, Request, Response

FOR_THE_ORIGIN = ("If-Match", "If-Unmodified-Since")
"""Conditions that a cache must not judge (§4.3.2)."""

_NOT_UPDATED = frozenset(("content-length", "content-range"))


def tags(text: str | None) -> tuple[str, ...]:
    """The entity tags of a list as they are written; () for what is no such list (RFC 9110 §8.8.3)."""
    return tuple(f"{'W/' if tag.is_weak else ''}{tag.opaque}" for tag in conditions.parse_tags(text or "") or ())


def same_weakly(one: str, other: str) -> bool:
    """The weak comparison, RFC 9110 §8.8.3.2."""
    return one.removeprefix("W/") == other.removeprefix("W/")


def ask(request: Request, entries: Sequence[Entry]) -> tuple[Request, tuple[Entry, ...]]:
    """The request with conditions on the stored responses, and those that it asks about (§4.3.1).

    The client's own entity tags stay in the list; where it has a list that ours can't join, it goes
    on as it is and asks about none of ours.
    """
    ours = tuple(entry for entry in entries if entry.has_validator)
    etags = [entry.etag for entry in ours if entry.etag is not None]
    theirs = request.headers.get("If-None-Match")
    if not ours or (theirs is not None and not (etags and tags(theirs))):
        return request, ()
    fields = request.headers
    if etags:
        known = tags(theirs)
        union = [*known, *dict.fromkeys(tag for tag in etags if tag not in known)]
        fields = fields.with_field("If-None-Match", ", ".join(union))
    fields = without(fields, {"if-modified-since"})
    modified_s = ours[0].modified_s if len(ours) == 1 else None
    if modified_s is not None and fields.get("Range") is None:
        fields = fields.with_field("If-Modified-Since", dates.build(modified_s))
    asked = tuple(entry for entry in ours if entry.etag is not None) if etags else ours[:1]
    is_conditional = etags or fields.get("If-Modified-Since") is not None
    return (replace(request, headers=fields), asked) if is_conditional else (request, ())


def without(fields: Headers, names: set[str] | frozenset[str]) -> Headers:
    """These fields without those of the names, which are in lower case."""
    return Headers(tuple(pair for pair in fields.items if pair[0].lower() not in names))


def identify(entries: Sequence[Entry], response: Response, *, asked: Sequence[Entry], now_s: float) -> list[Entry]:
    """The stored responses that a 304 updates, best first (§4.3.4).

    `entries` could have been chosen for the request, best first; `asked` are those whose validators
    were sent and are all that the 304 can be about: () where the client had conditions of its own.
    """
    etag, modified_s = response.headers.get("ETag"), read_date(response.headers.get("Last-Modified"), now_s=now_s)
    if etag is not None and not etag.startswith("W/"):
        return [entry for entry in entries if entry.etag == etag]
    if etag is not None:
        return [entry for entry in entries if entry.etag is not None and same_weakly(entry.etag, etag)][:1]
    if modified_s is not None:
        found = [entry for entry in entries if entry.modified_s == modified_s][:1]
        return found or list(asked if len(asked) == 1 and asked[0].modified_s is None else ())
    return list(asked if len(asked) == 1 else ())


def updated(
    request: Request, entry: Entry, response: Response, settings: Settings, *, requested_s: float, received_s: float
) -> Entry:
    """The entry with the fields of a newer response to this request: each of its names replaces the old (§3.2).

    Content-Length and Content-Range speak of that response's own bytes and are left out, as are the
    fields that are never stored.  What the answer varies on may be new, too.
    """
    new = tuple(pair for pair in response.headers.items if pair[0].lower() not in _NOT_UPDATED)
    names = {name.lower() for name, _ in new} | {"age"}  # the old response's way here is past
    kept = tuple(pair for pair in entry.response.headers.items if pair[0].lower() not in names)
    if "date" not in names:
        kept = (*(pair for pair in kept if pair[0].lower() != "date"), ("Date", dates.build(received_s)))
    merged = replace(entry.response, headers=Headers((*kept, *new)))
    head = storing.stored_form(merged, settings, received_s=received_s)
    variant = selection.variant(request, head)
    entry = replace(entry, response=head, variant=variant, is_invalid=False)
    return replace(entry, requested_s=requested_s, received_s=received_s)


def same_representation(entry: Entry, head: Response) -> bool:
    """Does the answer to a HEAD describe the stored body (§4.3.5)?"""
    fields = head.headers
    etag, modified, length = (fields.get(name) for name in ("ETag", "Last-Modified", "Content-Length"))
    return (
        (etag is None or etag == entry.etag)
        and (modified is None or read_date(modified, now_s=entry.received_s) == entry.modified_s)
        and (length is None or length == str(entry.size_bytes))
    )


def answers(request: Request, entry: Entry) -> Reason | None:
    """Why the client's copy is the stored response, so that 304 will do; None: send it (§4.3.2).

    If-None-Match beats If-Modified-Since (RFC 9110 §13.2.2); both speak of a 200 alone.
    """
    if entry.response.status != 200:
        return None
    changed_s = int(entry.date_s) if entry.modified_s is None else entry.modified_s
    unmet = conditions.evaluate(request, Validators(entry.etag, changed_s), now_s=entry.received_s)
    return unmet.why if unmet is not None and unmet.status == 304 else None


def not_modified(response: Response) -> Response:
    """The 304 for a stored 200: the fields that RFC 9110 §15.4.5 wants, none that describe the body."""
    fields = without(response.headers, {"content-length", "content-type", "content-encoding", "content-language"})
    if fields.get("ETag") is not None:
        fields = without(fields, {"last-modified"})
    return replace(response, status=304, phrase="Not Modified", headers=fields)
