"""The tables in docs/http-rules: every rule has a test and a function that decides it, and both exist.

A table has the columns ``section | rule | test | decided by``.  Tests are node ids, functions dotted
names as they are imported; each stands in backticks, and there may be several in a cell.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
TABLES = sorted((HOUSE / "docs" / "http-rules").glob("*.md"))
COLUMNS = ["section", "rule", "test", "decided by"]
WORD = re.compile(r"`([^`]+)`")

Row = tuple[int, list[str]]


def rows(text: str) -> Iterator[Row]:
    """Line number and cells of each row; a bar within a cell is written ``\\|``."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("|"):
            yield number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def breaches(name: str, text: str) -> Iterator[str]:
    """What is wrong with a table, as ``file:line: what``."""
    for number, cells in rows(text):
        if cells == COLUMNS or all(set(cell) <= set("-: ") for cell in cells):
            continue
        where = f"{name}:{number}"
        if len(cells) != len(COLUMNS) or not all(cells):
            yield f"{where}: a row with an empty cell, or not four: {cells}"
            continue
        tests, functions = WORD.findall(cells[2]), WORD.findall(cells[3])
        if not tests or not functions:
            yield f"{where}: no test or no function in backticks"
        yield from (f"{where}: no such test: {test}" for test in tests if not is_test(test))
        yield from (f"{where}: no such function: {function}" for function in functions if not is_function(function))


def is_test(node: str) -> bool:
    path, _, name = node.partition("::")
    return name.partition("[")[0].rpartition("::")[2] in names_in(path)


@cache
def names_in(path: str) -> frozenset[str]:
    if not (HOUSE / path).is_file():
        return frozenset()
    tree = ast.parse((HOUSE / path).read_text(encoding="utf-8"), path)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def is_function(name: str) -> bool:
    """``lan.services.http.cache.storing.decide``, or a class, a method, a table of rules."""
    parts = name.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:split]))
        except ModuleNotFoundError:
            continue
        for part in parts[split:]:
            found = getattr(found, part, None)
        return found is not None
    return False


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_every_rule_has_a_test_and_a_function_that_decides_it(table: Path) -> None:
    text = table.read_text(encoding="utf-8")
    assert [cells for _, cells in rows(text)][:1] == [COLUMNS]
    assert len(list(rows(text))) > 2
    found = list(breaches(table.name, text))
    assert not found, "\n" + "\n".join(found)


def test_there_are_tables() -> None:
    assert TABLES


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("| §1 | rule | `tests/unit/test_http_rules.py::test_there_are_tables` | |", "empty cell"),
        ("| §1 | rule | `tests/unit/test_http_rules.py::test_gone` | `lan.reasons.Reason` |", "no such test"),
        ("| §1 | rule | `tests/unit/gone.py::test_gone` | `lan.reasons.Reason` |", "no such test"),
        ("| §1 | rule | `tests/unit/test_http_rules.py::test_there_are_tables` | `lan.reasons.gone` |", "no such func"),
        ("| §1 | rule | words | `lan.reasons.Reason` |", "no test"),
    ],
)
def test_the_check_bites(row: str, what: str) -> None:
    good = "| §1 | a \\| b | `tests/unit/test_http_rules.py::test_there_are_tables` | `lan.reasons.Reason.as_json` |"
    assert not list(breaches("x", good))
    assert what in "\n".join(breaches("x", row))
