"""A shell on a device, as Mininet's nodes have one: bash on a pseudo-terminal, its prompt one odd byte.

Started with a node's first `cmd`; text in is the user's own, never glued together by us.
"""

import os
import pty
import select
import signal
import subprocess
import termios

from lan.control.client import RunningDevice
from lan.errors import RunError

PROMPT = chr(127)
START_DEADLINE_S = 30


class Shell:
    """One bash.  `waiting` is true while a command has been sent and its prompt has not come back."""

    def __init__(self, device: RunningDevice) -> None:
        self.waiting = True
        self._name = device.name
        self._master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.process: subprocess.Popen[bytes] = device.popen(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"],
            env={"PS1": PROMPT, "PS2": "", "TERM": "dumb", "NO_COLOR": "1"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.read_all(START_DEADLINE_S)
        self.send("unset HISTFILE; set +m")
        self.read_all(START_DEADLINE_S)

    def send(self, text: str) -> None:
        """Type a line."""
        self.waiting = True
        os.write(self._master, text.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def read(self, timeout_s: float | None = None) -> str:
        """What came next, without the prompt; "" at a time-out.  RunError when the shell has ended."""
        if not select.select([self._master], [], [], timeout_s)[0]:
            return ""
        try:
            data = os.read(self._master, 65536).decode(errors="replace")
        except OSError:
            data = ""
        if not data:
            self.waiting = False
            raise RunError(f"{self._name}: its shell has ended")
        if data.endswith(PROMPT):
            self.waiting = False
            data = data[:-1]
        return data.replace(PROMPT, "")

    def read_all(self, timeout_s: float | None = None) -> str:
        """All until the prompt."""
        parts = []
        while self.waiting:
            part = self.read(timeout_s)
            if not part and self.waiting:
                raise RunError(f"{self._name}: its shell does not answer")
            parts.append(part)
        return "".join(parts)

    def end(self) -> None:
        """End it and what runs in its foreground."""
        os.close(self._master)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
