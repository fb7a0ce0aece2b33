"""Where this machine's programs are: the caller's PATH, and the folders of a system's own programs.

Debian leaves the latter out of an ordinary user's PATH; Open vSwitch's daemons, tc and nft lie there.
"""

import os

SYSTEM = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def complete(path: str) -> str:
    """The same path, with the system's folders behind it that it lacks."""
    places = path.split(os.pathsep)
    return os.pathsep.join([*places, *(place for place in SYSTEM if place not in places)])


def extend() -> None:
    """Have this process, and all that it starts, find them too."""
    os.environ["PATH"] = complete(os.environ.get("PATH") or os.defpath)
