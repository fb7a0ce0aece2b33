"""Where a message's content ends.  RFC 9112 §6, whose rules in §6.3 stand here in their order.

The book says it in 4.5 and 4.7.3: without a right Content-Length nobody knows where one message ends
and the next begins.  Pure: a head in, its framing with the rule that decides out.
"""

import enum
import re
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import HTTP_1_1, Headers, Request, Response


class Kind(enum.StrEnum):
    """How the end of the content is told."""

    NONE = "no content"
    LENGTH = "Content-Length"
    CHUNKED = "chunked"
    CLOSE = "close"
    TUNNEL = "tunnel"


@dataclass(frozen=True, slots=True)
class Framing:
    """The content's framing; `length` in bytes where Content-Length says it, else 0."""

    kind: Kind
    why: Reason
    length: int = 0

    @property
    def is_delimited(self) -> bool:
        """Whether the end is known without a close."""
        return self.kind not in (Kind.CLOSE, Kind.TUNNEL)


_NO_BODY = Framing(Kind.NONE, Reason("RFC 9112 §6.3 rule 7", "a request without length and encoding has no content"))
_CHUNKED = Framing(Kind.CHUNKED, Reason("RFC 9112 §6.3 rule 4", "the chunks tell where it ends"))
_HEAD = Framing(Kind.NONE, Reason("RFC 9112 §6.3 rule 1", "a response to HEAD has no content, whatever its fields say"))
_CONNECTED = Framing(Kind.TUNNEL, Reason("RFC 9112 §6.3 rule 2", "2xx to CONNECT begins a tunnel"))
_SWITCHED = Framing(Kind.TUNNEL, Reason("RFC 9110 §7.8", "101: another protocol from here on"))
_UNTIL_CLOSE = Framing(Kind.CLOSE, Reason("RFC 9112 §6.3 rule 8", "neither length nor chunks: until the close"))
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)


def frame_request(request: Request) -> Framing:
    """How a request's content ends.  Raises Refused for what two readers could frame differently."""
    encoding, length = request.headers.get("Transfer-Encoding"), request.headers.get("Content-Length")
    if request.method == "CONNECT" and (encoding is not None or length not in (None, "0")):
        text = "CONNECT has no content: one reader would take it for the tunnel's, another would not"
        raise Refused(400, "RFC 9110 §9.3.6", text)
    if encoding is not None:
        if length is not None:
            raise Refused(400, "RFC 9112 §6.3 rule 3", "Transfer-Encoding and Content-Length in one message")
        if request.version < HTTP_1_1:
            raise Refused(400, "RFC 9112 §6.1", "Transfer-Encoding in an HTTP/1.0 message")
        if encoding.lower() != "chunked":
            return _refuse_encoding(request.headers)
        return _CHUNKED
    if length is None:
        return _NO_BODY
    return _by_length(length, 400)


def frame_response(response: Response, method: str) -> Framing:
    """How the content of a response to this method ends.  Raises Refused (502).

    Rule 4 reads a response whose last coding is not chunked until the close.  But nothing here asks for
    another coding or decodes one, and such content passed on would be taken for what it is not.
    """
    status = response.status
    if status == 101:
        return _SWITCHED
    if method == "HEAD":
        return _HEAD
    if status < 200 or status in (204, 304):
        return Framing(Kind.NONE, Reason("RFC 9112 §6.3 rule 1", f"{status} has no content"))
    if method == "CONNECT" and status < 300:
        return _CONNECTED
    encoding, length = response.headers.get("Transfer-Encoding"), response.headers.get("Content-Length")
    if encoding is not None:
        if length is not None:
            raise Refused(502, "RFC 9112 §6.3 rule 3", "Transfer-Encoding and Content-Length in one message")
        if response.version < HTTP_1_1:
            raise Refused(502, "RFC 9112 §6.1", "Transfer-Encoding in an HTTP/1.0 message")
        if response.headers.listed("Transfer-Encoding") != ("chunked",):
            raise Refused(502, "RFC 9112 §6.1", "no transfer coding but chunked is known here", encoding=encoding)
        return _CHUNKED
    if length is None:
        return _UNTIL_CLOSE
    return _by_length(length, 502)


def _refuse_encoding(headers: Headers) -> Framing:
    codings = headers.listed("Transfer-Encoding")
    said = headers.get("Transfer-Encoding")
    if codings[-1:] != ("chunked",) or codings.count("chunked") > 1:
        raise Refused(400, "RFC 9112 §6.3 rule 4", "the last coding is not chunked, and only that", encoding=said)
    raise Refused(501, "RFC 9112 §6.1", "no transfer coding but chunked is known here", encoding=said)


def _by_length(text: str, status: int) -> Framing:
    """A list of equal numbers is one number in a response (§6.3 rule 5); in a request it is refused."""
    values = {value.strip(" \t") for value in text.split(",")} if status == 502 else {text}
    value = values.pop()
    if values or not _DIGITS.fullmatch(value):
        raise Refused(status, "RFC 9112 §6.3 rule 5", "Content-Length is no single number", length=text)
    return Framing(Kind.LENGTH, Reason("RFC 9112 §6.3 rule 6", "Content-Length says it", length=value), int(value))


def with_one_length(response: Response) -> Response:
    """Equal lengths are one from here on, also for whoever the response is passed on to (§6.3 rule 5).

    Lengths that differ have been refused, but where no content follows: there they go.
    """
    text = response.headers.get("Content-Length")
    if text is None or "," not in text:
        return response
    lengths = {length.strip(" \t") for length in text.split(",")}
    return response.with_field("Content-Length", *lengths) if len(lengths) == 1 else response.without("Content-Length")
