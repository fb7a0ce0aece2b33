"""The table that `lan show cache` prints."""

import json
from pathlib import Path

import pytest

from lan.errors import RunError
from lan.services.http.cache import rows, show

from .world import NOW_S, Reply, World


def test_rows_tell_what_is_stored_the_last_used_first(tmp_path: Path) -> None:
    world = World()
    world.ask("http://web/a", Reply(cache_control="max-age=60", vary="Accept"), accept="x")
    world.ask("http://web/b", Reply(404, cache_control="max-age=5"))
    world.passes(10)
    rows.write(tmp_path / "cache.json", world.cache, world.now_s)
    assert rows.read(tmp_path / "cache.json", NOW_S + 12) == [
        ("http://web/b", "404", "—", "4", "12", "stale", "max-age"),
        ("http://web/a", "200", "accept: x", "4", "12", "48", "max-age"),
    ]
    assert len(rows.COLUMNS) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["cache.json"]


def test_before_the_first_write_there_are_no_rows_and_another_file_is_refused(tmp_path: Path) -> None:
    assert rows.read(tmp_path / "none", 0) == []
    for text in ("", "[]", '{"rows": []}', '{"time_s": 0, "rows": [{}]}'):
        (tmp_path / "x").write_text(text)
        with pytest.raises(RunError):
            rows.read(tmp_path / "x", 0)


def test_the_table_is_printed_as_faces_read_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.ask("http://web/a", Reply(cache_control="max-age=60"))
    rows.write(tmp_path / "cache.json", world.cache, world.now_s)
    assert show.main([str(tmp_path / "cache.json")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["columns"] == list(rows.COLUMNS) and printed["rows"][0][:2] == ["http://web/a", "200"]
