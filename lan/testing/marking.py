"""``@pytest.mark.lan("office")``: which LAN a test runs on, and its devices as fixtures.

A marker names what ``lan up`` takes (a file is looked for beside the test, then where pytest runs) or a
class derived from mininet.topo.Topo.  `scope` says how many tests share the LAN: "function", "class",
"module" or "session"; its other words are those of `Factory.up`.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lan.devices.kinds import schemas
from lan.errors import LanError, UsageError, nearest
from lan.testing.device import Device
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.testing.registering import Scope, register, visible
from lan.testing.trace import Trace
from lan.topo.load import load

HOLDERS: dict[str, type[pytest.Collector]] = {
    "class": pytest.Class,
    "module": pytest.Module,
    "session": pytest.Session,
}
SCOPES = ("function", *HOLDERS)
WORDS = ("what", "scope", "switch", "datapath", "offload", "link", "patience_s")
AN_EXAMPLE = '@pytest.mark.lan("office")'


@dataclass(frozen=True, slots=True)
class Wanted:
    """A LAN as a marker asks for it."""

    what: str
    scope: Scope = "function"
    how: tuple[tuple[str, Any], ...] = ()


KEPT: pytest.StashKey[dict[Wanted, Net]] = pytest.StashKey()
OWN_TRACE: pytest.StashKey[Trace] = pytest.StashKey()
PREPARED: pytest.StashKey[bool] = pytest.StashKey()


# ---- while pytest collects


def prepare_session(session: pytest.Session) -> None:
    """``--lan``: its fixtures for all tests."""
    try:
        _prepare(session, _by_option(session.config))
    except LanError as error:
        raise pytest.UsageError(str(error)) from None


def prepare_collector(collector: "pytest.Module | pytest.Class") -> None:
    """A module or class is marked: once for each."""
    if PREPARED not in collector.stash:
        collector.stash[PREPARED] = True
        with _told(collector):
            _prepare(collector, _of_collector(collector))


def prepare_function(collector: "pytest.Module | pytest.Class", mark: pytest.Mark) -> None:
    """A function is marked."""
    with _told(collector):
        own = wanted(mark, collector.path, collector.config.rootpath)
        if collector.get_closest_marker("lan") and (outer := _of_collector(collector)).scope != "function":
            raise UsageError(
                f"a test is marked lan({own.what!r}), and its {outer.scope} lan({outer.what!r})",
                expected=f"one of them: all tests of the {outer.scope} share its LAN",
            )
        _prepare(collector, own, fixture_scope="function")


def check_names(item: pytest.Item) -> None:
    """Fail a test that asks for a fixture which nobody has and whose name is nearly that of a device."""
    names = getattr(item, "fixturenames", ())
    unknown = [name for name in names if not visible(name, item) and name not in _parameters(item)]
    if "request" in unknown:
        unknown.remove("request")
    for name in unknown:
        own = _of_item(item)
        devices = devices_of(own.what) if own else ()
        if near := nearest(name, map(fixture_name, devices)):
            pytest.fail(
                f"there is no fixture {name!r}, and LAN {own and own.what} has a device {near!r}", pytrace=False
            )


def wanted(mark: pytest.Mark, path: Path, root: Path) -> Wanted:
    """What a marker says.  Raises UsageError."""
    words = dict(zip(("what",), mark.args, strict=False)) | dict(mark.kwargs)
    if len(mark.args) > 1 or "what" not in words:
        raise UsageError("the marker lan names no LAN, or several", expected=AN_EXAMPLE)
    for word in words:
        if word not in WORDS:
            near = nearest(word, WORDS)
            raise UsageError(
                f"the marker lan has no word {word!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(WORDS),
            )
    scope = words.pop("scope", "function")
    if scope not in SCOPES:
        raise UsageError(f"the marker lan has no scope {scope!r}", expected="one of " + ", ".join(SCOPES))
    return Wanted(_what(words.pop("what"), path, root), scope, tuple(sorted(words.items())))


@cache
def devices_of(what: str) -> tuple[str, ...]:
    """The names of a LAN's devices.  Raises LanError."""
    return tuple(load(what, schemas()).devices)


def fixture_name(device: str) -> str:
    """``web-1`` is the fixture ``web_1``."""
    return device.replace("-", "_").replace(".", "_")


def _prepare(node: pytest.Collector, own: Wanted, *, fixture_scope: Scope | None = None) -> None:
    """Register `lan` and a fixture for each device of a LAN, at a node of the collection."""
    scope = fixture_scope or own.scope

    def lan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net | Factory]:
        with lan_of(request, tmp_path_factory, None if scope == "function" else own) as found:
            yield found

    register(node, "lan", lan, scope, even_over_others=True)
    for device in devices_of(own.what):
        if fixture_name(device).isidentifier():
            register(node, fixture_name(device), _device(device), scope)
    if own.scope != "function":
        register(node, "_lan_window", _window, "function", autouse=True)


def _device(name: str) -> Any:
    def device(lan: Net | Factory) -> Device:
        return _marked(lan, name)[name]

    device.__doc__ = f"The device {name} of the test's LAN."
    return device


def _window(request: pytest.FixtureRequest) -> None:
    """Where tests share a LAN, each has its own window."""
    own = _of_item(request.node)
    if own is not None and own.scope != "function" and "lan" in request.fixturenames:
        net = request.getfixturevalue("lan")
        if isinstance(net, Net):
            request.node.stash[OWN_TRACE] = net.begin()


# ---- while tests run


@contextmanager
def lan_of(
    request: pytest.FixtureRequest, folders: pytest.TempPathFactory, own: Wanted | None = None
) -> Iterator[Net | Factory]:
    """The LAN that a test, or `own`, asks for, up; a factory where it asks for none."""
    own = own or _of_item(request.node)
    if own is None:
        with Factory(folders) as factory:
            yield factory
    elif own.scope == "function":
        with Factory(folders) as factory:
            yield _up(factory, own)
    else:
        yield _shared(request, folders, own)


def trace_of(request: pytest.FixtureRequest, lan: Net | Factory) -> Trace:
    """A test's own window."""
    item: pytest.Item = request.node
    return item.stash.get(OWN_TRACE, _marked(lan, "trace").trace)


def _shared(request: pytest.FixtureRequest, folders: pytest.TempPathFactory, own: Wanted) -> Net:
    holder = request.node.getparent(HOLDERS[own.scope])
    if holder is None:
        pytest.fail(f"the test is in no {own.scope} that could share LAN {own.what!r}", pytrace=False)
    kept: dict[Wanted, Net] = holder.stash.setdefault(KEPT, {})
    if own not in kept:
        kept[own] = _up(Factory(folders, prefix=f"{len(kept) + 1}{own.scope[0]}"), own)
        holder.addfinalizer(lambda: kept.pop(own).down())
    return kept[own]


def _up(factory: Factory, own: Wanted) -> Net:
    try:
        return factory.up(own.what, **dict(own.how))
    except LanError as error:
        fault = str(error)
    pytest.fail(f"LAN {own.what} does not come up: {fault}", pytrace=False)


def _marked(lan: Net | Factory, name: str) -> Net:
    if not isinstance(lan, Net):
        pytest.fail(f"the fixture {name!r} needs a LAN: mark the test, such as {AN_EXAMPLE}", pytrace=False)
    return lan


# ---- reading markers


def _of_item(item: pytest.Item) -> Wanted | None:
    mark = item.get_closest_marker("lan")
    if mark is not None:
        return wanted(mark, item.path, item.config.rootpath)
    return _by_option(item.config) if item.config.getoption("lan") else None


def _of_collector(collector: "pytest.Module | pytest.Class") -> Wanted:
    mark = collector.get_closest_marker("lan")
    assert mark is not None
    return wanted(mark, collector.path, collector.config.rootpath)


def _by_option(config: pytest.Config) -> Wanted:
    return Wanted(config.getoption("lan"), config.getoption("lan_scope"))


def _what(what: object, path: Path, root: Path) -> str:
    if isinstance(what, type):
        if "." in what.__qualname__:
            raise UsageError(f"the topology class {what.__qualname__} lies within another", expected="one of a module")
        return f"{inspect.getsourcefile(what)}:{what.__name__}"
    if not isinstance(what, str):
        raise UsageError(f"the marker lan can't read {what!r:.80}", expected=AN_EXAMPLE)
    file, python, selection = what.partition(".py")
    for folder in (path.parent, root) if python else ():
        if (folder / f"{file}.py").is_file():
            return f"{folder / file}.py{selection}"
    return what


def _parameters(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(getattr(item, "callspec", None), "params", ()))


@contextmanager
def _told(collector: pytest.Collector) -> Iterator[None]:
    try:
        yield
    except LanError as error:
        raise collector.CollectError(str(error)) from None
