"""The pytest plugin, as its users have it: the examples of docs/testing.md, and what a test may leave behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lan.control import client
from lan.errors import LanError, UsageError
from lan.testing.device import Table
from lan.testing.factory import Factory

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/testing.md"


def run_pytest(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A pytest of its own, that knows no other plugin than ours (and those that its words name)."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    environment |= {
        "PYTHONPATH": str(CHECKOUT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "XDG_STATE_HOME": str(folder / "state"),
    }
    command = [sys.executable, "-m", "pytest", "-p", "lan.testing.plugin", "-p", "no:cacheprovider", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


def test_the_examples_of_the_page_pass_as_it_says(tmp_path: Path) -> None:
    page = PAGE.read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    [shown] = re.findall(r"```console\n\$ pytest -q (\S+)\n(.*?)\n```", page)
    file, promised = shown
    (tmp_path / file).write_text("\n".join(code))
    done = run_pytest(tmp_path, "-q", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{promised} in" in done.stdout


def test_the_plugin_is_an_entry_point_under_its_name() -> None:
    assert '[project.entry-points.pytest11]\nlan = "lan.testing.plugin"' in (CHECKOUT / "pyproject.toml").read_text()


def test_a_process_with_threads_brings_lans_up_too(tmp_path: Path) -> None:
    """The workers of pytest-xdist have some."""
    pytest.importorskip("xdist")
    (tmp_path / "test_it.py").write_text(
        "import pytest, threading\n"
        "@pytest.mark.parametrize('number', range(2))\n"
        "def test_it(lan, number):\n"
        "    idle = threading.Event()\n"
        "    thread = threading.Thread(target=idle.wait); thread.start()\n"
        "    try:\n"
        "        with lan.up('single:2', switch='bridge') as net:\n"
        "            assert net['h1'].ping('h2').received == 1\n"
        "            assert net.run('h1', 'hostname').stdout == 'h1\\n'\n"
        "    finally:\n"
        "        idle.set(); thread.join()\n"
    )
    done = run_pytest(tmp_path, "-q", "-p", "xdist", "-n", "2", "test_it.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_a_failing_test_leaves_up_is_taken_down(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_it(lan):\n"
        "    net = lan.up('single:2', switch='bridge')\n"
        "    print('agent', net.running.pid)\n"
        "    assert not net.running.pid\n"
    )
    done = run_pytest(tmp_path, "test_it.py")
    assert done.returncode == 1
    [pid] = re.findall(r"^agent (\d+)$", done.stdout, re.MULTILINE)
    with pytest.raises(LanError, match="does not answer"):
        client.RunningLan.at(int(pid))


def test_a_mistake_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(lan):\n    lan.up('ofice')\n")
    done = run_pytest(tmp_path, "test_it.py")
    assert "did you mean 'office'?" in done.stdout


def test_a_lan_shows_what_passed_and_waits_for_packets(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Factory(tmp_path_factory) as lan, lan.up("single:2", switch="bridge") as net:
        assert list(net) == ["s1", "h1", "h2"] and "h2" in net and "h3" not in net
        assert net["h1"].address == "10.0.0.1"
        assert net["h1"].ping("h2", count=2).received == 2
        assert [echo.dst_ip for echo in net.trace.icmp] == ["10.0.0.2"] * 2 and net.drops == 0
        asking = net["h2"].popen("ping", "-c1", "10.0.0.1", stdout=subprocess.DEVNULL)
        assert net.wait(lambda trace: len(trace.icmp) == 3 and trace.icmp[2].is_answered)
        assert asking.wait() == 0
        assert not net.wait(lambda trace: trace.http, deadline_s=0.1)
        net["h2"].set(ip="10.0.0.7/8")
        assert net["h1"].ping("h2").received == 1 and net["h2"].address == "10.0.0.7"
        with pytest.raises(UsageError, match="did you mean 'h1'"):
            net["h11"]


@pytest.mark.parametrize("switch", ["ovs", "bridge"])
def test_a_plugged_cable_carries_the_first_frame(tmp_path_factory: pytest.TempPathFactory, switch: str) -> None:
    """Whom a host asked for while its cable was out it asks for anew, at once: as a network manager has it."""
    with Factory(tmp_path_factory) as lan, lan.up("single:2", switch=switch) as net:
        for _ in range(5):
            net["h1"].unplug()
            assert net["h1"].ping("h2", timeout_s=0.1).received == 0
            assert net["h1"].table("arp")["10.0.0.2"].state in ("INCOMPLETE", "FAILED")
            net["h1"].plug()
            assert "10.0.0.2" not in net["h1"].table("arp")
            assert net["h1"].ping("h2").received == 1


def test_a_row_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no row at all"):
        Table("dhcp: leases", [])["pc1"]
