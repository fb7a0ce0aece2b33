"""What is answered by the method alone: OPTIONS, TRACE, methods that are not allowed or not known.  RFC 9110 §9.

Pure.
"""

from lan.reasons import Reason
from lan.services.http.origin.answer import Answer, Memory, plain, standard
from lan.services.http.protocol.messages import Headers, Request, Response, headers

KNOWN_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH"))

SECRET_FIELDS = ("Authorization", "Proxy-Authorization", "Cookie")
"""Not shown by TRACE: a script that may not read them must not get them back as content (RFC 9110 §9.3.8)."""


def options(allowed: tuple[str, ...], *, now_s: float) -> Answer:
    """204 with `Allow`: what may be asked of this path, or for ``*`` of the server."""
    fields = headers([*standard(now_s), ("Allow", ", ".join(allowed))])
    return Answer(Response(204, headers=fields), None, Reason("RFC 9110 §9.3.7", "what this server can do"))


def trace(request: Request, *, now_s: float) -> Answer:
    """200 with the request's head as it came, for the client to see what was done to it on its way."""
    body = head_lines(request, request.headers.without(*SECRET_FIELDS))
    described = [("Content-Type", "message/http"), ("Content-Length", str(len(body)))]
    why = Reason("RFC 9110 §9.3.8", "the request as it came here, but for secrets")
    return Answer(Response(200, headers=headers([*standard(now_s), *described])), Memory(body), why)


def head_lines(request: Request, fields: Headers) -> bytes:
    """The request line and these fields as they came, with the empty line."""
    return request.start_line().encode("latin-1") + b"\r\n" + fields.build() + b"\r\n"


def refuse_method(request: Request, allowed: tuple[str, ...], *, now_s: float) -> Answer | None:
    """405 for a method that HTTP knows, 501 for one that nobody knows; None where it is allowed here."""
    if request.method in allowed:
        return None
    if request.method in KNOWN_METHODS:
        why = Reason("RFC 9110 §15.5.6", "the method is not allowed for this path", method=request.method)
        return plain(405, why, now_s=now_s, more=[("Allow", ", ".join(allowed))])
    return plain(501, Reason("RFC 9110 §15.6.2", "unknown method", method=request.method), now_s=now_s)


def refuse_expectation(request: Request, *, now_s: float) -> Answer | None:
    """417 for an expectation that nobody here can meet; None for ``100-continue``, which the session meets."""
    for expectation in request.headers.listed("Expect"):
        if expectation != "100-continue":
            why = Reason("RFC 9110 §10.1.1", "an expectation that this server does not know", expected=expectation)
            return plain(417, why, now_s=now_s)
    return None
