"""Each of the book's strategies against our own web server: connections counted by the server, bodies compared."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lan.services.http.strategies.strategy import STRATEGIES

from ...fetching import asked
from ...program import Program
from ..proxying import web_command

OBJECTS = 10
CONNECTIONS = {
    "serial": (11, 11),
    "parallel": (11, 11),
    "persistent": (1, 1),
    "persistent+parallel": (1, 2),
    "pipelined": (1, 1),
}
"""Strategy → the least and most connections for a page and its ten objects."""


@dataclass
class Site:
    """A running server and the files that it serves."""

    web: Program
    files: dict[str, bytes]

    def url(self, path: str = "/") -> str:
        return f"http://localhost:{self.web.port}{path}"

    def accepted(self) -> int:
        return len(self.web.decisions("accepted"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "www").mkdir()
    files = {f"{n}.png": os.urandom(n * n * 3000) for n in range(OBJECTS)}
    images = "".join(f"<img src={name}>" for name in files)
    files["index.html"] = f"<!doctype html><title>page</title>{images}".encode()
    for name, data in files.items():
        (folder / "www" / name).write_bytes(data)
    with Program(web_command("--root", str(folder / "www")), folder / "decisions") as web:
        yield Site(web, files)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_page_comes_whole_on_as_many_connections_as_the_strategy_has(
    site: Site, strategy: str, tmp_path: Path
) -> None:
    before = site.accepted()
    words = ["--resolve", f"localhost:{site.web.port}:127.0.0.1", "-o", str(tmp_path)]
    code, said = asked("--page", "--strategy", strategy, *words, site.url())
    assert code == 0
    assert [one["status"] for one in said["objects"]] == [200] * (OBJECTS + 1)
    got = {path.name.partition("-")[2]: path.read_bytes() for path in tmp_path.iterdir()}
    assert got == {("index" if name == "index.html" else name): data for name, data in site.files.items()}
    least, most = CONNECTIONS[strategy]
    assert least <= len(said["connections"]) <= most
    assert site.accepted() - before == len(said["connections"])
    assert_limits(said)


def assert_limits(said: dict[str, Any]) -> None:
    """No more connections at once, and no more requests under way on one, than the strategy allows."""
    strategy = said["strategy"]
    changes = [(one["opened_ms"], 1) for one in said["connections"]]
    changes += [(decision["at_ms"], -1) for decision in said["decisions"] if decision["what"] == "close"]
    standing = 0
    for _, change in sorted(changes):
        standing += change
        assert standing <= strategy["per_host"]
    for connection in said["connections"]:
        mine = [one["spans_ms"] for one in said["objects"] if one["connection"] == connection["number"]]
        spans = [(next(begin for phase, begin, _ in one if phase == "send"), one[-1][2]) for one in mine]
        for begin, _ in spans:
            assert sum(start <= begin < end for start, end in spans) <= strategy["depth"]


def test_pipelined_requests_are_under_way_together_and_answered_in_order(site: Site) -> None:
    """Depth 4: the server has the next requests before it has answered the last one."""
    urls = [site.url(f"/{n % OBJECTS}.png") for n in range(12)]
    _, said = asked("--strategy", "pipelined", "--depth", "4", *urls)
    ends = [one["spans_ms"][-1][2] for one in said["objects"]]
    begins = [next(begin for phase, begin, _ in one["spans_ms"] if phase == "send") for one in said["objects"]]
    assert ends == sorted(ends)
    assert begins[2] < ends[1] and begins[3] < ends[1]
    assert [one["body_bytes"] for one in said["objects"]] == [(n % OBJECTS) ** 2 * 3000 for n in range(12)]


def test_nothing_is_pipelined_by_a_client_of_http_1_0(site: Site) -> None:
    code, said = asked("--strategy", "pipelined", "--http1.0", *[site.url("/1.png")] * 4)
    assert (code, len(said["connections"])) == (0, 1)
    ends = [one["spans_ms"][-1][2] for one in said["objects"]]
    begins = [next(begin for phase, begin, _ in one["spans_ms"] if phase == "send") for one in said["objects"]]
    assert all(begin >= end for begin, end in zip(begins[1:], ends[:-1], strict=True))


def test_keep_alive_of_http_1_0_serves_a_page_on_one_connection(site: Site) -> None:
    code, said = asked("--page", "--strategy", "persistent", "--http1.0", site.url())
    assert code == 0
    assert len(said["connections"]) == 1
    assert {dict(one["headers"])["Connection"] for one in said["objects"]} == {"keep-alive"}


def test_a_hundred_objects_over_two_names_keep_the_limit_of_each(site: Site) -> None:
    words = ["--resolve", f"a.test:{site.web.port}:127.0.0.1", "--resolve", f"b.test:{site.web.port}:127.0.0.1"]
    urls = [f"http://{'ab'[n % 2]}.test:{site.web.port}/{n % 5}.png" for n in range(100)]
    code, said = asked("--strategy", "persistent+parallel", *words, *urls)
    assert code == 0
    assert sorted(one["to"][0] for one in said["connections"]) == ["a", "a", "b", "b"]
    assert sum(one["requests"] for one in said["connections"]) == 100
