"""Every code of the trace's reasons is made by a scenario, and seen at the device where it belongs."""

from pathlib import Path

import pytest

from lan.trace.why import codes
from lan.trace.why.codes import CODES

from . import why_network, why_services
from .why_wires import SCENARIOS, Told

assert why_network and why_services  # they fill the table


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_shows_its_reasons(name: str) -> None:
    play, expected = SCENARIOS[name]
    wires = Told()
    play(wires)
    found = wires.codes()
    assert not [one for one in expected if one not in found], "\n".join(found)


def test_every_code_has_a_scenario() -> None:
    shown = {line.rpartition(" ")[2] for _, expected in SCENARIOS.values() for line in expected}
    assert shown == set(CODES)


def test_the_page_has_the_table_of_the_registry() -> None:
    page = Path(__file__).parents[3] / "docs/trace-reasons.md"
    assert codes.table() in page.read_text()
