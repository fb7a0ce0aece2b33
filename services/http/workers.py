"""Several processes for one server, each with its own listening socket on the same port (SO_REUSEPORT, socket(7)).

The kernel spreads connections over them; they share nothing else.  The parent holds the port, says
"ready" when all are, passes signals on, and starts a worker anew that ends by a fault.
"""

import ctypes
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from lan.services.shell import announce_ready

STOPPING = (signal.SIGTERM, signal.SIGINT)
PASSED_ON = (*STOPPING, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class _Worker:
    pid: int
    said: int  # the descriptor on which it says that it is ready
    is_ready: bool = False  # or has ended, since it was last told to begin
    has_served: bool = False


class Workers:
    """The parent of `count` processes that each do `work`, which gives an exit code."""

    def __init__(self, count: int, work: Callable[[], int]) -> None:
        self.count, self._work = count, work
        self._workers: list[_Worker] = []
        self._is_stopping = False
        self._words = b""

    def run(self) -> int:
        """Until all have ended after a signal: 0; after a fault that would come again: the worker's exit code."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        for handled in (*PASSED_ON, signal.SIGCHLD):
            signal.signal(handled, lambda _number, _frame: None)
        self._workers = [self._start() for _ in range(self.count)]
        code = 0
        while self._workers:
            ready, _, _ = select.select([woken, *(one.said for one in self._workers if not one.is_ready)], [], [])
            for worker in [one for one in self._workers if one.said in ready]:
                self._hear(worker)
            if woken in ready:
                for number in os.read(woken, 64):
                    self._pass_on(number)
                code = self._reap() or code
        return code

    def _start(self) -> _Worker:
        said, saying = os.pipe2(os.O_CLOEXEC)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until the worker has handlers of its own
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # however the parent ends, so do we
                signal.set_wakeup_fd(-1)
                os.environ["LAN_READY_FD"] = str(saying)
                code = self._work()
            finally:
                sys.stderr.flush()
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(saying)
        return _Worker(pid, said)

    def _hear(self, worker: _Worker) -> None:
        words = os.read(worker.said, 4096)
        worker.is_ready, worker.has_served = True, worker.has_served or bool(words)
        if words and all(one.is_ready for one in self._workers) and len(self._workers) == self.count:
            announce_ready(words.decode().splitlines()[-1].removeprefix("ready ") + f" by {self.count} workers")

    def _pass_on(self, number: int) -> None:
        if number not in PASSED_ON:
            return
        self._is_stopping = self._is_stopping or number in STOPPING
        for worker in self._workers:
            worker.is_ready = False if number == signal.SIGHUP else worker.is_ready
            os.kill(worker.pid, number)

    def _reap(self) -> int:
        """Take in those that have ended, and start others in their place."""
        for worker in list(self._workers):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            self._workers.remove(worker)
            os.close(worker.said)
            if self._is_stopping:
                continue
            code = os.waitstatus_to_exitcode(status)
            if not worker.has_served:  # another would do no better
                self._pass_on(signal.SIGTERM)
                return code if code > 0 else 1
            print(f"a worker ended with code {code}; another takes its place", file=sys.stderr, flush=True)
            self._workers.append(self._start())
        return 0
