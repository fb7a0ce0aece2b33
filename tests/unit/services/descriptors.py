"""What this process holds open of a test's folder.

Of all descriptors some may go meanwhile: the collector finds what other tests have left.
"""

import contextlib
from pathlib import Path


def open_below(folder: Path) -> list[Path]:
    """Where our descriptors lead that are of a folder or of what is in it."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if (place := each.readlink()).is_relative_to(folder):
                found.append(place)
    return sorted(found)
