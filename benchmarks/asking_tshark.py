"""tshark over a capture file: the fields of each frame."""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

INTERRUPTED = 2
"""It ends so on SIGTERM, SIGINT and SIGHUP; with words, where it could not read the file or write its answer."""


class TsharkError(Exception):
    """It did not read the file to its end; says how it ended, and in which words."""


def rows(path: Path, names: Iterable[str], *words: str) -> Iterator[list[str]]:
    """For each frame the cells of these fields, "" where it has none; `words` are further arguments."""
    command = ["tshark", "-n", "-r", str(path), *words, "-T", "fields", "-E", "separator=/t"]
    command += [word for name in names for word in ("-e", name)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="surrogateescape")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line and not line.startswith("Running as user")]
        why = "; ".join(said)[-2000:] or ("interrupted" if done.returncode == INTERRUPTED else "without a word")
        raise TsharkError(f"tshark ended with {done.returncode} over {path}: {why}")
    for line in done.stdout.split("\n")[:-1]:
        yield line.split("\t")
