"""The differential fuzzer finds each rule of HTTP that is taken out of our proxy or our server, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.differ_mutants import MUTANTS

from ..command import CHECKOUT, PATIENCE_S, Command


def test_each_mutant_of_proxy_and_server_is_found_within_2500_cases(lan: Command, tmp_path: Path) -> None:
    words = ["--mutants", "--cases", "2500", "--json", str(tmp_path / "found")]
    done = subprocess.run(
        [sys.executable, "-P", str(CHECKOUT / "benchmarks" / "differ_http.py"), *words],
        env=lan.environment(), cwd=CHECKOUT, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert (tmp_path / "found").exists(), f"{done.stdout}{done.stderr}"
    told = json.loads((tmp_path / "found").read_text())
    assert told["missed"] == [] and told["wrong"] == [], done.stdout
    assert len(told["found"]) == sum(map(len, MUTANTS.values())) > 90
