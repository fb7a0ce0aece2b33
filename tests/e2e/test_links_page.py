"""docs/links.md: its commands are run, its file is its example, each option stands in it and is taken as it says."""

import re

import pytest

from lan.devices.kinds import schemas
from lan.links import words
from lan.links.options import Cable
from lan.topo.load import load

from ..command import CHECKOUT, Command

PAGE = (CHECKOUT / "docs/links.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [line for language, block in BLOCKS if not language for line in block.splitlines()]
EXAMPLE = CHECKOUT / "docs/examples/long_cables.py"
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")]


def test_the_commands_of_the_page_do_what_it_says(lan: Command) -> None:
    assert len(COMMANDS) > 12
    told = {}
    try:
        for line in COMMANDS:
            command = line.partition("  #")[0].split()
            assert command[0] == "lan"
            told[line.partition("  #")[0].strip()] = lan.run(*command[1:], check=0).out
    finally:
        lan.run("down", "long")
    assert "bw=10mbit delay=20ms max_queue_size=50" in told["lan graph docs/examples/long_cables.py"]
    # the last is waited for no longer than a second, in which a busy machine may not run the cable
    assert re.search(r" [23] received", told["lan exec pc1 -- ping -c 3 10.0.0.2"])
    assert "<html" in told["lan exec pc1 -- curl -sS http://10.0.0.2/"]
    assert "pc1→s1 bw=2mbit delay=50ms loss=1%" in told["lan link pc1 s1 bw=2mbit --from pc1"]
    assert "2mbit" in told["lan show queues"]
    assert "changed" in told["lan trace --why"]


def test_the_file_of_the_page_is_the_example_and_nothing_is_wrong_with_it() -> None:
    [shown] = [block for language, block in BLOCKS if language == "python" and block.startswith("self.")]
    assert all(f"        {line}\n" in EXAMPLE.read_text() for line in shown.splitlines())
    assert load(str(EXAMPLE), schemas()).warnings == ()


def test_every_option_stands_in_the_page() -> None:
    told = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[0])}
    assert {*words.NAMES, "params1", "params2", "at"} <= told


@pytest.mark.parametrize("row", [row for row in ROWS if row[0] in {f"`{name}`" for name in words.NAMES}])
def test_the_values_of_the_page_are_taken(row: list[str]) -> None:
    name = row[0].strip("`")
    for cell, in_file in ((row[1], True), (row[2], False)):
        for value in re.findall(r"`([^`]*)`", cell):
            _, faults = words.change(Cable(), {name: value.strip("'")}, in_file=in_file, combine=False)
            assert not faults, (name, value, in_file)


def test_the_figures_of_the_wire_are_right() -> None:
    """812 full frames a second at 10 Mbit/s, with 1460 bytes of TCP in each."""
    from_wire = 10_000_000 / 8 / (1514 + 24)
    assert int(from_wire) == 812 and round(from_wire * 1460 * 8 / 1e6, 1) == 9.5
