"""The short ways of our proxy and our web server for the fuzzer: do they make what the full path makes, byte by byte?

For `fuzz_http.py`.  `proxy/plain.py` remembers heads from one input to the next, as in a proxy that runs: so what a
bad head leaves behind is part of what is tried.
"""

import tempfile
from functools import cache
from pathlib import Path
from random import Random

from lan.services.http.origin.brief import brief
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.site import Directory
from lan.services.http.protocol.connection import Body, Client, End, Server
from lan.services.http.protocol.messages import HTTP_1_1, Headers, Request, Response, build
from lan.services.http.proxy import forwarding
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Downward, Mode, Onward, Rules
from lan.services.http.proxy.plain import Answers, Requests

WEB = Destination("http", "web", 80)
RULES = (
    Rules("p", Mode.GATEWAY, upstream=WEB),
    Rules("p"),
    Rules("p", parent=Destination("http", "parent", 3128)),
    Rules("p", Mode.GATEWAY, upstream=WEB, tells_client="forwarded"),
    Rules("p", Mode.GATEWAY, upstream=WEB, tells_client="x-forwarded-for"),
)
REQUESTS = [Requests(rules) for rules in RULES]
ANSWERS = [Answers(rules) for rules in RULES]
CLIENT = "192.0.2.7"
ASKED = {
    False: Request("GET", "/", headers=Headers((("Host", "web"),))),
    True: Request("HEAD", "/", headers=Headers((("Host", "web"),))),
}
PLAIN_REQUESTS = [
    b"GET /a?b=c HTTP/1.1\r\nHost: web\r\nUser-Agent: a (b)\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    b"GET http://web/a HTTP/1.1\r\nA: b\r\nHost: web\r\nVia: 1.1 q\r\nCache-Control: no-cache\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: web\r\nContent-Type: a/b\r\nContent-Length: 5\r\nX-Forwarded-For: a\r\n\r\nhello",
    b"PUT http://web:80/x HTTP/1.1\r\nHost: web\r\nContent-Length: 0\r\nKeep-Alive: 5\r\nForwarded: for=a\r\n\r\n",
    b"HEAD /a HTTP/1.1\r\nHost: web\r\nMax-Forwards: 5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n\r\n",
    b"DELETE /a HTTP/1.1\r\nHost: web\r\nIf-Match: *\r\nProxy-Authorization: Basic YTpi\r\nCookie: a=b; c=d\r\n\r\n",
]
DATE = b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
PLAIN_ANSWERS = [
    b"HTTP/1.1 200 OK\r\n" + DATE + b"Server: w\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
    b"HTTP/1.1 304 Not Modified\r\n" + DATE + b'ETag: "a"\r\nKeep-Alive: timeout=5, max=9\r\nVia: 1.1 q\r\n\r\n',
    b"HTTP/1.1 404 Not Found\r\nContent-Type: a/b\r\n" + DATE + b"Content-Length: 100\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 5\r\nTrailer: a\r\nUpgrade: h2c\r\nSet-Cookie: a=b\r\n\r\n",
]


class Other(Exception):  # noqa: N818 - what the fuzzer looks for
    """A short way leads elsewhere than the long way."""


def run_request(data: bytes, random: Random) -> bool:
    at = int(random.random() * len(RULES))
    requests, rules = REQUESTS[at], RULES[at]
    found = requests.passed(data, client=CLIENT) or requests.passed(data, client=CLIENT)
    if found is None:
        return False
    engine, client = Server(max_body_bytes=None), Client()
    events = engine.receive(data)
    request = events[0]
    if not isinstance(request, Request) or not isinstance(events[-1], End) or engine._buffer:
        raise Other(f"no whole request: {events}")
    going = forwarding.onward(forwarding.as_meant(request, rules), rules, client=CLIENT, known=lambda _: HTTP_1_1)
    if not isinstance(going, Onward):
        raise Other(f"answered here: {going}")
    content = b"".join(event.data for event in events if isinstance(event, Body))
    long_way = client.begin(going.request) + client.body(content) + client.end()
    if found[1] != long_way or found[0].hop != (rules.parent or going.destination):
        raise Other(f"{found} and not {long_way!r}")
    return True


def run_answer(data: bytes, random: Random) -> bool:
    at, is_head = int(random.random() * len(RULES)), random.random() < 0.3
    answers, rules, request = ANSWERS[at], RULES[at], ASKED[is_head]
    found = answers.passed(data, is_head=is_head) or answers.passed(data, is_head=is_head)
    if found is None:
        return False
    client, server = Client(), Server()
    client.begin(request)
    client.end()
    events = client.receive(data)
    response = events[0]
    if not isinstance(response, Response) or client.has_begun is isinstance(events[-1], End):
        raise Other(f"no response that goes on: {events}")
    down = forwarding.downward(response, request, request, rules, now_s=0.0)
    if not isinstance(down, Downward):
        raise Other(f"not passed on: {down}")
    server.receive(build(request))
    content = b"".join(event.data for event in events if isinstance(event, Body))
    long_way = server.respond(down.response) + server.body(content)
    left = 0 if isinstance(events[-1], End) else int(response.headers.get("Content-Length") or 0) - len(content)
    if found[1:] != (long_way, left):
        raise Other(f"{found} and not {long_way!r} and {left} more")
    if server.persistence is None or not server.persistence.keep:
        raise Other("kept, where the full path closes")
    return True


@cache
def site() -> tuple[Origin, tempfile.TemporaryDirectory[str]]:
    """A site of two small files, for as long as the fuzzer runs."""
    folder = tempfile.TemporaryDirectory(prefix="lan-fuzz-")
    for name in ("a", "b.html"):
        Path(folder.name, name).write_text(name)
    return Origin(Directory(Path(folder.name))), folder


PLAIN_GETS = [
    b"GET /a HTTP/1.1\r\nHost: web\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\r\n",
    b"GET /b.html HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n",
    b"GET /none HTTP/1.1\r\nHost: web\r\n\r\n",
]
NOW_S = 4_000_000_000.0


def run_brief(data: bytes, _: Random) -> bool:
    if not data.endswith(b"\r\n\r\n") or data.find(b"\r\n\r\n") != len(data) - 4:
        return False  # the server asks for one head alone
    origin = site()[0]
    found = brief(origin, data, NOW_S)
    if found is None:
        return False
    engine = Server()
    events = engine.receive(data)
    request = events[0]
    if not isinstance(request, Request) or not isinstance(events[-1], End) or engine._buffer:
        raise Other(f"no whole request: {events}")
    answer = origin.answer(request, now_s=NOW_S)
    head = engine.respond(answer.response)
    content = answer.content.read(0, 99) if answer.content is not None else b""
    if (found.head, found.body) != (head, content) or engine.persistence is None or not engine.persistence.keep:
        raise Other(f"{found} and not {head!r}")
    return True
