"""A strict reader of HTTP/1 of its own: what bytes say, or that nobody can be sure of it.  RFC 9112, RFC 9110 §7.6.1.

For `differ_http.py`.  Pure, and shares no code with `lan.services.http`: where both were wrong in the same
way, nothing would be found.  What two readers might take for two things is no request here, but `Unclear`.
"""

import re
from dataclasses import dataclass

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
LINE = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.(\d)")
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
NAME = r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?"
URL = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*)://([^/?#]*)([^#]*)")
PORTS = {"http": ":80", "https": ":443"}

Fields = tuple[tuple[str, str], ...]


class Unclear(Exception):  # noqa: N818
    """Bytes that no strict reader takes."""


@dataclass(frozen=True)
class Seen:
    """One request.  Names of fields are in lower case; `minor`: 0 for HTTP/1.0, 1 for any later one."""

    method: str
    target: str
    fields: Fields = ()
    body: bytes = b""
    trailers: Fields = ()
    minor: int = 1

    def listed(self, name: str) -> list[str]:
        """The elements of a field that is a list, in lower case."""
        return [one.strip(" \t").lower() for key, value in self.fields if key == name for one in value.split(",")]

    @property
    def path(self) -> str:
        """The target without scheme and host: to its origin both mean the same (RFC 9112 §3.2.2, §3.2.4)."""
        found = re.match(r"(?i)https?://[^/?#]*", self.target)
        rest = self.target[found.end() :] if found else self.target
        if found and not rest and self.method == "OPTIONS":
            return "*"
        return rest if rest.startswith("/") or not found else "/" + rest

    @property
    def keeps(self) -> bool:
        """Whether another request may follow on the connection (RFC 9112 §9.3)."""
        options = self.listed("connection")
        return "close" not in options and (self.minor > 0 or "keep-alive" in options)

    def __str__(self) -> str:
        fields = "; ".join(f"{name}: {value}"[:60] for name, value in self.fields)
        return f"{self.method} {self.target[:80]} 1.{self.minor} [{fields}] {len(self.body)} bytes {self.body[:60]!r}"


@dataclass(frozen=True)
class Reading:
    """The requests in some bytes, how far they reach, and why what follows is none ("": it goes on, or is nothing)."""

    seen: tuple[Seen, ...] = ()
    at: int = 0
    fault: str = ""


def read_all(data: bytes) -> Reading:
    """All requests up to the first that is unclear, or unfinished, or the last by its own words."""
    seen: list[Seen] = []
    at = 0
    try:
        while found := read_one(data[at:]):
            seen.append(found[0])
            at += found[1]
            if not found[0].keeps:
                break
    except Unclear as fault:
        return Reading(tuple(seen), at, str(fault))
    return Reading(tuple(seen), at)


def read_one(data: bytes) -> tuple[Seen, int] | None:
    """The first request and its length in bytes; None: it goes on.  Raises Unclear."""
    start = 2 if data.startswith(b"\r\n") else 0  # RFC 9112 §2.2
    head, mark, _ = data[start:].partition(b"\r\n\r\n")
    if not mark:
        return None
    first, *lines = head.split(b"\r\n")
    words = LINE.fullmatch(first)
    if words is None:
        raise Unclear(f"request line {first[:60]!r}")
    fields = tuple(_field(line) for line in lines)
    whole = Seen(words[1].decode(), words[2].decode(), fields, minor=0 if words[3] == b"0" else 1)
    _check_target(whole)
    found = _content(whole, data, start + len(head) + 4)
    if found is None:
        return None
    return Seen(whole.method, whole.target, fields, found[0], found[1], whole.minor), found[2]


def _field(line: bytes) -> tuple[str, str]:
    found = FIELD.fullmatch(line)
    if found is None:
        raise Unclear(f"field line {line[:60]!r}")
    return found[1].decode().lower(), found[2].decode("latin-1").strip(" \t")


def _check_target(seen: Seen) -> None:
    """A form that the method has, and one host at most (RFC 9112 §3.2)."""
    hosts = [value for name, value in seen.fields if name == "host"]
    if len(hosts) > 1 or (not hosts and seen.minor) or any(not re.fullmatch(NAME, host) for host in hosts):
        raise Unclear(f"Host {hosts}")
    target, url = seen.target, URL.fullmatch(seen.target)
    if seen.method == "CONNECT":
        authority, port = target, ""
        if not re.fullmatch(NAME, target) or not re.search(r":[0-9]+$", target):
            raise Unclear(f"target {target[:60]!r}")
    elif url is not None:
        authority, port = url[2], PORTS.get(url[1].lower(), "")
        if not authority or not re.fullmatch(NAME, authority):
            raise Unclear(f"target {target[:60]!r}")
    elif "#" in target or not (target.startswith("/") or (target == "*" and seen.method == "OPTIONS")):
        raise Unclear(f"target {target[:60]!r}")
    else:
        return
    port = port or target[target.rfind(":") :]
    if hosts and _with_port(authority, port) != _with_port(hosts[0], port):
        raise Unclear(f"target {target[:60]!r} and Host {hosts[0]!r}")


def _with_port(authority: str, port: str) -> str:
    bare = authority.lower().rstrip(":")
    return bare if re.search(r":[0-9]+$", bare) else bare + port


def _content(seen: Seen, data: bytes, start: int) -> tuple[bytes, Fields, int] | None:
    """Content, trailers, and where both end; None: it goes on."""
    lengths = [value for name, value in seen.fields if name == "content-length"]
    codings = [value for name, value in seen.fields if name == "transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Unclear(f"Content-Length {lengths}, Transfer-Encoding {codings}")
    if seen.method == "CONNECT" and (codings or lengths not in ([], ["0"])):
        raise Unclear("CONNECT with content")
    if codings:
        if codings[0].lower() != "chunked" or not seen.minor:
            raise Unclear(f"Transfer-Encoding {codings} in 1.{seen.minor}")
        return _chunks(data, start)
    if lengths and not re.fullmatch("[0-9]{1,18}", lengths[0], re.ASCII):
        raise Unclear(f"Content-Length {lengths}")
    end = start + (int(lengths[0]) if lengths else 0)
    return (data[start:end], (), end) if len(data) >= end else None


def _chunks(data: bytes, at: int) -> tuple[bytes, Fields, int] | None:
    body = b""
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return None
        size = SIZE.fullmatch(data[at : end - 1]) if data[end - 1 : end] == b"\r" else None
        if size is None:
            raise Unclear(f"chunk-size {data[at : end + 1][:40]!r}")
        at, count = end + 1, int(size[1], 16)
        if count == 0:
            break
        if not b"\r\n".startswith(data[at + count : at + count + 2]):
            raise Unclear("no CRLF behind a chunk")
        if len(data) < at + count + 2:
            return None
        body += data[at : at + count]
        at += count + 2
    trailers = []
    while (end := data.find(b"\r\n", at)) >= 0:
        if end == at:
            return body, tuple(trailers), at + 2
        trailers.append(_field(data[at:end]))
        at = end + 2
    return None


@dataclass(frozen=True)
class Answer:
    """One final response, read as its client does."""

    status: int
    fields: Fields
    body: bytes

    def get(self, name: str) -> str | None:
        return dict(self.fields).get(name)


def read_answers(data: bytes, methods: list[str]) -> list[Answer]:
    """The responses on a connection that has ended, to requests of these methods; later ones as to GET.

    An unfinished one counts: its head was said.  What can't be read ends the list by a status of 0.
    """
    answers: list[Answer] = []
    while data:
        head, mark, rest = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        words = re.fullmatch(rb"HTTP/1\.[01] ([1-9]\d\d)(?: .*)?", first)
        pairs = [FIELD.fullmatch(line) for line in lines]
        if words is None or not mark:
            return [*answers, Answer(0, (), data)]
        status = int(words[1])
        fields = tuple((one[1].decode().lower(), one[2].decode("latin-1")) for one in pairs if one is not None)
        if status < 200 and status != 101:
            data = rest
            continue
        method = methods[len(answers)] if len(answers) < len(methods) else "GET"
        body, data = _answer_body(status, dict(fields), method, rest)
        answers.append(Answer(status, fields, body))
        if status >= 400 and dict(fields).get("connection", "").lower() == "close":
            break  # words behind a refusal, of a HEAD that could not be read, are nobody's
    return answers


def _answer_body(status: int, fields: dict[str, str], method: str, rest: bytes) -> tuple[bytes, bytes]:
    if method == "HEAD" or status in (204, 304):
        return b"", rest
    if fields.get("transfer-encoding", "").lower() == "chunked":
        try:
            found = _chunks(rest, 0)
        except Unclear:
            found = None
        return (rest, b"") if found is None else (found[0], rest[found[2] :])
    if (length := fields.get("content-length", "")).isdigit():
        return rest[: int(length)], rest[int(length) :]
    return rest, b""
