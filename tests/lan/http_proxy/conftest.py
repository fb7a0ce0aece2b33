"""What the tests of proxies share: proxies of each kind, a web server of ours, a server that the test plays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..proxying import PROXY, WEB, Played, Program, Start


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a proxy on loopback: ``start("smart", "--parent", url, idle_s=1)``."""
    started: list[Program] = []

    def make(kind: str, *words: str, **limits: float) -> Program:
        log = tmp_path / f"decisions{len(started)}"
        arguments = ["--kind", kind, "--listen", "127.0.0.1:0", "--allow-loopback", *words]
        started.append(Program(PROXY, log, limits, *arguments))
        return started[-1]

    yield make
    for program in started:
        program.kill()


@pytest.fixture(params=["smart", "cache"])
def knows(request: pytest.FixtureRequest) -> str:
    """A kind that knows HTTP."""
    kind: str = request.param
    return kind


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Program]:
    """Our web server, with its echo application."""
    program = Program(WEB, tmp_path / "web", {}, "--listen", "127.0.0.1:0", "--app", "echo")
    yield program
    program.kill()


@pytest.fixture
def played() -> Iterator[Played]:
    """A server that the test plays."""
    server = Played()
    yield server
    server.close()
