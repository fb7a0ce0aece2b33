"""How a LAN is to be built: what its user said on the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How to build: `switch` is ovs, bridge or None (what is there); `offload` keeps segmentation offloads,
    `link` is what carries the frames of cables with options: userspace, kernel or None (the kernel if it can).

    `state` is the LAN's folder, `home` the user's for all of them: faces see the LANs of theirs.
    """

    state: Path
    home: Path
    switch: str | None = None
    datapath: str | None = None
    offload: bool = False
    link: str | None = None
    terminal: Mapping[str, str] | None = None
    key_log: bool = False
    """Whether programs on devices log their TLS secrets, each device to its own state folder."""
