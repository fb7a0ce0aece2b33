"""Each parser of services/http for the fuzzer: its corpus, how it is given an input, what its answer must keep.

To add one: a `Parser` in `PARSERS`.
"""

from collections.abc import Callable
from random import Random

from benchmarks import fuzz_passing
from benchmarks.fuzz_inputs import place
from benchmarks.fuzz_runner import Broken, Parser, Run
from lan.errors import UsageError
from lan.services.http.cache import cache_control, index_log
from lan.services.http.cache.entry import Entry
from lan.services.http.fetching import responsive
from lan.services.http.fetching.page_objects import Known, PageScanner, Scanner, SheetScanner
from lan.services.http.origin import conditions, encodings, faults, paths
from lan.services.http.protocol import chunked, dates, head, keep_alive, ranges, url, via
from lan.services.http.protocol.connection import Body, Client, Closed, End, Event, Fault, Server, Tunnel
from lan.services.http.protocol.events import Refused
from lan.services.http.protocol.messages import Headers, Request, Response
from lan.services.http.protocol.target import parse_authority, split_absolute


def run_request_head(data: bytes, _: Random) -> bool:
    return bool(head.read_request(data).method)


def run_response_head(data: bytes, _: Random) -> bool:
    if not 100 <= head.read_response(data).status <= 999:
        raise Broken("a status that is none")
    return True


def run_fields(data: bytes, _: Random) -> bool:
    for name, value in head.read_fields(data).items:
        if not name or value != value.strip(" \t") or any(letter in value for letter in "\r\n\0"):
            raise Broken(f"a field that is none: {name!r}: {value!r}")
    return True


def run_target(data: bytes, _: Random) -> bool:
    text = data.decode("latin-1")
    found = parse_authority(text)
    if found is not None and (found.port > 65535 or not found.host.isascii() or "@" in found.host):
        raise Broken(f"an authority that is none: {found}")
    return found is not None or split_absolute(text) is not None


def run_chunked(data: bytes, random: Random) -> bool:
    decoder, at = chunked.Decoder(max_bytes=2048), place(data, random)
    content = decoder.feed(data[:at])
    is_done = decoder.is_done
    rest = decoder.rest + data[at:] if is_done else b""
    if not is_done:
        content += decoder.feed(data[at:])
        rest = decoder.rest
    if decoder.kept_bytes > chunked.MAX_TRAILER_BYTES + len(data) or len(content) + len(rest) > len(data):
        raise Broken("more than came")
    if decoder.is_done and chunked.Decoder().feed(data) != content:
        raise Broken("content that depends on the pieces")
    return decoder.is_done


OK = Response(200, headers=Headers((("Content-Length", "0"),)))


def hear_requests(pieces: list[bytes]) -> list[Event]:
    """What a server hears that answers at once; neighbouring bodies as one."""
    server = Server(max_head_bytes=1024, max_body_bytes=2048)
    heard: list[Event] = []
    for piece in pieces:
        events = server.receive(piece)
        heard += events
        while events and isinstance(events[-1], End):
            server.respond(OK)
            events = server.finish()
            heard += events
    return joined(heard)


def hear_responses(pieces: list[bytes], methods: list[str]) -> list[Event]:
    client = Client(max_head_bytes=1024)
    for method in methods:
        target = "web:80" if method == "CONNECT" else "/"
        client.send(Request(method, target, headers=Headers((("Host", "web"),))))
    return joined([event for piece in pieces for event in client.receive(piece)])


def joined(events: list[Event]) -> list[Event]:
    result: list[Event] = []
    for event in events:
        if type(event) is type(result[-1] if result else None) and isinstance(event, Body | Tunnel):
            last = result[-1]
            assert isinstance(last, Body | Tunnel)
            result[-1] = type(event)(last.data + event.data)
        else:
            result.append(event)
    return result


def orderly(events: list[Event], begins: type[Request] | type[Response]) -> None:
    """Head, content, end; and after a fault, a close or a tunnel nothing else.  Raises Broken."""
    is_open = False
    for position, event in enumerate(events):
        if isinstance(event, begins):
            if is_open and not (isinstance(event, Response) and _is_interim(events[position - 1])):
                raise Broken("a head within a message")
            is_open = True
        elif isinstance(event, Body):
            if not is_open or not event.data:
                raise Broken("content without a message")
        elif isinstance(event, End):
            if not is_open:
                raise Broken("an end without a message")
            is_open = False
        elif position != len(events) - 1 and not isinstance(events[position + 1], Closed):
            raise Broken(f"something after {type(event).__name__}")


def _is_interim(event: Event) -> bool:
    return isinstance(event, Response) and event.status < 200


def run_server(data: bytes, random: Random) -> bool:
    heard = hear_requests([data] if data else [])
    orderly(heard, Request)
    if random.random() < 0.25:
        at = place(data, random)
        if hear_requests([piece for piece in (data[:at], data[at:]) if piece]) != heard:
            raise Broken(f"another answer for pieces cut at {at}")
    return any(isinstance(event, End) for event in heard)


METHODS = [["GET"], ["HEAD"], ["CONNECT"], ["GET", "GET"], ["GET", "HEAD", "GET"]]


def run_client(data: bytes, random: Random) -> bool:
    methods = random.choice(METHODS)
    end = [b""] if random.random() < 0.5 else []
    heard = hear_responses([*([data] if data else []), *end], methods)
    orderly(heard, Response)
    if random.random() < 0.25:
        at = place(data, random)
        if hear_responses([*(piece for piece in (data[:at], data[at:]) if piece), *end], methods) != heard:
            raise Broken(f"another answer for pieces cut at {at}")
    return any(isinstance(event, End) for event in heard) and not any(isinstance(event, Fault) for event in heard)


def run_range(data: bytes, random: Random) -> bool:
    found = ranges.parse(data.decode("latin-1"))
    size_bytes = random.choice((0, 1, 100, 10**12))
    for spec in found or ():
        span = spec.span(size_bytes)
        if span is not None and not 0 <= span.first <= span.last < size_bytes:
            raise Broken(f"{span} of {size_bytes}")
    return found is not None


def of_text(parse: Callable[[str], object]) -> Run:
    """A parser that takes text, and gives None or nothing at all for what it does not take."""

    def run(data: bytes, _: Random) -> bool:
        found = parse(data.decode("latin-1"))
        return found is not None and found not in ((), {})

    return run


def run_date(data: bytes, random: Random) -> bool:
    return dates.parse(data.decode("latin-1"), now_s=random.randrange(4_000_000_000)) is not None


def run_cache_control(data: bytes, _: Random) -> bool:
    found = cache_control.parse(data.decode("latin-1"))
    for name in ("max-age", "s-maxage", "max-stale", "stale-while-revalidate"):
        age_s = found.age_s(name)
        if age_s is not None and not 0 <= age_s <= 2**31:
            raise Broken(f"{name}={age_s}")
    return bool(found.items)


def run_url(data: bytes, _: Random) -> bool:
    found = url.parse(data.decode("utf-8", "surrogateescape"))
    if url.parse(str(found)) != found:
        raise Broken(f"{found} does not read back")
    return True


STYLES = [
    b"@import 'a.css' screen; @namespace url(n); p { background: url(b.png) } /* url(c) */",
    b'a { b: url( "c\\"d" ), url(e\\66 f) ; g: \'h\\\ni\' } @import url(j)',
    *(b"@import 'a' b;", b"@import url(a);", b"a { b: url(c) }", b"/* url(a) */", b"@namespace url(a);", b"url( 'a' )"),
]
BASE = url.parse("http://web/a/b?c")


def run_reference(data: bytes, _: Random) -> bool:
    return bool(url.join(BASE, data.decode("utf-8", "surrogateescape")).host)


def run_path(data: bytes, _: Random) -> bool:
    found = paths.parse(data.decode("latin-1"))
    if isinstance(found, paths.Path) and any(part in ("..", ".") for part in found.text.split("/")):
        raise Broken(f"{found.text!r} leads out")
    return isinstance(found, paths.Path)


def run_page(data: bytes, random: Random) -> bool:
    return run_in_two(PageScanner(BASE), PageScanner(BASE), data, random)


def run_style(data: bytes, random: Random) -> bool:
    return run_in_two(SheetScanner(BASE, Known(BASE)), SheetScanner(BASE, Known(BASE)), data, random)


def run_in_two(one: Scanner, other: Scanner, data: bytes, random: Random) -> bool:
    """The same objects, whole and in two pieces."""
    text, at = data.decode("latin-1"), place(data, random)
    found = one.feed(text) + one.end()
    if other.feed(text[:at]) + other.feed(text[at:]) + other.end() != found:
        raise Broken("the cut changes what is found")
    return bool(found)


def run_srcset(data: bytes, _: Random) -> bool:
    srcset, _, sizes = data.decode("latin-1").partition("|")
    return bool(responsive.choose("src", srcset, sizes)) and responsive.is_shown(sizes, "")


def run_index(data: bytes, _: Random) -> bool:
    slots, end = index_log.scan(data)
    if not 0 <= end <= len(data):
        raise Broken(f"an end at {end}")
    return bool(slots)


def run_keep_alive(data: bytes, _: Random) -> bool:
    return bool(str(keep_alive.parse(Headers((("Keep-Alive", data.decode("latin-1")),)))))


GET = b"GET /a?b=c HTTP/1.1\r\nHost: web\r\nAccept: */*\r\n\r\n"
POST = b"POST /form HTTP/1.1\r\nHost: web:80\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b'5\r\nhello\r\n6;a=b;c="d e"\r\nworld!\r\n0\r\nX-Sum: 1\r\nT: 2\r\n\r\n'
PUT = b"PUT http://web/x HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" + CHUNKS
REQUESTS = [
    *(
        GET,
        POST,
        PUT,
        GET + POST + PUT,
        b"\r\n" + GET,
        b"GET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: web\r\n\r\n",
    ),
    b"GET / HTTP/1.0\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=10\r\n\r\n" + GET,
    b"CONNECT web:443 HTTP/1.1\r\nHost: web:443\r\n\r\n\x16\x03\x01",
    b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nraw",
    b"POST / HTTP/1.1\r\nHost: web\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    + GET,
    b"POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 35\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET,
    b"GET / HTTP/1.1\r\nHost: web\r\nX: a\r\n b\r\nX : c\r\n\r\n",
]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
RESPONSES = [
    *(
        HELLO,
        HELLO * 3,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
        b"HTTP/1.1 200 OK\r\n\r\nhello",
    ),
    *(b"HTTP/1.1 204 No Content\r\n\r\n", b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "a"\r\n\r\n'),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO,
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello" + HELLO,
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5, 5\r\nX: a\r\n\tb\r\nY : c\r\n\r\nhello",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nraw",
    b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno",
]
URLS = [
    *(b"http://web/", b"https://web:8443/a/b?c=d#e", b"web", b"web:8080/x", b"http://[::1]:80/", b"http://192.168.0.1"),
    *(
        "http://b\u00fccher.example/\u00e4".encode(),
        b"HTTP://WEB/%7e/%2E",
        b"//web/a",
        b"../x",
        b"?q",
        b"#f",
        b"http://a.b.c/",
    ),
]
PAGE = b"""<!doctype html><html><head>
<link rel=stylesheet href="a.css"><base href="/x/"><script src=b.js></script></head>
<body background=c.png><img src="d.png" srcset="e.png 2x, f.png"><!-- <img src=g.png> --><iframe src='h.html'></iframe>
<style>@import url(i.css)</style><a href="j.html">k</a>&amp;<![CDATA[x]]><?php y ?></body></html>"""
TAGS_OF_PAGES = [
    *(
        b'<link rel="stylesheet icon" href="a.css">',
        b'<base href="/x/">',
        b"<script src=b.js></script>",
        b"<img src=a>",
    ),
    *(b'<img src="d.png" srcset="e.png 2x, f.png" sizes=9em>', b"<!-- <img src=g.png> -->", b"<![CDATA[x]]><?php y ?>"),
    *(
        b"<style>@import url(i.css)</style>",
        b"<p style=\"a: url('b c')\">",
        b"&amp;<a href='j'>k</a >",
        b"<!doctype html>",
    ),
    b'<picture><source srcset="l 2x" media="(min-width: 9em)" type=image/webp><img src=m></picture>',
]
TAGS = [b'"a"', b'W/"a"', b"*", b'"a", W/"b", "c"', b'""']
CACHE_CONTROL = [
    *(
        b"max-age=60, public",
        b"no-cache",
        b'private="Set-Cookie, X", no-store',
        b"s-maxage=0, must-revalidate, max-age=1",
    ),
    *(
        b"max-stale, min-fresh=5, only-if-cached",
        b"stale-while-revalidate=30, stale-if-error=60, immutable",
        b'a="b\\"c"',
    ),
]
DATES = [b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994", b"0"]
VIA = [b"1.1 proxy", b"1.0 fred, 1.1 p.example.net:80 (Squid (x))", b'HTTP/1.1 a (b\\)c), h2 "d"']
ENTRIES = [
    Entry(serial, f"GET http://web/{serial}", (("accept", "*/*"),), Response(200), 5, 1.0, 2.0)
    for serial in range(1, 4)
]
RECORDS = [index_log.MAGIC, *(index_log.put(entry, 7) for entry in ENTRIES), index_log.drop(2)]
FAULTS = [
    b"content-length:short",
    b"stall:3:5, drip:1:20",
    b"reset:10",
    b"half-close",
    b"think:0.5",
    b"nagle:on, endless",
]

PARSERS = {
    parser.name: parser
    for parser in (
        Parser("request-head", REQUESTS, run_request_head, (Refused,)),
        Parser("response-head", RESPONSES, run_response_head, (Refused,)),
        Parser("fields", [data.partition(b"\r\n")[2] for data in (*REQUESTS, *RESPONSES)], run_fields, (Refused,)),
        Parser("chunked", [CHUNKS, b"0\r\n\r\n", b"a\r\n0123456789\r\n0\r\n\r\n", CHUNKS + CHUNKS], run_chunked),
        Parser("server", REQUESTS, run_server),
        Parser("client", RESPONSES, run_client),
        Parser("range", [b"bytes=0-499", b"bytes=-5", b"bytes=5-", b"bytes=0-0, -1,5-9", b"lines=1-2"], run_range),
        Parser("cache-control", CACHE_CONTROL, run_cache_control),
        Parser("url", URLS, run_url, (UsageError,)),
        Parser("reference", URLS, run_reference, (UsageError,)),
        Parser("target", [*URLS, b"web:443", b"[2001:db8::1]:443", b"*", b"u@web"], run_target),
        Parser("path", [*URLS, b"/a/b", b"/%2e%2e/etc", b"/a//b/./../c?x=y", b"/%00"], run_path),
        Parser("content-range", [b"bytes 0-4/10", b"bytes */5", b"bytes 0-0/*"], of_text(ranges.parse_content_range)),
        Parser("date", DATES, run_date),
        Parser("accept-encoding", [b"gzip, br;q=0.5, *;q=0", b"identity;q=1.000", b""], of_text(encodings.parse)),
        Parser("entity-tags", TAGS, of_text(conditions.parse_tags)),
        Parser("keep-alive", [b"timeout=5, max=100", b'timeout="5"', b"a, b=c"], run_keep_alive),
        Parser("via", VIA, of_text(via.parse)),
        Parser("faults", FAULTS, of_text(faults.parse_text), (ValueError,)),
        Parser("page", [PAGE, PAGE[:200], *TAGS_OF_PAGES], run_page),
        Parser("style", STYLES, run_style),
        Parser("srcset", [b"a.png, b.png 2x|50vw", b"a 320w, b 640w 300h|(min-width: 9em) 300px, 100vw"], run_srcset),
        Parser("index-log", [b"".join(RECORDS), b"".join(RECORDS[:2])], run_index),
        Parser("plain-request", [*fuzz_passing.PLAIN_REQUESTS, GET, POST], fuzz_passing.run_request),
        Parser("plain-answer", [*fuzz_passing.PLAIN_ANSWERS, HELLO], fuzz_passing.run_answer),
        Parser("plain-get", fuzz_passing.PLAIN_GETS, fuzz_passing.run_brief),
    )
}
