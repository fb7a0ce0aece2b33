"""The page of a recording in a browser: an evil capture is shown as text, by the page's own script alone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from ..unit.trace.test_views_html import EVIL, evil_frames, page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no browser is installed")
def test_a_browser_shows_an_evil_capture_as_text(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(page(evil_frames(), name=EVIL), encoding="utf-8")
    words = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=1000", "--dump-dom"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [*words, profile, f"{file.as_uri()}#4"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>taken" not in shown and "<img" not in shown
    assert '<span id="count">4 events</span>' in shown, "the page's own script has run"
    assert "&lt;img src=x" in shown
    assert '<h2 id="what">4 · ' in shown, "it opens at the frame that its address names"
    assert "<summary>pc1 · origin</summary>" in shown and "<td>source port</td>" in shown
