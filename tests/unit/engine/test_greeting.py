"""Who waits for a controller wakes the daemon that does not listen to it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.devices.base import Service
from lan.engine import greeting
from lan.engine.services import Running
from lan.errors import RunError


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[tuple[Running, int]]:
    """One that is starting, and the end of its pipe at which it tells that it is ready."""
    ready, told = os.pipe()
    os.set_blocking(ready, False)
    (tmp_path / "log").write_text("no datapath\n")
    yield Running("controller", Service("lan.openflow.controller"), os.getpid(), ready, tmp_path / "log"), told
    os.close(ready)


def test_the_daemon_is_woken_until_the_controller_has_its_datapaths(controller: tuple[Running, int]) -> None:
    running, told = controller
    wakes = 0

    def wake() -> None:
        nonlocal wakes
        wakes += 1
        if wakes == 3:
            os.write(told, b"ready 1 datapaths\n")

    greeting.wait_ready(running, wake)
    os.close(told)
    assert wakes == 3 and running.state == "ready"


def test_a_controller_that_ends_is_told(controller: tuple[Running, int]) -> None:
    running, told = controller
    with pytest.raises(RunError, match="no datapath"):
        greeting.wait_ready(running, lambda: os.close(told))


def test_without_a_controller_nobody_is_waited_for() -> None:
    greeting.wait_ready(None, None)
