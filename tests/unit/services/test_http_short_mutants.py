"""The proxies' short ways with one of their rules taken out: the comparison with the full path finds each.

`hits.py`, `plain.py` and `passing.py` answer or pass on what they have met before; the tests beside them hold
that equal to the full path.  Here it is asked whether those would notice: a mutant is the module's source with
one piece replaced, and steps of theirs are played until the two ways differ.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import pytest

from lan.services.http.cache import hot
from lan.services.http.proxy import cached, hits, passing, plain
from lan.services.http.proxy.credentials import Accounts, allowed, parse_accounts
from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.smart import Session

from . import test_http_hits as of_hits
from . import test_http_plain as of_plain
from .played_proxy import GATEWAY, ROOM, WEB, PlayedSocket, World

Steps = list[tuple[str, Any]]
Seen = list[object]


@dataclass(frozen=True)
class Script:
    """What is played, and before which proxy."""

    steps: Steps
    rules: Rules = GATEWAY
    accounts: str | None = None
    room: int = ROOM


def mutated(module: ModuleType, old: str, new: str) -> ModuleType:
    """The module with this piece of its source, which stands there once, replaced by that."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
    made = ModuleType(module.__name__)
    exec(compile(source.replace(old, new), f"{module.__file__} (mutated)", "exec"), made.__dict__)
    return made


def seen(world: World, script: Script, play: Any) -> Seen:
    """All that could be seen from outside, after each step."""
    found: Seen = []
    for step in script.steps:
        play(world, step)
        found.append((world.seen(), world.session.state, len(world.context.pool)))
    return found


def is_found(short: Callable[[Script], World], full: Callable[[int], Seen], play: Any, scripts: list[Script]) -> bool:
    """Whether some script shows that the short way is another."""
    for at, script in enumerate(scripts):
        expected = full(at)
        try:
            if seen(short(script), script, play) != expected:
                return True
        except Exception:
            return True  # so would a proxy have ended
    return False


# ---- whole answers of a cache

FORWARD = Rules("p")
get, answer = of_hits.get, of_hits.answer
B = get(path="/b")
URL, KNOWN = get(path="http://web/a"), get("Proxy-Authorization: Basic a2ltOnB3", path="http://web/a")
A_OF_B, VARIED = get("A: a", path="/b"), answer("Cache-Control: max-age=60", "Vary: A")
KEPT_URL, KNOWN_URL = ([("client", one), ("server", of_hits.KEPT), *[("client", one)] * 2] for one in (URL, KNOWN))
OF_HITS: list[Script] = [
    *[
        Script([*of_hits.STORED, *steps])
        for steps in (
            *([("client", one), ("client", one), ("client", get())] for one in of_hits.REQUESTS),
            *(
                [("client", B), ("server", one), *[("client", B)] * 3, ("time", 2.5), ("client", B), ("client", B)]
                for one in of_hits.RESPONSES
            ),
            [("time", 0.9), ("client", get()), ("time", 59.0), ("client", get()), ("time", 1.0), ("client", get())],
            [("time", 9.0), ("client", get()), ("time", 1.0), ("client", get()), ("time", 1.0), ("client", get())],
            [("client", get("Content-Length: 0", method="POST")), ("server", answer()), ("client", get())],
            [("client", get("Cache-Control: no-cache")), ("server", of_hits.OTHER), ("client", get())],
            [
                ("client", get("Cache-Control: no-cache")),
                ("server", answer("Cache-Control: max-age=60", "Vary: A", body=b"another")),
                ("client", get()),
            ],
            [("client", get("X-Forwarded-Host: b")), ("server", of_hits.OTHER), ("client", get())],
            [("client", get(f"Content-Length: {len(get())}") + get())],
            [("client", get("Transfer-Encoding: identity"))],
            [("client", get("Forwarded: host=evil"))],
            [("client", get("Via: 1.1 p"))],
            [("client", get('If-Match: "2"'))],
            [("client", get("If-Modified-Since: Mon, 10 Sep 2001 01:46:40 GMT"))],
            [("client", get("If-Unmodified-Since: Sat, 08 Sep 2001 01:46:40 GMT"))],
            [("client", get("Host: other"))],
            [("client", get().replace(b"web", b"other")), ("server", of_hits.OTHER), ("client", get())],
            [("client", get(method="POST")), ("server", answer()), ("client", get())],
            [("client", A_OF_B), ("server", VARIED), *[("client", A_OF_B)] * 2, ("client", B), ("server", VARIED)],
            [*of_hits.twice("Connection: cookie"), ("client", get("Connection: cookie", "Cookie: a"))],
            [*of_hits.twice("Connection: close"), ("client", get() + get("Connection: close") + get())],
            [("client", get() + get()[:-2] + b"A:")],
            [("client", get(*["A: " + "b" * 500] * 80))],
        )
    ],
    Script([*KEPT_URL, ("client", get("Proxy-Connection: close", path="http://web/a"))], FORWARD),
    Script([*KNOWN_URL, ("client", get(path="http://web/a"))], FORWARD, "kim:pw"),
]
HITS = {
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


@cache
def full_of_hits(at: int) -> Seen:
    return seen(with_hits(None, OF_HITS[at]), OF_HITS[at], of_hits.play)


def with_hits(made: ModuleType | None, script: Script, sessions: ModuleType = cached) -> World:
    """A caching proxy whose short way is this module's; None: it has none."""
    world = World(sessions.CachedSession, script.rules, caches=True)
    assert world.caching is not None
    with_accounts(world, script)
    if made is not None:
        world.context.hits = made.Hits(world.caching.store)
    return world


@pytest.mark.parametrize("mutant", HITS)
def test_each_rule_of_whole_answers_is_missed(mutant: str) -> None:
    made = mutated(hits, *HITS[mutant])
    assert is_found(lambda script: with_hits(made, script), full_of_hits, of_hits.play, OF_HITS)


HOT = {
    "one variant is everybody's": (" or served.entry.variant or served.entry.has_vary", ""),
    "for another second": ("min(1 - judgement.age_s % 1, judgement.remaining_s)", "60"),
    "any method is GET": ('if request.method != "GET":', "if False:"),
    "the Host is not looked at": ("return scheme, request.target, host", "return scheme, request.target, None"),
    "the target is not looked at": ("return scheme, request.target, host", 'return scheme, "", host'),
    "wishes are not looked at": ("if lower in READ_BY_LOOKUP:", "if False:"),
}


@pytest.mark.parametrize("mutant", HOT)
def test_each_rule_of_ready_answers_is_missed(mutant: str) -> None:
    made = mutated(hot, *HOT[mutant])

    def short(script: Script) -> World:
        world = with_hits(None, script)
        assert world.caching is not None
        world.caching.cache._hot = made.HotAnswers(world.caching.store)
        return world

    assert is_found(short, full_of_hits, of_hits.play, OF_HITS)


def test_an_answer_of_one_variant_that_is_remembered_for_everybody_is_missed() -> None:
    made = mutated(cached, "return self.caching.cache.is_hot(self._request, now_s=self.context.date())", "return True")
    assert is_found(lambda script: with_hits(hits, script, made), full_of_hits, of_hits.play, OF_HITS)


def test_whole_answers_differ_in_nothing_without_a_mutant() -> None:
    assert not is_found(lambda script: with_hits(hits, script), full_of_hits, of_hits.play, OF_HITS)


# ---- messages that are passed on by their lines

OK, HEAD_A = of_plain.OK, of_plain.head(b"HEAD /a HTTP/1.1", *of_plain.BROWSER)
NO_DATE = of_plain.head(b"HTTP/1.1 200 OK", b"Content-Length: 2", content=b"ok")
LONG_HEAD = of_plain.head(b"GET /a HTTP/1.1", b"Host: web", *[b"A: " + b"b" * 500] * 50)
AUTHORIZED = of_plain.head(b"GET /a HTTP/1.1", b"Host: web", b"Proxy-Authorization: Basic a2ltOnB3")
PATIENT = of_plain.head(b"GET /a HTTP/1.1", b"Host: web", b"Proxy-Connection: close")
TOLD = of_plain.head(b"GET /a HTTP/1.1", b"Host: web", b"Forwarded: for=a", b"X-Forwarded-For: b")
HOPS = [of_plain.response(line) for line in (b"Proxy-Authenticate: a", b"Proxy-Authentication-Info: a", b"Trailer: a")]
REQUESTS = [*of_plain.REQUESTS, LONG_HEAD, AUTHORIZED, PATIENT, TOLD]
RESPONSES = [*of_plain.RESPONSES, NO_DATE, *HOPS]
LONG = of_plain.in_pieces(of_plain.LONG)
OF_PLAIN: list[Script] = [
    *[
        Script([*of_plain.KEPT, *steps], rules)
        for rules in (GATEWAY, FORWARD)
        for steps in (
            *([("client", [one]), ("server", [OK]), *of_plain.KEPT] for one in REQUESTS),
            *([*of_plain.ASKED, ("server", [one]), *of_plain.KEPT] for one in RESPONSES),
            *([("client", [HEAD_A]), ("server", [one]), *of_plain.KEPT] for one in RESPONSES),
        )
    ],
    *[Script([*of_plain.KEPT, *steps], room=room) for steps, room in of_plain.DIALOGUES],
    *[
        Script([*of_plain.KEPT, *of_plain.ASKED, *steps])
        for steps in (
            [("server", [OK[:-1]]), ("server ends", None), *of_plain.ASKED],
            [("server", [OK[:-1]]), ("server resets", None), *of_plain.ASKED],
            [("time", 40.0), ("server", [OK[:20]]), ("time", 40.0)],
            [step for piece in LONG[:4] for step in (("server", [piece]), ("time", 25.0))],
        )
    ],
    *[
        Script([*of_plain.KEPT, ("client", [TOLD])], Rules("p", Mode.GATEWAY, upstream=WEB, tells_client=how))
        for how in ("forwarded", "x-forwarded-for")
    ],
    Script([("client", [AUTHORIZED]), ("server", [OK]), *of_plain.ASKED], FORWARD, "kim:pw"),
]
PLAIN = {
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
PASSING = {
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


@cache
def full_of_plain(at: int) -> Seen:
    script = OF_PLAIN[at]
    world = World(Session, script.rules, room=script.room)
    return seen(with_accounts(world, script), script, play_plain)


def play_plain(world: World, step: tuple[str, Any]) -> None:
    if world.context.rules.mode is Mode.FORWARD and step[0] == "client":
        step = "client", [of_plain.absolute(data) for data in step[1]]
    of_plain.play(world, step)


def with_accounts(world: World, script: Script) -> World:
    world.context.settings.accounts = accounts_of(script)  # type: ignore[misc]
    return world


def accounts_of(script: Script) -> Accounts | None:
    return None if script.accounts is None else parse_accounts(script.accounts, "here")


class Passing:
    """Proxies that pass plain messages on by these modules, and have met each message before."""

    def __init__(self, tables: ModuleType, kind: Any) -> None:
        self._tables, self._kind = tables, kind
        self._warm: dict[tuple[Rules, str | None], tuple[Any, Any]] = {}

    def __call__(self, script: Script) -> World:
        key = (script.rules, script.accounts)
        if key not in self._warm:
            self._warm[key] = self._warmed(script)
        world = World(self._kind, script.rules, room=script.room, plain=self._warm[key])
        return with_accounts(world, script)

    def _warmed(self, script: Script) -> tuple[Any, Any]:
        accounts = accounts_of(script)
        requests = self._tables.Requests(script.rules, lambda request: allowed(request, accounts) is None)
        answers = self._tables.Answers(script.rules)
        client = "" if script.rules.tells_client == "none" else PlayedSocket(1).getpeername()[0]
        for _ in range(2):
            for data in REQUESTS:
                asked = of_plain.absolute(data) if script.rules.mode is Mode.FORWARD else data
                requests.passed(asked, client=client)
            for data in (*RESPONSES, LONG[0]):
                answers.passed(data, is_head=False)
                answers.passed(data, is_head=True)
        return requests, answers


@pytest.mark.parametrize("mutant", PLAIN)
def test_each_rule_of_plain_messages_is_missed(mutant: str) -> None:
    short = Passing(mutated(plain, *PLAIN[mutant]), passing.PassingSession)
    assert is_found(short, full_of_plain, play_plain, OF_PLAIN)


@pytest.mark.parametrize("mutant", PASSING)
def test_each_rule_of_their_passing_is_missed(mutant: str) -> None:
    short = Passing(plain, mutated(passing, *PASSING[mutant]).PassingSession)
    assert is_found(short, full_of_plain, play_plain, OF_PLAIN)


def test_plain_messages_differ_in_nothing_without_a_mutant() -> None:
    assert not is_found(Passing(plain, passing.PassingSession), full_of_plain, play_plain, OF_PLAIN)
