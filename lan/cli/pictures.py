"""Pictures into files: SVG as it is, PNG by a program of this machine that can draw SVG."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lan.errors import MachineError, RunError, UsageError

DRAW_S = 60
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')
KINDS = (".svg", ".png")


def check(path: Path) -> None:
    """Refuse a name that is no picture's.  Raises UsageError."""
    if path.suffix.lower() not in KINDS:
        raise UsageError(f"{path}: no picture of that kind", expected="a name that ends in .svg or .png")


def write(path: Path, svg: str) -> None:
    """Write it as the name's ending says.  Raises MachineError where nothing draws PNG, RunError where it fails."""
    check(path)
    if path.suffix.lower() == ".png":
        _draw(svg, path.absolute())
        return
    try:
        path.write_text(svg, encoding="utf-8")
    except OSError as error:
        raise RunError(f"{path}: {error.strerror}", todo="a folder that is there and that you may write to") from error


def _draw(svg: str, target: Path) -> None:
    other = f"a name that ends in .svg, such as {target.stem}.svg"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "picture.svg"
        source.write_text(svg, encoding="utf-8")
        command = _drawer(source, target, svg)
        if command is None:
            raise MachineError("nothing here draws SVG as PNG", expected="rsvg-convert or Chromium", todo=other)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=DRAW_S, check=False)
        except subprocess.TimeoutExpired:
            raise RunError(f"{command[0]} drew nothing within {DRAW_S} s", todo=other) from None
    if done.returncode or not target.is_file():
        said = done.stderr.strip().splitlines()
        raise RunError(f"{target}: {command[0]} failed" + (f": {said[-1]}" if said else ""), todo=other)


def _drawer(source: Path, target: Path, svg: str) -> list[str] | None:
    """The command that draws it, twice as large as it says."""
    if found := shutil.which("rsvg-convert"):
        return [found, "-z", "2", "-o", str(target), str(source)]
    size = SIZE.search(svg)
    width, height = size.groups() if size else ("960", "480")
    own = ["--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=2"]
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            profile = f"--user-data-dir={source.parent}/profile"
            return [found, *own, profile, f"--window-size={width},{height}", f"--screenshot={target}", source.as_uri()]
    return None
