"""How a bubble begins: its first process speaks on the channel that its maker is told its process id on."""

import subprocess
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]

PROGRAM = """
import os, time
from lan.engine import bubble

opened = os.fdopen

def late(*words):
    time.sleep(0.3)  # the process between is slow to tell of PID 1, which goes on meanwhile
    return opened(*words)

os.fdopen = late
blown = bubble.blow(lambda channel, lifeline: channel.sendall(b"first word"))
print(blown.channel.recv(100).decode())
bubble.end(blown.pid)
"""


def test_a_first_process_that_speaks_at_once_is_heard_after_its_number() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "first word\n"), done.stderr
