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

from benchmarks.differ_short_mutants import HITS, HOT, PASSING, PLAIN
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
    asked = "return self.caching.cache.is_hot(self._request, now_s=self.context.date(), scheme=self._scheme())"
    made = mutated(cached, asked, "return True")
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
