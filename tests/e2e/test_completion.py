"""Completion: what may stand where the user types, and the scripts that ask for it."""

import shutil
import subprocess

import pytest

from ..command import Command


def words(lan: Command, *typed: str) -> list[str]:
    return lan.run("completion", "words", "--", *typed, check=0).out.split()


def test_verbs_options_and_choices_are_completed(lan: Command) -> None:
    assert words(lan, "ex") == ["exec"]
    assert words(lan, "run", "--sw") == ["--switch"]
    assert words(lan, "run", "--switch", "") == ["bridge", "ovs"]
    assert "office" in words(lan, "up", "")
    assert words(lan, "link", "a", "b", "do") == ["down"]
    assert words(lan, "link", "a", "b", "delay=1ms", "l") == ["loss="]


def test_devices_and_tables_of_what_is_up_are_completed(lan: Command) -> None:
    with lan.up("office", "--switch", "bridge"):
        assert {"pc1", "web"} <= set(words(lan, "exec", ""))
        assert words(lan, "show", "lea") == ["leases"]
        assert words(lan, "show", "arp", "pc") == ["pc1"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_takes_its_script(shell: str, lan: Command) -> None:
    script = lan.run("completion", shell, check=0).out
    assert "lan completion words" in script
    if (program := shutil.which(shell)) is not None:
        subprocess.run([program, "-n"], input=script, text=True, check=True)
