"""The heads of HTTP messages: a request line or status line, and header fields.  RFC 9112 §2 to §5.

Pure.  `connection.py` makes these from bytes and bytes from these; the policies (`persistence.py`,
`origin.py`) read them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Self

Version = tuple[int, int]
HTTP_1_0: Version = (1, 0)
HTTP_1_1: Version = (1, 1)

STATUS_WORDS = {
    100: "Continue",
    101: "Switching Protocols",
    103: "Early Hints",
    200: "OK",
    201: "Created",
    202: "Accepted",
    203: "Non-Authoritative Information",
    204: "No Content",
    205: "Reset Content",
    206: "Partial Content",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Found",
    303: "See Other",
    304: "Not Modified",
    305: "Use Proxy",
    307: "Temporary Redirect",
    308: "Permanent Redirect",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length Required",
    412: "Precondition Failed",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    416: "Range Not Satisfiable",
    417: "Expectation Failed",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    426: "Upgrade Required",
    428: "Precondition Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}
"""Reason phrases, RFC 9110 §15, RFC 8297, RFC 6585 and RFC 4918: for people only, a recipient ignores them."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order they stand; names compare without case (RFC 9110 §5.1)."""

    items: tuple[tuple[str, str], ...] = ()
    _values: dict[str, str] | None = field(default=None, init=False, repr=False, compare=False)

    def get(self, name: str) -> str | None:
        """All values of this name, joined by commas (RFC 9110 §5.3); None where it does not stand."""
        values = self._values
        if values is None:  # asked for the first time: the same fields are asked about many times
            values = {}
            for key, value in self.items:
                lower = key.lower()
                values[lower] = f"{values[lower]}, {value}" if lower in values else value
            object.__setattr__(self, "_values", values)
        return values.get(name.lower())

    def listed(self, name: str) -> tuple[str, ...]:
        """The elements of a comma-separated field in lower case: ``Connection: close, TE`` → close, te."""
        text = self.get(name)
        if text is None:
            return ()
        return _known_elements(text) if len(text) <= _SHORT else _elements(text)

    def with_field(self, name: str, value: str) -> "Headers":
        """These fields, with this one in place of any of the same name."""
        kept = tuple(pair for pair in self.items if pair[0].lower() != name.lower())
        return Headers((*kept, (name, value)))

    def without(self, *names: str) -> "Headers":
        """These fields, but for those of these names."""
        gone = {name.lower() for name in names}
        return Headers(tuple(pair for pair in self.items if pair[0].lower() not in gone))

    def build(self) -> bytes:
        """The field lines as bytes.  Raises ValueError for what would not read back: CR, LF or NUL in a value."""
        lines = [_known_line(*pair) if len(pair[0]) + len(pair[1]) <= _SHORT else _line(*pair) for pair in self.items]
        return "".join(lines).encode("latin-1")


_SHORT = 256
"""Longer lines and values are not remembered."""


def _elements(text: str) -> tuple[str, ...]:
    return tuple(bare for element in text.lower().split(",") if (bare := element.strip(" \t")))


def _line(name: str, value: str) -> str:
    if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise ValueError(f"not a header field: {name!r}: {value!r}")
    return f"{name}: {value}\r\n"


_known_elements = lru_cache(1024)(_elements)
_known_line = lru_cache(4096)(_line)  # most fields were built or read before

NO_HEADERS = Headers()


@dataclass(frozen=True, slots=True)
class Head:
    """What requests and responses share: a version and header fields."""

    headers: Headers = field(default=NO_HEADERS, kw_only=True)
    version: Version = field(default=HTTP_1_1, kw_only=True)

    @property
    def connection_options(self) -> tuple[str, ...]:
        """The options of `Connection`, in lower case (RFC 9110 §7.6.1)."""
        return self.headers.listed("Connection")

    def with_field(self, name: str, value: str) -> Self:
        """This head, with one field set."""
        return replace(self, headers=self.headers.with_field(name, value))

    def without(self, *names: str) -> Self:
        """This head, but for fields of these names."""
        if all(self.headers.get(name) is None for name in names):
            return self
        return replace(self, headers=self.headers.without(*names))


@dataclass(frozen=True, slots=True)
class Request(Head):
    """``GET /index.html HTTP/1.1`` and its fields."""

    method: str
    target: str

    def start_line(self) -> str:
        return f"{self.method} {self.target} HTTP/{self.version[0]}.{self.version[1]}"


@dataclass(frozen=True, slots=True)
class Response(Head):
    """``HTTP/1.1 200 OK`` and its fields."""

    status: int
    phrase: str = ""

    def start_line(self) -> str:
        phrase = self.phrase or STATUS_WORDS.get(self.status, "")
        return f"HTTP/{self.version[0]}.{self.version[1]} {self.status} {phrase}"


def headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Header fields from (name, value) pairs."""
    return Headers(tuple(pairs))


def build(head: Request | Response) -> bytes:
    """The head as bytes, with the empty line that ends it.

    Raises ValueError for what would not read back as one head: CR, LF or NUL in a value, a blank in
    a name or target (header injection).
    """
    if isinstance(head, Request) and not (_TOKEN.fullmatch(head.method) and _TARGET.fullmatch(head.target)):
        raise ValueError(f"not a request line: {head.method!r} {head.target!r}")
    if isinstance(head, Response) and not (100 <= head.status <= 999 and _VALUE.fullmatch(head.phrase)):
        raise ValueError(f"not a status line: {head.status} {head.phrase!r}")
    return head.start_line().encode("latin-1") + b"\r\n" + head.headers.build() + b"\r\n"
