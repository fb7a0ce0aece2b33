"""The pytest plugin, as its users have it: the examples of docs/testing.md, and what a test may leave behind."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lan.control import client
from lan.errors import LanError, RunError, UsageError
from lan.testing.device import Table
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.pcapng import load

from .shaped import wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/testing.md"


@dataclass(frozen=True)
class Run:
    """A pytest that has ended."""

    folder: Path
    done: "subprocess.CompletedProcess[str]"

    @property
    def out(self) -> str:
        return self.done.stdout + self.done.stderr


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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The page's examples, each in the file that its first line names, run by two workers."""
    folder = tmp_path_factory.mktemp("page")
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        [name] = re.findall(r"\A# (test_\w+\.py)\n", code)
        (folder / name).write_text(code)
    return Run(
        folder, run_pytest(folder, "-p", "xdist", "-n", "2", "--dist", "loadfile", "--junitxml=report/tests.xml")
    )


def test_the_examples_of_the_page_pass_but_for_the_one_that_shows_a_failure(page: Run) -> None:
    tests = sum(file.read_text().count("def test_") for file in page.folder.glob("test_*.py"))
    assert tests >= 10
    assert f"1 failed, {tests - 1} passed in" in page.out, page.out
    assert "FAILED test_fails.py::test_h1_is_greeted" in page.out


def test_a_failed_test_is_explained_as_the_page_shows(page: Run) -> None:
    [promised] = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    said = shape(page.out)
    assert [line for line in shape(promised) if line not in said] == []


def test_the_capture_lies_beside_the_xml_which_names_it(page: Run) -> None:
    [path] = re.findall(r'name="lan_capture" value="([^"]+)"', (page.folder / "report/tests.xml").read_text())
    assert f"capture  {path}" in page.out
    assert Path(path) == page.folder / "report/test_fails.test_h1_is_greeted.pcapng"
    frames = load(Path(path).read_bytes())
    echoes, arps = ([one for one in frames if getattr(one.packet, kind)] for kind in ("icmp", "arp"))
    assert len(echoes) == 4 and len(arps) >= 4, "each at both ports; ARP asks again where a switch is late"
    assert "the test looked at this" in frames[0].comment


def shape(text: str) -> list[str]:
    """Lines without what differs from run to run: numbers, and the lengths of rules."""
    plain = re.sub(r"02(:[0-9a-f]{2}){5}", "MAC", text)
    return [re.sub(r"\s*[─-]+", "-", re.sub(r"[0-9]+", "N", line)).strip() for line in plain.splitlines()]


def test_the_plugin_is_an_entry_point_under_its_name() -> None:
    assert '[project.entry-points.pytest11]\nlan = "lan.testing.plugin"' in (CHECKOUT / "pyproject.toml").read_text()


def test_marks_give_lans_to_functions_classes_and_files(tmp_path: Path) -> None:
    (tmp_path / "test_shared.py").write_text(SHARED)
    (tmp_path / "test_by_option.py").write_text(BY_OPTION)
    (tmp_path / "shop.py").write_text(SHOP)
    done = run_pytest(tmp_path, "--strict-markers", "--lan", "single:2", "--lan-scope", "session")
    assert done.returncode == 0 and "9 passed" in done.stdout, done.stdout


def test_a_mistake_in_a_test_is_told_at_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(WRONG)
    done = run_pytest(tmp_path)
    missing = [hint for hint in WRONG_HINTS if hint not in done.stdout]
    assert not missing, f"{missing}\n{done.stdout}"
    assert "lan/testing/" not in done.stdout and "4 failed, 1 error" in done.stdout


WRONG = """
import pytest

pytestmark = pytest.mark.lan("single:2", switch="bridge", scope="module", patience_s=0.01)

def test_device(lan):
    lan["h3"]

def test_value(h1, trace):
    assert h1.ping("h2").received == 1
    assert trace.icmp.one().client == "h11"

def test_attribute(trace):
    trace.htpp

def test_verdict(trace):
    trace.http.one()

@pytest.fixture
def fetched(trace):
    return trace.http.one()

def test_fixture(fetched):
    pass
"""
WRONG_HINTS = [
    "has no device 'h3'; did you mean 'h2'?",
    "test_it.py:7: UsageError",
    "did you mean 'h1'?",
    "test_it.py:11: UsageError",
    "did you mean 'http'?",
    "nothing passed at all",
    "test_it.py:17: NotSeen",
    "test_it.py:21: NotSeen",
]


def test_mistakes_in_marks_and_names_are_told_before_any_lan_comes_up(tmp_path: Path) -> None:
    for number, (mark, body) in enumerate(MISTAKES):
        (tmp_path / f"test_{number}.py").write_text(f"import pytest\n{mark}\n{body}\n")
    done = run_pytest(tmp_path, "--continue-on-collection-errors")
    missing = [hint for hint in HINTS if hint not in done.stdout]
    assert not missing, f"{missing}\n{done.stdout}"
    assert "Traceback" not in done.stdout and "passed" not in done.stdout


MISTAKES = [
    ("@pytest.mark.lan('ofice')", "def test_it(lan): pass"),
    ("@pytest.mark.lan('office', scop='module')", "def test_it(lan): pass"),
    ("@pytest.mark.lan('office', scope='modul')", "def test_it(lan): pass"),
    ("@pytest.mark.lan", "def test_it(lan): pass"),
    ("@pytest.mark.lan('office')", "def test_it(pc11): pass"),
    ("@pytest.mark.lan('office', scope='class')", "def test_it(lan): pass"),
    ("", "def test_it(trace): pass"),
    ("", "def test_it(lan): lan.up('singel:2')"),
    ("pytestmark = pytest.mark.lan('office', scope='module')", "@pytest.mark.lan('single:2')\ndef test_it(h1): pass"),
]
HINTS = [
    "did you mean 'office'?",
    "the marker lan has no word 'scop'; did you mean 'scope'?",
    "the marker lan has no scope 'modul'",
    "the marker lan names no LAN, or several",
    "there is no fixture 'pc11', and LAN office has a device 'pc1'",
    "the test is in no class that could share LAN 'office'",
    "the fixture 'trace' needs a LAN: mark the test",
    "did you mean 'single'?",
    "a test is marked lan('single:2'), and its module lan('office')",
]

SHARED = """
import pytest

pytestmark = pytest.mark.lan("single:2", scope="module", switch="bridge")

@pytest.fixture(scope="module")
def pinged(h1):
    return h1.ping("h2")

@pytest.fixture
def cache():
    return "the project's own"

def test_what_came_before_is_another_window(pinged, trace):
    assert pinged.received == 1
    trace.icmp.none()
    assert trace.whole.icmp.count == 1

@pytest.mark.parametrize("count", [1, 2])
def test_each_has_its_own(h1, count, trace, lan, cache):
    h1.ping("h2", count=count)
    trace.icmp.exactly(count)
    assert list(lan) == ["s1", "h1", "h2"] and cache == "the project's own"

def test_what_was_lost_is_not_known(h1, trace, lan):
    from lan.testing.failing import NotCertain
    h1.ping("h2")
    trace.tcp.none()
    lan._capture.recording.drops += 2
    for check in (trace.tcp.none, trace.icmp.one, lambda: trace.never("tcp.rst")):
        with pytest.raises(NotCertain, match="not seen for certain: the capture lost 2 frames"):
            check()
    assert trace.icmp.first().is_answered

@pytest.mark.lan("shop.py", switch="bridge")
class TestAnotherLan:
    def test_it_is_its_own(self, till_1, trace, lan):
        assert till_1.ping("cache").received == 1
        assert trace.icmp(client="till-1", target="cache").one().is_answered
        assert till_1.name == "till-1" and lan["cache"].ping("till-1").received == 1

    def test_a_fixture_of_the_project_stays_what_it_is(self, cache, lan):
        assert cache == "the project's own" and "cache" in lan
"""
BY_OPTION = """
import pytest
from shop import Shop

def test_an_unmarked_test_has_the_lan_of_the_command_line(h2, trace):
    assert h2.ping("h1").received == 1
    assert trace.icmp(client="h2").one().is_answered

@pytest.mark.lan(what=Shop, switch="bridge", scope="session")
def test_a_class_is_a_lan_and_a_fixture_of_pytest_stays_what_it_is(capfd, lan):
    assert "capfd" in lan and capfd.readouterr().out == ""

@pytest.mark.lan(Shop, switch="bridge", scope="session")
def test_and_two_functions_may_share_it(till_1, trace):
    assert till_1.ping("cache").received == 1
    trace.icmp.one()
"""
SHOP = """
from mininet.topo import Topo

class Shop(Topo):
    def build(self):
        self.addSwitch("s1")
        for name in ("till-1", "cache", "capfd"):
            self.addLink(self.addHost(name), "s1")
"""


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


def test_a_server_is_waited_for_until_it_listens(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Factory(tmp_path_factory) as lan, lan.up("single:2", switch="bridge") as net:
        h1, h2 = net["h1"], net["h2"]
        late = "import socket; input(); s = socket.create_server(('::', 81), family=socket.AF_INET6); input()"
        with h2.popen(sys.executable, "-c", late, stdin=subprocess.PIPE, text=True) as server:
            assert server.stdin is not None
            with pytest.raises(RunError, match=r"nobody listens on TCP port 81 after 0\.05 s"):
                h2.wait_listening(81, server, deadline_s=0.05)
            server.stdin.write("\n")
            server.stdin.flush()
            h2.wait_listening(81, server)
            with pytest.raises(RunError, match=r"there are .*:81"):
                h2.wait_listening(82, deadline_s=0)
            server.communicate("\n")
        with pytest.raises(RunError, match="ended with 7 and does not listen on 83"):
            h2.wait_listening(83, h2.popen("bash", "-c", "exit 7"))
        with h2.serving(84, sys.executable, "-m", "http.server", "84", stderr=subprocess.DEVNULL) as server:
            assert h1.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "10.0.0.2:84").stdout == "200"
        assert server.returncode is not None
        assert [row.local for row in h2.table("sockets") if row.state == "LISTEN"] == []
        assert h1.run("pwd").stdout == f"{Path.cwd()}\n" and h1.run("pwd", folder=None).stdout == "/root\n"


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
            # what the kernel does about a lost carrier may come after the first question
            wait_for(lambda: asks_in_vain(net), "h1 asks for h2 in vain")
            net["h1"].plug()
            assert h2_as_h1_has_it(net) not in IN_VAIN  # a question of h2's own may have made the row anew
            assert net["h1"].ping("h2").received == 1


IN_VAIN = ("INCOMPLETE", "FAILED")


def asks_in_vain(net: Net) -> bool:
    assert net["h1"].ping("h2", timeout_s=0.1).received == 0
    return h2_as_h1_has_it(net) in IN_VAIN


def h2_as_h1_has_it(net: Net) -> str:
    """The state of its row of h2; "" for none."""
    return next((row.state for row in net["h1"].table("arp") if row.address == "10.0.0.2"), "")


def test_a_row_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no row at all"):
        Table("dhcp: leases", [])["pc1"]
