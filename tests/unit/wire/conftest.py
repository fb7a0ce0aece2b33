"""The captured frames, for every test of the wire."""

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Captured:
    name: str
    summary: str
    data: bytes


def captured_frames() -> list[Captured]:
    text = (Path(__file__).parent / "captured.txt").read_text(encoding="utf-8")
    entries = [block.split("\n") for block in text.strip().split("\n\n") if not block.startswith("#")]
    return [Captured(name, summary.strip(), bytes.fromhex(data)) for name, summary, data in entries]


@pytest.fixture(scope="session")
def captured() -> dict[str, bytes]:
    """Frame by name."""
    return {frame.name: frame.data for frame in captured_frames()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "a_captured_frame" in metafunc.fixturenames:
        frames = captured_frames()
        metafunc.parametrize("a_captured_frame", frames, ids=[frame.name for frame in frames])
