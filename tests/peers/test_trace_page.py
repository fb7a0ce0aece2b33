"""The page of a recording in a browser: an evil capture is shown as text, by the page's own script alone."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ..unit.trace.test_views_html import EVIL, evil_frames, page

pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser is installed")


def test_a_browser_shows_an_evil_capture_as_text(tmp_path: Path) -> None:
    shown = dom(tmp_path, page(evil_frames(), name=EVIL), "#4")
    assert "<title>taken" not in shown and "<img" not in shown
    assert '<span id="count">4 events</span>' in shown, "the page's own script has run"
    assert "&lt;img src=x" in shown
    assert '<h2 id="what">4 · ' in shown, "it opens at the frame that its address names"
    assert "<summary>pc1 · origin</summary>" in shown and "<td>source port</td>" in shown


def test_numbers_of_a_long_recording_have_room(tmp_path: Path) -> None:
    first, *others = evil_frames()
    late = [replace(frame, number=10**6 + at, time_ns=frame.time_ns + 5 * 10**12) for at, frame in enumerate(others)]
    assert 'style="--number: 7ch; --time: 11ch;"' in dom(tmp_path, page([first, *late]))


def dom(folder: Path, text: str, place: str = "") -> str:
    """What the page has become in the browser, opened at a place."""
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000", "--dump-dom"]
    command = [*words, f"--user-data-dir={folder / 'profile'}", f"{file.as_uri()}{place}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
