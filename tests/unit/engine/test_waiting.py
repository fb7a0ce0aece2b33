"""Waiting for descriptors."""

import fcntl
import os
import resource

import pytest

from lan.engine.waiting import readable

BEYOND_SELECT = 1500


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
