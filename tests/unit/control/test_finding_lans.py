"""LANs that are up are found by their agents' sockets, or by where their agents write, without a word with them."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from lan.control import client
from lan.control.client import RunningLan, SilentError


@pytest.fixture
def crowded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket of an agent, this process, with as many waiting at it as may."""
    monkeypatch.setattr(client, "HOME", tmp_path)
    waiting = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "agent.sock"))
        listener.listen(1)
        with pytest.raises(BlockingIOError):
            while True:
                waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
                waiting[-1].setblocking(False)
                waiting[-1].connect(listener.getsockname())
        yield listener
    for one in waiting:
        one.close()


@pytest.mark.timeout(20)
def test_an_agent_that_lets_nobody_in_is_silent(crowded: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "HELLO_DEADLINE_S", 0.1)
    with pytest.raises(SilentError, match=f"process {os.getpid()}"):
        RunningLan.at(os.getpid())


@pytest.mark.timeout(20)
def test_who_is_not_let_in_at_once_asks_again(crowded: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    let_in: list[socket.socket] = []
    monkeypatch.setattr(client.time, "sleep", lambda _: let_in.append(crowded.accept()[0]))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as face:
        face.settimeout(10)
        client._connect(face, crowded.getsockname())
        assert face.getpeername() == crowded.getsockname() and len(let_in) == 1
    for one in let_in:
        one.close()


def test_names_are_those_of_this_state_home_also_where_a_link_leads_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "link"))
    logs = [tmp_path / "real/lan/office/agent.log", tmp_path / "other/lan/single/agent.log", Path()]
    monkeypatch.setattr(client, "agents", lambda: range(len(logs)))
    monkeypatch.setattr(client, "_log_of", logs.__getitem__)
    assert client.names() == ["office"]
