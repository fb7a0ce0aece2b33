"""Which reason is seen on a real LAN, where, and whether read or derived: the second table of docs/trace-reasons.md.

The table is made of the lines that tests of real LANs demand, ``"web in tcp.refused"``, with ``~`` before what is
derived.  Every code is demanded by one of them.  To print it anew:

    bin/lan python -m tests.unit.trace.test_why_seen
"""

import ast
import re
from functools import cache
from pathlib import Path

from lan.trace.why.codes import CODES

HOUSE = Path(__file__).resolve().parents[3]
LINE = re.compile(r"(~?)[\w-]+ (?:in|out) ([a-z]+\.[a-z-]+)")


@cache
def seen() -> dict[str, dict[str, set[bool]]]:
    """Code → file of a test of a real LAN that demands it → whether as derived."""
    found: dict[str, dict[str, set[bool]]] = {}
    for path in sorted((HOUSE / "tests/lan").glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (line := LINE.fullmatch(node.value)):
                found.setdefault(line[2], {}).setdefault(path.stem, set()).add(line[1] == "~")
    return found


def table() -> str:
    """A row a code."""
    rows = ["| Code | Told | Seen on a real LAN by |", "|---|---|---|"]
    for code in CODES:
        files = seen().get(code, {})
        kinds = set().union(*files.values())
        told = "read; derived where it can't be" if len(kinds) > 1 else "derived" if kinds == {True} else "read"
        where = ", ".join(f"`{name}`" for name in files)
        rows.append(f"| `{code}` | {told} | {where} |")
    return "\n".join(rows)


def test_every_code_is_seen_on_a_real_lan() -> None:
    assert not set(CODES) - set(seen())


def test_only_codes_that_there_are_are_demanded() -> None:
    assert not {code for code in seen() if code not in CODES}


def test_the_page_has_the_table_of_what_is_seen() -> None:
    assert table() in (HOUSE / "docs/trace-reasons.md").read_text()


if __name__ == "__main__":
    print(table())
