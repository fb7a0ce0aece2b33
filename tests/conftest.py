"""Fixtures of all layers: the `lan` command of this checkout, see `command.py`."""

from collections.abc import Iterator

import pytest

from .command import Command, command


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
