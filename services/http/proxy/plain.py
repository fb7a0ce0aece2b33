"""Plain messages: passed on by their lines, just as the full path passes them on.  RFC 9110 §7.6, RFC 9112 §2 to §6.

No rule of a proxy reads `User-Agent`.  So what the rules made of one head, they make of every head that
differs from it only in such fields, in the path of its target, or in how long its content is.
`Requests` and `Answers` remember what the full path (`head.py`, `forwarding.py`, `connection.py`) made of
the lines that some rule reads: which of them went, and which came before and after the rest.  They are a
cache of its answers and no second set of rules: a combination of lines that they meet a second time is
shown to it in a head made up for that, and what it refuses, closes for, or answers itself is not plain.

Pure.  None: ask the full path.  A test holds the two equal, byte by byte, on both sides of a proxy.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from lan.services.http.protocol import hop_by_hop, keep_alive, messages
from lan.services.http.protocol.connection import Client, Server
from lan.services.http.protocol.events import End, Event, Refused
from lan.services.http.protocol.head import MAX_FIELDS, read_fields
from lan.services.http.protocol.keep_alive import KeepAlive
from lan.services.http.protocol.messages import HTTP_1_1, Head, Request, Response, headers
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Content, Downward, Onward, Rules

READ = hop_by_hop.KNOWN | {
    "content-length",
    "expect",
    "forwarded",
    "host",
    "max-forwards",
    "via",
    "x-forwarded-for",
}
"""The fields that rules of a proxy read.  `Date` they look for in responses, whatever it says."""

MAX_HEAD_BYTES = 4 * 1024
MAX_REMEMBERED = 1024
MAX_LINE_BYTES = 512
"""Longer lines are read each time."""

_START = re.compile(rb"((GET|HEAD|POST|PUT|PATCH|DELETE) (?:http://[A-Za-z0-9.:_\-]+)?)(/[!\"$-~]*) HTTP/1\.1")
_LENGTH = re.compile(rb"(?i:content-length): (\d{1,15})")
_ENDINGS = (b"-Length: ", b"-length: ")
_ANY_LENGTH = b"Content-Length: 1"
_DATE = b"Date: Thu, 01 Jan 1970 00:00:00 GMT"
_LAST = b"Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT"
"""Plain lines around those that are read, in a head that is made up: they show what comes before and after."""
_ASKED = Request("GET", "/", headers=headers([("Host", "plain")]))
_ASKED_HEAD = Request("HEAD", "/", headers=_ASKED.headers)


class Lines:
    """Field lines seen before, by whether some rule reads them: fields of these names (in lower case)."""

    def __init__(self, names: frozenset[str] = READ) -> None:
        self._names = names | {""}
        self.plain: set[bytes] = set()
        self._read: set[bytes] = set()

    def read(self, lines: Sequence[bytes]) -> list[bytes]:
        """Those of these lines that some rule reads, or that are not written as we write them."""
        return [line for line in lines if line not in self.plain and (line in self._read or not self._is_plain(line))]

    def _is_plain(self, line: bytes) -> bool:
        is_plain = _name(line) not in self._names
        if len(line) <= MAX_LINE_BYTES:
            known = self.plain if is_plain else self._read
            if len(known) >= MAX_REMEMBERED:
                known.clear()
            known.add(line)
        return is_plain


def _name(line: bytes) -> str:
    """The field's name in lower case; ``""`` where the line is none that we would write just so."""
    try:
        fields = read_fields(line + b"\r\n\r\n").items
    except Refused:
        return ""
    [(name, value)] = fields
    return name.lower() if f"{name}: {value}".encode("latin-1") == line else ""


Made = TypeVar("Made")


class Twice(Generic[Made]):
    """What was found out about a key when it came a second time; what comes once is not worth it."""

    def __init__(self) -> None:
        self.known: dict[Hashable, Made | None] = {}
        self._once: set[int] = set()

    def find(self, key: Hashable, make: Callable[[], Made | None]) -> Made | None:
        if key in self.known:
            return self.known[key]
        if (short := hash(key)) not in self._once:
            if len(self._once) >= MAX_REMEMBERED:
                self._once.clear()
            self._once.add(short)
            return None
        if len(self.known) >= MAX_REMEMBERED:
            self.known.clear()
        self._once.discard(short)
        made = self.known[key] = make()
        return made


@dataclass(frozen=True, slots=True)
class Change:
    """How a head goes on: with this start (all of it, or what stands before the path), with these lines before and
    after its own, and without those that are gone, which stand here between their line ends."""

    start: bytes
    before: bytes
    after: bytes
    gone: tuple[bytes, ...]


def change(start: bytes, read: Sequence[bytes], built: bytes) -> Change | None:
    """What has changed from a head of these read lines, between `_DATE` and `_LAST`, to what was `built` of it."""
    lines = built.split(b"\r\n")[1:-2]
    if _DATE not in lines or _LAST not in lines:
        return None
    first, last = lines.index(_DATE), lines.index(_LAST)
    kept = lines[first + 1 : last]
    gone = [line for line in read if line not in kept]
    if kept != [line for line in read if line in kept] or _ANY_LENGTH in gone or len(set(read)) < len(read):
        return None
    between = tuple(b"\r\n%b\r\n" % line for line in gone)
    return Change(start, _block(lines[:first]), _block(lines[last + 1 :]), between)


def _block(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Passage:
    """Where requests with these lines go, and how they change."""

    hop: Destination
    change: Change
    method: str


class Requests:
    """Requests that are passed on by their lines, by a proxy of these rules.

    `allows`: may its sender use us?  `max_head_bytes`: what the full path would refuse.
    """

    def __init__(
        self,
        rules: Rules,
        allows: Callable[[Request], bool] = lambda request: True,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
    ) -> None:
        self.rules, self.allows = rules, allows
        self.max_head_bytes = min(max_head_bytes, MAX_HEAD_BYTES)
        self._lines = Lines()
        self._passages: Twice[Passage] = Twice()

    def passed(
        self, data: bytes, *, client: str = "", original: Destination | None = None
    ) -> tuple[Passage, bytes] | None:
        """These bytes as one whole plain request, and what goes on of it to a server known to speak HTTP/1.1.

        `client` is its address, where the rules tell it, `original` where an intercepted connection was going.
        """
        end = data.find(b"\r\n\r\n")
        if end < 0 or end + 4 > self.max_head_bytes:
            return None
        lines = data[:end].split(b"\r\n")
        if (found := _START.fullmatch(lines[0])) is None or len(lines) > MAX_FIELDS:
            return None
        plain = self._lines.plain
        read = [line for line in lines if line not in plain]
        start, path = found[1], found[3]
        if len(read) > 2 or end + 4 != len(data):
            read[1:] = self._lines.read(read[1:])
            if _length(read) != len(data) - end - 4:
                return None
        read[0] = start
        key = (client, original, *read)
        passage = self._passages.known.get(key)
        if passage is None:
            passage = self._passages.find(key, lambda: self._passage(start, read[1:], client, original))
            if passage is None:
                return None
        changed = passage.change
        head = data[: end + 2]
        for line in changed.gone:
            head = head.replace(line, b"\r\n")
        if changed.before or changed.start != start:
            head = b"%b%b HTTP/1.1\r\n%b%b" % (changed.start, path, changed.before, head[len(lines[0]) + 2 :])
        return passage, b"%b%b%b" % (head, changed.after, data[end + 2 :])

    def _passage(
        self, start: bytes, read: Sequence[bytes], client: str, original: Destination | None
    ) -> Passage | None:
        """What the full path makes of a request with these lines."""
        head = _made_up(start + b"/ HTTP/1.1", read)
        engine = Server(max_body_bytes=None)
        request = _whole(engine.receive(head + (b"x" if _ANY_LENGTH in read else b"")))
        if not isinstance(request, Request):
            return None
        meant = forwarding.as_meant(request, self.rules)
        if not self.allows(meant) or _names_fields(meant) or meant.headers.get("Expect") is not None:
            return None
        going = forwarding.onward(meant, self.rules, client=client, known=lambda _: HTTP_1_1, original=original)
        if not isinstance(going, Onward) or going.is_tunnel or going.content not in (Content.NONE, Content.LENGTH):
            return None
        try:
            built = Client().begin(going.request)
        except ValueError:
            return None
        first = built.partition(b"\r\n")[0]
        changed = change(first.removesuffix(b"/ HTTP/1.1"), read, built)
        if changed is None or not first.endswith(b"/ HTTP/1.1"):
            return None
        return Passage(self.rules.parent or going.destination, changed, request.method)


@dataclass(frozen=True, slots=True)
class Answer:
    """How responses with these lines change, whether content follows, and what their `Keep-Alive` says."""

    change: Change
    has_content: bool
    said: KeepAlive


class Answers:
    """Responses that are passed on by their lines, to plain requests."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._lines = Lines()
        self._answers: Twice[Answer] = Twice()

    def passed(self, data: bytes, *, is_head: bool) -> tuple[Answer, bytes, int] | None:
        """These bytes as a plain response to a plain request, what goes on of it, and how much content is to come."""
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD_BYTES or data.find(b"\r\nDate: ", 0, end) < 0:
            return None
        lines = data[:end].split(b"\r\n")
        plain = self._lines.plain
        if lines[0] in plain or len(lines) > MAX_FIELDS:
            return None
        read = [line for line in lines if line not in plain]
        if len(read) > 3:
            read[1:] = self._lines.read(read[1:])
        length = _length(read)
        key = (is_head, *read)
        answer = self._answers.known.get(key)
        if answer is None:
            read[1:] = self._lines.read(read[1:])
            answer = self._answers.find((is_head, *read), lambda: self._answer(read[0], read[1:], is_head=is_head))
            if answer is None:
                return None
        left = (length if answer.has_content else 0) - (len(data) - end - 4)
        if left < 0:
            return None
        changed = answer.change
        head = data[: end + 2]
        if changed.start != lines[0]:
            head = changed.start + head[len(lines[0]) :]
        for line in changed.gone:
            head = head.replace(line, b"\r\n")
        return answer, b"%b%b%b" % (head, changed.after, data[end + 2 :]), left

    def _answer(self, status_line: bytes, read: Sequence[bytes], *, is_head: bool) -> Answer | None:
        """What the full path makes of a response with these lines."""
        if any(line[:1] in (b" ", b"\t") for line in read):  # folded: of which line, is not seen here
            return None
        request = _ASKED_HEAD if is_head else _ASKED
        client, server = Client(), Server()
        client.begin(request)
        client.end()
        events = client.receive(_made_up(status_line, read))
        has_content = bool(events) and not isinstance(events[-1], End) and _ANY_LENGTH in read
        if has_content:
            events += client.receive(b"x")
        response = _whole(events)
        if not isinstance(response, Response) or not client.is_idle or _names_fields(response):
            return None
        if response.version != HTTP_1_1:  # the pool is to learn that
            return None
        down = forwarding.downward(response, request, request, self.rules, now_s=0.0)
        if not isinstance(down, Downward):
            return None
        server.receive(messages.build(request))
        built = server.respond(down.response)
        if server.persistence is None or not server.persistence.keep:
            return None
        changed = change(built.partition(b"\r\n")[0], read, built)
        if changed is None or changed.before:
            return None
        return Answer(changed, has_content, keep_alive.parse(response.headers))


def _made_up(start: bytes, read: Sequence[bytes]) -> bytes:
    return b"\r\n".join([start, _DATE, *read, _LAST, b"", b""])


def _length(read: list[bytes]) -> int:
    """What Content-Length says, 0 without it; in `read` a length that stands for all takes its place."""
    for at, line in enumerate(read):
        if line[7:16] in _ENDINGS and (found := _LENGTH.fullmatch(line)) is not None:
            read[at] = _ANY_LENGTH
            return int(found[1])
    return 0


def _whole(events: Sequence[Event]) -> Event | None:
    """The head of a message that has come to its end; None for anything else."""
    return events[0] if len(events) in (2, 3) and isinstance(events[-1], End) else None


def _names_fields(head: Head) -> bool:
    """Whether its `Connection` is about more than keeping: it could name fields that we take for plain."""
    return bool(set(head.connection_options) - {"keep-alive"})
