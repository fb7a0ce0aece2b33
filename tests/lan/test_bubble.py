"""How a bubble begins: its first process speaks on the channel that its maker is told its process id on."""

import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]

PROGRAM = """
import os, time
from lan.engine import bubble

heard = bubble.readable

def late(*words):
    time.sleep(0.3)  # the process between is slow to tell of PID 1, which goes on meanwhile
    return heard(*words)

bubble.readable = late
blown = bubble.blow(lambda channel, lifeline: channel.sendall(b"first word"))
print(blown.channel.recv(100).decode())
bubble.end(blown.pid)
"""


def test_a_first_process_that_speaks_at_once_is_heard_after_its_number() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "first word\n"), done.stderr


INTERRUPTED = """
import ctypes, os, signal, sys
from lan.engine import bubble

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # an orphaned PID 1 is ours to wait for
moment, expect, furnish = sys.argv[1], bubble._expect, bubble._furnish
is_stopped, stop = os.pipe()

def interrupted(channel, tag, more=0):
    if (tag, moment) == (b"P", "stopped"):
        os.read(is_stopped, 1)
    if tag == b"P" and moment != "after":
        raise KeyboardInterrupt
    found = expect(channel, tag, more)
    if (tag, moment) == (b"P", "after"):
        raise KeyboardInterrupt
    return found

def deaf():  # PID 1 hears half a second late that its lifeline is cut
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    signal.signal(signal.SIGALRM, lambda *_: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGIO}))
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    furnish()

def stopped():  # PID 1 does nothing any more, as one that somebody stopped
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
    os.write(stop, b"!")
    signal.pause()

bubble._expect, bubble._furnish = interrupted, stopped if moment == "stopped" else deaf
try:
    bubble.blow(lambda channel, lifeline: signal.pause(), keep={stop})
except KeyboardInterrupt:
    try:
        print("alive" if os.waitpid(-1, os.WNOHANG)[0] == 0 else "gone")
    except ChildProcessError:
        print("gone")
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_nothing_of_a_bubble_is_left_when_an_interrupt_of_its_making_is_told(moment: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, moment]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "gone\n"), done.stderr


def test_nor_where_its_first_process_was_stopped_before_it_could_say_a_word() -> None:
    command = [sys.executable, "-c", INTERRUPTED, "stopped"]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, "gone\n"), done.stderr
