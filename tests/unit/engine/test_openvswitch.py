"""Open vSwitch: what is waited for when a daemon is gone."""

import subprocess
from pathlib import Path

import pytest

from lan.engine.openvswitch import OpenVswitch
from lan.errors import RunError


def test_a_command_that_waits_for_a_dead_daemon_is_not_waited_for(tmp_path: Path) -> None:
    daemon = subprocess.Popen(["true"])
    waiting = subprocess.Popen(["sleep", "1000"], stderr=subprocess.PIPE, text=True)
    switch = OpenVswitch("userspace", tmp_path)
    switch._pids, switch._begun = [daemon.pid], [waiting]
    with pytest.raises(RunError, match="Open vSwitch ended"):
        switch.finish()
    assert waiting.returncode is not None
    daemon.wait()


def test_a_command_that_ends_is_judged_by_its_code(tmp_path: Path) -> None:
    daemon = subprocess.Popen(["sleep", "1000"])
    switch = OpenVswitch("userspace", tmp_path)
    failed = subprocess.Popen(["sh", "-c", "echo no such bridge >&2; exit 1"], stderr=subprocess.PIPE, text=True)
    switch._pids, switch._begun = [daemon.pid], [failed]
    try:
        with pytest.raises(RunError, match="no such bridge"):
            switch.finish()
    finally:
        daemon.kill()
        daemon.wait()
