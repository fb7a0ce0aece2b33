"""How a service's end is told: its name, the code or signal it ended by, its last words; and how it is awaited."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lan.devices.base import Service
from lan.engine import services
from lan.errors import RunError


def running(tmp_path: Path, script: str) -> tuple[services.Running, subprocess.Popen[bytes]]:
    """A service that is a shell script, its log and its pipe as the engine sets them up."""
    ready, told = os.pipe()
    os.set_blocking(ready, False)
    log = tmp_path / "openflow.log"
    with log.open("w") as output:
        process = subprocess.Popen(["sh", "-c", script], stdout=output, stderr=output, pass_fds=[told])
    os.close(told)
    return services.Running("controller", Service("lan.openflow.controller"), process.pid, ready, log), process


@pytest.mark.parametrize(
    ("script", "how"), [("echo no port left; exit 3", "with code 3: no port left"), ("kill -KILL $$", "by SIGKILL")]
)
def test_the_end_of_a_needed_service_is_told_with_how_it_ended(tmp_path: Path, script: str, how: str) -> None:
    it, process = running(tmp_path, script)
    with pytest.raises(RunError) as caught:
        services.wait_ready([it])
    assert caught.value.what == f"controller: its service {it.service.name} ended {how}"
    assert process.wait() in (3, -9)  # nobody else has taken its status
    os.close(it.ready)


LAST_WORDS_FIRST = """
import os, signal, sys

def closes(*_):  # the pipe, and the ports a moment later
    os.close(int(sys.argv[1]))
    signal.setitimer(signal.ITIMER_REAL, 0.3)

signal.signal(signal.SIGTERM, closes)
os.write(int(sys.argv[1]), b"ready\\n")
while True:
    signal.pause()
"""


def test_a_service_has_ended_when_its_process_has_and_not_its_pipe_alone(tmp_path: Path) -> None:
    ready, told = os.pipe()
    os.set_blocking(ready, False)
    process = subprocess.Popen([sys.executable, "-c", LAST_WORDS_FIRST, str(told)], pass_fds=[told])
    os.close(told)
    it = services.Running("web", Service("lan.services.http"), process.pid, ready, tmp_path / "http.log")
    assert services.wait_ready([it]) == []
    services.end(it, 60)
    assert process.poll() == -signal.SIGALRM
    os.close(ready)
