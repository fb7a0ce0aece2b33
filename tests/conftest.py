"""Fixtures of all layers: the `lan` command of this checkout, see `command.py`."""

import os
import signal
from collections.abc import Iterator

import pytest

from .command import Command, command

# Who starts the tests in the background or by nohup has these ignored, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What tests read of a verb is English, whatever the locale of who starts them; tests of other languages ask for theirs.
for name in ("LAN_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES"):
    os.environ.pop(name, None)
os.environ["LANG"] = "C.UTF-8"


@pytest.fixture
def lan() -> Iterator[Command]:
    """``lan.run("status", "--json").json``; ``with lan.up("office") as up: up.exec("pc1", "ip", "a")``."""
    with command() as ready:
        yield ready


@pytest.fixture(scope="module")
def shared_lan() -> Iterator[Command]:
    """The same for all tests of a module."""
    with command() as ready:
        yield ready
