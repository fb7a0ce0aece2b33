"""Tables on a terminal: where the wide gaps leave no room, narrow ones do, before a word is broken."""

import io

import pytest
from rich.console import Console

from lan.cli import rich_screen

COLUMNS = ["interface", "state", "mac", "addresses", "mtu", "received", "sent"]
ROW = ["dhcp-eth0", "up", "02:7e:dc:eb:60:6a", "192.168.100.252/24", "1500", "1900", "1100"]


def drawn(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines of that table on a terminal so wide."""
    out = io.StringIO()
    monkeypatch.setattr(rich_screen, "_OUT", Console(width=width, file=out, soft_wrap=True, highlight=False))
    rich_screen.table(COLUMNS, [ROW], "", str)
    return [line.rstrip() for line in out.getvalue().splitlines() if line.strip()]


def test_a_table_that_fits_has_wide_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(100, monkeypatch)[-1] == " " + "   ".join([*ROW[:1], "up   ", *ROW[2:5], "1900    ", "1100"])


def test_words_are_whole_in_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    for width, gap in ((80, 2), (74, 1)):
        lines = drawn(width, monkeypatch)
        assert len(lines) == 3 and lines[-1].split() == ROW
        assert f"up   {' ' * gap}02:7e" in lines[-1] and all(len(line) <= width for line in lines)


def test_where_nothing_else_helps_words_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(drawn(50, monkeypatch)) > 3
