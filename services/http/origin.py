"""An origin server: which answer a request gets, and why.  RFC 9110.

Pure: a request and the time come in, an answer comes out.  What lies under a path is asked of a
`Site` (`site.py` looks into a folder); connections and their closing belong to `connection.py`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote_to_bytes

from lan.reasons import Reason
from lan.services.http import dates
from lan.services.http.answer import Answer, Content, Memory, plain, standard
from lan.services.http.messages import Headers, Request, Response, headers

__all__ = ["Answer", "Content", "Memory", "Nothing", "Origin", "Resource", "path_segments", "plain"]

ALLOWED = "GET, HEAD, OPTIONS"
KNOWN_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"))

CONTENT_TYPES = {
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "gif": "image/gif",
    "htm": "text/html; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "md": "text/markdown; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "wasm": "application/wasm",
    "webp": "image/webp",
    "woff2": "font/woff2",
    "xml": "application/xml",
}
"""By the file name's ending; anything else is application/octet-stream."""

_AUTHORITY = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")  # of the absolute form, RFC 9112 §3.2.2


@dataclass(frozen=True, slots=True)
class Resource:
    """A file that lies under a path."""

    name: str
    size_bytes: int
    modified_s: int
    tag: str  # without quotes; another tag means other bytes (RFC 9110 §8.8.3)
    content: Content


@dataclass(frozen=True, slots=True)
class Folder:
    """The path names a folder, and so should end in a slash."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No file to give: 404 or 403, and why."""

    status: int
    why: Reason


class Site(Protocol):
    """What lies under the paths of one site."""

    def find(self, segments: tuple[str, ...], *, is_folder: bool) -> Resource | Folder | Nothing:
        """The file under these segments; `is_folder`: the path ended in a slash, so its index is wanted."""


class Origin:
    """Answers the requests for one site."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def answer(self, request: Request, *, now_s: float) -> Answer:
        """The answer to one request."""
        handler = METHODS.get(request.method)
        answer = refuse_method(request, now_s=now_s) if handler is None else handler(self, request, now_s)
        if request.method != "HEAD" or answer.content is None:
            return answer
        return answer.without_content(Reason("RFC 9110 §9.3.2", f"HEAD: the head alone of {answer.why.text}"))

    def _get(self, request: Request, now_s: float) -> Answer:
        segments = path_segments(request.target)
        if isinstance(segments, Nothing):
            return plain(segments.status, segments.why, now_s=now_s)
        path, is_folder = segments
        found = self.site.find(path, is_folder=is_folder)
        if isinstance(found, Folder):
            location = "".join(f"/{quote(segment, errors='surrogateescape')}" for segment in path) + "/"
            why = Reason("RFC 9110 §15.4.2", "a folder's path ends in a slash", location=location)
            return plain(301, why, now_s=now_s, more=[("Location", location)])
        if isinstance(found, Nothing):
            return plain(found.status, found.why, now_s=now_s)
        return serve(request, found, now_s=now_s)

    def _options(self, request: Request, now_s: float) -> Answer:
        why = Reason("RFC 9110 §9.3.7", "what this server can do")
        fields = headers([*standard(now_s), ("Allow", ALLOWED)])
        return Answer(Response(204, headers=fields), None, why)


METHODS: dict[str, Callable[[Origin, Request, float], Answer]] = {
    "GET": Origin._get,
    "HEAD": Origin._get,
    "OPTIONS": Origin._options,
}


def serve(request: Request, resource: Resource, *, now_s: float) -> Answer:
    """200 with the file, or 304 where the client's copy is good."""
    validators = [("Last-Modified", dates.build(min(resource.modified_s, now_s))), ("ETag", f'"{resource.tag}"')]
    unchanged = not_modified(request.headers, resource)
    if unchanged is not None:
        resource.content.close()
        return Answer(Response(304, headers=headers([*standard(now_s), *validators])), None, unchanged)
    described = [("Content-Type", content_type(resource.name)), ("Content-Length", str(resource.size_bytes))]
    response = Response(200, headers=headers([*standard(now_s), *described, *validators]))
    return Answer(response, resource.content, Reason("RFC 9110 §9.3.1", "the file", file=resource.name))


def not_modified(fields: Headers, resource: Resource) -> Reason | None:
    """Why the client's copy is still good, or None.  If-None-Match beats If-Modified-Since (RFC 9110 §13.2.2)."""
    tags = fields.get("If-None-Match")
    if tags is not None:
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        if f'"{resource.tag}"' in known or tags.strip() == "*":
            return Reason("RFC 9110 §13.1.2", "the client has this version", etag=resource.tag)
        return None
    since_s = dates.parse(fields.get("If-Modified-Since") or "")
    if since_s is not None and resource.modified_s <= since_s:
        return Reason("RFC 9110 §13.1.3", "not modified since the client's copy", modified_s=resource.modified_s)
    return None


def path_segments(target: str) -> tuple[tuple[str, ...], bool] | Nothing:
    """A request target → (segments, whether it ends in a slash); the folder above the root has no name here."""
    path = re.split("[?#]", _AUTHORITY.sub("", target), maxsplit=1)[0]
    if path and not path.startswith("/"):
        return Nothing(400, Reason("RFC 9112 §3.2", "the target is no path", target=target))
    segments: list[str] = []
    for piece in path.split("/"):
        segment = unquote_to_bytes(piece)
        if b"/" in segment or b"\0" in segment:
            return Nothing(400, Reason("RFC 3986 §7.3", "a name holds a slash or NUL", target=target))
        if segment == b"..":
            return Nothing(403, Reason("RFC 3986 §5.2.4", "the path leads upwards", target=target))
        if segment not in (b"", b"."):
            segments.append(segment.decode("utf-8", "surrogateescape"))
    return tuple(segments), path.endswith(("/", "/.")) or not segments


def content_type(name: str) -> str:
    """The media type by the file name's ending."""
    return CONTENT_TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def refuse_method(request: Request, *, now_s: float) -> Answer:
    """405 for a method that HTTP knows, 501 for one that nobody knows."""
    if request.method in KNOWN_METHODS:
        why = Reason("RFC 9110 §15.5.6", "this server gives files away and takes none", method=request.method)
        return plain(405, why, now_s=now_s, more=[("Allow", ALLOWED)])
    return plain(501, Reason("RFC 9110 §15.6.2", "unknown method", method=request.method), now_s=now_s)
