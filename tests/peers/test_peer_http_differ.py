"""The two long programs over HTTP, for a moment each: the differential fuzzer, and the soak."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..command import CHECKOUT, PATIENCE_S, Command


def said_by(lan: Command, program: str, words: list[str], file: Path) -> Any:
    """What one of `benchmarks/` found, as it wrote it."""
    command = [sys.executable, "-P", str(CHECKOUT / "benchmarks" / program), *words, "--json", str(file)]
    done = subprocess.run(
        command, env=lan.environment(), cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert file.exists(), f"{done.stdout}{done.stderr}"
    return json.loads(file.read_text())


def test_no_request_is_two_different_ones_to_a_pair_with_a_proxy_of_ours(lan: Command, tmp_path: Path) -> None:
    """The dumb proxy knows no framing, and Squid and Apache spell methods and paths as they like.

    That it would find one is shown by mutants of ours (`tests/lan/test_http_differ.py`).
    """
    found = said_by(lan, "differ_http.py", ["--cases", "60", "--seed", "7"], tmp_path / "found")
    assert found["cases"] == 60 and found["taken"] > 20 and found["compared"] > 1000, "hardly anything was compared"
    told = {what for what in found["counts"] if "dumb" not in what and not what.startswith("another")}
    assert not told, found["examples"]


def test_clients_good_and_bad_get_right_answers_and_leave_no_descriptor(lan: Command, tmp_path: Path) -> None:
    words = ["--requests", "2000", "--through", "origin,dumb,smart,cache"]
    found = said_by(lan, "soak_http.py", words, tmp_path / "found")
    assert list(found) == ["origin", "dumb", "smart", "cache"]
    for target in found.values():
        assert target["requests"] >= 2000 and target["wrong"] == {}
        assert target["descriptors"][-1] <= target["descriptors"][0]
