"""What the tests of proxies share: proxies of each kind, a web server of ours, a server that the test plays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...program import Program
from ..proxying import Played, Start, proxy_command, web_command


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a proxy on loopback: ``start("smart", "--parent", url, idle_s=1)``."""
    started: list[Program] = []

    def make(kind: str, *words: str, **limits: float) -> Program:
        log = tmp_path / f"decisions{len(started)}"
        started.append(Program(proxy_command(kind, "--allow-loopback", *words, **limits), log))
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
    with Program(web_command("--app", "echo"), tmp_path / "web") as program:
        yield program


@pytest.fixture
def played() -> Iterator[Played]:
    """A server that the test plays."""
    server = Played()
    yield server
    server.close()
