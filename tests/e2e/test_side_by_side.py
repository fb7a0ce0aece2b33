"""The order of `lan test`: what needs no LAN on all cores, all others one after another, one summary of them all."""

import os
import subprocess
import sys

import pytest

from lan.cli.verbs.test import LAYERS, SIDE_BY_SIDE

from .. import side_by_side
from ..command import CHECKOUT

TESTS = """
import os, pathlib

def told(name):
    with pathlib.Path("told").open("a") as file:
        file.write(f"{os.environ['PYTEST_XDIST_WORKER']} {pathlib.Path(__file__).relative_to(os.getcwd())} {name}\\n")

def test_first():
    told("first")

def test_second():
    told("second")
"""
APART = [*side_by_side.APART[:2], "tests/lan/http_proxy/test_a.py", *(f"tests/unit/test_{name}.py" for name in "bcd")]
OTHERS = ["tests/lan/test_e.py", "tests/lan/test_f.py", "tests/e2e/test_g.py", "tests/e2e/test_h.py"]
Ran = tuple["subprocess.CompletedProcess[str]", list[list[str]]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Tests of three layers as `lan test` runs them, one of which fails; and each that ran: worker, file, test."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in [*APART, *OTHERS]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(TESTS + ("    raise AssertionError\n" if name == APART[0] else ""))
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *LAYERS, *SIDE_BY_SIDE],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(CHECKOUT), "PYTEST_XDIST_AUTO_NUM_WORKERS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, [line.split() for line in (folder / "told").read_text().splitlines()]


def test_files_apart_are_shared_out_and_each_stays_together(ran: Ran) -> None:
    apart = [(worker, file) for worker, file, _ in ran[1] if file in APART]
    assert len(apart) == 2 * len(APART)
    assert len({worker for worker, _ in apart}) == 2
    assert len(set(apart)) == len(APART)
    begun = dict(reversed(apart))
    assert set(begun.values()) == set(APART[:2]), "the longest begin"


def test_the_others_follow_in_their_order_on_one_worker(ran: Ran) -> None:
    others = [one for one in ran[1] if one[1] in OTHERS]
    assert [one[1:] for one in others] == [[file, name] for file in OTHERS for name in ("first", "second")]
    [worker] = {worker for worker, _, _ in others}
    assert [one for one in ran[1] if one[0] == worker][-len(others) :] == others


def test_one_summary_counts_them_all_and_a_failure_is_the_exit_code(ran: Ran) -> None:
    done, told = ran
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"1 failed, {len(told) - 1} passed in " in done.stdout.splitlines()[-1]


def test_what_is_named_apart_is_there() -> None:
    assert [path for path in side_by_side.APART if not (CHECKOUT / path).exists()] == []
