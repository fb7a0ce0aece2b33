"""The book's hanging proxies on a LAN, with the packets that show who is to blame (4.5.6, 4.5.7)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from ..command import CHECKOUT, Command, Up

TWICE = "tests/e2e/asks_twice.py"
"""Asks for a page, and again on the same connection; tells what it got, and where the second answer ended."""
SOON = "keep_alive=timeout=3"
"""web gives an idle connection up a little sooner than by itself: until then hangs whoever waits for an answer."""


@pytest.fixture(scope="module")
def proxies(shared_lan: Command) -> Iterator[Up]:
    with shared_lan.up("proxies") as up:
        up.run("set", "web", SOON, check=0)
        yield up


@pytest.fixture
def hidden(lan: Command) -> Iterator[Up]:
    with lan.up("hidden_proxy") as up:
        yield up


def ask_twice(up: Up, proxy: str, field: str) -> list[str]:
    """What pc1 says of both answers.  Without a proxy's name it asks the server itself."""
    where = [proxy, "3128", "http://web/"] if proxy else ["web", "80", "/"]
    ended = up.run("exec", "pc1", "--", "/usr/bin/python3", TWICE, *where, field, cwd=CHECKOUT, check=0)
    return ended.out.splitlines()


def messages(up: Up) -> list[str]:
    """The HTTP messages that passed, each where it set out: ``pc1 → hidden GET / …``."""
    frames = [line for line in up.run("trace", check=0).out.splitlines() if " HTTP " in line]
    found = [re.search(r"ms\s+(\w+)\s+(\w+)\s+HTTP\s+(.*)", line) for line in frames]
    return [f"{one[1]} → {one[2]} {one[3]}" for one in found if one is not None]


def decisions(up: Up, device: str, what: str) -> list[dict[str, Any]]:
    log = up.state / "devices" / device / "decisions.jsonl"
    written = log.read_text().rpartition("\n")[0]  # the last line may be under way
    return [one for one in map(json.loads, written.splitlines()) if one["what"] == what]


def test_a_hidden_dumb_proxy_lets_a_client_hang_that_knows_of_none(hidden: Up) -> None:
    hidden.run("set", "web", SOON, check=0)
    assert ask_twice(hidden, "", "Connection") == ["200 keep-alive", "unanswered"]
    asked = "GET / HTTP/1.0, Host: web, Connection: Keep-Alive"
    passed = messages(hidden)
    assert [one for one in passed if "GET" in one] == [
        f"pc1 → hidden {asked}",
        f"hidden → web {asked}",  # with the field that was for this hop alone
        f"pc1 → hidden {asked}",  # and this one goes no further
    ]
    assert [one.partition(" 200 ")[0] for one in passed if " 200 OK" in one] == ["web → hidden", "hidden → pc1"]
    [relayed] = decisions(hidden, "hidden", "relay")
    assert relayed["reason"]["facts"] == {"to": "http://10.0.2.253"}  # where the client was going
    assert decisions(hidden, "hidden", "ignored")


def test_without_the_hidden_proxy_the_same_client_gets_both(hidden: Up) -> None:
    hidden.run("stop", "hidden", check=0)  # what is left is a router
    assert ask_twice(hidden, "", "Connection") == ["200 keep-alive", "200 keep-alive"]


def test_a_hidden_smart_proxy_is_seen_by_its_via_alone(hidden: Up) -> None:
    hidden.run("set", "hidden", "proxy=smart", check=0)
    assert ask_twice(hidden, "", "Connection") == ["200 close", "closed"]  # RFC 9112 §9.3: told, so nobody hangs
    said = hidden.exec("pc1", "curl", "-sS", "-D", "-", "-o", "/dev/null", "http://web/", check=0).out
    assert "Via: 1.1 hidden" in said
    assert hidden.exec("pc1", "ping", "-c", "1", "10.0.2.253").code == 0


CASES = [
    # proxy, the client's field, what it gets
    ("dumb", "Connection", ["200 keep-alive", "unanswered"]),  # 4.5.6
    ("dumb", "Proxy-Connection", ["200 close", "closed"]),  # 4.5.7: passed on, and harmless
    ("below", "Proxy-Connection", ["200 keep-alive", "unanswered"]),  # 4.5.7: dumb beside smart
    ("smart", "Proxy-Connection", ["200 keep-alive", "200 keep-alive"]),
    ("cache", "Proxy-Connection", ["200 keep-alive", "200 keep-alive"]),
    ("smart", "Connection", ["200 close", "closed"]),
]


@pytest.mark.parametrize(("proxy", "field", "got"), CASES)
def test_who_hangs_and_who_does_not(proxies: Up, proxy: str, field: str, got: list[str]) -> None:
    assert ask_twice(proxies, proxy, field) == got


def test_a_setting_makes_a_dumb_proxy_smart_while_it_runs(proxies: Up) -> None:
    proxies.run("set", "dumb", "proxy=smart", check=0)
    try:
        assert ask_twice(proxies, "dumb", "Proxy-Connection") == ["200 keep-alive", "200 keep-alive"]
    finally:
        proxies.run("set", "dumb", "proxy=dumb", check=0)


def test_the_table_of_the_cache_names_what_it_holds(proxies: Up) -> None:
    proxies.exec("pc1", "curl", "-sS", "-x", "http://cache:3128", "http://web/", check=0)
    limit = 100
    rows: list[list[str]] = []
    while not rows and limit:
        rows, limit = proxies.run("show", "cache", "--json", check=0).json["devices"]["cache"]["rows"], limit - 1
    assert rows[0][0] == "http://web/"


def test_a_proxy_reaches_nothing_of_its_own_machine(proxies: Up) -> None:
    for url in ("http://127.0.0.1:3128/", "http://localhost/", "http://[::1]/"):
        words = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-g", "-x", "http://smart:3128", url]
        assert proxies.exec("pc1", *words, check=0).out in ("403", "502")
