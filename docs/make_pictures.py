"""Makes the pictures of the documentation from programs as they run.

bin/lan python docs/make_pictures.py
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from lan.cli.screen import Screen
from lan.cli.source import open_source
from lan.tui.app import TraceApp

HOUSE = Path(__file__).resolve().parents[1]


def picture(name: str, *words: str) -> None:
    """What ``lan WORDS`` prints, as a terminal window in SVG."""
    command = [sys.executable, "-m", "lan.cli", *words]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True)
    console = Console(record=True, width=124, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(Text("$ bin/lan " + " ".join(words), style="bold"))
    for line in done.stdout.replace(str(Path.home()), "~").splitlines():
        last = line.startswith((" ping", " all as"))
        console.print(Text(line, style="green" if last else "bold" if line.startswith(" LAN") else ""))
    target = HOUSE / "docs/pictures" / name
    target.write_text(console.export_svg(title="lan"))
    print(target.relative_to(HOUSE))


def page_of_a_recording(name: str) -> None:
    """The page of ``lan trace --html`` at the office's first request, in a browser."""
    if shutil.which("chromium") is None:
        print(f"{name}: no chromium on this machine")
        return
    with tempfile.TemporaryDirectory() as folder:
        page, target = Path(folder) / "page.html", HOUSE / "docs/pictures" / name
        capture = json.loads(_said("run", "office", "--json"))["pcapng"]
        _said("trace", capture, "--html", str(page))
        first = json.loads(_said("trace", capture, "--json", "--filter", "http.request").splitlines()[0])["number"]
        window = ["--window-size=1360,820", f"--screenshot={target}", f"--user-data-dir={folder}/profile"]
        still = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=2000"]
        subprocess.run(["chromium", *still, *window, f"{page.as_uri()}#{first}"], check=True, capture_output=True)
    print(target.relative_to(HOUSE))


def view(name: str, number_of_down_keys: int) -> None:
    """The full-screen view of the office's LAN, after its browser has fetched a page."""

    async def look() -> str:
        source = open_source(argparse.Namespace(file=None, what=None, lan="office"), Screen())
        app = TraceApp(source, "tcp or dns or arp")
        async with app.run_test(size=(176, 46)) as pilot:
            await pilot.pause()
            await pilot.press("f", "home", *["down"] * number_of_down_keys)
            await pilot.pause()
            return app.export_screenshot(title="lan view")

    _said("up", "office")
    try:
        _said("exec", "-l", "office", "pc1", "--", "lan-fetch", "http://www.ark-inflearn.com/")
        target = HOUSE / "docs/pictures" / name
        target.write_text(asyncio.run(look()))
    finally:
        _said("down", "office")
    print(target.relative_to(HOUSE))


def _said(*words: str) -> str:
    command = [sys.executable, "-m", "lan.cli", *words]
    return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    picture("run-office.svg", "run", "office")
    page_of_a_recording("trace-page.png")
    view("view.svg", 9)
