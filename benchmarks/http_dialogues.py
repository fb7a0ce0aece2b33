"""What clients do to an HTTP server, well and badly: each dialogue is one connection's life, and a count of requests.

For `soak_http.py`.  A dialogue is a function of a `Talk`, which has just connected; it returns how many
requests it sent and raises `Wrong` where an answer is not what the echo application must give.  GOOD
ones demand right answers; for BAD ones it is enough that they end.
"""

import random
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass

PATIENCE_S = 60.0
KILOBYTE = 1024
RACE = b"closed without an answer"
LOST = " that lost a race"
WRITES = 25
WITH_CONTENT = ("bodies", "in_chunks", "awaited")
"""Dialogues that may end by LOST: their requests may not be sent twice."""


class Wrong(Exception):  # noqa: N818
    """An answer that no right server gives."""


@dataclass(frozen=True)
class Target:
    """Who is asked.  `prefix` stands before each path: a forward proxy wants the whole URL."""

    name: str
    port: int
    prefix: str = ""
    tls_port: int | None = None
    tunnel_to: int | None = None
    """For a forward proxy: the origin's port of HTTPS, by CONNECT."""
    is_dumb: bool = False
    """A proxy that hangs as soon as two ends want to keep their connection through it: it gets ONCE alone."""


@dataclass
class Answer:
    """One response, its body put together."""

    status: int
    fields: dict[str, str]
    body: bytes


class Talk:
    """One connection of a client, with blocking calls that give up after PATIENCE_S."""

    def __init__(self, target: Target, chance: random.Random, *, tls: bool = False) -> None:
        self.target, self.chance = target, chance
        self.sock = socket.create_connection(("127.0.0.1", target.port), PATIENCE_S)
        self._rest, self.more = b"", ""
        if tls:
            self._secure()

    def _secure(self) -> None:
        if self.target.tunnel_to is not None:
            to = f"127.0.0.1:{self.target.tunnel_to}"
            self.send(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
            if (answer := self.answer("CONNECT")).status != 200:
                raise Wrong(f"CONNECT is answered by {answer.status}")
        elif self.target.tls_port is not None:
            self.sock.close()
            self.sock = socket.create_connection(("127.0.0.1", self.target.tls_port), PATIENCE_S)
        self.sock = CONTEXT.wrap_socket(self.sock, server_hostname="localhost", suppress_ragged_eofs=False)

    @property
    def is_secure(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    def request(self, method: str, path: str, *fields: str, body: bytes = b"", version: str = "1.1") -> bytes:
        """The bytes of a request; a body gets its Content-Length."""
        prefix = "" if self.is_secure else self.target.prefix
        host = prefix.removeprefix("http://") or "localhost"
        lines = [f"{method} {prefix}{path} HTTP/{version}", f"Host: {host}", *fields]
        lines += [f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def ask(self, method: str, path: str, *fields: str, body: bytes = b"", version: str = "1.1") -> Answer:
        """Send a request and read its answer."""
        self.send(self.request(method, path, *fields, body=body, version=version))
        return self.answer(method)

    def answer(self, method: str = "GET") -> Answer:
        """The next final response."""
        while (answer := self.any_answer(method)).status < 200:
            pass
        return answer

    def any_answer(self, method: str = "GET") -> Answer:
        """The next response, also an interim one."""
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        status = int(first.split(" ")[1])
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
        return Answer(status, fields, b"" if status < 200 else self._body(method, status, fields))

    def _body(self, method: str, status: int, fields: dict[str, str]) -> bytes:
        if method == "HEAD" or status in (204, 304) or (method == "CONNECT" and status == 200):
            return b""
        if fields.get("transfer-encoding") == "chunked":
            return self._chunks()
        if "content-length" in fields:
            return self._exactly(int(fields["content-length"]))
        return self.rest()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n").split(b";")[0], 16):
            body += self._exactly(size)
            self._until(b"\r\n")
        while self._until(b"\r\n"):  # trailers
            pass
        return body

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _exactly(self, count: int) -> bytes:
        parts, have = [self._rest], len(self._rest)
        while have < count:
            parts.append(self._receive())
            have += len(parts[-1])
        whole = b"".join(parts)
        self._rest = whole[count:]
        return whole[:count]

    def _more(self) -> None:
        self._rest += self._receive()

    def _receive(self) -> bytes:
        data = self.sock.recv(262144)
        if not data:
            raise Wrong(f"the connection ended within an answer, after {self._rest[:60]!r}")
        return data

    def lost_a_race(self, answer: Answer) -> bool:
        """The server closed the proxy's kept connection while the request was on its way there, as it does when told to
        break its word, and a request may not be sent twice: RFC 9112 §9.3.1.  `soak_http.py` bounds how often."""
        if not self.target.prefix or answer.status != 502 or RACE not in answer.body:
            return False
        self.more = LOST
        return True

    def rest(self) -> bytes:
        """All until the server's FIN."""
        parts = [self._rest]
        while data := self.sock.recv(262144):
            parts.append(data)
        self._rest = b""
        return b"".join(parts)

    def send_fin(self) -> None:
        """We send no more; what TLS would say of it is left out."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def reset(self) -> None:
        """Leave by a RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE  # what is measured is not trust


def demand(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise Wrong(f"{what}: {found!r:.200}, not {wanted!r:.200}")


# Good dialogues


def kept(talk: Talk) -> int:
    """Ten requests of several methods, one after the other."""
    for at in range(10):
        method = ("GET", "HEAD", "GET", "OPTIONS", "DELETE")[at % 5]
        answer = talk.ask(method, "/1k")
        demand(method, answer.status // 100, 2)
        if method == "GET":
            demand("1 KiB", len(answer.body), KILOBYTE)
    return 10


def pipelined(talk: Talk) -> int:
    """Sixteen requests in one write, answered in order."""
    sizes = [talk.chance.randrange(1, 2000) for _ in range(16)]
    talk.send(b"".join(talk.request("GET", f"/bytes/{size}") for size in sizes))
    demand("in order", [len(talk.answer().body) for _ in sizes], sizes)
    return 16


def enduring(talk: Talk) -> int:
    """A connection that lasts: WRITES times twenty requests of three methods in one write, each answer looked at."""
    for _ in range(WRITES):
        asked = [(talk.chance.choice(("GET", "GET", "GET", "HEAD")), talk.chance.randrange(1, 2000)) for _ in range(20)]
        asked[7] = ("OPTIONS", 1)
        talk.send(b"".join(talk.request(method, f"/bytes/{size}") for method, size in asked))
        answers = [talk.answer(method) for method, _ in asked]
        found = [answer.status // 100 == 2 and len(answer.body) for answer in answers]
        found[7] = 0
        demand("in order", found, [size if method == "GET" else 0 for method, size in asked])
    return 20 * WRITES


def bodies(talk: Talk) -> int:
    """Bodies with a length, by each method that has one."""
    for method in ("POST", "PUT", "PATCH"):
        body = talk.chance.randbytes(talk.chance.choice((1, 100, 5000, 100_000)))
        answer = talk.ask(method, "/any", "Content-Type: application/x-noise", body=body)
        if talk.lost_a_race(answer):
            return 1
        demand(method, (answer.status, answer.body), (200, body))
    return 3


def in_chunks(talk: Talk) -> int:
    """A body in chunks of odd sizes with an extension and a trailer, cut anywhere on its way."""
    body = talk.chance.randbytes(3000)
    cuts = sorted(talk.chance.sample(range(1, len(body)), 4))
    pieces = [body[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    data = talk.request("POST", "/any", "Transfer-Encoding: chunked", "Trailer: Lan-Sum")
    data += b"".join(b"%x;part\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nLan-Sum: 1\r\n\r\n"
    cut = talk.chance.randrange(1, len(data))
    talk.send(data[:cut])
    talk.send(data[cut:])
    answer = talk.answer()
    if not talk.lost_a_race(answer):
        demand("chunked", answer.body, body)
    return 1


def awaited(talk: Talk) -> int:
    """A client that waits for 100 Continue before its body."""
    talk.send(talk.request("POST", "/any", "Expect: 100-continue", "Content-Length: 5"))
    first = talk.any_answer()
    if talk.lost_a_race(first):
        return 1
    demand("100", first.status, 100)
    talk.send(b"hello")
    demand("after 100", talk.answer().body, b"hello")
    return 1


def old(talk: Talk) -> int:
    """HTTP/1.0: the answer ends with the connection."""
    answer = talk.ask("GET", "/chunked/5000", version="1.0")
    demand("1.0", (answer.status, len(answer.body)), (200, 5000))
    return 1


def last(talk: Talk) -> int:
    """One request that says close."""
    answer = talk.ask("GET", "/1k", "Connection: close")
    demand("close", (answer.status, len(answer.body), answer.fields.get("connection")), (200, KILOBYTE, "close"))
    return 1


def parts(talk: Talk) -> int:
    """A range, a condition that holds, a redirect, a missing page, an answer in chunks, trailers."""
    ranged = talk.ask("GET", "/bytes/5000", "Range: bytes=100-199")
    demand("range", (ranged.status, len(ranged.body)), (206, 100))
    tag = ranged.fields["etag"]
    demand("known", talk.ask("GET", "/bytes/5000", f"If-None-Match: {tag}").status, 304)
    demand("redirect", talk.ask("GET", "/redirect/3").status, 302)
    demand("status", talk.ask("GET", "/status/404").status, 404)
    demand("chunked", len(talk.ask("GET", "/chunked/70000").body), 70_000)
    demand("trailers", len(talk.ask("GET", "/trailers").body), 4096)
    return 6


def large(talk: Talk) -> int:
    """A megabyte."""
    demand("1 MB", len(talk.ask("GET", "/bytes/1000000").body), 1_000_000)
    return 1


def half_closed(talk: Talk) -> int:
    """The client's FIN comes with its request, and the answer still arrives.  Under TLS that would be a truncation."""
    talk.send(talk.request("GET", "/bytes/3000"))
    talk.send_fin()
    demand("half-closed", len(talk.answer().body), 3000)
    return 1


# Bad ones


def mute(talk: Talk) -> int:
    """Connects and leaves."""
    return 0


def torn_head(talk: Talk) -> int:
    """Leaves within the head."""
    data = talk.request("GET", "/1k")
    talk.send(data[: talk.chance.randrange(1, len(data))])
    return 1


def torn_body(talk: Talk) -> int:
    """Leaves by a RST within the body."""
    talk.send(talk.request("POST", "/any", body=bytes(5000))[:-1000])
    talk.reset()
    return 1


def impatient(talk: Talk) -> int:
    """Asks for much, reads a little, and leaves by a RST."""
    talk.send(talk.request("GET", "/bytes/3000000"))
    talk.sock.recv(1000)
    talk.reset()
    return 1


def abandoned(talk: Talk) -> int:
    """Sixteen requests, and gone before the first answer."""
    talk.send(talk.request("GET", "/bytes/3000") * 16)
    talk.reset()
    return 16


MALFORMED = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nLong: " + b"x" * 40_000 + b"\r\n\r\n",
    b"\r\n" * 5000,
    b"GET /" + b"a" * 40_000,
)


def malformed(talk: Talk) -> int:
    """What no server takes: it refuses and closes, or waits until we have left."""
    talk.send(talk.chance.choice(MALFORMED))
    talk.send_fin()
    talk.rest()
    return 1


FAULTS = (
    "reset:100", "early-close:100", "content-length:none", "content-length:short", "content-length:long",
    "half-close:100", "ignore-keep-alive:claims", "ignore-keep-alive:silent", "lying-chunk:long", "lying-chunk:bad",
    "split-writes", "drip:300:1", "stall:0.02:100", "endless",
)  # fmt: skip


def broken(talk: Talk) -> int:
    """The server breaks its own answer, as it was asked to."""
    fault = talk.chance.choice(FAULTS)
    if fault in ("lying-chunk:long", "content-length:long") and talk.target.prefix and not talk.target.is_dumb:
        return 0  # proxy and server would both wait, for as long as either waits for a rest
    talk.more = f" by {fault}"
    talk.send(talk.request("GET", f"/bytes/1000?fault={fault}", "Connection: close"))
    if fault == "endless":
        talk.sock.recv(5000)
        talk.reset()
        return 1
    talk.send_fin()
    talk.rest()
    return 1


GOOD: tuple[tuple[Callable[[Talk], int], int], ...] = (
    (kept, 20), (pipelined, 30), (bodies, 10), (in_chunks, 8), (awaited, 3), (old, 3), (last, 6), (parts, 8),
    (large, 1), (half_closed, 4), (enduring, 5),
)  # fmt: skip
"""Dialogue → how often, among all."""
BAD: tuple[tuple[Callable[[Talk], int], int], ...] = (
    (mute, 2), (torn_head, 3), (torn_body, 3), (impatient, 2), (abandoned, 2), (malformed, 5), (broken, 6),
)  # fmt: skip
ONCE = (old, last, mute, torn_head, torn_body, impatient, malformed, broken)
"""Dialogues of at most one request, which says that it is the last."""
OVER_TLS = 0.1
"""This share of all dialogues, where the target has TLS."""


def one(target: Target, chance: random.Random) -> tuple[str, int, str]:
    """Any dialogue: its name, how many requests it sent, and what was wrong ("" for nothing).

    Faults that a server was asked for are part of the name: some take their time.
    """
    table = [row for row in GOOD + BAD if not target.is_dumb or row[0] in ONCE]
    [dialogue] = chance.choices([name for name, _ in table], [often for _, often in table])
    tls = (target.tls_port or target.tunnel_to) is not None and chance.random() < OVER_TLS
    if dialogue is half_closed:
        tls = False
    name = dialogue.__name__ + ("/tls" if tls else "")
    is_good = any(dialogue is good for good, _ in GOOD)
    talk = None
    try:
        talk = Talk(target, chance, tls=tls)
        count = dialogue(talk)
        return name + talk.more, count, ""
    except (Wrong, OSError, ValueError) as error:
        is_silence = isinstance(error, TimeoutError)
        return name, 1, f"{type(error).__name__}: {error}" if is_good or is_silence else ""
    finally:
        if talk is not None:
            talk.sock.close()
