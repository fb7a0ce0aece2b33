"""lan-fetch under test heeds no proxy of the machine's; its clock may be the test's."""

from functools import partial
from types import SimpleNamespace

import pytest

from lan.services.http import fetch
from lan.services.http.fetching.loop import Loop

from ...fetching import Clock


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time by which lan-fetch in this process goes."""
    made = Clock()
    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=made))
    monkeypatch.setattr(fetch, "Loop", partial(Loop, clock=made))
    return made
