"""Where no LAN is up: what one left recorded is offered; a LAN's name in the place of a FILE is known as one."""

import argparse
import os
from pathlib import Path

import pytest

from lan.cli.recorded_source import open_recorded
from lan.cli.screen import Screen
from lan.cli.source import open_source
from lan.control import client
from lan.errors import UsageError


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """The recordings of two LANs that are down, the second later; none is up."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(client, "running", list)
    monkeypatch.setattr(client, "names", list)
    files = {name: tmp_path / "lan" / name / "trace.pcapng" for name in ("first", "second")}
    for at, file in enumerate(files.values()):
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (1000 + at, 1000 + at))
    return files


def refused(*, file: str | None = None, lan: str | None = None) -> list[UsageError]:
    """What both ways of opening say."""
    options = argparse.Namespace(file=file and Path(file), what=None, lan=lan)
    found = []
    for opening in (lambda: open_source(options, Screen()), lambda: open_recorded(options)):
        with pytest.raises(UsageError) as caught:
            opening()
        found.append(caught.value)
    return found


def test_the_last_recording_is_offered(left: dict[str, Path]) -> None:
    for error in refused():
        assert error.what == "no LAN is up" and error.todo is not None
        assert error.todo.startswith("lan up office") and error.todo.endswith(str(left["second"]))
    left["second"].unlink()
    assert {str(error.todo).rpartition(" ")[2] for error in refused()} == {str(left["first"])}
    left["first"].unlink()
    assert {error.todo for error in refused()} == {"lan up office"}


def test_of_a_lan_that_is_named_its_own_is_offered(left: dict[str, Path]) -> None:
    for error in [*refused(lan="first"), *refused(file="first")]:
        assert error.todo is not None and error.todo.endswith(str(left["first"]))
    for error in refused(file="third"):
        assert "No such file" in error.what and error.todo is None


def test_a_lan_that_is_up_is_named_by_its_option(left: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    up = [argparse.Namespace(name="first"), argparse.Namespace(name="fourth")]
    monkeypatch.setattr(client, "running", lambda: up)
    monkeypatch.setattr(client, "names", lambda: [lan.name for lan in up])
    for name in ("first", "fourth"):
        assert {error.todo for error in refused(file=name)} == {f"-l {name}"}
    for error in refused():
        assert error.what.startswith("several LANs are up")


def test_for_a_file_that_is_not_there_no_agent_is_waited_for(
    left: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def hangs() -> list[client.RunningLan]:
        raise client.SilentError("an agent hangs")

    monkeypatch.setattr(client, "running", hangs)
    for error in refused(file="third"):
        assert "No such file" in error.what
    for error in refused(file="x" * 300):
        assert "too long" in error.what
