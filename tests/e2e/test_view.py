"""`lan view` takes a terminal, shows the trace of a LAN or a file, and gives the terminal back."""

import os
import pty
import select
from pathlib import Path

from ..command import Command

CAPTURE = Path(__file__).parents[1] / "unit" / "trace" / "office.pcapng.hex"
PATIENCE_S = 60


def read_until(terminal: int, words: bytes, seen: bytes = b"") -> bytes:
    """What the terminal shows until these words are there."""
    while words not in seen:
        ready, _, _ = select.select([terminal], [], [], PATIENCE_S)
        assert ready, seen[-2000:].decode(errors="replace")
        seen += os.read(terminal, 65536)
    return seen


def test_without_a_terminal_it_says_what_to_use(lan: Command) -> None:
    done = lan.run("view", "any.pcapng")
    assert done.code == 2
    assert "lan trace" in done.err


def test_a_file_is_shown_and_q_gives_the_terminal_back(lan: Command, tmp_path: Path) -> None:
    file = tmp_path / "office.pcapng"
    file.write_bytes(bytes.fromhex(CAPTURE.read_text()))
    near, far = pty.openpty()
    shown = lan.start("view", str(file), stdin=far, stdout=far, stderr=far, env={"TERM": "xterm-256color"})
    os.close(far)
    try:
        read_until(near, b"DISCOVER")
        os.write(near, b"q")
        read_until(near, b"\x1b[?1049l")
        assert shown.wait(PATIENCE_S) == 0
    finally:
        shown.kill()
        os.close(near)
