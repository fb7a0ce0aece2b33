"""The same app file on Ryu 4.34, the library that os-ken grew from.

Ryu no longer builds with current tools: setuptools must be older than 58, and it needs a Python
before 3.12.  Its environment is built once and kept in the user's cache.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).parent.parent.parent
SCRIPT = HOUSE / "tests" / "lan" / "switch_in_ovs.py"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lan"
LIBRARIES = ["ryu==4.34", "eventlet>=0.36", "setuptools<58", "wheel"]
pytestmark = pytest.mark.skipif(shutil.which("ovs-vswitchd") is None, reason="Open vSwitch is not installed")


def old_enough_python() -> str | None:
    """An interpreter on which Ryu can be built: this one, or another of the machine."""
    candidates = [sys.executable, "/usr/bin/python3", *(shutil.which(f"python3.{n}") or "" for n in (11, 10, 9))]
    return next((python for python in candidates if python and is_old_enough(python)), None)


def is_old_enough(python: str) -> bool:
    ask = "import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info < (3, 12))"
    return Path(python).exists() and subprocess.run([python, "-c", ask], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def ryu_python() -> Path:
    """The interpreter of the environment with Ryu, built under another name and moved into place."""
    home = CACHE / "ryu-env"
    if not (home / "complete").exists():
        python = old_enough_python()
        if python is None:
            pytest.skip("Ryu 4.34 needs a Python before 3.12, and this machine has none")
        build(python, home)
    return home / "bin" / "python"


def build(python: str, home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    # Ryu's own setup.py imports from the folder it lies in, which PYTHONSAFEPATH forbids
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    subprocess.run([python, "-m", "venv", str(home)], check=True, env=plain)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "setuptools<58", "wheel", "pbr<6"], check=True, env=plain)
    subprocess.run([*pip, "--no-build-isolation", *LIBRARIES], check=True, env=plain)
    (home / "complete").touch()


@pytest.fixture(scope="module")
def seen(ryu_python: Path) -> dict[str, Any]:
    """What `switch_in_ovs.py` saw of the controller on Ryu."""
    bubble = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        bubble[1:1] = ["--user", "--map-root-user"]
    command = [*bubble, sys.executable, str(SCRIPT), str(ryu_python), "-m", "lan.openflow.controller"]
    environment = os.environ | {"LAN_OPENFLOW_LIBRARY": "ryu"}
    done = subprocess.run(command, cwd=HOUSE, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_it_is_ryu_that_runs(ryu_python: Path) -> None:
    ask = "import importlib; app = importlib.import_module('lan.openflow.ryu'); print(app.App.__module__, app.LIBRARY)"
    environment = os.environ | {"LAN_OPENFLOW_LIBRARY": "ryu"}
    done = subprocess.run([ryu_python, "-c", ask], cwd=HOUSE, env=environment, capture_output=True, text=True)
    assert done.stdout == "ryu.base.app_manager ryu\n", done.stderr


def test_hosts_reach_each_other_and_stations_are_learned(seen: dict[str, Any]) -> None:
    assert seen["pings"] == 3
    assert seen["first notes"][:4] == ["learned 01 1", "flooded 01 1", "learned 02 2", "forwarded 02 2"]
    assert seen["table"] == {"01": 1, "02": 2}


def test_stations_move_age_and_vanish_with_their_cable(seen: dict[str, Any]) -> None:
    assert seen["table after the move"] == {"01": 3, "02": 2}
    assert seen["after the cable was pulled"][-2:] == ["port down  2", "forgotten 02 2"]
    assert seen["pings on"] >= 38  # what crosses while a new controller fills the tables anew may be lost
    assert [what for what in seen["while talking"] if what.startswith("aged")] == []


def test_it_ends_when_told(seen: dict[str, Any]) -> None:
    assert (seen["exit"], seen["exit again"]) == (0, 0)
