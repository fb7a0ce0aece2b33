"""Byte ranges: which parts of a representation a client asks for, and how they are sent.  RFC 9110 §14.

Pure, and the same for an origin server and a cache: `choose` reads `Range` and `If-Range`, `apply`
makes of the whole answer's head the head of the part, and says which bytes follow it.  Whoever calls
has looked at the other conditions first (RFC 9110 §13.2.2): a 304 or 412 has no range.
"""

import hashlib
import re
from dataclasses import dataclass, replace

from lan.reasons import Reason
from lan.services.http.protocol import dates
from lan.services.http.protocol.messages import Headers, Request, Response

MAX_RANGES = 100
"""More ranges than this in one request are an attack on the sender, not a wish (RFC 9110 §17.15)."""

MAX_OVERLAPS = 2
"""Ranges that overlap another: RFC 9110 §14.2 lets a server ignore a request with more than two."""

GAP_BYTES = 80
"""Two ranges nearer than this become one: a part's own head would cost more (RFC 9110 §15.3.7.2)."""

_FAR = 10**18  # any longer number: past the end of every representation
_SET = re.compile(r"(?P<unit>[!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?P<specs>.*)", re.DOTALL)
_SPEC = re.compile(r"(?P<first>[0-9]*)-(?P<last>[0-9]*)")
_CONTENT_RANGE = re.compile(r"bytes +(?:(?P<first>[0-9]+)-(?P<last>[0-9]+)|\*)/(?:(?P<size>[0-9]+)|\*)", re.IGNORECASE)

_OF_THE_WHOLE = frozenset(("content-length", "content-type", "content-range", "transfer-encoding"))
_OF_A_REPRESENTATION = frozenset(
    ("etag", "last-modified", "content-encoding", "content-language", "content-location", "expires", "cache-control")
) | frozenset(("age", "vary", "content-disposition"))


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """One wish as it was written: ``500-999``, ``500-`` (`last` None) or ``-500`` (`first` None: the last 500)."""

    first: int | None
    last: int | None

    def span(self, size_bytes: int) -> "Span | None":
        """The bytes it means in a representation of this size; None where it lies past the end."""
        if self.first is None:
            count = min(self.last or 0, size_bytes)
            return Span(size_bytes - count, size_bytes - 1) if count else None
        if self.first >= size_bytes:
            return None
        return Span(self.first, size_bytes - 1 if self.last is None else min(self.last, size_bytes - 1))


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes `first` to `last` of a representation, both included, counted from 0."""

    first: int
    last: int

    @property
    def length_bytes(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What `Content-Range` says: which bytes came (None: none, as in a 416) of how many (None: not told)."""

    span: Span | None
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Representation:
    """What a range is chosen from.  `etag` as in the field, with quotes and ``W/``; moments since 1970.

    `date_s` is when the sender made the answer (an origin: now; a cache: the stored `Date`).  It tells
    whether `modified_s` is old enough to be a strong validator (RFC 9110 §8.8.2.2).
    """

    size_bytes: int
    etag: str | None = None
    modified_s: int | None = None
    date_s: float | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer stays as it is: no range was asked for, or it is to be ignored."""

    why: Reason


@dataclass(frozen=True, slots=True)
class Partial:
    """206 with these spans, in the order they were asked for; never empty."""

    spans: tuple[Span, ...]
    size_bytes: int
    why: Reason


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: no wish lies in the representation."""

    size_bytes: int
    why: Reason


Choice = Whole | Partial | Unsatisfiable


@dataclass(frozen=True, slots=True)
class Selected:
    """A head and what follows it: bytes as they are, and spans to be read from the representation."""

    response: Response
    pieces: tuple[bytes | Span, ...]
    why: Reason


def parse(text: str) -> tuple[RangeSpec, ...] | None:
    """The wishes of a `Range` field, such as ``bytes=0-499, -500``; None for another unit or bad syntax."""
    found = _SET.fullmatch(text.strip())
    if found is None or found["unit"].lower() != "bytes":
        return None
    elements = [element.strip(" \t") for element in found["specs"].split(",")]
    specs = [_spec(element) for element in elements if element]
    known = tuple(spec for spec in specs if spec is not None)
    return known if known and len(known) == len(specs) else None


def _spec(text: str) -> RangeSpec | None:
    found = _SPEC.fullmatch(text)
    if found is None or text == "-":
        return None
    first, last = _number(found["first"]), _number(found["last"])
    if first is not None and last is not None and last < first:
        return None
    return RangeSpec(first, last)


def _number(digits: str) -> int | None:
    """Bounded, for a number of a million digits costs a second to read."""
    if not digits:
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= 18 else _FAR


def parse_content_range(text: str) -> ContentRange | None:
    """What a `Content-Range` field says; None for what is none, or contradicts itself."""
    found = _CONTENT_RANGE.fullmatch(text.strip())
    if found is None:
        return None
    first, last, size = (_number(found[name] or "") for name in ("first", "last", "size"))
    if first is None or last is None:
        return None if size is None else ContentRange(None, size)
    if last < first or (size is not None and last >= size):
        return None
    return ContentRange(Span(first, last), size)


def content_range(span: Span, size_bytes: int) -> str:
    """``bytes 0-499/1234``."""
    return f"bytes {span.first}-{span.last}/{size_bytes}"


def choose(request: Request, representation: Representation) -> Choice:
    """Which part of the representation answers this request, and by which rule."""
    text = request.headers.get("Range")
    if text is None:
        return Whole(Reason("RFC 9110 §14.2", "no range asked for"))
    if request.method != "GET":
        return Whole(Reason("RFC 9110 §14.2", "Range has a meaning for GET alone", method=request.method))
    wrong = _if_range_fails(request.headers.get("If-Range"), representation)
    if wrong is not None:
        return Whole(wrong)
    specs = parse(text)
    if specs is None:
        return Whole(Reason("RFC 9110 §14.2", "Range names no byte ranges that can be read, so it is ignored"))
    if len(specs) > MAX_RANGES:
        return Whole(Reason("RFC 9110 §17.15", "too many ranges", ranges=len(specs), most=MAX_RANGES))
    return _satisfy(specs, representation.size_bytes)


def _satisfy(specs: tuple[RangeSpec, ...], size_bytes: int) -> Choice:
    if size_bytes == 0 and any(spec.first is None and spec.last for spec in specs):
        return Whole(Reason("RFC 9110 §14.1.2", "the last bytes of an empty representation are all of it"))
    spans = [span for spec in specs if (span := spec.span(size_bytes)) is not None]
    if not spans:
        return Unsatisfiable(size_bytes, Reason("RFC 9110 §15.5.17", "no range lies within", size_bytes=size_bytes))
    if _overlaps(spans) > MAX_OVERLAPS:
        return Whole(Reason("RFC 9110 §14.2", "more than two ranges overlap", ranges=len(spans)))
    return Partial(_coalesced(spans), size_bytes, Reason("RFC 9110 §15.3.7", "the ranges asked for", size=size_bytes))


def _overlaps(spans: list[Span]) -> int:
    """How many ranges begin within one that begins before them."""
    count, reach = 0, -1
    for span in sorted(spans):
        count += span.first <= reach
        reach = max(reach, span.last)
    return count


def _coalesced(spans: list[Span]) -> tuple[Span, ...]:
    """Overlapping and near ranges as one each, in the order in which their first wish stood."""
    merged: list[tuple[int, Span]] = []
    for span, place in sorted((span, place) for place, span in enumerate(spans)):
        if merged and span.first - merged[-1][1].last <= GAP_BYTES:
            before, last = merged[-1]
            merged[-1] = (min(before, place), Span(last.first, max(last.last, span.last)))
        else:
            merged.append((place, span))
    return tuple(span for _, span in sorted(merged))


def _if_range_fails(condition: str | None, representation: Representation) -> Reason | None:
    """Why `If-Range` forbids a part, or None.  RFC 9110 §13.1.5: an exact, strong match or the whole."""
    if condition is None:
        return None
    if condition.startswith(('"', "W/")):
        if condition.startswith("W/") or condition != representation.etag:
            return Reason("RFC 9110 §13.1.5", "If-Range names another version, or is weak", etag=representation.etag)
        return None
    date_s, modified_s = representation.date_s, representation.modified_s
    since_s = None if modified_s is None else dates.parse(condition, now_s=modified_s if date_s is None else date_s)
    if since_s is None or since_s != modified_s:
        return Reason("RFC 9110 §13.1.5", "If-Range is not the date of the last change")
    if date_s is None or date_s - modified_s < 1:
        return Reason("RFC 9110 §8.8.2.2", "a change in the same second could not be told: a weak date")
    return None


def apply(response: Response, choice: Choice, *, size_bytes: int, secret: bytes = b"") -> Selected:
    """The answer to send instead of this whole 200.

    `response` is the whole's head; its fields stay, those that speak of the whole's bytes change.
    `secret` goes into the boundary between parts, so that nobody can put it into the content
    (RFC 2046 §5.1.1); draw it once per process.
    """
    if isinstance(choice, Unsatisfiable):
        kept = _without(response.headers, _OF_THE_WHOLE | _OF_A_REPRESENTATION)
        fields = Headers((*kept, ("Content-Range", f"bytes */{choice.size_bytes}"), ("Content-Length", "0")))
        head = replace(response, status=416, phrase="Range Not Satisfiable", headers=fields)
        return Selected(head, (), choice.why)
    if isinstance(choice, Whole):
        return Selected(response, (Span(0, size_bytes - 1),) if size_bytes else (), choice.why)
    if len(choice.spans) > 1:
        return _multipart(response, choice, secret)
    span, media_type = choice.spans[0], response.headers.get("Content-Type")
    described = [("Content-Type", media_type)] if media_type is not None else []
    length = ("Content-Length", str(span.length_bytes))
    where = ("Content-Range", content_range(span, choice.size_bytes))
    return Selected(_partial(response, (*described, where, length)), (span,), choice.why)


def _multipart(response: Response, choice: Partial, secret: bytes) -> Selected:
    """multipart/byteranges, RFC 9110 §14.6: the range stands in each part, never in the head."""
    media_type = response.headers.get("Content-Type")
    named = "".join(f"{first}-{last};" for first, last in ((span.first, span.last) for span in choice.spans))
    boundary = hashlib.sha256(secret + named.encode() + (response.headers.get("ETag") or "").encode()).hexdigest()[:40]
    described = f"Content-Type: {media_type}\r\n" if media_type is not None else ""
    pieces: list[bytes | Span] = []
    for span in choice.spans:
        where = f"Content-Range: {content_range(span, choice.size_bytes)}"
        head = f"\r\n--{boundary}\r\n{described}{where}\r\n\r\n".encode("latin-1")
        pieces += [head if pieces else head.removeprefix(b"\r\n"), span]
    pieces.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(piece.length_bytes if isinstance(piece, Span) else len(piece) for piece in pieces)
    kind = ("Content-Type", f"multipart/byteranges; boundary={boundary}")
    return Selected(_partial(response, (kind, ("Content-Length", str(length)))), tuple(pieces), choice.why)


def _partial(response: Response, fields: tuple[tuple[str, str], ...]) -> Response:
    kept = _without(response.headers, _OF_THE_WHOLE)
    return replace(response, status=206, phrase="Partial Content", headers=Headers((*kept, *fields)))


def _without(fields: Headers, names: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in fields.items if name.lower() not in names)
