"""What the documents say is run: the README's commands in both languages, and the example device."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ..command import CHECKOUT, Command

READMES = ("README.md", "README.ko.md")
NOT_HERE = {"lan console pc1", "lan view"}
"""They wait for somebody to type; tests/peers/test_programs_on_devices.py and tests/e2e/test_view.py do."""
FAILS = (["test", "office"], ["whynot"])
"""What finds the fault that the reader has made a line above."""


def blocks(name: str) -> list[list[str]]:
    """The command blocks of a document: each line that begins with lan, without its comment."""
    text = (CHECKOUT / name).read_text()
    found = [
        block for block in re.findall(r"```\n(.*?)```", text, re.DOTALL) if re.search(r"^lan ", block, re.MULTILINE)
    ]
    return [[line.split("  #")[0].strip() for line in block.splitlines() if line.strip()] for block in found]


@pytest.mark.parametrize("name", READMES)
def test_the_first_ten_minutes_of_the_readme_work(name: str, lan: Command) -> None:
    """Line by line, as a reader types them, on one LAN; only what is asked of the broken LAN fails, as it says."""
    lines = [line for block in blocks(name) for line in block]
    assert len(lines) >= 14
    try:
        for line in lines:
            assert line.startswith("lan "), line
            if line not in NOT_HERE:
                words = line.split()[1:]
                ended = lan.run(*words)
                is_broken = any(words[: len(first)] == first for first in FAILS)
                assert ended.code == (1 if is_broken else 0), f"{line} {ended}"
                if words[0] == "exec":
                    assert "<html" in ended.out
    finally:
        lan.run("down", "office")


@pytest.mark.parametrize("name", READMES)
def test_lan_is_found_as_the_readme_says(name: str) -> None:
    [export] = re.findall(r"`(export PATH=.*?)`", (CHECKOUT / name).read_text())
    found = subprocess.run(["bash", "-c", f"{export}; command -v lan"], cwd=CHECKOUT, capture_output=True, text=True)
    assert found.stdout == f"{CHECKOUT}/bin/lan\n"


def test_both_readmes_have_the_same_commands() -> None:
    english, korean = (blocks(name) for name in READMES)
    assert english == korean


def test_links_of_the_documents_lead_somewhere() -> None:
    for document in [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("services/*/README.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.fixture
def checkout_with_the_example(tmp_path: Path) -> Path:
    """A checkout in which somebody has added the example's device."""
    for name in ("lan", "services", "topologies", "docs"):
        shutil.copytree(CHECKOUT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    shutil.copy(CHECKOUT / "docs/examples/daytime_server.py", tmp_path / "lan/devices")
    tmp_path.chmod(0o755)
    return tmp_path


def test_the_example_device_is_one_file_and_works(checkout_with_the_example: Path, lan: Command) -> None:
    folder = checkout_with_the_example
    assert len((folder / "lan/devices/daytime_server.py").read_text().splitlines()) < 60
    here = {"env": {"PYTHONPATH": str(folder)}, "cwd": folder}
    lan.run("run", "docs/examples/clock_lan.py", "--json", check=0, **here)
    lan.run("up", "docs/examples/clock_lan.py", "--name", "clocktest", check=0, **here)
    try:
        ask = ["bash", "-c", "cat < /dev/tcp/10.0.0.13/13"]
        told = lan.run("exec", "-l", "clocktest", "pc1", "--", *ask, check=0, **here).out
    finally:
        lan.run("down", "clocktest", **here)
    assert told.startswith("Good day! It is ")


def test_a_setting_of_the_example_device_is_checked_like_any_other(
    checkout_with_the_example: Path, lan: Command
) -> None:
    folder = checkout_with_the_example
    file = folder / "docs/examples/clock_lan.py"
    file.write_text(file.read_text().replace("greeting=", "greting="))
    ended = lan.run("validate", str(file), env={"PYTHONPATH": str(folder)}, cwd=folder)
    assert ended.code == 2 and "greeting" in ended.out + ended.err
