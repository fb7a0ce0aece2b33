"""Fixtures that no file declares: one for each device of a marked test's LAN.

The one file that knows how pytest keeps fixtures; since 9.1 it has a function for what is done here.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

Scope = Literal["session", "package", "module", "class", "function"]

OURS = "__lan__"
"""An attribute of the functions that are registered here: the scope."""


def register(
    node: pytest.Collector,
    name: str,
    function: Callable[..., Any],
    scope: Scope,
    *,
    autouse: bool = False,
    even_over_others: bool = False,
) -> None:
    """Make a function a fixture of all tests below a node.  One that the project or a plugin has stays what it is."""
    known = visible(name, node)
    if known and not even_over_others and not is_ours(known[-1]):
        return
    if known and getattr(known[-1].func, OURS, None) == (scope, node.nodeid):
        return
    setattr(function, OURS, (scope, node.nodeid))
    if hasattr(pytest, "register_fixture"):
        pytest.register_fixture(name=name, func=function, node=node, scope=scope, autouse=autouse)
    else:
        manager: Any = node.session._fixturemanager
        manager._register_fixture(name=name, func=function, nodeid=node.nodeid, scope=scope, autouse=autouse)


def visible(name: str, node: pytest.Item | pytest.Collector) -> Sequence["pytest.FixtureDef[Any]"]:
    """The fixtures of a name that a node sees, the nearest last."""
    manager: Any = node.session._fixturemanager
    return manager.getfixturedefs(name, node) or ()


def is_ours(known: "pytest.FixtureDef[Any]") -> bool:
    """Whether a fixture was registered here."""
    return hasattr(known.func, OURS)
