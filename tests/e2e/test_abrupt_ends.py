"""Whatever dies, nothing stays behind and the next run works.

A round kills a random process of the LAN, or the command, at a random moment; the seed is printed with a
failure.  `LAN_ROUNDS` sets the number of rounds (12, so that CI stays short).
"""

import os
import random
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from ..command import Command
from . import inventory
from .inventory import Inventory

ROUNDS = int(os.environ.get("LAN_ROUNDS", "12"))
SEED = int(os.environ.get("LAN_SEED", "4"))
PATIENCE_S = 180
"""For the end of a command whose LAN has lost a part: each of its steps is waited for in vain."""


def assert_nothing_left(before: Inventory) -> None:
    """Until all is as before; what is left after a generous while fails the test."""
    limit = time.monotonic() + PATIENCE_S
    while left := inventory.take().left_since(before):
        assert time.monotonic() < limit, "\n".join(left)
        time.sleep(0.02)


def family(pid: int) -> list[int]:
    """A process and all that descend from it; the agent's parent may be gone, so by its PID namespace too."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


def agents(state: Path) -> list[int]:
    """Process ids of agents whose log lies in our state folder."""
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _is_agent(entry, state)]


def _is_agent(process: Path, state: Path) -> bool:
    try:
        is_agent = (process / "comm").read_text().strip() == "lan-agent"
        return is_agent and any(str(state) in str(link.readlink()) for link in (process / "fd").iterdir())
    except OSError:
        return False


def kill_something(chance: random.Random, command: subprocess.Popen[str], state: Path) -> str:
    """Kill the command, or one of the LAN's processes if there are any yet; says which."""
    victims = [command.pid, *(pid for agent in agents(state) for pid in family(agent))]
    victim = chance.choice(victims)
    try:
        name = Path(f"/proc/{victim}/comm").read_text().strip()
        os.kill(victim, signal.SIGKILL)
    except OSError:
        return "nothing: it had ended"
    return "the command" if victim == command.pid else name


def shell_code(code: int) -> int:
    """A program's exit code as its shell tells it: 130 for one that Ctrl-C ended before it could say so itself."""
    return 128 - code if code < 0 else code


def wait_at_most(process: subprocess.Popen[str], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass


def test_what_others_put_into_the_common_places_is_not_ours(lan: Command) -> None:
    before = inventory.take()
    with tempfile.TemporaryDirectory(prefix="lan-of-somebody-else-"):
        assert not inventory.take().left_since(before)
        ours = Path(lan.environment()["TMPDIR"], "something")
        ours.touch()
        assert inventory.take().left_since(before) == [f"file: {ours}"]


@pytest.mark.parametrize("number", range(ROUNDS))
def test_kill_9_of_anything_at_any_moment_leaves_nothing(number: int, lan: Command) -> None:
    chance = random.Random(SEED * 1000 + number)
    before = inventory.take()
    verb = chance.choice(["run", "up", "exec", "down"])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if verb in ("exec", "down"):
        lan.run("up", "office", check=0)
    words = {"run": ["run", "office"], "up": ["up", "office"], "down": ["down"]}
    words["exec"] = ["exec", "pc1", "--", "sh", "-c", "sleep 1000 & sleep 1000"]
    command = lan.start(*words[verb], **quiet)
    wait_at_most(command, chance.uniform(0, {"run": 1.5, "up": 1.0, "exec": 0.5, "down": 0.2}[verb]))
    killed = kill_something(chance, command, lan.state)
    told = f"seed {SEED}, round {number}: {verb}, killed {killed}"
    print(told)
    if verb == "exec" and killed != "the command":
        command.kill()
    command.wait(PATIENCE_S)
    lan.run("down")
    assert_nothing_left(before)
    after = lan.run("run", "office", "--json")
    assert after.code == 0 and after.json["ok"], f"{told}\n{after}"
    assert_nothing_left(before)


@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("verb", ["run", "up"])
def test_ctrl_c_leaves_nothing_and_says_130(verb: str, delay_s: float, lan: Command) -> None:
    before = inventory.take()
    command = lan.start(verb, "office")
    wait_at_most(command, delay_s)
    is_running = command.poll() is None
    if is_running:
        os.killpg(command.pid, signal.SIGINT)
    _, said = command.communicate(timeout=PATIENCE_S)
    running = inventory.started_by_us()
    if "Traceback" in said and "in program" not in said:  # a busy machine: Python itself had hardly begun
        assert_nothing_left(before)
        return
    assert "Traceback" not in said
    code = shell_code(command.returncode)
    assert code in ((130, 0) if is_running else (0,))
    if code == 0:
        lan.run("down")
    else:
        assert not running, "the prompt is back, and the LAN not gone"
    assert_nothing_left(before)


def test_an_exec_whose_command_is_killed_leaves_no_process_on_the_device(lan: Command) -> None:
    with lan.up("single:1", "--switch", "bridge") as up:
        command = up.start("exec", "h1", "--", "sh", "-c", "sleep 987 & echo on; sleep 986")
        assert command.stdout is not None and command.stdout.readline() == "on\n"
        command.kill()
        command.communicate()
        limit = time.monotonic() + PATIENCE_S
        while "sleep 98" in up.exec("h1", "ps", "-eo", "args").out:
            assert time.monotonic() < limit


def test_what_an_exec_leaves_running_on_purpose_goes_on_until_down(lan: Command) -> None:
    before = inventory.take()
    with lan.up("single:1", "--switch", "bridge") as up:
        up.exec("h1", "sh", "-c", "setsid sleep 985 >/dev/null 2>&1 &", check=0)
        assert "sleep 985" in up.exec("h1", "ps", "-eo", "args").out
    assert_nothing_left(before)


def test_ctrl_c_in_exec_is_the_programs(lan: Command) -> None:
    with lan.up("single:1", "--switch", "bridge") as up:
        command = up.start(
            "exec", "h1", "--", "sh", "-c", "trap 'echo caught; exit 9' INT; echo on; while :; do sleep 0.05; done"
        )
        assert command.stdout is not None and command.stdout.readline() == "on\n"
        os.killpg(command.pid, signal.SIGINT)
        out, _ = command.communicate(timeout=PATIENCE_S)
        assert (out, command.returncode) == ("caught\n", 9)
