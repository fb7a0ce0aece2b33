"""Requests for what their connection is not secured for: a URL of https in clear, or, under TLS, another virtual
host than it was asked for by name.  RFC 9110 §7.4, §15.5.20.

Pure.  The name is the handshake's (SNI, RFC 6066 §3).  Whoever secures a connection for one site has not
secured it for another, though both live on this server; and who asks for https in clear believes to be
somewhere else, or is somebody in between who took TLS away.
"""

from abc import ABC, abstractmethod

from lan.reasons import Reason
from lan.services.http.origin.answer import Answer, plain
from lan.services.http.origin.origin import Origin, host_of
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request
from lan.services.http.protocol.target import scheme_of


def in_clear(origin: Origin) -> Origin:
    """What answers on connections without TLS."""
    return _InClear(origin)


def secured_for(origin: Origin, name: str | None) -> Origin:
    """What answers on a connection that is secured for this name; None: no name was said, all sites answer.

    The origin itself where it has one site alone.
    """
    if not origin.hosts or name is None:
        return origin
    meant = origin.hosts.get(name.lower())
    return _Secured(origin, origin if meant is None else meant, name)


class _Guarded(Origin, ABC):
    """Answers as an origin does, but for what is misdirected."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin.site, app=origin.app, rules=origin.rules, hosts=origin.hosts)
        self._origin = origin

    def answer(self, request: Request, body: bytes = b"", *, now_s: float, trailers: Headers = NO_HEADERS) -> Answer:
        if (misdirected := self._misdirected(request, now_s)) is not None:
            return misdirected
        return self._origin.answer(request, body, now_s=now_s, trailers=trailers)

    def before_body(self, request: Request, *, now_s: float) -> Answer | None:
        return self._misdirected(request, now_s) or self._origin.before_body(request, now_s=now_s)

    @abstractmethod
    def _misdirected(self, request: Request, now_s: float) -> Answer | None:
        """The answer to a request that should have come another way; None to one that may."""


class _InClear(_Guarded):
    """421 for URLs of https."""

    def _misdirected(self, request: Request, now_s: float) -> Answer | None:
        if scheme_of(request) != "https":
            return None
        text = "a URL of https, and the connection has no TLS"
        return plain(421, Reason("RFC 9110 §7.4", text, target=request.target), now_s=now_s)


class _Secured(_Guarded):
    """Answers for one of an origin's virtual hosts; 421 for the others."""

    def __init__(self, origin: Origin, meant: Origin, name: str) -> None:
        super().__init__(origin)
        self._meant, self._name = meant, name

    def _misdirected(self, request: Request, now_s: float) -> Answer | None:
        host = host_of(request)
        if not host or self._origin.hosts.get(host, self._origin) is self._meant:
            return None
        text = "TLS was asked for by the name of another virtual host"
        return plain(421, Reason("RFC 9110 §15.5.20", text, sni=self._name, host=host), now_s=now_s)
