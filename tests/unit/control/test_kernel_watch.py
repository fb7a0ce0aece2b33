"""What is written of what kernels tell: nothing is taken for whole that is not, and no old rule for a new one."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lan.control import firewall_watch, socket_watch
from lan.control.firewall_watch import FirewallWatch
from lan.control.kernel_watch import Watch
from lan.control.socket_watch import SocketWatch
from lan.trace.kernel_tcp import Sample
from lan.wire import netlink, rtnetlink_events

NETLINK_USERSOCK, GROUP = 2, 1
"""A family over which programs of any user say what they like to a group."""
HERE = -1
"""The number of one's own namespace, of which a kernel says none."""
NOWHERE = 1 << 20
SMALL_BYTES = 4096


def neighbour(number: int) -> bytes:
    """The datagram of a row: 10.0.X.Y is REACHABLE."""
    row = bytes((2, 0, 0, 0, 11, 0, 0, 0, 2, 0, 0, 0)) + netlink.attribute(1, ip_address(0x0A000000 + number).packed)
    return netlink.build(rtnetlink_events.NEWNEIGH, 0, 0, row + netlink.attribute(2, bytes(6)))


class Watched:
    """A watch over one socket of this machine's own netlink, and who steers it."""

    def __init__(self, folder: Path, *, nsid: int = HERE) -> None:
        self.path = folder / "kernel.jsonl"
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.heard = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, NETLINK_USERSOCK)
        self.heard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
        self.heard.bind((0, 0))
        self.heard.setsockopt(netlink.SOL_NETLINK, netlink.ADD_MEMBERSHIP, GROUP)
        self.watch = Watch(str(self.path), theirs, {nsid: ("pc1", os.open("/", os.O_PATH))}, NOWHERE)
        self.watch.hear(self.heard)
        self._teller = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_USERSOCK)

    def tell(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a listener has no room: that is what is to be seen
            self._teller.sendto(data, (0, 1 << GROUP - 1))

    def lines(self) -> list[dict[str, Any]]:
        """All that is written once it has ended."""
        self.control.close()
        self.watch.run()
        return [json.loads(line) for line in self.path.read_text().splitlines() if line]

    def close(self) -> None:
        self._teller.close()
        self.heard.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


def test_what_a_kernel_could_not_tell_is_a_gap_that_ends_when_all_the_rest_is_taken(watched: Watched) -> None:
    for number in range(100):
        watched.tell(neighbour(number))
    _, *rows, gap = watched.lines()
    assert rows and all(each["what"] == "neighbour" for each in rows)
    assert len(rows) < 100 and (gap["what"], gap["of"]) == ("gap", "tables")
    assert gap["since_s"] <= rows[0]["time_s"] <= rows[-1]["time_s"] <= gap["time_s"]


def test_where_all_is_told_there_is_no_gap(watched: Watched) -> None:
    watched.tell(neighbour(1))
    assert [(each["what"], each.get("ip")) for each in watched.lines()] == [
        ("watched", None),
        ("neighbour", "10.0.0.1"),
    ]


def test_what_a_device_told_before_its_number_was_said_is_its_own(watched: Watched, tmp_path: Path) -> None:
    watch, first, other = watched.watch, neighbour(1), neighbour(2)
    watch.told(watched.heard, 8, other)
    watch.told(watched.heard, 7, first)
    held = os.open("/", os.O_PATH)
    socket.send_fds(watched.control, [json.dumps({"add": "pc7", "nsid": 7}).encode()], [held])
    socket.send_fds(watched.control, [json.dumps({"add": "pc8", "nsid": 8}).encode()], [held])
    watched.control.send(json.dumps({"remove": 7}).encode())
    os.close(held)
    assert watch._answer() and watch._answer() and watch._answer()
    watch.told(watched.heard, 7, first)  # which is gone
    told = [(each["device"], each["what"], each.get("ip")) for each in watched.lines()[1:]]
    assert told == [("", "watched", None), ("pc7", "neighbour", "10.0.0.1"),
                    ("", "watched", None), ("pc8", "neighbour", "10.0.0.2")]  # fmt: skip


def test_an_interface_of_another_device_of_the_same_name_is_told_anew(watched: Watched) -> None:
    body = bytes.fromhex("000001000b0000004310010000000000") + netlink.attribute(3, b"pc1-eth0\0")
    link, held = netlink.build(rtnetlink_events.NEWLINK, 0, 0, body), os.open("/", os.O_PATH)
    for nsid in (7, 8):
        socket.send_fds(watched.control, [json.dumps({"add": "pc7", "nsid": nsid}).encode()], [held])
        assert watched.watch._answer()
        for _ in range(2):
            watched.watch.told(watched.heard, nsid, link)
        watched.control.send(json.dumps({"remove": nsid}).encode())
        assert watched.watch._answer()
    os.close(held)
    assert [each["what"] for each in watched.lines()[1:]] == ["watched", "interface"] * 2


def test_what_a_full_disk_did_not_take_is_a_gap_from_its_first_line_on(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    whole = watched.watch._file
    with Path("/dev/full").open("ab", buffering=0) as full:
        watched.watch._file = full
        for number in (1, 2):
            watched.watch.told(watched.heard, HERE, neighbour(number))
            lost_s = watched.watch._lines[0]["time_s"]
            watched.watch._flush()
    watched.watch._file = whole
    watched.watch.told(watched.heard, HERE, neighbour(3))
    _, gap, row = watched.lines()
    assert (gap["what"], gap["of"]) == ("gap", "all") and row["ip"] == "10.0.0.3"
    assert gap["since_s"] < lost_s < gap["time_s"]
    watched.close()


CHANGE = netlink.build(10 << 8 | 6, 0, 0, bytes(4))
LISTING = "table inet wall { # handle 1\n\tchain aside { # handle 1\n\t\ttcp dport %d drop # handle 2\n\t}\n}\n"
"""A chain that nothing jumps to: so nothing need be traced."""


class Rules:
    """A device whose rules are in a file, and what is said of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listing, self.said, self._monkeypatch = folder / "listing", list[tuple[str, Any]](), monkeypatch
        monkeypatch.setattr(firewall_watch, "LISTING", ["cat", str(self.listing)])
        monkeypatch.setattr(firewall_watch.netns, "inside", lambda space, home: contextlib.nullcontext())
        self.watch = FirewallWatch(self._say, NOWHERE)

    def _say(self, device: str, what: str, **told: Any) -> None:
        self.said.append((what, told["rules"][0][-1] if told.get("rules") else told.get("is_same")))

    def reads_by(self, script: str) -> None:
        self._monkeypatch.setattr(firewall_watch, "LISTING", ["sh", "-c", script])

    def are(self, port: int) -> None:
        self.listing.write_text(LISTING % port)

    def settle(self, *meanwhile: int) -> None:
        """A round; while the rules are read, they are changed to these."""
        then = list(meanwhile)

        def hear() -> None:
            if then:
                self.are(then.pop(0))
                self.watch.take("web", CHANGE)

        self.watch.settle({"web": NOWHERE}, hear)


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rules:
    return Rules(tmp_path, monkeypatch)


def test_that_rules_change_is_said_once_and_then_what_they_are(rules: Rules) -> None:
    rules.are(81)
    rules.watch.take("web", CHANGE * 3)
    rules.settle()
    rules.settle()
    rules.watch.take("web", CHANGE)
    rules.settle()
    assert rules.said == [("rules change", None), ("ruleset", "tcp dport 81 drop"), ("rules change", None),
                          ("ruleset", True)]  # fmt: skip


def test_rules_that_change_while_they_are_read_are_read_again(rules: Rules) -> None:
    rules.are(81)
    rules.watch.take("web", CHANGE)
    rules.settle(82)
    assert rules.said[-1] == ("ruleset", "tcp dport 82 drop") and len(rules.said) == 2


def test_rules_that_cannot_be_read_now_are_not_taken_for_none(rules: Rules) -> None:
    rules.are(81)
    rules.watch.take("web", CHANGE)
    rules.settle()
    rules.listing.unlink()
    rules.watch.recheck(["web"])
    rules.settle()
    assert rules.said[2:] == [("rules change", None)]
    rules.are(82)
    rules.settle()
    assert rules.said[-1] == ("ruleset", "tcp dport 82 drop")


def test_rules_that_can_never_be_read_are_not_asked_for_without_end(rules: Rules, tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    rules.reads_by(f"echo >> {tried}; exit 1")
    rules.watch.take("web", CHANGE)
    for _ in range(10):
        rules.settle()
    assert len(tried.read_text()) == 3
    rules.watch.take("web", CHANGE)
    rules.settle()
    assert len(tried.read_text()) == 4


def test_rules_that_have_still_to_be_read_are_read_though_nothing_more_is_told(rules: Rules, watched: Watched) -> None:
    rules.are(81)
    rules.watch.take("web", CHANGE)
    rules.settle(82, 83, 84)
    assert rules.said == [("rules change", None)]
    watched.watch.firewall = rules.watch
    assert watched.watch._patience_s() == firewall_watch.AGAIN_S
    rules.settle()
    assert rules.said[-1] == ("ruleset", "tcp dport 84 drop")
    assert watched.watch._patience_s() is None
    watched.watch.sockets.trigger("web", time.monotonic() + 1000)
    rules.watch.take("web", CHANGE)
    assert watched.watch._patience_s() == firewall_watch.AGAIN_S


def test_a_protocol_that_a_kernel_does_not_tell_of_loses_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_watch.netns, "inside", lambda space, home: contextlib.nullcontext())
    said: list[dict[str, Any]] = []
    watch = SocketWatch(lambda device, what, **told: said.append(told), NOWHERE)

    def asked() -> dict[str, Any]:
        watch.trigger("pc1", 0.0)
        watch.settle({"pc1": NOWHERE}, 0.0, at_once=True)
        return said[-1]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        ends = ["tcp", *listening.getsockname(), "", 0]
        first = asked()
        assert first["of"] == ["tcp", "udp"] and ends in [row[:5] for row in first["new"]]
        monkeypatch.setattr(socket_watch, "PROTOCOLS", {"tcp": 200, "udp": socket.IPPROTO_UDP})
        second = asked()
        assert second["of"] == ["udp"] and not any(row[0] == "tcp" for row in (*second["new"], *second["gone"]))
        assert second["asked_s"] >= first["asked_s"]
    monkeypatch.undo()
    monkeypatch.setattr(socket_watch.netns, "inside", lambda space, home: contextlib.nullcontext())
    third = asked()
    assert third["of"] == ["tcp", "udp"] and ends in third["gone"]
    watch.forget("pc1")


def test_a_connection_on_its_way_is_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next segment may be an ACK, which wakes nobody.  A queue that is full leaves a client in SYN-SENT."""
    monkeypatch.setattr(socket_watch.netns, "inside", lambda space, home: contextlib.nullcontext())
    said: list[dict[str, Any]] = []
    watch = SocketWatch(lambda device, what, **told: said.append(told), NOWHERE)
    with contextlib.ExitStack() as held:
        full = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            client = held.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        watch.trigger("pc1", 0.0)
        assert watch.deadline_s() == socket_watch.SOON_S
        watch.settle({"pc1": NOWHERE}, 1.0)
        again_s = watch.deadline_s()
        assert again_s is not None and again_s >= 1.0 + socket_watch.AGAIN_S
        assert any(row[5] == "SYN-SENT" for row in said[0]["new"])
        watch.settle({"pc1": NOWHERE}, again_s)
        assert watch.deadline_s() is None and len(said) == 2
        watch.trigger("pc1", again_s)
        watch.settle({"pc1": NOWHERE}, again_s, at_once=True)
        watch.trigger("pc1", again_s)
        watch.settle({"pc1": NOWHERE}, again_s, at_once=True)
        assert len(said) == 4 and watch.deadline_s() is not None, "a segment begins it anew"
    watch.forget("pc1")


def test_where_nothing_had_changed_it_is_asked_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment that was seen on the cable may come to its socket only after the question."""
    said: list[dict[str, Any]] = []
    watch = SocketWatch(lambda device, what, **told: said.append(told), NOWHERE)
    state = "ESTABLISHED"
    asker = SimpleNamespace(ask=lambda **_: [Sample(0, state, "10.0.0.2", 80, "10.0.0.1", 40000)], close=lambda: None)
    monkeypatch.setattr(watch, "_asker", lambda device, space: asker)
    for trigger_s in (0.0, 10.0):
        watch.trigger("web", trigger_s)
        watch.settle({"web": NOWHERE}, trigger_s + 1)
        assert (watch.deadline_s() is None) == (trigger_s == 0.0), "all is new at first"
    state, again_s = "CLOSE-WAIT", watch.deadline_s()
    assert again_s is not None and again_s >= 11 + socket_watch.AGAIN_S
    watch.settle({"web": NOWHERE}, again_s)
    assert [row[5] for row in said[-1]["new"]] == ["CLOSE-WAIT"] * 2 and watch.deadline_s() is None


def test_who_has_a_connection_is_asked_by_each_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """What its frames' copies wake may be asked before they come to its sockets."""
    said: list[str] = []
    watch = SocketWatch(lambda device, what, **told: said.append(device), NOWHERE)
    states = {"web": "LISTEN", "pc1": "ESTABLISHED"}

    def asker(device: str, space: int) -> Any:
        found = [Sample(0, states[device], "10.0.0.2", 80, "10.0.0.1", 40000)]
        return SimpleNamespace(ask=lambda **_: found, close=lambda: None)

    monkeypatch.setattr(watch, "_asker", asker)
    spaces = dict.fromkeys(states, NOWHERE)
    for device in states:
        watch.trigger(device, 0.0)
    watch.settle(spaces, 1.0)
    said.clear()
    watch.settle(spaces, 10.0)
    assert said == []
    watch.settle(spaces, 10.0, at_once=True)
    assert said == ["pc1"] and watch.deadline_s() is None
