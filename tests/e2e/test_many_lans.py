"""Many LANs at once, with the same names and addresses; what is not ours stays as it is."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..command import Command
from . import inventory
from .test_abrupt_ends import assert_nothing_left


def test_ten_at_once_three_end_abruptly_seven_are_right(lan: Command) -> None:
    before = inventory.take()
    commands = [lan.start("run", "office", "--json") for _ in range(10)]
    for command in commands[:3]:
        command.send_signal(signal.SIGKILL)
    names = set()
    for command in commands[3:]:
        out, err = command.communicate(timeout=300)
        assert command.returncode == 0, out + err
        names.add(out.split('"lan": "')[1].split('"')[0])
    assert len(names) == 7
    for command in commands[:3]:
        command.communicate()
    assert_nothing_left(before)


@pytest.fixture
def foreign() -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Somebody else's ping, and files where a pattern-killing clean-up would look."""
    ping = subprocess.Popen(["ping", "-i", "0.2", "127.0.0.1"], stdout=subprocess.DEVNULL)
    file = Path("/tmp") / f"vconn-foreign-{os.getpid()}.log"
    file.write_text("mine")
    yield ping, file
    ping.kill()
    ping.wait()
    file.unlink()


def test_what_is_not_ours_stays(foreign: tuple[subprocess.Popen[bytes], Path], lan: Command) -> None:
    ping, file = foreign
    settings = Path("/proc/sys/net/ipv4/ip_forward").read_text(), Path("/proc/net/dev").read_text().count(":")
    lan.run("run", "office", check=0)
    with lan.up("office"):
        pass
    assert ping.poll() is None
    assert file.read_text() == "mine"
    now = Path("/proc/sys/net/ipv4/ip_forward").read_text(), Path("/proc/net/dev").read_text().count(":")
    assert now == settings


def test_a_second_of_the_same_name_is_refused_with_the_remedy(lan: Command) -> None:
    lan.run("up", "single:1", "--switch", "bridge", check=0)
    try:
        ended = lan.run("up", "single:1", "--switch", "bridge")
        assert ended.code == 2 and "a LAN named single is up already" in ended.err and "--name" in ended.err
        lan.run("up", "single:1", "--switch", "bridge", "--name", "other", check=0)
        ended = lan.run("exec", "h1", "--", "true")
        assert ended.code == 125 and "several LANs are up: other, single" in ended.err and "-l NAME" in ended.err
        lan.run("exec", "-l", "other", "h1", "--", "true", check=0)
    finally:
        lan.run("down", "--all", check=0)
    assert lan.run("status", "--json").json["lans"] == []


def test_lans_of_another_state_home_are_not_seen(lan: Command, tmp_path: Path) -> None:
    with lan.up("single:1", "--switch", "bridge"):
        assert lan.run("status", "--json", env={"XDG_STATE_HOME": str(tmp_path)}).json["lans"] == []
