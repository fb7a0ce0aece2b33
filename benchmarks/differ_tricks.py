"""The tricks by which two readers are made to understand two different requests: a template and its spellings each.

For `differ_requests.py`.  RFC 9112 §2.2, §3, §5, §6, §7, §11.2.  In a template a word in braces is one of
`WORDS`, chosen anew each time, or is known of the content: `n` its length, `m` another length, `whole` that of
its chunks, `content` itself, `chunks` it in chunks.  So each trick is mostly one thing wrong in a request that is
right otherwise; the content is often a request of its own, for a reader that frames the first one differently.
"""

POST = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
GET = "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
LENGTH = "Content-Length: {n}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
KEPT = "GET /echo/kept HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
LAST = KEPT.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")

TRICKS = (
    # nothing is wrong
    GET + "{plain}\r\n\r\n",
    POST + LENGTH + "{plain}\r\n\r\n{content}",
    POST + CHUNKED + "{plain}\r\n\r\n{chunks}",
    GET + "Connection: close\r\n\r\n",
    "GET {path} HTTP/1.0\r\n{plain}\r\n\r\n",
    "POST {path} HTTP/1.0\r\nConnection: keep-alive\r\n" + LENGTH + "\r\n{content}",
    # where the content ends
    POST + "Content-Length: {some}\r\n" + CHUNKED + "\r\n{chunks}",
    POST + CHUNKED + "Content-Length: {some}\r\n\r\n{chunks}",
    POST + "Content-Length: {n}\r\nContent-Length: {m}\r\n\r\n{content}",
    POST + "Content-Length: {m}\r\nContent-Length: {n}\r\n\r\n{content}",
    POST + "Content-Length: {length}\r\n\r\n{content}",
    POST + "Content-Length: {length}\r\n\r\n{content}",
    POST + "Content-Length: {wrapped}\r\n\r\n{content}",
    POST + "{length_name}: {n}\r\n\r\n{content}",
    POST + "Content-Length{colon}{n}\r\n\r\n{content}",
    POST + "Transfer-Encoding: {coding}\r\n\r\n{chunks}",
    POST + "Transfer-Encoding: {coding}\r\n\r\n{chunks}",
    POST + "Transfer-Encoding: {coding}\r\n" + LENGTH + "\r\n{content}",
    POST + CHUNKED + "Transfer-Encoding: {coding}\r\n\r\n{chunks}",
    POST + "{coding_name}: chunked\r\n" + LENGTH + "\r\n{content}",
    POST + "{coding_name}: chunked\r\n\r\n{chunks}",
    POST + "Transfer-Encoding{colon}chunked\r\n" + LENGTH + "\r\n{content}",
    POST + "Transfer-Encoding{colon}chunked\r\n\r\n{chunks}",
    "POST {path} HTTP/1.0\r\n{kept}Transfer-Encoding: chunked\r\n\r\n{chunks}",
    "POST {path} HTTP/1.0\r\n{kept}Transfer-Encoding: chunked\r\n" + LENGTH + "\r\n{chunks}",
    GET + LENGTH + "\r\n{content}",
    GET + CHUNKED + "\r\n{chunks}",
    "{bodiless} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + "\r\n{content}",
    # chunks
    POST + CHUNKED + "\r\n{size}\r\n{content}\r\n0\r\n\r\n",
    POST + CHUNKED + "\r\n{size}\r\n{content}\r\n0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}{extension}\r\n{content}\r\n0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}{extension}\r\n{content}\r\n0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}{end}{content}\r\n0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}\r\n{content}{end}0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}\r\n{content}{end}0\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}\r\n{content}\r\n{last}\r\n\r\n",
    POST + CHUNKED + "\r\n{hex}\r\n{content}\r\n0{end}\r\n",
    POST + CHUNKED + "Trailer: X-Late\r\n\r\n{hex}\r\n{content}\r\n0\r\n{trailer}\r\n\r\n",
    POST + CHUNKED + "Trailer: X-Late\r\n\r\n{hex}\r\n{content}\r\n0\r\n{trailer}\r\n\r\n",
    # lines and fields
    GET + "X-A: y{end}X-B: z\r\n\r\n",
    POST + "X-A: y{end}" + CHUNKED + "\r\n{chunks}",
    POST + "X-A: y{end}" + LENGTH + "\r\n{content}",
    "POST {path} HTTP/1.1{end}Host: 127.0.0.1\r\n" + LENGTH + "\r\n{content}",
    POST + LENGTH + "{end}\r\n{content}",
    POST + "Content-Length: {n}\n\n{content}",
    POST.replace("\r\n", "\n") + "Content-Length: {n}\n\n{content}",
    GET.replace("\r\n", "\n") + "\n",
    GET + "X-A: y\r\n{fold}\r\n\r\n",
    GET + "X-A: y\r\n{fold}\r\n\r\n",
    POST + LENGTH + "X-A:\r\n {coding}\r\n\r\n{content}",
    GET + "X-A{colon}y\r\n\r\n",
    GET + "{name}: y\r\n\r\n",
    GET + "X-A: {value}\r\n\r\n",
    POST + LENGTH + "X-A: {value}\r\n\r\n{content}",
    GET + "X-A: 1\r\nX-B: 2\r\nX-A: 3\r\nx-a: 4\r\n\r\n",
    # the request line and the host
    "{blank}" + GET + "\r\n",
    "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + "\r\n{content}",
    "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "{bodiless} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET {path}{gap}HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET {path} {version}\r\nHost: 127.0.0.1\r\n\r\n",
    GET + "Host: {host}\r\n\r\n",
    "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "GET {path} HTTP/1.1\r\nX-A: y\r\n\r\n",
    "POST {path} HTTP/1.1\r\nHost{colon}127.0.0.1\r\n" + LENGTH + "\r\n{content}",
    "GET http://127.0.0.1{path} HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "GET {url}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    # from hop to hop
    GET + "Connection: {option}\r\nX-Hop: 1\r\nCookie: a=b\r\n\r\n",
    POST + "Connection: {option}\r\nX-Hop: 1\r\n" + LENGTH + "\r\n{content}",
    POST + "Connection: {option}\r\n" + CHUNKED + "\r\n{chunks}",
    GET + "{hop}\r\nX-A: y\r\n\r\n",
    GET + "{hop}\r\n{hop}\r\n\r\n",
    POST + "{hop}\r\n" + LENGTH + "\r\n{content}",
    "{bodiless} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nMax-Forwards: {steps}\r\n\r\n",
    POST + "Expect: {expected}\r\n" + LENGTH + "\r\n{content}",
    # what a cache has, and what looks like it
    "GET /echo/kept{kept_query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "GET /echo/kept{kept_query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{hop}\r\n\r\n",
    "GET /echo/kept{kept_query} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: {value}\r\n\r\n",
    "GET /echo/kept{kept_query} HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + "\r\n{content}",
    "GET /echo/kept{kept_query} HTTP/1.1\r\nHost: {host}\r\n\r\n",
    KEPT.replace("GET", "HEAD") + KEPT,
    KEPT + KEPT.replace("\r\n\r\n", "\r\nX:"),
    KEPT.replace("\r\n\r\n", f"\r\nContent-Length: {len(KEPT)}\r\n\r\n") + KEPT,
    LAST,
    LAST + KEPT,
)

WORDS = {
    "path": ("/echo/a", "/echo/a", "/echo/a?b=c", "/echo", "/a", "/", "/echo/%61", "/echo/a//b", "/echo/kept"),
    "plain": ("X-A: y", "Accept: */*", "User-Agent: a b (c)", "X-A: \xe4", "X-A:", "X-A: \ty \t", "Cookie: a=b; c=d"),
    "kept": ("", "Connection: keep-alive\r\n", "Connection: keep-alive\r\n", "Host: 127.0.0.1\r\n"),
    "kept_query": ("", "", "?a", "?b", "?"),
    "some": ("{n}", "{whole}", "{whole}", "0", "3", "{m}"),
    "length": (
        "+{n}", "+{n}", "0{n}", "{n}\t", "{n}, {n}", "{n},{m}", "{m}, {n}", "0x{n}", "{n};", "-{n}", "{n} {n}", "",
        "{n}.0", "{m}", "0", "\x0b{n}", "99999999999999999999", "1_0", "{n}e0", "\xb2", "{n}\x00", "{n},", ",{n}",
        "'{n}'", "{n}\r\n ",
    ),
    "wrapped": ("4294967296", "18446744073709551616", "{wrapped32}", "{wrapped64}", "{wrapped32}"),
    "length_name": (
        "content-length", "Content-Length ", "Content_Length", " Content-Length", "Content-Length\t", "CONTENT-LENGTH",
        "Content\x00-Length", "X-A: y\nContent-Length", "X-A: y\rContent-Length", "Content-Length\x0b",
        "(Content-Length",
    ),
    "coding": (
        "Chunked", "CHUNKED", "chunked, chunked", "gzip, chunked", "chunked, gzip", "identity", "identity, chunked",
        "xchunked", "chunkedx", "chunked;q=1", "chunked;", "\x0bchunked", "chunked\t", ", chunked", "chunked,",
        "chunk ed", '"chunked"', "chunke", "", "chunked\x00", "\xa0chunked", "chunked, identity", "chun\tked",
        "chunked x", "x, chunked", "chunked\r\n x", "chunked\rx", "chunked\x0b", "cow", "\r\n chunked", "chunKed",
    ),
    "coding_name": (
        "transfer-encoding", "Transfer-Encoding ", "Transfer_Encoding", "\tTransfer-Encoding", "Transfer\xadEncoding",
        " Transfer-Encoding", "X-A: y\rTransfer-Encoding", "X-A: y\nTransfer-Encoding", "Transfer-Encoding\x00",
        "X-A: y\r\n Transfer-Encoding", "Transfer-Encoding\x0b", "Transfer Encoding", "TRANSFER-ENCODING",
        ":Transfer-Encoding",
    ),
    "colon": (" : ", "\t: ", " :", ":\r\n ", ":\n ", "\x00: ", "=", ":\x0b", ":\r ", " ", "::", ":\t"),
    "end": ("\n", "\r", "\r\r\n", "\n\r\n", "\r\n ", "\r\n\t", "x\r\n", "", "\0\r\n", "\r\n\r\n", "\n\n", "\x0b\r\n"),
    "fold": (" z", "\tz", "  ", " Host: other.test", "\tTransfer-Encoding: chunked", " X-B: z", "\r\n z"),
    "name": (
        "X A", "X\x00A", "X(A)", "", "X\xe4", "X-A\r", "X/A", '"X"', "X\tA", " X-A", "X-A\n", "X-B: z\rX-A", "X-\x7fA",
        "X,A",
    ),
    "value": (
        "a\x00b", "a\rb", "a\nb", "\x00", "a\r", "a\x0bb", "a\x7fb", "a\r\rb", "\xff\xfe", "a\rX-B: z", "a\nX-B: z",
        "a\x1bb", "a\rTransfer-Encoding: chunked", "a\nTransfer-Encoding: chunked", "y" * 9000,
        "a\n\nGET /echo/smuggled HTTP/1.1",
    ),
    "size": (
        "0x{hex}", "0X{hex}", "+{hex}", "-{hex}", " {hex}", "\t{hex}", "{hex} ", "{hex}\t", "0_{hex}", "{hex}_",
        "0{hex}", "000000000000000000{hex}", "1{hex:0>8}", "1{hex:0>16}", "{hex}\x00", "{hex}\x0b", "{hex},", "",
        "{hex}.0", "\n{hex}", "{hex}\r", "{hex}g", "#{hex}", "0\xb2{hex}", "f_f", "{hex} x", "{HEX}", "'{hex}'",
        "{hex}:", "\x0b{hex}",
    ),
    "extension": (
        ";a", ";a=b", ' ; a = "b c"', ';a="\r\n"', ";a\nb", ";a\rb", ";\n", ";", ";;", "; a\x00", ';a="', ";a=b;c",
        "\n;a", ';a="\\""', ";a=b\n0\r\n\r\nGET /echo/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "x;a", " a", ";a" * 90,
        ";a\rb", "; a\x00", ";\x0ba", ";a=\rb", ";a\x7f",
    ),
    "last": (
        "00", "000000000000000000", "0;a", "0 ", "-0", "+0", "", "0x0", " 0", "0_0", "0\n", "\n0", "0\x00", "O", "0.0",
    ),
    "trailer": (
        "X-Late: 1", "Content-Length: 5", "Host: b", "Transfer-Encoding: chunked", "X : y", " x", "x",
        "X-Late: a\x00b", "X-Late: 1\n", "X-Late: a\rb", "Authorization: a", "Connection: close",
        "X-Late: 1\r\nX-Later: 2", "X-Late: 1\r\n z", "Cookie: a=b", "TE: trailers", "Content-Type: a/b",
    ),
    "method": (
        "GeT", "get", "Post", "X-A", "OPTIONS", "TRACE", "HEAD", "DELETE", "PUT", "PATCH", "CONNECT", "G\x00ET",
        " GET", "GET\t", "GE(T", "PRI", "QUERY", "",
    ),
    "bodiless": ("HEAD", "OPTIONS", "TRACE", "DELETE", "GET"),
    "target": (
        "*", "http://127.0.0.1/echo/a", "http://other.test/echo/a", "HTTP://127.0.0.1/echo/A", "http://127.0.0.1",
        "/echo/a b", "/echo\t", "a", "", "/\xff", "/echo/a\\b", "/echo/;a", "/echo/a/../b", "//echo/a", "/echo/%61",
        "/echo/a%2fb", "/echo/a%00", "/echo/a#f", "/echo/./a", "/echo/a?b#c", "http://127.0.0.1?a", "http:///echo/a",
        "http://a@127.0.0.1/", "127.0.0.1:80", "/echo/%0d%0aX-B:%20z", "/echo/a\x00", "/%65cho", "/echo/\x7f",
        "/echo/a?b=c?d=&&", "/echo/" + "a" * 9000,
    ),
    "gap": ("  ", "\t", " \t", "\x0b", "\r ", "\x00", "", " / "),
    "version": (
        "HTTP/1.0", "HTTP/1.2", "HTTP/1.01", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/ 1.1", "", "HTTP/1,1",
        "HTTP/0.9", "HTTP/1.1\x00", "HTTP/11.1", "HTTP/1.", "HTTP/1.1 HTTP/1.1", "HTTP/1.9",
    ),
    "host": (
        "127.0.0.1", "other.test", "", "a b", "a,b", "127.0.0.1:0", "127.0.0.1:80", "a@127.0.0.1", "127.0.0.1/a",
        "a\tb", "[::1]", "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1\x00", "127.0.0.1#",
        "other.test\r\nHost: 127.0.0.1", "127.0.0.1:8 0", "\xff",
    ),
    "url": (
        "http://127.0.0.1", "http://127.0.0.1:80", "https://127.0.0.1", "http://other.test", "ftp://127.0.0.1",
        "http://",
    ),
    "option": (
        "X-Hop", "x-hop", "close", "keep-alive", "close, X-Hop", "Content-Length", "Transfer-Encoding", "Host",
        "Cookie", "close, Host", ", ,X-Hop", "X-Hop\t,close", "Upgrade", "TE", "CLOSE", "clos", "x hop",
        "close\r\nConnection: X-Hop", "*",
    ),
    "hop": (
        "Keep-Alive: timeout=5", "TE: trailers", "TE: gzip", "Connection: TE\r\nTE: trailers",
        "Proxy-Connection: keep-alive", "Proxy-Connection: close", "Upgrade: h2c",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA",
        "Connection: Upgrade\r\nUpgrade: websocket", "Trailer: Content-Length", "Proxy-Authorization: Basic YTpi",
        "Via: 1.1 a", "Proxy-Authenticate: Basic", "Connection: X-Hop\r\nX-Hop: 1",
        "X-Hop: 1\r\nConnection: close, X-Hop", "Range: bytes=0-1", "Forwarded: for=a", "X-Forwarded-For: a",
        "Cache-Control: no-cache", "If-None-Match: *", "Authorization: Basic YTpi", "X-HTTP-Method-Override: DELETE",
        "Connection: TE\r\nTE: trailers, gzip;q=1", "Connection: close",
    ),
    "steps": ("0", "1", "10", "-1", "", "a", "0, 1", "1\r\nMax-Forwards: 0"),
    "expected": ("100-continue", "100-Continue", "200-ok", "", "100-continue, x", "100-continue;a"),
    "blank": ("\r\n", "\r\n\r\n", "\n", "\r", " ", "\r\n\n", "\x00", "\r\n "),
}  # fmt: skip
