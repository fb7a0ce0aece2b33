"""docs/whynot.md: its commands are run and say what it says, and its codes are those that there are."""

import re

from ..command import CHECKOUT, Command

PAGE = (CHECKOUT / "docs/whynot.md").read_text()
[COMMANDS] = re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
[SESSION] = re.findall(r"^```console\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
FOUND = {"the cable": "cable", "the listener": "listener", "the DHCP server": "listener", "the record": "record"}
"""What a comment of the page promises → the piece that is named."""
CODE = re.compile(r'"((?:[a-z]+\.[a-z0-9-]+)|unknown)"')


def test_the_commands_of_the_page_do_what_it_says(lan: Command) -> None:
    told: dict[str, str] = {}
    try:
        for line in COMMANDS.splitlines():
            command, _, promise = (part.strip() for part in line.partition("  #"))
            ended = lan.run(*command.split()[1:], timeout_s=100)
            told[f"{command} {promise}".strip()] = ended.out
            if promise in FOUND:
                assert ended.code == 1, f"{line} {ended}"
                assert f"\n✗ {FOUND[promise]}" in ended.out, f"{line} {ended}"
            else:
                assert ended.code == 0, f"{line} {ended}"
    finally:
        lan.run("down", "office")
    first, *shown = SESSION.splitlines()
    assert told[f"{first[2:]} the cable"].splitlines() == shown
    assert told["lan whynot http pc1 www.ark-inflearn.com"].endswith("nothing is broken\n")
    assert "192.168.100.253" in told["lan show dns --at 0s as it was when the first frame passed"]


def test_the_codes_of_the_page_are_those_that_there_are() -> None:
    written = "".join(path.read_text() for path in (CHECKOUT / "lan/whynot").glob("*.py"))
    made = {code for code in CODE.findall(written) if not code.endswith(".jsonl")}
    made |= {f"firewall.{verdict}" for verdict in ("drop", "reject")} | {"name.refused", "name.servfail"}
    told = {
        code for row in PAGE.splitlines() if row.startswith("| ") for code in re.findall(r"`([a-z]+\.[a-z0-9-]+)`", row)
    }
    assert told | {"unknown"} == made
