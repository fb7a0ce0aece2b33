"""The pytest plugin of lan: fixture `lan`.

pytest loads this file into every run where lan is installed, so the rest comes by name, on first use.
"""

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lan.testing.factory import Factory


@pytest.fixture
def lan(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Factory]":
    """``with lan.up("office") as net: net["pc1"].ping("web")``; what is still up at the end is taken down."""
    factory: Factory = importlib.import_module("lan.testing.factory").Factory(tmp_path_factory)
    with factory:
        yield factory
