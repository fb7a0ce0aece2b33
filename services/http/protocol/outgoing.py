"""What a head of our own must say of its framing and its connection before it leaves.  RFC 9112 §6, §7.4, §9.

Pure: heads in, heads out.
"""

from functools import lru_cache

from lan.reasons import Reason
from lan.services.http.protocol.framing import Framing, Kind, frame_response
from lan.services.http.protocol.messages import HTTP_1_1, Request, Response


def framed(response: Response, request: Request) -> tuple[Response, Framing]:
    """The response with the fields that tell how its content ends, and how that is.

    Raises ValueError for a Content-Length that is no number, and for a coding other than chunked.
    """
    framing = _framing(response, request)
    if framing.kind is Kind.CHUNKED:
        return response.with_field("Transfer-Encoding", "chunked"), framing
    if framing.kind is Kind.TUNNEL or response.status == 204:  # RFC 9110 §8.6: no length there
        return response.without("Transfer-Encoding", "Content-Length"), framing
    return response.without("Transfer-Encoding"), framing  # not to HTTP/1.0, nor where no content is


def with_option(response: Response, option: str) -> Response:
    """`close` or `keep-alive` said once, beside the response's other options, such as Upgrade (RFC 9110 §7.6.1)."""
    others = [other for other in response.connection_options if other not in ("close", "keep-alive")]
    return response.with_field("Connection", ", ".join([*others, option]))


def with_te_named(request: Request) -> Request:
    """TE is for this connection alone, and Connection says so; chunks need no asking for (RFC 9112 §7.4).

    Raises ValueError for ``TE: chunked``.
    """
    if request.headers.get("TE") is None:
        return request
    if any(coding.partition(";")[0].rstrip(" \t") == "chunked" for coding in request.headers.listed("TE")):
        raise ValueError("TE: chunked is never said, chunks are always taken (RFC 9112 §7.4)")
    if "te" in request.connection_options:
        return request
    said = request.headers.get("Connection")
    return request.with_field("Connection", f"{said}, TE" if said else "TE")


def may_switch(request: Request) -> bool:
    """What follows this request on its connection may not be read as HTTP."""
    return request.method == "CONNECT" or request.headers.get("Upgrade") is not None


@lru_cache(1024)  # a server gives the same files again and again
def _of_length(length: str) -> Framing:
    if not (length.isascii() and length.isdigit()):
        raise ValueError(f"Content-Length {length!r} is no number")
    return Framing(Kind.LENGTH, Reason("RFC 9112 §6.2", "its length is known", length=length), int(length))


def _framing(response: Response, request: Request) -> Framing:
    if request.method == "HEAD" or response.status < 200 or response.status in (204, 304):
        return frame_response(response, request.method)
    if request.method == "CONNECT" and response.status < 300:
        return frame_response(response, request.method)
    if (response.headers.get("Transfer-Encoding") or "chunked").lower() != "chunked":
        raise ValueError("no transfer coding but chunked is sent")
    length = response.headers.get("Content-Length")
    if length is not None:
        return _of_length(length)
    if request.version < HTTP_1_1 or response.version < HTTP_1_1:
        return Framing(Kind.CLOSE, Reason("RFC 9112 §6.1", "HTTP/1.0 knows no chunks: until the close"))
    if "close" in response.connection_options and response.headers.get("Transfer-Encoding") is None:
        return Framing(Kind.CLOSE, Reason("RFC 9112 §6.3 rule 8", "of unknown length: until the close"))
    return Framing(Kind.CHUNKED, Reason("RFC 9112 §7.1", "its length is not known: in chunks"))
