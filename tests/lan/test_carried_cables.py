"""The process that carries cables, over real veths in namespaces of the test's own.  lan/links/__main__.py."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What the story of the test's mark came to."""
    command = [sys.executable, str(HERE / "frames_over_carried_cables.py"), request.param, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent.parent)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("seen", ["seeds"], indirect=True)
def test_the_same_seed_loses_the_same_frames_and_each_is_in_the_log(seen: dict[str, Any]) -> None:
    assert (seen["same"], seen["other"]) == (True, False)
    assert 0.45 < seen["share"] < 0.55
    assert (seen["told_right"], seen["counted_right"], seen["few_lines"]) == (True, True, True)
    assert seen["first"] == {
        "service": "links", "what": "lost", "cable": "pc1-s1", "from": "pc1", "to": "s1", "bytes": 60,
        "reason": {"source": "cable option loss", "text": "the cable loses 50% of its frames", "facts": {}},
    }  # fmt: skip
    assert seen["crc_right"]
    assert 0 <= seen["age_s"] < 120


@pytest.mark.parametrize("seen", ["changes"], indirect=True)
def test_changes_under_way_lose_no_frame(seen: dict[str, Any]) -> None:
    assert seen == {"all_once": True, "passed": 5000, "dropped": 0, "missed": 0}


@pytest.mark.parametrize("seen", ["damage"], indirect=True)
def test_a_damaged_frame_differs_in_the_bit_that_the_log_names(seen: dict[str, Any]) -> None:
    assert seen == {"one_bit_each_as_told": True, "frames": 50}


@pytest.mark.parametrize("seen", ["shapes"], indirect=True)
def test_frames_of_every_shape_come_out_as_they_went_in(seen: dict[str, Any]) -> None:
    assert seen == {"lengths": [18, 1514, 200, 9014, 2100], "same": True}


@pytest.mark.parametrize("seen", ["ends"], indirect=True)
def test_what_is_refused_what_is_cut_and_how_it_ends(seen: dict[str, Any]) -> None:
    assert seen["cut"] == 3
    assert seen["refused"] == [
        "there is no cable 'x'",
        "cable 'c' is there already",
        "cable 'd': no interface with this name",
        "Direction.__init__() got an unexpected keyword argument 'speed'",
        "there is no 'fly', but add, set, cut, show, remove",
        "there is no cable 'x'",
        "'options' is missing",
    ]
    assert seen["counted"] == {"frames": 4, "cut": 3, "unsent": 1, "passed": 0}
    assert seen["code"] == 0


@pytest.mark.parametrize("seen", ["hundred"], indirect=True)
def test_a_hundred_cables_at_once_keep_their_frames_apart(seen: dict[str, Any]) -> None:
    assert seen == {"own": True, "passed": [100, 100]}
