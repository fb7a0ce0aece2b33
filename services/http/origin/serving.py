"""The answer that gives a resource away: 200, 206, 304, 412 or 416, and the fields that say it.  RFC 9110 §8, §9.3.1.

Pure.  Files and what the applications keep in memory are served by this one function.
"""

from lan.reasons import Reason
from lan.services.http.origin import conditions
from lan.services.http.origin.answer import Answer, Content, Joined, Window, plain, standard
from lan.services.http.origin.conditions import Validators
from lan.services.http.origin.media_types import media_type
from lan.services.http.origin.resource import Resource
from lan.services.http.protocol import dates, ranges
from lan.services.http.protocol.messages import Request, Response, headers

Fields = list[tuple[str, str]]


def serve(
    request: Request,
    resource: Resource,
    *,
    now_s: float,
    more: Fields | None = None,
    secret: bytes = b"",
) -> Answer:
    """The resource, the part of it that is asked for, or why neither is sent.

    `more` are fields of the site, such as Cache-Control.  `secret` is for boundaries between parts.
    The content is in the answer, or closed.
    """
    modified_s, etag = _validators(resource, now_s)
    unmet = conditions.evaluate(request, Validators(etag, modified_s), now_s=now_s)
    if unmet is not None:
        resource.content.close()
        if unmet.status == 412:
            return plain(412, unmet.why, now_s=now_s)
        validators = [*_validating(resource, now_s), *(more or [])]
        return Answer(Response(304, headers=headers([*standard(now_s), *validators])), None, unmet.why)
    whole = Response(200, headers=headers([*fields(resource, now_s=now_s), *(more or [])]))
    if request.headers.get("Range") is None:
        return Answer(whole, resource.content, Reason("RFC 9110 §9.3.1", "the file", file=resource.name))
    representation = ranges.Representation(resource.size_bytes, etag, modified_s, now_s)
    return _part(whole, resource, ranges.choose(request, representation), secret)


def fields(resource: Resource, *, now_s: float) -> Fields:
    """The fields of a 200 with the whole of it."""
    return [*standard(now_s), *_described(resource), ("Accept-Ranges", "bytes"), *_validating(resource, now_s)]


def _validators(resource: Resource, now_s: float) -> tuple[int, str]:
    """Last-Modified, never later than Date (RFC 9110 §8.8.2.1), and the entity tag."""
    return min(resource.modified_s, int(now_s)), f'"{resource.tag}"'


def _validating(resource: Resource, now_s: float) -> Fields:
    modified_s, etag = _validators(resource, now_s)
    return [("Last-Modified", dates.build(modified_s)), ("ETag", etag), *_negotiated(resource)]


def _part(whole: Response, resource: Resource, choice: ranges.Choice, secret: bytes) -> Answer:
    if isinstance(choice, ranges.Whole):
        return Answer(whole, resource.content, choice.why)
    selected = ranges.apply(whole, choice, size_bytes=resource.size_bytes, secret=secret)
    if not selected.pieces:
        resource.content.close()
        return Answer(selected.response, None, selected.why)
    parts: list[bytes | tuple[int, int]] = [
        piece if isinstance(piece, bytes) else (piece.first, piece.length_bytes) for piece in selected.pieces
    ]
    content: Content = Joined(resource.content, parts)
    if len(parts) == 1 and not isinstance(parts[0], bytes):
        content = Window(resource.content, *parts[0])
    return Answer(selected.response, content, selected.why)


def _described(resource: Resource) -> Fields:
    kind = resource.media_type or media_type(resource.name)
    described = [("Content-Type", kind), ("Content-Length", str(resource.size_bytes))]
    if resource.coding is not None:
        described.append(("Content-Encoding", resource.coding))
    return described


def _negotiated(resource: Resource) -> Fields:
    """A cache must know that another client may get other bytes (RFC 9110 §12.5.5)."""
    return [("Vary", "Accept-Encoding")] if resource.codings or resource.coding else []
