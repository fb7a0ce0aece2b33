"""Requests that two readers might understand differently: valid ones, and each known trick, mixed by chance.

For `differ_http.py`.  A case is a few bytes: mostly one request with a body, put together from tables of
spellings (RFC 9112 §2.2, §3, §5, §6, §7, §11.2), and often a second request behind it, which a reader
that frames the first differently takes for something else.
"""

import random

TARGETS = (
    "/", "/a", "/a?b=c", "/a/../b", "//a", "/%61", "/a%2fb", "/a%00", "/a#f", "*", "http://127.0.0.1/a",
    "http://other.test/a", "HTTP://127.0.0.1/A", "http://127.0.0.1", "/a b", "/a\tb", "a", "", "/\xff", "/a\\b", "/;a",
)  # fmt: skip
METHODS = ("GET",) * 4 + ("POST",) * 6 + ("PUT", "HEAD", "DELETE", "OPTIONS", "TRACE", "PATCH", "GeT", "X-A", "get")
VERSIONS = ("HTTP/1.1",) * 12 + (
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/1.01",
    "HTTP/2.0",
    "http/1.1",
    "HTTP/1.1 ",
    "HTTP/ 1.1",
    "",
)
LENGTHS = (
    "{n}", "{n}", "{n}", "+{n}", "0{n}", " {n} ", "{n}\t", "{n}, {n}", "{n},{m}", "0x{n}", "{n};", "-{n}", "{n} {n}",
    "", "{n}.0", "{m}", "0", "\x0b{n}", "99999999999999999999", "1_0", "{n}e0", "\xb2", "{n}\x00",
)  # fmt: skip
CODINGS = (
    "chunked", "chunked", "chunked", "Chunked", "CHUNKED", "chunked, chunked", "gzip, chunked", "chunked, gzip",
    "identity", "identity, chunked", "xchunked", "chunked;q=1", "chunked;", "\x0bchunked", "chunked\t", ", chunked",
    "chunked,", "\"chunked\"", "chunke", "", "chunked\x00", "\xa0chunked", "chunked, identity", "chun\tked",
    "chunked x",
)  # fmt: skip
LENGTH_NAMES = ("Content-Length",) * 8 + (
    "content-length", "Content-Length ", "Content_Length", " Content-Length", "Content-Length\t", "Content\x00-Length",
)  # fmt: skip
CODING_NAMES = ("Transfer-Encoding",) * 8 + (
    "transfer-encoding", "Transfer-Encoding ", "Transfer_Encoding", "\tTransfer-Encoding", "Transfer\xadEncoding",
    "Transfer-Encoding\r\n ", "X: y\rTransfer-Encoding", "X: y\nTransfer-Encoding",
)  # fmt: skip
COLONS = (": ",) * 8 + (":", ":\t", ":  ", " : ", ":\r\n ", ":\n ", "\x00: ", "=", ":\x0b")
ENDS = ("\r\n",) * 14 + ("\n", "\r", "\r\r\n", "\n\r\n", "\r\n ")
OTHERS = (
    "Host: 127.0.0.1", "Host: other.test", "Host:", "Connection: close", "Connection: keep-alive",
    "Connection: Content-Length", "Connection: Transfer-Encoding", "Connection: close, Host", "Connection: X-Hop",
    "X-Hop: 1", "Expect: 100-continue", "Expect: 200-ok", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
    "HTTP2-Settings: AAMAAABkAAQAAP__", "Proxy-Connection: keep-alive", "Max-Forwards: 0", "Max-Forwards: 1",
    "Trailer: Content-Length", "TE: trailers", "Keep-Alive: timeout=5", "X-Long: " + "a" * 9000, "X: \xff\xfe",
    "X: a\x00b", "X: a\rb", "X : y", ": empty", "X", " folded", "X: y\r\n folded", "(X): y", "X: \x7f",
    "Range: bytes=0-1", "If-Match: *",
    "Content-Type: a/b", "X-HTTP-Method-Override: DELETE", "Via: 1.1 a", "Authorization: Basic YTpi",
)  # fmt: skip
SIZES = (
    "{n:x}", "{n:x}", "{n:x}", "{n:X}", "0{n:x}", "000000000000000000{n:x}", "0x{n:x}", "{n:x} ", " {n:x}", "{n:x};a=b",
    "{n:x};a=\"\r\n\"", "{n:x} ;a", "+{n:x}", "-{n:x}", "{n:x}\x00", "1{n:016x}", "{n:x}\t", "{n:x};\n",
    "{n:x};a=b\rc", "",
)  # fmt: skip
SECOND = (
    b"GET /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"POST /second HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nxyz",
    b"GET /second HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
    b"\r\n\r\nGET /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"0\r\n\r\nGET /second HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"GET /second HTTP/1.0\r\n\r\n",
    b"junk",
)
NOISE = b'\r\n \t:;,\x00\x0b\x0c\x80\xff0aAfF="\\/?#%'


def case(chance: random.Random) -> bytes:
    """The bytes of one case."""
    plainness = chance.random()
    return _mutated(_whole(chance, odd=0.05 + 0.35 * plainness), chance)


def _pick(chance: random.Random, spellings: tuple[str, ...], odd: float) -> str:
    """Mostly the first spelling, which is the right one."""
    return chance.choice(spellings) if chance.random() < odd else spellings[0]


def _whole(chance: random.Random, odd: float) -> bytes:
    method = chance.choice(METHODS)
    if odd < 0.2 and method in ("GET", "HEAD") and chance.random() < 0.7:
        method = "POST"
    target = _pick(chance, TARGETS, odd)
    content = chance.choice(("", "a", "hello", "0\r\n\r\n", SECOND[0].decode(), "x" * 100))
    in_chunks, with_length = chance.choice(((True, False), (False, True), (True, True), (False, False)))
    body = _chunks(chance, content, odd) if in_chunks else content
    lines = [f"{method} {target} {_pick(chance, VERSIONS, odd)}"]
    fields = [] if chance.random() < odd / 4 else ["Host: 127.0.0.1"]
    if with_length:
        for _ in range(2 if chance.random() < odd / 2 else 1):
            number = chance.choice((len(content), len(body), len(body), 0, len(body) + 5, max(0, len(body) - 3)))
            number = len(body) if chance.random() > odd else number
            value = _pick(chance, LENGTHS, odd).format(n=number, m=number + 1)
            fields.append(_pick(chance, LENGTH_NAMES, odd / 2) + _pick(chance, COLONS, odd / 2) + value)
    if in_chunks:
        for _ in range(2 if chance.random() < odd / 2 else 1):
            value = _pick(chance, CODINGS, odd)
            fields.append(_pick(chance, CODING_NAMES, odd / 2) + _pick(chance, COLONS, odd / 2) + value)
    fields += [chance.choice(OTHERS) for _ in range(chance.choice((0, 0, 0, 1, 2)))]
    if chance.random() < odd:
        chance.shuffle(fields)
    head = "".join(line + _pick(chance, ENDS, odd / 6) for line in [*lines, *fields, ""])
    second = chance.choice(SECOND) if chance.random() < 0.6 else b""
    return (head + body).encode("latin-1") + second


def _chunks(chance: random.Random, content: str, odd: float) -> str:
    cut = chance.randrange(len(content) + 1)
    text = ""
    for piece in [one for one in (content[:cut], content[cut:]) if one]:
        size = _pick(chance, SIZES, odd / 2).format(n=len(piece))
        text += size + _pick(chance, ENDS, odd / 3) + piece + _pick(chance, (*ENDS, "", "x\r\n"), odd / 3)
    last = _pick(chance, ("0", "00", "0;a", "0 ", "-0", "", "0x0"), odd / 2)
    trailers = chance.choice(
        ("", "", "", "X-Trailer: 1\r\n", "Content-Length: 5\r\n", "Host: b\r\n", " x\r\n", "x\r\n")
    )
    return text + last + _pick(chance, ENDS, odd / 3) + trailers + _pick(chance, ENDS, odd / 3)


def _mutated(data: bytes, chance: random.Random) -> bytes:
    """Sometimes a byte goes, comes, or is another."""
    if chance.random() > 0.25:
        return data
    for _ in range(chance.choice((1, 1, 2, 3))):
        at = chance.randrange(len(data) + 1)
        noise = bytes([chance.choice(NOISE)])
        data = data[:at] + chance.choice((b"", noise, noise + data[at : at + 1])) + data[at + 1 :]
    return data
