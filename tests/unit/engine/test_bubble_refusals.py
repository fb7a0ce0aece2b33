"""A bubble whose making fails, or whose maker blocks signals of any number: told, and no traceback."""

import os
import signal
import socket
from typing import Any

import pytest

from lan.engine import bubble
from lan.errors import MachineError

REAL_TIME = 40
"""A signal without a name, between SIGRTMIN and SIGRTMAX."""


def test_a_maker_that_blocks_a_real_time_signal_has_its_mask_again() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {REAL_TIME})
    try:
        with bubble._undisturbed() as mask:
            assert REAL_TIME in mask
        assert REAL_TIME in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.timeout(20)
def test_a_process_between_that_is_killed_before_it_is_answered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    expect = bubble._expect

    def killed(channel: socket.socket, *_: Any) -> None:
        channel.sendall(b"P" + b"0".rjust(16))  # there is no PID 1 yet
        os.kill(os.getpid(), signal.SIGKILL)

    def slowly(channel: socket.socket, tag: bytes, more: int = 0) -> bytes:
        found = expect(channel, tag, more)
        assert channel.recv(1) == b"", "it is gone by now"
        return found

    monkeypatch.setattr(bubble, "_between", killed)
    monkeypatch.setattr(bubble, "_expect", slowly)
    monkeypatch.setattr(bubble.idmap, "for_caller", lambda: None)
    with pytest.raises(MachineError, match="SIGKILL"):
        bubble.blow(lambda channel, lifeline: None)
