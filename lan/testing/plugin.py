"""The pytest plugin of lan: marker, fixtures and what a failed test is explained with.  docs/testing.md

pytest loads this file into every run where lan is installed, so the rest comes by name, on first use.
"""

import contextlib
import importlib
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lan.testing.factory import Factory
    from lan.testing.net import Net
    from lan.testing.trace import Trace

MARKER = "lan(what, *, scope='function', …): the LAN that the test runs on; see lan/testing/marking.py"
MARKING = "lan.testing.marking"
SCOPES = ("function", "class", "module", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lan", "virtual LANs")
    group.addoption("--lan", metavar="WHAT", help="the LAN of tests that are not marked: office, a file, single:3 …")
    group.addoption(
        "--lan-scope", choices=SCOPES, default="function", help="how many tests share it (default: each has its own)"
    )
    group.addoption(
        "--lan-captures",
        metavar="DIR",
        help="where the capture of a failed test goes (default: beside the JUnit XML, else the LAN's folder)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """With ``--lan``, its devices are fixtures of every test."""
    if isinstance(collector, pytest.Session) and collector.config.getoption("lan"):
        importlib.import_module(MARKING).prepare_session(collector)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: "pytest.Module | pytest.Class", name: str, obj: object) -> None:
    """The devices of a marked test's LAN are fixtures from here on."""
    if any(mark.name == "lan" for mark in collector.own_markers):
        importlib.import_module(MARKING).prepare_collector(collector)
    marks = getattr(obj, "pytestmark", None) if name.startswith("test") else None
    for mark in marks if isinstance(marks, list) else ():
        if getattr(mark, "name", "") == "lan":
            importlib.import_module(MARKING).prepare_function(collector, mark)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A misspelt device is told with the nearest right one."""
    if item.get_closest_marker("lan") is not None or item.config.getoption("lan"):
        importlib.import_module(MARKING).check_names(item)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """What lan says of a test is told at the test's line."""
    with _told(pyfuncitem.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """And what it says of a fixture, at the fixture's."""
    with _told(request.config):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test that has a LAN shows what it looked at, and where the capture lies."""
    report = yield
    if report.failed and report.when != "teardown" and "lan.testing.net" in sys.modules:
        importlib.import_module("lan.testing.reporting").explain(item, report)
    return report


@pytest.fixture
def lan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Factory | Net]":
    """The LAN of a marked test: ``lan["pc1"].ping("web")``; in any other, ``with lan.up("office") as net: …``.

    What is still up at the end is taken down.
    """
    module: Any = importlib.import_module(MARKING)
    with module.lan_of(request, tmp_path_factory) as found:
        yield found


@pytest.fixture
def trace(request: pytest.FixtureRequest, lan: "Net") -> "Trace":
    """What has passed on the LAN of a marked test: ``trace.http(path="/").one().status``."""
    found: Trace = importlib.import_module(MARKING).trace_of(request, lan)
    return found


@contextlib.contextmanager
def _told(config: pytest.Config) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if "lan.testing.net" in sys.modules:
            importlib.import_module("lan.testing.tracebacks").tell(error, config)
        raise
