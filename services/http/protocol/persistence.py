"""Does the connection stay open after this exchange, and who closes it?  RFC 9112 §9.3 and §9.6.

"The book" is HTTP: The Definitive Guide, chapter 4: persistent connections are its section 4.5,
closing its 4.7.  Pure: heads in, a decision with its reason out.  Both roles ask the same function:
a server with the request as what it received, a client with the response.
"""

import enum
from dataclasses import dataclass

from lan.reasons import Reason
from lan.services.http.protocol.messages import HTTP_1_1, Head, Request


@dataclass(frozen=True, slots=True)
class Persistence:
    """Whether this connection carries another exchange, and by which rule."""

    keep: bool
    why: Reason


class Side(enum.StrEnum):
    """An end of a connection."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Closing:
    """Which side sends the first FIN, and so holds TIME_WAIT."""

    first: Side
    why: Reason


def persistence(
    received: Head,
    sent: Head | None = None,
    *,
    request_complete: bool = True,
    response_delimited: bool = True,
    unwilling: Reason | None = None,
) -> Persistence:
    """Keep or close, by the first rule that applies.

    `received` is the peer's message and `sent` ours in the same exchange (None: not made yet, no
    options of its own).  `request_complete`: its body was read to the end.  `response_delimited`:
    its end is known without a close.  `unwilling`: why this side would rather not go on.
    """
    if not request_complete:
        return _UNREAD
    if not response_delimited:
        return _UNDELIMITED
    if "close" in received.connection_options:
        return _PEER_SAID_CLOSE
    if sent is not None and "close" in sent.connection_options:
        return _WE_SAID_CLOSE
    if unwilling is not None:
        return Persistence(False, unwilling)
    if sent is not None and sent.version < HTTP_1_1 and not _asks_to_keep(sent):
        return _WE_SPOKE_1_0
    if received.version >= HTTP_1_1:
        return _IS_1_1
    return _ASKED_TO_KEEP if "keep-alive" in received.connection_options else _IS_1_0


def connection_option(decision: Persistence, request: Request) -> str | None:
    """What a server says in `Connection` to be understood: ``close``, ``keep-alive``, or nothing needed."""
    if not decision.keep:
        return "close"
    return "keep-alive" if request.version < HTTP_1_1 else None


def closing(request: Request, setting: Side) -> Closing:
    """Who closes first after the last response, where `setting` is the server's wish.

    A server waits for the client's FIN only where the client said that it will close; any other
    client may be waiting for the server's.
    """
    if setting is Side.SERVER:
        return Closing(Side.SERVER, Reason("RFC 9112 §9.6", "the server closes after its last response"))
    if "close" not in request.connection_options:
        return Closing(Side.SERVER, Reason("RFC 9112 §9.6", "the client did not announce a close, it may await ours"))
    return Closing(Side.CLIENT, Reason("book 4.7", "the client said Connection: close and sends the first FIN"))


def _asks_to_keep(sent: Head) -> bool:
    """``Connection: keep-alive``, or what old browsers said to a proxy in its place (book 4.5.7)."""
    if "keep-alive" in sent.connection_options:
        return True
    return isinstance(sent, Request) and "keep-alive" in sent.headers.listed("Proxy-Connection")


def _keep(source: str, text: str) -> Persistence:
    return Persistence(True, Reason(source, text))


def _close(source: str, text: str) -> Persistence:
    return Persistence(False, Reason(source, text))


_UNREAD = _close("RFC 9112 §9.3", "part of the request was not read, so what follows can't be told from it")
_UNDELIMITED = _close("RFC 9112 §6.3; book 4.5.5", "only the close tells where the response ends")
_PEER_SAID_CLOSE = _close("RFC 9112 §9.3; book 4.5.8", "the peer said Connection: close")
_WE_SAID_CLOSE = _close("RFC 9112 §9.6; book 4.5.8", "we said Connection: close")
_WE_SPOKE_1_0 = _close("RFC 9112 §9.3; book 4.5.3", "we spoke HTTP/1.0 and asked for no keep-alive")
_IS_1_1 = _keep("RFC 9112 §9.3; book 4.5.8", "HTTP/1.1 persists unless told to close")
_ASKED_TO_KEEP = _keep("RFC 9112 §9.3; book 4.5.3", "HTTP/1.0 with Connection: keep-alive")
_IS_1_0 = _close("RFC 9112 §9.3; book 4.5.5", "HTTP/1.0 without Connection: keep-alive")
