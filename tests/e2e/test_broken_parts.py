"""One part of a LAN that is up breaks, or its command is treated badly: what is said, and what goes on."""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from lan.control import client, messages
from lan.control.client import RunningLan
from lan.errors import LanError

from ..command import PATIENCE_S, Command, Up
from . import inventory
from .test_abrupt_ends import agents, assert_nothing_left, shell_code

SMALL = ("single:2", "--switch", "bridge")


def child_named(up: Up, name: str) -> int:
    """The process id of a child of the agent."""
    found = subprocess.run(["pgrep", "-P", str(up.agent), "-x", name], capture_output=True, text=True, check=True)
    return int(found.stdout)


def wait_gone(pid: int) -> None:
    """Until it has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    select.select([process], [], [])
    os.close(process)


def test_without_its_tap_a_lan_says_so_instead_of_waiting(lan: Command) -> None:
    with lan.up(*SMALL) as up:
        tap = child_named(up, "lan-tap")
        os.kill(tap, signal.SIGKILL)
        wait_gone(tap)
        for _ in range(2):
            ended = up.run("trace")
            assert ended.code == 1 and "the tap is gone" in ended.err
        assert up.exec("h1", "true").code == 0


def test_without_the_record_of_kernels_reasons_are_derived(lan: Command) -> None:
    with lan.up(*SMALL) as up:
        assert up.run("ping", "h1", "h2").code == 0
        assert not is_derived(up, "arp.hit")
        watch = child_named(up, "lan-kernel")
        os.kill(watch, signal.SIGKILL)
        wait_gone(watch)
        assert up.run("ping", "h1", "h2").code == 0
        assert is_derived(up, "arp.hit")


def test_following_ends_with_ctrl_c_and_has_not_failed(lan: Command) -> None:
    with lan.up(*SMALL) as up:
        assert up.run("ping", "h1", "h2").code == 0
        command = up.start("trace", "-f", "--filter", "icmp")
        assert command.stdout is not None
        assert "last device" in command.stdout.readline() and "echo request" in command.stdout.readline()
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=PATIENCE_S)
        assert (command.returncode, err) == (0, "") and "interrupted" not in out


@pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed")
def test_a_rules_comment_may_be_any_bytes(lan: Command) -> None:
    rules = b'table ip t {\n chain c {\n type filter hook input priority 0;\n counter comment "\xff\xfe"\n }\n}\n'
    with lan.up(*SMALL) as up:
        command = lan.argv("exec", "-l", up.name, "h1", "--", "nft", "-f", "-")
        subprocess.run(command, input=rules, env=lan.environment(), check=True)
        assert up.run("ping", "h1", "h2").code == 0
        assert not is_derived(up, "arp.hit")


def is_derived(up: Up, code: str) -> bool:
    """Of a reason about the last ping."""
    last = up.run("trace", "--filter", "icmp", "--json").out.splitlines()[-1]
    told = up.run("pdu", str(json.loads(last)["number"]), "--json", check=0).json
    halves = [half for device in told["devices"] for half in (*filter(None, [device["in"]]), *device["out"])]
    found = [one for half in halves for layer in half["layers"] for one in layer["reasons"] if one["code"] == code]
    assert found, told
    return bool(found[0]["is_derived"])


def test_a_question_that_the_agent_trips_over_does_not_end_the_lan(lan: Command) -> None:
    with lan.up(*SMALL) as up:
        with pytest.raises(LanError, match="lan made a mistake"):
            RunningLan.at(up.agent).ask(messages.Change("h1", 5))  # type: ignore[arg-type]
        assert up.exec("h1", "true").code == 0
        assert "Traceback" in (up.state / "agent.log").read_text()


@pytest.mark.skipif(shutil.which("ovs-vswitchd") is None, reason="Open vSwitch is not installed")
def test_status_names_a_switch_that_is_gone_and_down_still_works(lan: Command) -> None:
    with lan.up("single:2", "--switch", "ovs") as up:
        daemon = child_named(up, "ovs-vswitchd")
        os.kill(daemon, signal.SIGKILL)
        wait_gone(daemon)
        [found] = lan.run("status", "--json").json["lans"]
        assert "Open vSwitch" in str(found["broken"])
        assert up.run("down", up.name).code == 0


def pipes_of(pid: int) -> int:
    """How many ends of pipes a process holds."""
    found = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # a face that has just gone
            found += os.readlink(entry.path).startswith("pipe:")  # noqa: PTH115 - no file
    return found


def test_services_that_come_and_go_leave_nothing_open(lan: Command) -> None:
    with lan.up("office", "--switch", "bridge") as up:
        agent = up.agent
        before = pipes_of(agent)
        up.run("stop", "dns", check=0)
        up.run("start", "dns", check=0)
        up.run("set", "web", "https=off", check=0)
        up.run("set", "web", "https=on", check=0)
        up.run("set", "pc1", "ip=dhcp", check=0)
        assert pipes_of(agent) == before


def test_a_lan_may_hold_more_open_files_than_a_shell_lets_its_programs(lan: Command) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    up = lan.run("up", "single:80", "--switch", "bridge", preexec_fn=limit)
    assert up.code == 0, up
    lan.run("down", check=0)


def test_an_agent_that_hangs_is_named_with_what_ends_it(
    lan: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = inventory.take()
    with lan.up(*SMALL) as up:
        agent = up.agent
        os.kill(agent, signal.SIGSTOP)
        monkeypatch.setattr(client, "HELLO_DEADLINE_S", 0.1)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # no LAN of it may be late
        with pytest.raises(LanError, match=f"{agent}.* has not answered .*\n.*kill -9 {agent}"):
            RunningLan.at(agent)
        assert agent not in [found.pid for found in client.running()]  # it is of another state folder
        monkeypatch.setenv("XDG_STATE_HOME", str(lan.state))
        with pytest.raises(LanError, match="has not answered"):
            client.running()
        os.kill(agent, signal.SIGKILL)
        wait_gone(agent)
        assert client.running() == []
    assert_nothing_left(before)


def test_down_ends_what_runs_and_its_exec_says_why(lan: Command) -> None:
    before = inventory.take()
    with lan.up(*SMALL) as up:
        command = up.start("exec", "h1", "--", "sh", "-c", "echo on; sleep 981")
        assert command.stdout is not None and command.stdout.readline() == "on\n"
        up.run("down", up.name, check=0)
        _, err = command.communicate(timeout=PATIENCE_S)
        assert command.returncode == 128 + signal.SIGKILL
        assert "went down meanwhile" in err and "Traceback" not in err
    assert_nothing_left(before)


def test_a_program_gets_the_signals_as_a_shell_would_give_them(lan: Command) -> None:
    with lan.up(*SMALL) as up:
        assert up.exec("h1", "sh", "-c", "kill -PIPE $$").code == 128 + signal.SIGPIPE
        assert up.exec("h1", "sh", "-c", "kill -INT $$").code == 128 + signal.SIGINT


def test_a_lan_holds_nothing_that_its_command_inherited(lan: Command) -> None:
    """Or ``$(lan up office 3>&1)`` would wait for ever."""
    read, write = os.pipe()
    with open(read, "rb") as ours:  # noqa: PTH123 - a descriptor
        lan.run("up", *SMALL, check=0, pass_fds=(write,))
        os.close(write)
        os.set_blocking(read, False)
        try:
            assert ours.read() == b""
        finally:
            lan.run("down", check=0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_leaves_nothing(number: signal.Signals, lan: Command) -> None:
    before = inventory.take()
    command = lan.start("run", "office")
    assert command.stdout is not None and "LAN office" in command.stdout.readline()
    command.send_signal(number)
    _, err = command.communicate(timeout=PATIENCE_S)
    assert not inventory.started_by_us(), "the prompt is back, and the LAN not gone"
    assert command.returncode == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in err
    assert_nothing_left(before)


UNANSWERED = """
from mininet.topo import Topo


class Unanswered(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addLink(self.addHost("pc1", kind="pc", dhcp=True), "s1", loss=100)
        self.addLink(self.addHost("dhcp", kind="dhcp-server", ip="10.0.0.1/24", pool="10.0.0.2-10.0.0.9"), "s1")
"""
"""A run of it takes long: a lease is waited for that does not come."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_outlives_its_agent(number: signal.Signals, lan: Command, tmp_path: Path) -> None:
    """One that hangs does not hear that it should end: it is killed after a while."""
    file = tmp_path / "unanswered.py"
    file.write_text(UNANSWERED)
    command = lan.start("run", str(file), "--switch", "bridge")
    while not (found := agents(lan.state)):
        assert command.poll() is None
    os.kill(found[0], signal.SIGSTOP)
    command.send_signal(number)
    command.communicate(timeout=PATIENCE_S)
    assert not inventory.started_by_us(), "the prompt is back, and the LAN not gone"
    assert command.returncode == (130 if number == signal.SIGINT else -number)


def test_an_impatient_second_ctrl_c_leaves_nothing_either(lan: Command) -> None:
    before = inventory.take()
    command = lan.start("run", "office")
    assert command.stdout is not None and "LAN office" in command.stdout.readline()
    while command.poll() is None:
        command.send_signal(signal.SIGINT)
    command.communicate(timeout=PATIENCE_S)
    assert shell_code(command.returncode) == 130
    assert_nothing_left(before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_up_that_is_told_to_end_while_it_builds_leaves_nothing(number: signal.Signals, lan: Command) -> None:
    before = inventory.take()
    command = lan.start("up", *SMALL)
    while not (is_building := agents(lan.state)) and command.poll() is None:
        pass
    command.send_signal(number)
    _, err = command.communicate(timeout=PATIENCE_S)
    if command.returncode:
        assert not inventory.started_by_us(), f"the prompt is back, and the LAN not gone: {is_building}"
        assert command.returncode == (130 if number == signal.SIGINT else -number)
    else:  # it had hardly anything left to do
        lan.run("down", check=0)
    assert "Traceback" not in err
    assert_nothing_left(before)


def test_an_up_outlives_its_terminal(lan: Command) -> None:
    terminal = subprocess.Popen(
        ["sh", "-c", '"$@"; kill -HUP 0', "sh", *lan.argv("up", *SMALL)],
        env=lan.environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    terminal.wait(PATIENCE_S)
    [found] = lan.run("status", "--json").json["lans"]
    assert found["name"] == "single"
    lan.run("down", check=0)
