"""The head of a message, from bytes: a start line and fields, read strictly.  RFC 9112 §2 to §5.

Two readers that take the same bytes for different messages can be played against each other (request
smuggling, RFC 9112 §11.2).  So whatever the grammar does not say is refused, with the rule's number:
bare LF, bare CR, NUL, folded lines, a blank before the colon, more than one blank in the start line.

Pure, and a function of the bytes alone: `read_request` remembers what it has read before.
"""

import re
from functools import lru_cache

from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import HTTP_1_1, Headers, Request, Response, Version
from lan.services.http.protocol.target import check_target

MAX_FIELDS = 100
MAX_START_LINE_BYTES = 8 * 1024
_REMEMBERED, _REMEMBERED_BYTES = 512, 2048

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/(\d)\.(\d)")
_STATUS_LINE = re.compile(rb"HTTP/(\d)\.(\d) ([1-9]\d{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*+([\t\x20-\x7e\x80-\xff]*+)\r\n")  # *+: blanks cost but one look
_BARE_LF = re.compile(rb"(?<!\r)\n")
_FOLD = re.compile(rb"(?:(?<![ \t])[ \t]++)?\r\n[ \t]++")
_BLANK_BEFORE_COLON = re.compile(rb"(\r\n" + _TOKEN + rb")[ \t]+:")
_TO_MEND = (b"\r\n ", b"\r\n\t", b" :", b"\t:")


def find_end(data: bytes | bytearray, start: int = 0, stop: int | None = None, *, status: int = 400) -> int:
    """Where the first body byte would stand: after the empty line; -1 where it does not end before `stop`.

    Raises Refused for a line that ends in a bare LF, which can't become a head any more.
    """
    stop = len(data) if stop is None else stop
    end = data.find(b"\r\n\r\n", start, stop)
    lines_end = end if end >= 0 else stop
    if data.count(b"\n", start, lines_end) == data.count(b"\r\n", start, lines_end):  # mostly, and soon told
        return end + 4 if end >= 0 else -1
    if (bare := _BARE_LF.search(data, start, lines_end)) is not None:
        at = bare.start()
        raise Refused(status, "RFC 9112 §2.2", "a line ends in a bare LF", at_byte=at, seen_bytes=at + 1)
    return end + 4 if end >= 0 else -1


def read_request(head: bytes) -> Request:
    """A request's whole head, with its empty line.  Raises Refused."""
    return _remembered_request(head) if len(head) <= _REMEMBERED_BYTES else _request(head)


def read_response(head: bytes) -> Response:
    """A response's whole head, with its empty line.  Raises Refused with 502, what a proxy says of it.

    Where the RFC lets a recipient mend a response, it is mended: folded lines are joined by a blank
    (RFC 9112 §5.2), blanks before a colon go (§5.1).
    """
    return _remembered_response(head) if len(head) <= _REMEMBERED_BYTES else _response(head)


def _response(head: bytes) -> Response:
    line, _, block = head.partition(b"\r\n")
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise Refused(502, "RFC 9112 §4", "not a status line", line=_shown(line))
    version = _version(found[1], found[2], 502)
    if any(mark in block for mark in _TO_MEND):
        block = _BLANK_BEFORE_COLON.sub(rb"\1:", b"\r\n" + _FOLD.sub(b" ", block))[2:]
    phrase = (found[4] or b"").decode("latin-1")
    return Response(int(found[3]), phrase, headers=read_fields(block, 502), version=version)


def read_fields(block: bytes, status: int = 400) -> Headers:
    """Field lines up to and with the empty line, such as a head's or a trailer section's.  Raises Refused."""
    if len(block) <= _REMEMBERED_BYTES and block.endswith(b"\r\n\r\n"):
        lines = block[:-4].split(b"\r\n")
        if len(lines) <= MAX_FIELDS:
            try:
                return Headers(tuple([_remembered_field(line) for line in lines]))
            except ValueError:
                pass  # what is wrong, and where, is told below
    items: list[tuple[str, str]] = []
    at, last = 0, len(block) - 2
    while at < last:
        found = _FIELD.match(block, at)
        if found is None:
            raise _wrong_field(block[at:], status, is_first=not items)
        items.append(_pair(found))
        at = found.end()
    if len(items) > MAX_FIELDS:
        raise Refused(431 if status == 400 else status, "RFC 6585 §5", "too many fields", limit=MAX_FIELDS)
    return Headers(tuple(items))


def _pair(found: re.Match[bytes]) -> tuple[str, str]:
    return found[1].decode("ascii"), found[2].rstrip(b" \t").decode("latin-1")


@lru_cache(_REMEMBERED)  # most lines are the same in all that one peer sends
def _remembered_field(line: bytes) -> tuple[str, str]:
    """A field line without its end.  Raises ValueError for what is none."""
    found = _FIELD.fullmatch(line + b"\r\n")
    if found is None:
        raise ValueError("no field line")
    return _pair(found)


def _request(head: bytes) -> Request:
    line, _, block = head.partition(b"\r\n")
    if len(line) > MAX_START_LINE_BYTES:
        raise Refused(414, "RFC 9112 §3", "the request line is too long", limit_bytes=MAX_START_LINE_BYTES)
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise _wrong_request_line(line)
    version = _version(found[3], found[4], 505)
    request = Request(found[1].decode("ascii"), found[2].decode("ascii"), headers=read_fields(block), version=version)
    check_target(request)
    return request


_remembered_request = lru_cache(_REMEMBERED)(_request)
_remembered_response = lru_cache(_REMEMBERED)(_response)


def _version(major: bytes, minor: bytes, status: int) -> Version:
    """A higher minor version than ours is read as ours (RFC 9110 §2.5); another major one not at all."""
    if major != b"1":
        text = "only HTTP/1.0 and HTTP/1.1 are spoken here"
        raise Refused(status, "RFC 9110 §15.6.6", text, version=f"{major.decode()}.{minor.decode()}")
    return (1, 0) if minor == b"0" else HTTP_1_1


def _wrong_request_line(line: bytes) -> Refused:
    if re.fullmatch(rb"[A-Z]+ [^ ]+", line):
        return Refused(400, "RFC 9112 §3", "a request without a version (HTTP/0.9)", line=_shown(line))
    return Refused(400, "RFC 9112 §3", "not METHOD target HTTP/1.1, with single blanks", line=_shown(line))


def _wrong_field(rest: bytes, status: int, *, is_first: bool) -> Refused:
    line = rest.partition(b"\r\n")[0]
    shown = _shown(line)
    if line[:1] in (b" ", b"\t"):
        if is_first:
            return Refused(status, "RFC 9112 §2.2", "a blank between the start line and the first field", line=shown)
        return Refused(status, "RFC 9112 §5.2", "a field is folded over two lines", line=shown)
    name, colon, value = line.partition(b":")
    if not colon:
        return Refused(status, "RFC 9112 §5", "a field line without a colon", line=shown)
    if name.rstrip(b" \t") != name:
        return Refused(status, "RFC 9112 §5.1", "a blank before the colon", line=shown)
    if not re.fullmatch(_TOKEN, name):
        return Refused(status, "RFC 9110 §5.1", "the field's name is no token", line=shown)
    culprit = next((word for byte, word in _CULPRITS.items() if byte in value), "a control character")
    return Refused(status, "RFC 9110 §5.5", f"{culprit} in a field's value", line=shown)


_CULPRITS = {b"\0": "NUL", b"\r": "a bare CR", b"\n": "a bare LF"}


def _shown(line: bytes) -> str:
    """The line for people, printable and short."""
    return line[:80].decode("latin-1").encode("unicode_escape").decode("ascii")
