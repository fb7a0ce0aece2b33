"""How an answer with pauses or faults leaves: step after step.  The book, 4.2.6, 4.5.5 and 4.7; RFC 9112 §8.

Pure: an answer and the engine's decision in, steps out; `session.py` carries them out and knows no
fault by name.  An answer without delay and faults never comes here.

Each `Write` is one write to the socket.  Without a last word (`Close`, `Farewell`, `ShutdownWrite`,
`Reset`) the exchange ends as the engine decided: the next request is read, or the connection closes in
turn.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lan.services.http.origin.answer import Answer, Content
from lan.services.http.origin.faults import Faults
from lan.services.http.protocol import chunked, messages
from lan.services.http.protocol.messages import HTTP_1_1, NO_HEADERS, Headers, Request, Response
from lan.services.http.protocol.persistence import Persistence, connection_option

PIECE_BYTES = 64 * 1024
LONGER_BYTES = 100
"""What ``content-length:long`` and ``lying-chunk:long`` promise beyond the truth."""


@dataclass(frozen=True, slots=True)
class Write:
    """These bytes, in one write of their own."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing for so long."""

    seconds_s: float


@dataclass(frozen=True, slots=True)
class SetNodelay:
    """TCP_NODELAY from now on: False lets Nagle's algorithm hold small segments back (RFC 896).

    Turned on again it would let go at once of what is held back.
    """

    on: bool


@dataclass(frozen=True, slots=True)
class ShutdownWrite:
    """A FIN, and the input stays open: bytes of the client are read and acknowledged until its own FIN."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A RST: what the client has not read is lost to it (the book, 4.7.4)."""


@dataclass(frozen=True, slots=True)
class Close:
    """A full close: a FIN, and what the client sends from now on is answered by a RST (the book, 4.7.4)."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The server closes first, gracefully: a FIN, then the client's is awaited (the book, 4.7.4)."""


Step = Write | Pause | SetNodelay | ShutdownWrite | Reset | Close | Farewell
_NO_FAULTS = Faults()


def wire_plan(answer: Answer, request: Request, decision: Persistence) -> Iterator[Step]:
    """The steps of this answer, where the engine decided to keep or close as `decision` says.

    Content is read as the steps are asked for, and closed by whoever closes it elsewhere.  Raises
    ValueError for fields that would not read back, as `messages.build`.
    """
    faults = answer.faults or _NO_FAULTS
    head = _head(answer, request, decision, faults)
    if faults.nagle is not None:
        yield SetNodelay(not faults.nagle)
    if answer.delay_s + faults.think_s > 0:
        yield Pause(answer.delay_s + faults.think_s)
    cut_bytes, last = _ending(faults)
    body = _framed(answer, request, head, faults)
    yield from _with_head(messages.build(head), _spaced(body, faults, cut_bytes), is_split=faults.split_writes)
    if last is not None:
        yield last


def _ending(faults: Faults) -> tuple[int | None, Step | None]:
    """After how many bytes the body is cut (None: not), and the last word; the earliest cut has it."""
    cuts: list[tuple[int, Step]] = []
    if faults.reset_bytes is not None:
        cuts.append((faults.reset_bytes, Reset()))
    if faults.early_close_bytes is not None:
        cuts.append((faults.early_close_bytes, Close()))
    if faults.half_close_bytes is not None and faults.half_close_bytes >= 0:
        cuts.append((faults.half_close_bytes, ShutdownWrite()))
    if cuts:
        return min(cuts, key=lambda cut: cut[0])
    if faults.half_close_bytes is not None:
        return None, ShutdownWrite()
    if faults.content_length == "none" or faults.ignore_keep_alive is not None:
        return None, Farewell()
    return None, None


# The head


def _head(answer: Answer, request: Request, decision: Persistence, faults: Faults) -> Response:
    """The response's head as it leaves: a framing that is true or not, and a Connection field that is or isn't."""
    fields = answer.response.headers
    if _may_have_content(answer, request):
        fields = _framing_fields(answer, request, faults)
    option = connection_option(decision, request)
    if faults.content_length == "none":
        option = "close"
    if faults.ignore_keep_alive == "claims":
        option = "keep-alive"
    elif faults.ignore_keep_alive == "silent":
        fields, option = fields.without("Connection", "Keep-Alive"), None
    if option is not None:
        fields = fields.with_field("Connection", option)
    head = answer.response
    return Response(head.status, head.phrase, headers=fields, version=head.version)


def _framing_fields(answer: Answer, request: Request, faults: Faults) -> Headers:
    fields = answer.response.headers
    bare = fields.without("Content-Length", "Transfer-Encoding")
    if faults.lying_chunk is not None:
        return bare.with_field("Transfer-Encoding", "chunked")
    if faults.content_length in ("none", "unclosed"):
        return bare
    if faults.content_length is not None:
        size = sum(len(piece) for piece in _content(answer.content, answer.length_bytes))
        said = size // 2 if faults.content_length == "short" else size + LONGER_BYTES
        return bare.with_field("Content-Length", str(said))
    if answer.length_bytes is not None and not faults.endless:
        return fields
    if request.version < HTTP_1_1 or "close" in answer.response.connection_options:
        return bare
    return bare.with_field("Transfer-Encoding", "chunked")


def _may_have_content(answer: Answer, request: Request) -> bool:
    status = answer.response.status
    return request.method != "HEAD" and status >= 200 and status not in (204, 304)


# The body


def _framed(answer: Answer, request: Request, head: Response, faults: Faults) -> Iterator[bytes]:
    """The body as it is on the wire, in chunks where the head says so."""
    if not _may_have_content(answer, request):
        return
    pieces = _endlessly(answer) if faults.endless else _content(answer.content, answer.length_bytes)
    if "chunked" not in head.headers.listed("Transfer-Encoding"):
        yield from pieces
        return
    lie = faults.lying_chunk
    for piece in pieces:
        yield chunked.encode(piece) if lie is None else _lying_chunk(piece, lie)
        lie = None  # the first chunk lies, the others are as they should be
    yield chunked.encode_end(NO_HEADERS if faults.lying_chunk else answer.trailers)


def _content(content: Content | None, length_bytes: int | None) -> Iterator[bytes]:
    at = 0
    while content is not None and (length_bytes is None or at < length_bytes):
        count = PIECE_BYTES if length_bytes is None else min(PIECE_BYTES, length_bytes - at)
        piece = content.read(at, count)
        if not piece:
            return
        at += len(piece)
        yield piece


def _endlessly(answer: Answer) -> Iterator[bytes]:
    """The content over and over again; a short one is gathered, so that the steps are not too many."""
    while True:
        gathered = b""
        for piece in _content(answer.content, answer.length_bytes):
            gathered += piece
            if len(gathered) >= PIECE_BYTES:
                yield gathered
                gathered = b""
        if gathered:
            yield gathered * (PIECE_BYTES // len(gathered))
        else:
            yield b"endless\n" * (PIECE_BYTES // 8)


def _lying_chunk(data: bytes, lie: str) -> bytes:
    size = {"long": f"{len(data) + LONGER_BYTES:x}", "short": f"{len(data) // 2:x}", "bad": "0x-1z"}[lie]
    return b"%b\r\n%b\r\n" % (size.encode(), data)


# The moments


def _spaced(body: Iterable[bytes], faults: Faults, cut_bytes: int | None) -> Iterator[Step]:
    """The body in writes, with the pauses between them, as far as `cut_bytes`."""
    stall, drip, sent = faults.stall, faults.drip, 0
    for piece in body:
        at = 0
        while at < len(piece):
            if stall is not None and sent >= stall.after_bytes:
                yield Pause(stall.seconds_s)
                stall = None
            if cut_bytes is not None and sent >= cut_bytes:
                return
            if drip is not None and sent:
                yield Pause(drip.interval_s)
            limits = [stall.after_bytes - sent] if stall is not None else []
            limits += [cut_bytes - sent] if cut_bytes is not None else []
            count = min(len(piece) - at, *limits, drip.piece_bytes if drip is not None else PIECE_BYTES)
            yield Write(piece[at : at + count])
            at, sent = at + count, sent + count
    if stall is not None:
        yield Pause(stall.seconds_s)


def _with_head(head: bytes, steps: Iterable[Step], *, is_split: bool) -> Iterator[Step]:
    """The head in the first write of the body, or in one of its own."""
    waiting = head
    for step in steps:
        if waiting and isinstance(step, Write) and not is_split:
            step = Write(waiting + step.data)
        elif waiting:
            yield Write(waiting)
        waiting = b""
        yield step
    if waiting:
        yield Write(waiting)
