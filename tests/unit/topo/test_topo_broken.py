"""Every mistake in a topology has its text, word for word, beside the file that makes it.

``LAN_GOLDEN=write pytest tests/unit/topo/test_topo_broken.py`` writes the texts anew; review them like code.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from lan.errors import TopologyError, UsageError
from lan.topo.load import inspect, load
from lan.topo.problem import MistakesError
from lan.topo.schema import KindSchema

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(path.stem for path in BROKEN.glob("*.py"))


def told(file: str, kinds: Mapping[str, KindSchema]) -> str:
    """What a user reads: the error, and then the warnings that `lan validate` shows beside it."""
    text = ""
    try:
        load(file, kinds)
    except (TopologyError, UsageError) as error:
        assert error.exit_code == 2
        text = f"{error}\n"
        if not isinstance(error, MistakesError):
            return text
    warnings = inspect(file, kinds)[0].warnings
    return text + "".join(f"warning  {warning}\n" for warning in warnings) or "nothing is wrong\n"


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_gets_exactly_its_text(
    name: str, kinds: Mapping[str, KindSchema], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BROKEN)
    text, golden = told(f"{name}.py", kinds), BROKEN / f"{name}.txt"
    if os.environ.get("LAN_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
    assert "Traceback" not in text


def test_there_is_a_file_for_each_text() -> None:
    assert {path.stem for path in BROKEN.glob("*.txt")} == set(FILES)
