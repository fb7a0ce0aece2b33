"""`from lan.mininet import Mininet`: Mininet's interface with Mininet's meaning, on real namespaces."""

import inspect
import threading

import mininet.net
import mininet.node
import pytest
from mininet.link import TCLink
from mininet.topo import SingleSwitchTopo

from lan.errors import UsageError
from lan.mininet import Mininet, Node, Topo


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> Mininet:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Mininet(topo=SingleSwitchTopo(3), switch="bridge")


def test_cmd_gives_what_the_terminal_shows_and_keeps_the_shells_state(net: Mininet) -> None:
    with net:
        h1 = net["h1"]
        assert h1.cmd("echo hi") == "hi\r\n"
        assert "inet 10.0.0.1/8" in h1.cmd("ip a")
        h1.cmd("cd /tmp; X=3")
        assert h1.cmd("echo $X; pwd") == "3\r\n/tmp\r\n"
        assert h1.cmd("false; echo $?") == "1\r\n"


def test_a_command_can_be_sent_watched_and_interrupted(net: Mininet) -> None:
    with net:
        h1 = net["h1"]
        h1.sendCmd("sh -c 'echo on; exec sleep 1000'")  # one program, which has the terminal before it speaks
        seen = ""
        while "on" not in seen:
            seen += h1.monitor()
        assert h1.waiting
        with pytest.raises(UsageError, match="still busy"):
            h1.sendCmd("echo no")
        h1.sendInt()
        h1.waitOutput()
        assert not h1.waiting and h1.cmd("echo again") == "again\r\n"


def test_pexec_and_popen_take_lists_and_words(net: Mininet) -> None:
    with net:
        h1 = net["h1"]
        assert h1.pexec(["sh", "-c", "echo out; echo err >&2; exit 3"]) == ("out\n", "err\n", 3)
        assert h1.pexec("echo 'two words'") == ("two words\n", "", 0)
        process = h1.popen("hostname")
        assert process.communicate()[0] == b"h1\n"


def test_ping_prints_and_returns_as_mininet_does(net: Mininet, capsys: pytest.CaptureFixture[str]) -> None:
    with net:
        assert net.pingAll() == 0.0
        net.configLinkStatus("h3", "s1", "down")
        assert net.ping([net["h1"], net["h3"]], timeout=1) == 100.0
        net.configLinkStatus("h3", "s1", "up")
        assert net.pingPair() == 0.0
    out = capsys.readouterr().out
    assert "*** Ping: testing ping reachability\nh1 -> h2 h3 \nh2 -> h1 h3 \nh3 -> h1 h2 \n" in out
    assert "*** Results: 0% dropped (6/6 received)\n" in out and "h1 -> X \n" in out


def test_hosts_and_links_are_added_while_it_runs(net: Mininet) -> None:
    with net:
        h4 = net.addHost("h4")
        link = net.addLink(h4, net["s1"])
        assert h4.IP() == "10.0.0.4" and str(link) == "h4-eth0<->s1-eth4"
        h4.setIP("10.0.0.4/8")
        assert net.ping([net["h1"], h4]) == 0.0
        net.delLink(link)
        assert h4.intfList() == []


def test_a_network_is_collected_piece_by_piece(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    net = Mininet(switch="bridge", autoSetMacs=True)
    net.addController("c0")
    h1, h2, s1 = net.addHost("h1", ip="10.1.0.1/16"), net.addHost("h2", ip="10.1.0.2/16"), net.addSwitch("s1")
    net.addLink(h1, s1)
    net.addLink(h2, s1)
    net.start()
    try:
        assert (h1.IP(), h1.MAC(), h1.intfNames()) == ("10.1.0.1", "00:00:00:00:00:01", ["h1-eth0"])
        assert [[str(a), str(b)] for a, b in h1.connectionsTo(s1)] == [["h1-eth0", "s1-eth1"]]
        assert net.get("h1", "h2") == [h1, h2] and "h1" in net and len(net) == 3
        assert net.pingAll() == 0.0
    finally:
        net.stop()
    with pytest.raises(UsageError, match="not up"):
        h1.cmd("true")


@pytest.mark.parametrize("option", ["xterms", "inNamespace", "autoPinCpus", "listenPort", "link", "host", "intf"])
def test_what_cannot_be_had_is_refused_by_name(option: str) -> None:
    with pytest.raises(UsageError, match=option):
        Mininet(**{option: 1})


class Slow(Topo):  # type: ignore[misc]
    def build(self) -> None:
        self.addLink(self.addHost("h1"), self.addHost("h2"), bw=10, delay="20ms")


def rtt_ms(net: Mininet) -> float:
    return float(net["h1"].cmd("ping -c 3 -i 0.2 10.0.0.2").rpartition("= ")[2].partition("/")[0])


def test_links_are_shaped_as_the_topo_says_and_reshaped_by_config(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with Mininet(topo=Slow(), link=TCLink) as net:
        assert rtt_ms(net) >= 40
        [link] = net.links
        link.intf1.config(delay="60ms", loss=None)
        assert rtt_ms(net) >= 80
        told = net.running.links()["links"][0]["ways"]
        assert [way["asked"] for way in told] == [{"delay": "60ms"}, {"bw": "10mbit", "delay": "20ms"}]
        later = net.addLink(net.addHost("h3"), "h2", delay="1ms")
        assert net.running.links("h3", "h2")["links"][0]["ways"][0]["asked"] == {"delay": "1ms"}
        net.delLink(later)


@pytest.mark.parametrize(
    ("options", "word"), [({"bw": "fast"}, "Mbit/s"), ({"use_hfsc": True}, "use_hfsc"), ({"cls": int}, "cls")]
)
def test_links_that_cannot_be_had_are_refused_by_name(options: dict[str, object], word: str) -> None:
    net = Mininet()
    with pytest.raises(UsageError, match=word):
        net.addLink(net.addHost("h1"), net.addHost("h2"), **options)


def test_a_process_with_threads_is_told_so(net: Mininet) -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        with pytest.raises(UsageError, match="threads"):
            net.start()
    finally:
        go.set()
        thread.join()


@pytest.mark.parametrize(
    "name", ["addHost", "addSwitch", "addLink", "configLinkStatus", "get", "pingAll", "iperf", "ping"]
)
def test_methods_take_what_mininets_take(name: str) -> None:
    ours = list(inspect.signature(getattr(Mininet, name)).parameters)
    theirs = list(inspect.signature(getattr(mininet.net.Mininet, name)).parameters)
    common = [word for word in theirs if word in ours]
    assert ours[: len(common)] == common
    assert {"self"} <= set(ours) & set(theirs)


def test_every_public_name_is_mininets() -> None:
    names = {name for name in vars(Node) if not name.startswith("_")} - {"device", "net", "is_switch"}
    assert {
        name for name in names if not hasattr(mininet.node.Node, name) and name not in {"shell", "waiting"}
    } == set()
