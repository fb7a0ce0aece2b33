"""Ping and the prober over real sockets, in a network namespace of the test's own."""

import contextlib
import io
import json
import os
import socket
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lan.engine.syscalls import CLONE_NEWNET, CLONE_NEWUSER, unshare
from lan.services.icmp import __main__ as lan_ping
from lan.services.icmp.prober import ping_all


def alone(body: Callable[[], Any]) -> Any:
    """What `body` returns in a child with a namespace of its own, where `lo` is up."""
    reads, writes = os.pipe()
    if not (pid := os.fork()):
        try:
            unshare(CLONE_NEWNET | (0 if os.geteuid() == 0 else CLONE_NEWUSER))
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            os.write(writes, json.dumps(body()).encode())
        except BaseException:
            os.write(writes, json.dumps(traceback.format_exc()).encode())
        finally:
            os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        found = json.load(pipe)
    os.waitpid(pid, 0)
    return found


def said(*words: str) -> tuple[int, list[str]]:
    """lan-ping's exit code and lines, times left out."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = lan_ping.main(list(words))
    return code, [line.partition("time")[0] for line in out.getvalue().splitlines()]


ANSWERED = [
    "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.",
    "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 ",
    "64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 ",
    "",
    "--- 127.0.0.1 ping statistics ---",
    "2 packets transmitted, 2 received, 0% packet loss, ",
]


def test_ping_answers_in_the_fields_words() -> None:
    code, lines = alone(lambda: said("-c", "2", "-i", "0.01", "127.0.0.1"))
    assert (code, lines[:-1]) == (0, ANSWERED)
    assert lines[-1].startswith("rtt min/avg/max/mdev = ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without raw sockets")
def test_ping_works_for_a_user_without_raw_sockets() -> None:
    def body() -> Any:
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        os.setuid(65534)
        return said("-c", "2", "-i", "0.01", "127.0.0.1")

    code, lines = alone(body)
    assert (code, lines[:-1]) == (0, ANSWERED)


def test_a_network_without_a_route_is_said_and_ends_with_1() -> None:
    code, lines = alone(lambda: said("-c", "1", "192.0.2.1"))
    assert code == 1
    assert lines[1] == "From this host icmp_seq=1 Network is unreachable"
    assert lines[-1] == "1 packets transmitted, 0 received, +1 errors, 100% packet loss, "


@pytest.mark.parametrize("kind", [socket.SOCK_RAW, socket.SOCK_DGRAM])
def test_many_pings_at_once_each_find_their_own_answer(kind: int) -> None:
    if kind == socket.SOCK_DGRAM and os.geteuid() != 0:
        pytest.skip("only root can open the range of groups that may ping")

    def body() -> Any:
        if kind == socket.SOCK_DGRAM:
            Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        # 127.9.0.1 is nobody's: its requests vanish, and no other's answer may be taken for theirs
        subprocess.run(["ip", "route", "add", "blackhole", "127.9.0.0/16", "table", "local"], check=True)
        sockets = [socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP) for _ in range(10)]
        addresses = [f"127.0.{n}.1" for n in range(100)] + ["127.9.0.1", "192.0.2.1"]
        rtts = ping_all([(each, address) for each in sockets for address in addresses], 5.0)
        return [[rtt is not None for rtt in rtts[start : start + 102]] for start in range(0, 1020, 102)]

    assert alone(body) == [[True] * 100 + [False, False]] * 10


def test_two_sockets_of_one_namespace_do_not_take_each_others_answers() -> None:
    def body() -> Any:
        raw = [socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) for _ in range(2)]
        return [rtt is not None for rtt in ping_all([(each, "127.0.0.1") for each in raw] * 600, 20.0)]

    assert alone(body) == [True] * 1200


def test_pinging_nobody_is_an_empty_list() -> None:
    assert ping_all([], 1.0) == []
