"""The examples of services/http/README.md: each command is run, and prints what the page says.

A line that ends in `&` starts a server, which lives to the end of its block.  The page's port is
replaced by a free one.
"""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .. import ports

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "services/http/README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
PATIENCE_S = 60


@contextmanager
def served(command: str, folder: Path) -> Iterator[None]:
    """A server that has said that it is ready."""
    ready, told = os.pipe()
    environment = os.environ | {"LAN_READY_FD": str(told), "LAN_DECISIONS": str(folder / "decisions")}
    process = subprocess.Popen(words(command), env=environment, pass_fds=[told], cwd=folder)
    os.close(told)
    try:
        assert os.read(ready, 100).startswith(b"ready"), command
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        os.close(ready)


def words(command: str) -> list[str]:
    program, *rest = shlex.split(command)
    lan = str(CHECKOUT / "bin/lan")
    of_ours = {"lan": [lan], "lan-fetch": [lan, "python", "-m", "lan.services.http.fetch"]}
    return [*of_ours.get(program, [program]), *rest]


def lines(text: str) -> list[str]:
    """What curl says of an error differs between its versions, but for its number."""
    kept = text.replace("\r\n", "\n").rstrip("\n").splitlines()
    return [found[0] if (found := re.match(r"curl: \(\d+\)", line)) else line for line in kept]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][2:50])
def test_an_example_prints_what_the_page_says(block: str, tmp_path: Path) -> None:
    with ports.held(1) as [port]:
        first, *steps = re.split(r"^\$ ", block.replace("8080", str(port)), flags=re.MULTILINE)[1:]
        assert first.endswith(" &\n")
        with served(first.removesuffix(" &\n"), tmp_path):
            for step in steps:
                command, _, promised = step.partition("\n")
                done = subprocess.run(words(command), capture_output=True, text=True, check=False, cwd=tmp_path)
                assert lines(done.stdout + done.stderr) == lines(promised), command


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 3
