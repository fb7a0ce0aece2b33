"""Changes wait for a release in files of one form of name, each with something to read.  CHANGELOG.md says so."""

import re
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
KINDS = ("added", "changed", "fixed", "removed")
NAME = re.compile(rf"[0-9]{{3}}\.({'|'.join(KINDS)})\.md")
"""The issue's number in three digits, and what kind of change it is."""
WIDEST = 120


def breaches(name: str, text: str) -> list[str]:
    """What is wrong with one file."""
    found = [] if NAME.fullmatch(name) else [f"{name}: not NNN.kind.md, with a kind of {', '.join(KINDS)}"]
    found += [] if text.strip() else [f"{name}: says nothing"]
    found += [f"{name}: a heading; a release has its own" for line in text.splitlines() if line.startswith("#")]
    return found + [f"{name}: a line wider than {WIDEST}" for line in text.splitlines() if len(line) > WIDEST]


def test_each_change_waits_in_a_well_formed_file() -> None:
    found = [one for path in sorted((HOUSE / "changelog").iterdir()) for one in breaches(path.name, path.read_text())]
    assert not found, "\n" + "\n".join(found)


def test_the_rule_bites() -> None:
    assert not breaches("004.added.md", "- More.\n")
    assert all(breaches(name, "More.") for name in ("4.added.md", "004.new.md", "004.added.txt", "004.added.md~"))
    assert len(breaches("004.fixed.md", "")) == 1
    assert len(breaches("004.fixed.md", "# Fixed\n" + "x" * 121)) == 2


def test_the_changelog_names_the_kinds() -> None:
    words = (HOUSE / "CHANGELOG.md").read_text().split()
    assert all(f"`{kind}`" in " ".join(words) for kind in KINDS)
