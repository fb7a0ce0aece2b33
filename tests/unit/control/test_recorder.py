"""The agent's hold on the tap, at the tap's end of its control socket."""

import json
from pathlib import Path
from typing import Any

import pytest

from lan.control.recorder import Recorder
from lan.trace.capture_file import Capturing


def test_what_kernels_told_is_asked_for_once_the_frames_are_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other way round a frame could be there, and what its device's kernel told of it not yet."""
    recorder, order = Recorder(tmp_path / "trace.pcapng", Capturing()), list[Any]()
    asked = []
    monkeypatch.setattr(recorder.kernel, "sync", asked.append)
    recorder.sync(order.append)
    told = json.loads(recorder._theirs.recv(4096))
    assert not asked
    recorder._theirs.send(json.dumps({**told, "frames": 7, "drops": 0}).encode())
    recorder.hear()
    assert len(asked) == 1 and not order
    asked[0]()
    assert order == [{"frames": 7, "drops": 0}]
