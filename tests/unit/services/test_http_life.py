"""The life of a server: no signal is lost, whenever it comes."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lan.services.http import life
from lan.services.http.listening import Address
from lan.services.http.workers import PASSED_ON, Workers
from lan.services.shell import DecisionLog

PATIENCE_S = 30


class Server:
    """Does one thing in its first step; then waits for its waker, as a server without connections does."""

    addresses: tuple[tuple[str, Address], ...] = ()

    def __init__(self, first: Callable[["Server"], None]) -> None:
        self._woken, self.waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._first: Callable[[Server], None] | None = first
        self.steps = 0

    def step(self) -> None:
        self.steps += 1
        if self._first is not None:
            first, self._first = self._first, None
            first(self)
        elif not select.select([self._woken], [], [], PATIENCE_S)[0]:
            raise AssertionError("nobody woke the server")

    def stop(self) -> None:
        os.close(self._woken)
        os.close(self.waker)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What the tests' own process does with signals is as before."""
    before = {number: signal.getsignal(number) for number in (*PASSED_ON, signal.SIGCHLD)}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    for number, handler in before.items():
        signal.signal(number, handler)


def live(server: Server, load: Callable[[], None] = lambda: None) -> int:
    return life.live(server, load, DecisionLog("test"))  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_handler_in_c_wakes_the_server_not_one_in_python(number: signal.Signals) -> None:
    """Or a signal that comes between the last of Python and the wait is noted when the wait ends: never."""

    def first(server: Server) -> None:
        woken_by = signal.set_wakeup_fd(-1)
        assert woken_by == server.waker
        signal.set_wakeup_fd(woken_by, warn_on_full_buffer=False)
        os.kill(os.getpid(), number)

    assert live(Server(first)) == 0


def test_a_signal_that_comes_while_settings_are_read_again_is_heard() -> None:
    loads: list[int] = []

    def load() -> None:
        loads.append(len(loads))
        if len(loads) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    server = Server(lambda _: os.kill(os.getpid(), signal.SIGHUP))
    assert live(server, load) == 0
    assert loads == [0, 1]


def test_a_worker_hears_what_was_sent_before_it_could_listen(tmp_path: Path) -> None:
    told = tmp_path / "told"

    def work() -> int:
        del os.environ["LAN_READY_FD"]  # it never says that it is ready: no other is started in its place
        os.kill(os.getpid(), signal.SIGTERM)  # as the parent may, right after the fork
        told.write_text(f"lived, {live(Server(lambda _: None))}")
        return 7

    assert Workers(1, work).run() == 7
    assert told.read_text() == "lived, 0"
