"""The proxies' short ways with one rule taken out: pieces of their source, and what stands there instead.

`hits.py` and `hot.py` answer what a cache has answered before, `plain.py` and `passing.py` pass on what they have met
before.  tests/unit/services/test_http_short_mutants.py holds each mutant against the full path; `differ_mutants.py`
has those that a client or a server would see.
"""

from lan.services.http.proxy import plain

Piece = tuple[str, str]
"""What stands in the source once, and what takes its place."""

HITS: dict[str, Piece] = {
    "the request line is no part of the key": (
        "told = self._lines.read(told)\n            hit = self._hits.get(tuple(told))",
        "told = self._lines.read(told)\n            hit = next(iter(self._hits.values()), None)",
    ),
    "HEAD is GET": ('lines = head.split(b"\\r\\n")', 'lines = head.replace(b"HEAD ", b"GET ").split(b"\\r\\n")'),
    "stale is served": ("if left_s <= 0 or now_s", "if now_s"),
    "Age stays as it was": ("self.whole = b", "_ = b"),
    "a longer number is not counted": ("self.age_digits, self.ttl_digits = len(age), len(ttl)", "pass"),
    "a second is two": ("min(1 - age_s % 1, left_s)", "min(2 - age_s % 1, left_s)"),
    "what was replaced is served": ("found[0] is not hit.entry", "False"),
    "an answer follows a close": ("hit = None if closes else self._find(head, now_s)", "hit = self._find(head, now_s)"),
    "the close is not told": ("closes = hit.closes", "closes = False"),
    "the close of one alone is not told": ("(hit.whole, hit.closes)", "(hit.whole, False)"),
    "half a request is one": ("if not data.endswith(_END):", "if False:"),
    "fields that Connection names": ('if set(request.connection_options) - {"keep-alive", "close"} or', "if"),
    "any number of fields": ("or len(lines) > MAX_FIELDS ", ""),
    "heads of any length": ("or len(head) + 4 > self.max_head_bytes", ""),
    "another first line": ("told[0] is not lines[0] or ", ""),
    **{
        f"{name} is not looked at": ("plain.READ | READ_BY_LOOKUP", f"(plain.READ | READ_BY_LOOKUP) - {{{name!r}}}")
        for name in (
            "cache-control", "connection", "content-length", "forwarded", "host", "if-match", "if-modified-since",
            "if-none-match", "if-unmodified-since", "pragma", "proxy-authorization", "proxy-connection", "range",
            "transfer-encoding", "via", "x-forwarded-host",
        )
    },
}  # fmt: skip
HOT: dict[str, Piece] = {
    "one variant is everybody's": (" or served.entry.variant or served.entry.has_vary", ""),
    "for another second": ("min(1 - judgement.age_s % 1, judgement.remaining_s)", "60"),
    "any method is GET": ('if request.method != "GET":', "if False:"),
    "the Host is not looked at": ("return scheme, request.target, host", "return scheme, request.target, None"),
    "the target is not looked at": ("return scheme, request.target, host", 'return scheme, "", host'),
    "wishes are not looked at": ("if lower in READ_BY_LOOKUP:", "if False:"),
}
PLAIN: dict[str, Piece] = {
    "fields that Connection names": ('return bool(set(head.connection_options) - {"keep-alive"})', "return False"),
    "who may not use us": ("if not self.allows(meant) or ", "if "),
    "content that has not come": ("if _length(read) != len(data) - end - 4:", "if False:"),
    "heads of any length": ("if end < 0 or end + 4 > self.max_head_bytes:", "if end < 0:"),
    "any number of fields in a request": ("is None or len(lines) > MAX_FIELDS:", "is None:"),
    "any number of fields in a response": ("if lines[0] in plain or len(lines) > MAX_FIELDS:", "if False:"),
    "a length that goes": (" or _ANY_LENGTH in gone", ""),
    "an old server": ("if response.version != HTTP_1_1:", "if False:"),
    "bytes behind a response": ("if left < 0:", "if False:"),
    "no Date": ('or data.find(b"\\r\\nDate: ", 0, end) < 0', ""),
    "a folded line": ('if any(line[:1] in (b" ", b"\\t") for line in read):', "if False:"),
    "an old client": (' HTTP/1\\.1")', ' HTTP/1\\.[01]")'),
    "a fragment": ('(/[!\\"$-~]*)', '(/[!-~]*)'),
    "an answer to HEAD is one to GET": ("key = (is_head, *read)", "key = (False, *read)"),
    "a line of another form": (' if f"{name}: {value}".encode("latin-1") == line else ""', ""),
    "what has no content has some": ("(length if answer.has_content else 0)", "length"),
    "a line of the hop's own stays": (
        'for line in changed.gone:\n            head = head.replace(line, b"\\r\\n")\n        if', "if"
    ),
    **{
        f"{name} is not looked at": ('self._names = names | {""}', f'self._names = (names | {{""}}) - {{{name!r}}}')
        for name in sorted(plain.READ - {"expect", "host", "max-forwards"})  # these change nothing, or nothing is plain
    },
}  # fmt: skip
PASSING: dict[str, Piece] = {
    "a head that has begun": (" or not self.engine.is_idle:", ":"),
    "a proxy that stops meanwhile": ("None if self._is_stopping else ", ""),
    "a server that is old": ("if context.pool.version(passage.hop) != HTTP_1_1:", "if False:"),
    "what came meanwhile is lost": ("if self._ahead:", "if False:"),
    "bytes behind a response go on": ("data = data[: self._left]", "pass"),
    "their connection is kept": ('server.close(Reason("RFC 9112 §9.2"', 'str(Reason("RFC 9112 §9.2"'),
    "an end within a response is its end": (
        'return self._cut_short(Reason("RFC 9112 §8", "the server\'s',
        'return self._done(server, self._answer); (Reason("RFC 9112 §8", "the server\'s',
    ),
    "a break within a response is none": ("if self._server is upstream and self._answer is not None:", "if False:"),
    "a request is not read again": ("self.go_on(self.engine.receive(self._asked))", "pass"),
    "the client's patience begins anew": (
        "self._catches_up_on, self.deadline_s = None, deadline_s",
        "self._catches_up_on = None",
    ),
    "a slow client does not hold the server up": ("elif self.client.is_full:", "elif False:"),
    "a client that has room again is not told": ("self._server.channel.resume()", "pass"),
    "the connection is not kept": ("server.keep(answer.said)", "server.close(Reason('', ''))"),
    "no end to an answer that stalls": ("self.heard_s = self.context.loop.now_s\n        more", "more"),
    "an answer that does not come": (
        "self._answer is None:\n            self._catch_up()\n        super()",
        "self._answer is None:\n            return\n        super()",
    ),
    "the server lives on": ("if server is not None:\n            server.close(why)", "pass"),
}
