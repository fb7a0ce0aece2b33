"""The agent's end of the conversation with the process that carries frames."""

import socket

import pytest

from lan.engine.carrier import Userspace


@pytest.mark.timeout(20)
def test_nothing_to_hear_is_not_waited_for() -> None:
    """The event that woke the agent may be one whose answer somebody else has heard in the same turn."""
    it = Userspace.__new__(Userspace)
    it.control, theirs = socket.socketpair()
    it.is_gone, it._heard, it._waiting = False, b"", {}
    assert it.hear(), "no answer is no end"
    theirs.sendall(b'{"id": 1, "ok": true}\n')
    assert it.hear()
    theirs.close()
    assert not it.hear() and it.is_gone
    it.control.close()
