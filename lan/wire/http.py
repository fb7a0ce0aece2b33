"""The head of an HTTP/1 message within one TCP segment, to look at.  RFC 9112 §2 to §5.

One segment is all that is seen here: a head that goes on in the next one is read as far as it is
here, and a segment that begins in the middle of a message is `data`.  Putting streams together is
the trace's work; `read` also takes a stream that was put together.
"""

import re
from collections.abc import Iterator
from dataclasses import field, replace
from typing import ClassVar, Literal

from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview, printable

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
REQUEST_LINE = re.compile(rf"({TOKEN}) ([^ ]+) (HTTP/\d\.\d)\Z")
STATUS_LINE = re.compile(r"(HTTP/\d\.\d) (\d{3})(?: (.*))?\Z")
FIELD_NAME = re.compile(rf"{TOKEN}\Z")
MESSAGE = re.compile(rb"(?:[A-Z]{1,20} [!-~]+ HTTP/1\.\d|HTTP/1\.\d \d{3}(?: [^\r\n]*)?)\r?\n")
BEGINNINGS = (b"HTTP/1.", *(f"{method} ".encode() for method in METHODS))
CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;|\r?\Z)")
LONGEST_HEAD_BYTES = 65536


@frozen
class Http:
    """The start of a request or response, or the middle of either (`data`).

    `body_start` counts from the first byte read (the segment's payload), and is None while the
    head goes on in a later segment.  `length` counts all bytes read.
    """

    kind: Literal["request", "response", "data"]
    start_line: str = ""
    method: str | None = None
    target: str | None = None
    version: str | None = None
    status: int | None = None
    reason: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body_start: int | None = None
    length: int = 0
    problems: tuple[str, ...] = ()
    lines: tuple[tuple[int, int], ...] = field(default=(), compare=False, repr=False)
    protocol_name: ClassVar[str] = "HTTP"

    def get(self, name: str) -> str | None:
        """A header's value, several joined by commas (RFC 9110 §5.3); None where it is missing."""
        values = [value for header, value in self.headers if header.lower() == name.lower()]
        return ", ".join(values) if values else None

    def summary(self) -> str:
        if self.kind == "data":
            return f"HTTP data, {count(self.length, 'byte')}"
        words = [self.start_line if self.status is None else f"{self.status} {self.reason}".rstrip()]
        if self.kind == "request" and (host := self.get("Host")):
            words.append(f"Host: {host}")
        words += [f"{name}: {value}" for name in ("Content-Length", "Connection") if (value := self.get(name))]
        return f"HTTP {', '.join(words)}" + (" (head goes on)" if self.body_start is None else "")

    def title(self) -> str:
        return self.summary() if self.kind == "data" else f"HTTP {self.kind}, {self.start_line}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        body_start = 0 if self.kind == "data" else self.body_start
        for number, (first, last) in enumerate(self.lines):
            name, text = "start line", printable(data[start + first : start + last].rstrip(b"\r\n"))
            if number:
                name, colon, value = text.partition(":")
                name, text = (name, value.strip()) if colon else ("header line", text)
            yield Field(name, text, text, start + first, start + last)
        if self.lines and self.body_start is not None:
            yield Field("end of head", "", "empty line", start + self.lines[-1][1], start + self.body_start)
        if body_start is not None and start + body_start < end:
            body = data[start + body_start : end]
            yield Field("body", body, f"{count(len(body), 'byte')}: {preview(body)}", start + body_start, end)


def is_message(data: bytes, start: int, end: int) -> bool:
    """Whether a whole start line stands at `start`: enough to believe it on any port."""
    return MESSAGE.match(data, start, end) is not None


def read(data: bytes, start: int, end: int) -> Http:
    """The head at `start`, as far as it is here; bytes that begin with none are `data`."""
    if not data.startswith(BEGINNINGS, start, end) and not is_message(data, start, end):
        return Http("data", length=end - start)
    lines, body_start = _lines(data, start, min(end, start + LONGEST_HEAD_BYTES))
    first, *others = [data[start + at : start + after] for at, after in lines]
    problems: list[str] = []
    headers = _headers(others, problems)
    head = _start_line(first, problems)
    return replace(
        head,
        headers=headers,
        body_start=body_start,
        length=end - start,
        problems=tuple(problems),
        lines=tuple(lines),
    )


def end_of_message(head: Http, data: bytes, start: int, end: int) -> int:
    """Where the message that was read at `start` ends, `end` where that is not told or not here.  RFC 9112 §6.3.

    Where another message stands right behind the head, it had no body, whatever it says (an answer to HEAD).
    """
    if head.kind == "data" or head.body_start is None:
        return end
    at = start + head.body_start
    if is_message(data, at, end):
        return at
    coding, length = head.get("Transfer-Encoding"), head.get("Content-Length")
    if head.status is not None and (100 <= head.status < 200 or head.status in (204, 304)):
        return at
    if coding is not None:
        return _end_of_chunks(data, at, end) if coding.lower().strip().endswith("chunked") else end
    if length is not None:
        return min(at + int(length[:18]), end) if length.isascii() and length.isdigit() else end
    return at if head.kind == "request" else end


def _end_of_chunks(data: bytes, at: int, end: int) -> int:
    """Behind the last chunk and its trailer; `end` where they make no sense or are not here.  RFC 9112 §7.1."""
    while (newline := data.find(b"\n", at, end)) >= 0:
        size = CHUNK_SIZE.match(data, at, newline)
        if size is None:
            return end
        at = newline + 1
        length = int(size[1], 16)
        if length == 0:
            while (newline := data.find(b"\n", at, end)) >= 0:
                is_last = data[at:newline].strip() == b""
                at = newline + 1
                if is_last:
                    return at
            return end
        at += length
        if data[at : at + 2] == b"\r\n":
            at += 2
    return end


def _start_line(line: bytes, problems: list[str]) -> Http:
    text = printable(line.rstrip(b"\r\n"))
    if match := STATUS_LINE.match(text):
        version, status, reason = match.groups("")
        return Http("response", text, version=version, status=int(status), reason=reason)
    if match := REQUEST_LINE.match(text):
        method, target, version = match.groups()
        return Http("request", text, method, target, version)
    if line.endswith(b"\n"):  # else the rest of it is in the next segment
        problems.append(f"HTTP start line {text!r} is neither a request's nor a response's")
    return Http("response" if text.startswith("HTTP/") else "request", text)


def _lines(data: bytes, start: int, end: int) -> tuple[list[tuple[int, int]], int | None]:
    """The head's lines, as offsets from `start`, and where the body begins (None: not here)."""
    lines: list[tuple[int, int]] = []
    at = start
    while at < end:
        newline = data.find(b"\n", at, end)
        after = newline + 1 if newline >= 0 else end
        if newline >= 0 and data[at:after] in (b"\r\n", b"\n"):
            return lines, after - start
        lines.append((at - start, after - start))
        at = after
    return lines, None


def _headers(lines: list[bytes], problems: list[str]) -> tuple[tuple[str, str], ...]:
    headers: list[tuple[str, str]] = []
    for line in lines:
        if not line.endswith(b"\n"):
            break  # the rest of it is in the next segment
        name, colon, value = line.partition(b":")
        if line[:1] in (b" ", b"\t") and headers:  # RFC 9112 §5.2: obsolete line folding
            headers[-1] = (headers[-1][0], f"{headers[-1][1]} {printable(line.strip())}")
            problems.append(f"HTTP header {headers[-1][0]} is folded over two lines")
        elif not colon:
            problems.append(f"HTTP header line {printable(line.rstrip())!r} has no colon")
        else:
            if not FIELD_NAME.match(name.decode("latin-1")):
                problems.append(f"HTTP header name {printable(name)!r} has forbidden characters")
            headers.append((printable(name), printable(value.strip(b" \t\r\n"))))
    return tuple(headers)
