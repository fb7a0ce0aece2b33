"""lan validate: a warning says that it is one, and the last line counts both kinds."""

import argparse
from pathlib import Path

import pytest

from lan.cli.screen import Screen
from lan.cli.verbs import validate

HEAD = "from mininet.topo import Topo\nclass Mine(Topo):\n    def build(self):\n"


def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], *lines: str) -> tuple[int, list[str]]:
    """The exit code and what is printed of a file with these lines in `build`."""
    file = tmp_path / "mine.py"
    file.write_text(HEAD + "".join(f"        {line}\n" for line in lines))
    code = validate.run(argparse.Namespace(what=str(file)), Screen())
    return code, capsys.readouterr().out.replace(f"{tmp_path}/", "").splitlines()


def test_a_warning_is_told_from_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = told(tmp_path, capsys, 'self.addHost("h1")')
    assert code == 0
    assert (out[0], out[-1]) == ("mine.py:4: warning: h1 has no cable", "mine.py: 1 device, 1 warning")

    code, out = told(tmp_path, capsys, 'self.addHost("h1", knd="pc")', 'self.addHost("h2", ip="10.0.0.1/33")')
    assert code == 2 and out[-1] == "mine.py: 2 mistakes, 2 warnings"
    assert not out[0].startswith("mine.py:4: warning") and "warning: h1 has no cable" in "\n".join(out)


def test_what_is_sound_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ('self.addSwitch("s1")', 'self.addLink(self.addHost("h1"), "s1")')
    assert told(tmp_path, capsys, *lines) == (0, ["mine.py: 2 devices, 1 cable, nothing wrong"])
    monkeypatch.setenv("LAN_LANG", "ko")
    assert told(tmp_path, capsys, 'self.addHost("h1")')[1][-1] == "mine.py: 장치 1대, 경고 1개"
