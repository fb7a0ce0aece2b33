"""The web server as a device of a LAN: its options reach the server, and change while it runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.testing.factory import Factory
from lan.testing.net import Net

TOPOLOGY = '''
from mininet.topo import Topo

class Shop(Topo):
    def build(self):
        self.addSwitch("s1")
        self.addHost("pc1", kind="pc", ip="10.0.0.1/24")
        self.addHost("web", kind="web-server", ip="10.0.0.2/24", app="store", cache_control={"/": "max-age=60"},
                     hosts={"echo.test": {"app": "echo"}}, faults={"/broken/*": "reset:0"})
        for host in ("pc1", "web"):
            self.addLink(host, "s1")

topos = {"shop": Shop}
'''


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    file: Path = tmp_path_factory.mktemp("topology") / "shop.py"
    file.write_text(TOPOLOGY)
    with Factory(tmp_path_factory) as lan, lan.up(str(file), switch="bridge") as net:
        yield net


def curl(net: Net, *words: str) -> tuple[int, str]:
    """curl on pc1 with these words: its exit code and what it printed, heads too."""
    done = net.run("pc1", "curl", "-s", "-i", *words)
    return done.returncode, done.stdout


def test_its_options_are_its_answers(net: Net) -> None:
    assert "Cache-Control: max-age=60" in curl(net, "http://10.0.0.2/")[1]
    assert "201 Created" in curl(net, "-T", "/etc/hostname", "http://10.0.0.2/store/a")[1]
    assert curl(net, "http://10.0.0.2/store/a")[1].endswith("pc1\n")
    assert "GET /echo HTTP/1.1" in curl(net, "-H", "Host: echo.test", "http://10.0.0.2/echo")[1]
    assert curl(net, "http://10.0.0.2/broken/page")[0] == 56  # CURLE_RECV_ERROR: the connection was reset


def test_requests_may_ask_for_faults_once_that_is_set_and_the_store_is_kept(net: Net) -> None:
    assert "201 Created" in curl(net, "-T", "/etc/hostname", "http://10.0.0.2/store/kept")[1]
    url = "http://10.0.0.2/?fault=early-close:5"
    assert curl(net, url)[0] == 0
    net["web"].set(faults_on_request="on")
    assert curl(net, url)[0] == 18  # CURLE_PARTIAL_FILE
    net["web"].set(faults_on_request="off")
    assert curl(net, url)[0] == 0
    assert curl(net, "http://10.0.0.2/store/kept")[1].endswith("pc1\n")
