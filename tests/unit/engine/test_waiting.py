"""Waiting for descriptors."""

import fcntl
import os
import resource
import select
import time

import pytest

from lan.engine.waiting import readable
from lan.services.dhcp.waiting import Waiter

BEYOND_SELECT = 1500
POLL = select.poll


class Stopped:
    """poll(2) in a process that was stopped and continued: the first time Python tells of nothing (PEP 475)."""

    def __init__(self) -> None:
        self._poll, self._has_waited = POLL(), False
        self.register = self._poll.register

    def poll(self, timeout_ms: float | None = None) -> list[tuple[int, int]]:
        has_waited, self._has_waited = self._has_waited, True
        return self._poll.poll(timeout_ms) if has_waited else []


def test_a_descriptor_beyond_those_of_select_is_waited_for() -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= BEYOND_SELECT:
        pytest.skip(f"no descriptor can have the number {BEYOND_SELECT} here")
    reading, writing = os.pipe()
    high = fcntl.fcntl(reading, fcntl.F_DUPFD, BEYOND_SELECT)
    try:
        assert readable([high], 0) == set()
        os.write(writing, b"x")
        assert readable([high, writing], 60) == {high}
    finally:
        for descriptor in (reading, writing, high):
            os.close(descriptor)


def test_what_is_at_its_end_can_be_read() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    try:
        assert readable([reading], 60) == {reading}
    finally:
        os.close(reading)


def test_a_time_that_is_over_waits_no_longer() -> None:
    reading, writing = os.pipe()
    try:
        assert readable([reading], -1.0) == set()
    finally:
        os.close(reading)
        os.close(writing)


def test_what_came_while_the_process_was_stopped_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(select, "poll", Stopped)
    reading, writing = os.pipe()
    try:
        os.write(writing, b"x")
        assert readable([reading], 0.1) == {reading}
        with Waiter([reading], [], time.monotonic) as waiter:
            assert waiter.wait(time.monotonic() + 0.1) == ([reading], [])
    finally:
        os.close(reading)
        os.close(writing)
