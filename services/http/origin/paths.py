"""The path that a request target names, taken apart safely.  RFC 3986 §3.3, §5.2.4, §7.3; RFC 9112 §3.2.

Pure.  Each segment is decoded once, after the path is split: an encoded slash never makes a segment,
and no segment leads upwards.
"""

from dataclasses import dataclass
from urllib.parse import quote, unquote_plus, unquote_to_bytes

from lan.reasons import Reason
from lan.services.http.protocol.target import split_absolute


@dataclass(frozen=True, slots=True)
class Path:
    """``/img/a%20b/?q=1`` → segments ("img", "a b"), is_folder, query "q=1".  Bytes that are no UTF-8 are escaped."""

    segments: tuple[str, ...]
    is_folder: bool = False
    query: str = ""

    @property
    def text(self) -> str:
        """The decoded path, for settings and people: ``/img/a b/``."""
        return "/" + "/".join(self.segments) + ("/" if self.is_folder and self.segments else "")

    @property
    def url(self) -> str:
        """The path as it may stand in `Location`: quoted, with one slash at its front, so that it names no host."""
        quoted = "/".join(quote(segment, errors="surrogateescape") for segment in self.segments)
        return f"/{quoted}/" if self.is_folder and quoted else f"/{quoted}"

    def asked(self, name: str) -> str | None:
        """The first value of this name in the query."""
        for pair in self.query.split("&"):
            key, _, value = pair.partition("=")
            if unquote_plus(key) == name:
                return unquote_plus(value)
        return None


@dataclass(frozen=True, slots=True)
class NoPath:
    """A target that names no place here: 400, 403 or 421, and why."""

    status: int
    why: Reason


def parse(target: str) -> Path | NoPath:
    """A request target, a path or a URL → the path that it names."""
    absolute = None if target.startswith("/") else split_absolute(target)
    if absolute is not None and absolute[0] not in ("http", "https"):
        return NoPath(421, Reason("RFC 9110 §7.4, §15.5.20", "a scheme that is not served here", scheme=absolute[0]))
    rest, _, query = (absolute[2] if absolute else target).partition("#")[0].partition("?")
    if rest and not rest.startswith("/"):
        return NoPath(400, Reason("RFC 9112 §3.2", "the target is no path", target=target))
    segments: list[str] = []
    for piece in rest.split("/"):
        if piece.isalnum() and piece.isascii():  # says what it is
            segments.append(piece)
            continue
        segment = unquote_to_bytes(piece)
        if b"/" in segment or b"\0" in segment:
            return NoPath(400, Reason("RFC 3986 §7.3", "a name holds a slash or NUL", target=target))
        if segment == b"..":
            return NoPath(403, Reason("RFC 3986 §5.2.4", "the path leads upwards", target=target))
        if segment not in (b"", b"."):
            segments.append(segment.decode("utf-8", "surrogateescape"))
    return Path(tuple(segments), rest.endswith(("/", "/.")) or not segments, query)
