"""The conversation with Open vSwitch's database: what is waited for, and what when a daemon is gone."""

import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lan.engine.ovsdb import Ovsdb
from lan.errors import RunError
from lan.wire import ovsdb

Reply = Callable[[dict[str, Any]], list[dict[str, Any]]]
PORTS = ovsdb.new_ports("s1", [("s1-eth1", 1)])


@pytest.fixture
def daemon() -> Iterator[int]:
    alive = subprocess.Popen(["sleep", "1000"])
    yield alive.pid
    alive.kill()
    alive.wait()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Reply], Path]]:
    """A database of the test's own: what it says to each request is the test's."""
    threads, sockets = [], []

    def start(reply: Reply) -> Path:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(tmp_path / "db.sock"))
        listening.listen()
        sockets.append(listening)

        def answer() -> None:
            messages = ovsdb.Messages()
            with contextlib.suppress(OSError), listening.accept()[0] as peer:  # the test may end before it is called
                while data := peer.recv(1 << 16):
                    for message in messages.feed(data):
                        if not (said := reply(message)):
                            return
                        peer.sendall(b"".join(json.dumps(each).encode() for each in said))

        threads.append(threading.Thread(target=answer))
        threads[-1].start()
        return tmp_path / "db.sock"

    yield start
    for each in sockets:
        each.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept, which close does not
        each.close()
    for thread in threads:
        thread.join()


def answered(message: dict[str, Any], *, reached: int) -> list[dict[str, Any]]:
    """A database whose next_cfg is 1 after the first change, and whose daemon is at `reached`."""
    if message["method"] == "monitor":
        return [{"id": message["id"], "error": None, "result": {"Open_vSwitch": {"u": {"new": {"cur_cfg": 0}}}}}]
    rows: list[dict[str, Any]] = [
        {"rows": [{"next_cfg": 1}]} if "next_cfg" in json.dumps(op) else {"rows": []} for op in message["params"][1:]
    ]
    update = {"method": "update", "id": None, "params": [None, {"Open_vSwitch": {"u": {"new": {"cur_cfg": reached}}}}]}
    return [{"id": message["id"], "error": None, "result": rows}, update]


def test_a_change_is_done_when_the_daemon_says_so(serve: Callable[[Reply], Path], daemon: int) -> None:
    it = Ovsdb(serve(lambda message: answered(message, reached=1)), [daemon], "")
    it.begin(PORTS)
    it.settle()
    it.close()


def test_a_daemon_that_is_gone_is_not_waited_for(serve: Callable[[Reply], Path]) -> None:
    gone = subprocess.Popen(["true"])
    it = Ovsdb(serve(lambda message: answered(message, reached=0)), [gone.pid], "")
    it.begin(PORTS)
    with pytest.raises(RunError, match="Open vSwitch ended"):
        it.settle()
    gone.wait()
    it.close()


def test_a_database_that_hangs_up_is_not_waited_for(serve: Callable[[Reply], Path], daemon: int) -> None:
    it = Ovsdb(serve(lambda message: []), [daemon], "")
    with pytest.raises(RunError, match="Open vSwitch ended"):
        it.ask([ovsdb.faults()])
    it.close()


def test_what_the_database_refuses_is_told(serve: Callable[[Reply], Path], daemon: int) -> None:
    def refuse(message: dict[str, Any]) -> list[dict[str, Any]]:
        fault = {"error": "constraint violation", "details": "no such bridge"}
        return [{"id": message["id"], "error": None, "result": [fault]}]

    it = Ovsdb(serve(refuse), [daemon], "")
    it.begin(PORTS)
    with pytest.raises(RunError, match="no such bridge"):
        it.settle()
    it.close()


def test_an_interface_that_the_daemon_cannot_open_is_named(serve: Callable[[Reply], Path], daemon: int) -> None:
    def faulty(message: dict[str, Any]) -> list[dict[str, Any]]:
        said = answered(message, reached=1)
        if message["method"] == "transact" and message["params"][1]["table"] == "Interface":
            said[0]["result"] = [{"rows": [{"name": "s1-eth1", "error": "could not open (No such device)"}]}]
        return said

    it = Ovsdb(serve(faulty), [daemon], "")
    it._reached = 1
    with pytest.raises(RunError, match=r"s1-eth1: could not open \(No such device\)"):
        it.settle()
    it.close()
