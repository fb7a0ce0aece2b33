"""Makes the pictures of the documentation from programs as they run.

bin/lan python docs/make_pictures.py
"""

import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

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


if __name__ == "__main__":
    picture("run-office.svg", "run", "office")
