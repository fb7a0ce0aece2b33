"""lan-fetch through our own proxies: every strategy, Proxy-Connection, credentials, the hang of the book."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.services.http.strategies.strategy import STRATEGIES

from ...fetching import asked, outcomes, shown
from ...program import Program
from ..proxying import Start, proxy_command, web_command

OLD = ["--http1.0", "--strategy", "persistent"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a proxy of a kind on loopback."""
    started: list[Program] = []

    def make(kind: str, *words: str) -> Program:
        command = proxy_command(kind, "--allow-loopback", *words)
        started.append(Program(command, tmp_path / f"decisions{len(started)}"))
        return started[-1]

    yield make
    for program in started:
        program.kill()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Program]:
    """Our web server with its echo application."""
    with Program(web_command("--app", "echo"), tmp_path / "web") as program:
        yield program


WAYS = [(name, kind) for name in STRATEGIES for kind in ("smart", "cache")]
WAYS += [("serial", "dumb"), ("parallel", "dumb")]
"""A dumb proxy takes one exchange a connection: whoever keeps it hangs, see below."""


@pytest.mark.parametrize(("strategy", "kind"), WAYS)
def test_each_strategy_goes_through_each_proxy(start: Start, web: Program, kind: str, strategy: str) -> None:
    urls = [f"{web.url}/bytes/{n * 9000}" for n in range(1, 7)]
    code, said = asked("--strategy", strategy, "--proxy", start(kind).url, *urls)
    assert (code, outcomes(said)) == (0, ["200"] * 6)
    assert [one["body_bytes"] for one in said["objects"]] == [n * 9000 for n in range(1, 7)]


def test_a_smart_proxy_keeps_the_connection_of_an_old_browser_that_says_proxy_connection(
    start: Start, web: Program
) -> None:
    words = [*OLD, "--proxy-connection", "--proxy", start("smart").url]
    code, said = asked(*words, *[f"{web.url}/1k"] * 3)
    assert (code, outcomes(said)) == (0, ["200"] * 3)
    assert [one["requests"] for one in said["connections"]] == [3]


def test_with_a_dumb_proxy_proxy_connection_does_no_harm_and_connection_hangs(start: Start, web: Program) -> None:
    """Book 4.5.6 and 4.5.7: the proxy waits for the server's close, the server for the next request."""
    proxy = ["--proxy", start("dumb").url, f"{web.url}/1k", f"{web.url}/1k"]
    code, said = asked(*OLD, "--proxy-connection", *proxy)
    assert (code, outcomes(said)) == (0, ["200"] * 2)
    assert [one["requests"] for one in said["connections"]] == [1, 1]
    code, said = asked(*OLD, "--phase-timeout-s", "wait:4", *proxy)  # long enough for the first on a busy machine
    assert (code, outcomes(said)) == (1, ["200", "waiting for the response: no end within 4 s"])


def test_a_proxy_that_wants_credentials_gets_them(start: Start, web: Program) -> None:
    proxy = start("smart", "--auth", "kim:secret").url
    code, _, err = shown("--proxy", proxy, f"{web.url}/1k")
    assert (code, err) == (1, "lan-fetch: the server answered 407 Proxy Authentication Required\n")
    assert shown("--proxy", proxy, "--proxy-user", "kim:secret", f"{web.url}/1k")[0] == 0
