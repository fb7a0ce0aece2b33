"""The echo application: answers that tests and proxies need, made of the request itself.  `--app echo`.

Pure.  ROUTES is the list of its paths.  A request with a body gets that body back, whatever its path.
"""

import zlib
from collections.abc import Callable

from lan.reasons import Reason
from lan.services.http.origin import methods, serving
from lan.services.http.origin.answer import Answer, Content, Memory, plain, standard
from lan.services.http.origin.application import READING, Call
from lan.services.http.origin.faults import LONGEST_S
from lan.services.http.origin.media_types import UNKNOWN
from lan.services.http.origin.paths import Path
from lan.services.http.origin.resource import Resource
from lan.services.http.protocol.messages import STATUS_WORDS, Response, headers

METHODS = (*READING, "POST", "PUT", "PATCH", "DELETE")
MOST_BYTES = 10**12
MOST_REDIRECTS = 100
BEGINNING_S = 1_000_000_000
"""When the made-up bytes were last modified: they never change."""

DEMANDED = {
    401: [("WWW-Authenticate", 'Basic realm="lan"')],
    405: [("Allow", ", ".join(METHODS))],
    407: [("Proxy-Authenticate", 'Basic realm="lan"')],
    426: [("Upgrade", "echo"), ("Connection", "Upgrade")],
    503: [("Retry-After", "1")],
}
"""Status → the fields that RFC 9110 §15 wants beside it."""

_LINE = b"".join(b"%07x\n" % n for n in range(128))
"""1 KiB of numbered lines."""


class Numbers:
    """Content of any length that takes no room: the same 1 KiB over and over."""

    descriptor, start_bytes = None, 0

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes

    def read(self, offset: int, count: int) -> bytes:
        count = max(0, min(count, self.size_bytes - offset))
        start = offset % len(_LINE)
        return (_LINE * ((start + count) // len(_LINE) + 1))[start : start + count]

    def close(self) -> None:
        pass


class Echo:
    """Every path is its own."""

    all_methods = METHODS

    def methods(self, path: Path) -> tuple[str, ...]:
        """The same for all paths."""
        return METHODS

    def refuse(self, call: Call) -> Answer | None:
        """Nothing is sure before the body has come."""
        return None

    def answer(self, call: Call) -> Answer:
        """The route's answer, or the body that came."""
        name, *words = call.path.segments or ("",)
        if name == "echo":
            return _echo(call)
        if call.body or call.request.method not in READING:
            return _body(call)
        route = ROUTES.get(name)
        if route is None or len(words) > 1:
            text = "the echo application has no such path; it has " + ", ".join(HELP)
            return plain(404, Reason("RFC 9110 §15.5.5", text), now_s=call.now_s)
        return route(call, words[0] if words else "")


def _made(
    call: Call, status: int, content: Content, size_bytes: int | None, kind: str, *more: tuple[str, str]
) -> Answer:
    length = [] if size_bytes is None else [("Content-Length", str(size_bytes))]
    fields = headers([*standard(call.now_s), ("Content-Type", kind), *length, *more])
    return Answer(Response(status, headers=fields), content, Reason("lan", "the echo application", path=call.path.text))


def _echo(call: Call) -> Answer:
    """The request line and header lines as they came, an empty line, the body, and the trailers."""
    said = methods.head_lines(call.request, call.request.headers) + call.body + call.trailers.build()
    return _made(call, 200, Memory(said), len(said), "text/plain; charset=latin-1", ("Cache-Control", "no-store"))


def _body(call: Call) -> Answer:
    kind = call.request.headers.get("Content-Type") or UNKNOWN
    return _made(call, 200, Memory(call.body), len(call.body), kind)


def _greet(call: Call, word: str) -> Answer:
    text = ("The echo application of lan.\n\n" + "".join(f"{form:16}{what}\n" for form, what in HELP.items())).encode()
    return _made(call, 200, Memory(text), len(text), "text/plain; charset=utf-8")


def _bytes(call: Call, word: str) -> Answer:
    size = _number(word, MOST_BYTES)
    if size is None:
        return _wrong(call, f"/bytes/N: N is a number up to {MOST_BYTES}")
    resource = Resource(f"{size} bytes", size, BEGINNING_S, f"numbers-{size:x}", Numbers(size), "text/plain")
    return serving.serve(call.request, resource, now_s=call.now_s)


def _kilobyte(call: Call, word: str) -> Answer:
    return _bytes(call, "1024")


def _status(call: Call, word: str) -> Answer:
    status = _number(word, 599)
    if status is None or status < 200:
        return _wrong(call, "/status/N: N is a final status, 200 to 599")
    why = Reason("RFC 9110 §15", "the status that was asked for", status=status)
    if status in (204, 205, 304):
        length = [("Content-Length", "0")] if status == 205 else []
        return Answer(Response(status, headers=headers([*standard(call.now_s), *length])), None, why)
    if status not in STATUS_WORDS:
        return _made(call, status, Memory(b""), 0, "text/plain")
    return plain(status, why, now_s=call.now_s, more=_demanded(status))


def _demanded(status: int) -> list[tuple[str, str]]:
    """What a response of this status must, or should, say beside."""
    return [("Location", "/")] if status in (300, 301, 302, 303, 305, 307, 308) else DEMANDED.get(status, [])


def _delay(call: Call, word: str) -> Answer:
    delay_s = _seconds(word)
    if delay_s is None:
        return _wrong(call, f"/delay/S: S is a number of seconds up to {LONGEST_S:g}")
    text = f"{delay_s:g} s later\n".encode()
    made = _made(call, 200, Memory(text), len(text), "text/plain")
    return Answer(made.response, made.content, made.why, delay_s=delay_s)


def _chunked(call: Call, word: str) -> Answer:
    size = _number(word, MOST_BYTES)
    if size is None:
        return _wrong(call, f"/chunked/N: N is a number up to {MOST_BYTES}")
    return _made(call, 200, Numbers(size), None, "text/plain")


def _trailers(call: Call, word: str) -> Answer:
    """A chunked body with its checksum behind it, which a client of HTTP/1.0 does not get."""
    data = Numbers(4096).read(0, 4096)
    made = _made(call, 200, Memory(data), None, "text/plain", ("Trailer", "Lan-Crc32, Lan-Bytes"))
    behind = headers([("Lan-Crc32", f"{zlib.crc32(data):08x}"), ("Lan-Bytes", str(len(data)))])
    return Answer(made.response, made.content, made.why, trailers=behind)


def _redirect(call: Call, word: str) -> Answer:
    left = _number(word, MOST_REDIRECTS)
    if left is None:
        return _wrong(call, f"/redirect/N: N is a number up to {MOST_REDIRECTS}")
    if left == 0:
        return _greet(call, "")
    location = f"/redirect/{left - 1}"
    why = Reason("RFC 9110 §15.4.3", "so many redirects are left", left=left)
    return plain(302, why, now_s=call.now_s, more=[("Location", location)])


ROUTES: dict[str, Callable[[Call, str], Answer]] = {
    "": _greet,
    "1k": _kilobyte,
    "bytes": _bytes,
    "status": _status,
    "delay": _delay,
    "chunked": _chunked,
    "trailers": _trailers,
    "redirect": _redirect,
}

HELP = {
    "/": "this page",
    "/echo": "the request as it came",
    "/1k": "1 KiB",
    "/bytes/N": "N bytes, ranges and conditions too",
    "/status/N": "that status",
    "/delay/S": "an answer after S seconds",
    "/chunked/N": "N bytes whose length is not told",
    "/trailers": "a chunked body with trailers",
    "/redirect/N": "N redirects, one after the other",
}


def _wrong(call: Call, text: str) -> Answer:
    return plain(400, Reason("RFC 9110 §15.5.1", text), now_s=call.now_s)


def _number(word: str, most: int) -> int | None:
    if not (word.isascii() and word.isdigit() and len(word) <= 15):
        return None
    return int(word) if int(word) <= most else None


def _seconds(word: str) -> float | None:
    whole, _, part = word.partition(".")
    if not all(piece.isascii() and piece.isdigit() and len(piece) <= 6 for piece in (whole, part or "0")):
        return None
    return float(word) if float(word) <= LONGEST_S else None
