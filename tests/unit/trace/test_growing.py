"""Logs that others write are read line by whole line, each once, wherever a write was cut."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lan.trace.growing import GrowingLogs


def test_a_log_that_is_not_there_has_nothing_and_is_read_once_it_is(tmp_path: Path) -> None:
    logs, path = GrowingLogs(), tmp_path / "log"
    assert logs.fresh(path) == []
    path.write_text("one\ntw")
    assert (logs.fresh(path), logs.fresh(path)) == (["one"], [])
    path.write_text("one\ntwo\n\n")
    assert (logs.fresh(path), logs.fresh(path)) == (["two", ""], [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=9), max_size=9))
def test_lines_are_the_same_however_they_were_written(tmp_path: Path, pieces: list[bytes]) -> None:
    logs, path, read = GrowingLogs(), tmp_path / "log", list[str]()
    path.write_bytes(b"")
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        read += logs.fresh(path)
    assert read == b"".join(pieces).decode(errors="replace").split("\n")[:-1]


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    logs, path = GrowingLogs(), tmp_path / "log"
    path.write_text("one\ntwo\nthree\n")
    assert logs.fresh(path) == ["one", "two", "three"]
    path.write_text("four\n")
    assert (logs.fresh(path), logs.fresh(path)) == (["four"], [])
