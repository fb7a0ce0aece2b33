"""What the fixture `lan` is: brings LANs up, and takes down what a test leaves up."""

import os
from pathlib import Path
from typing import Protocol

from lan.control import handover
from lan.control.launch import Launch
from lan.devices.kinds import schemas
from lan.testing.net import Net
from lan.testing.watch import PATIENCE_S
from lan.topo.load import load


class Folders(Protocol):
    """Who makes folders for a test: pytest's `tmp_path_factory`."""

    def mktemp(self, basename: str) -> Path: ...


class Factory:
    """LANs for one test.  Each has a name and a folder of its own, so tests may run beside each other."""

    def __init__(self, folders: Folders, prefix: str = "") -> None:
        self._folders, self._prefix = folders, prefix
        self._made: list[Net] = []

    def up(
        self,
        what: str,
        *,
        switch: str | None = None,
        datapath: str | None = None,
        offload: bool = False,
        link: str | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Net:
        """A LAN that is up, by its name, file or generator, as ``lan up WHAT``; ends with its ``with`` or the test.

        `switch` is "ovs" or "bridge", `datapath` "kernel" or "userspace"; `offload` keeps segmentation
        offloads, so that frames look huge; `link` is "userspace" or "kernel", who carries the frames of cables
        with options; `patience_s` is how long `Net.trace` waits for what a test expects.  Raises LanError.
        """
        spec = load(what, schemas())
        folder = self._folders.mktemp("lan")
        own = spec.renamed(f"{spec.name}-{os.getpid()}-{self._prefix}{len(self._made) + 1}")
        how = Launch(state=folder, switch=switch, datapath=datapath, offload=offload, link=link)
        made = handover.up(own, how)
        self._made.append(Net(made.lan, patience_s=patience_s))
        return self._made[-1]

    @property
    def made(self) -> list[Net]:
        """The LANs so far, also those that are down again."""
        return list(self._made)

    def __enter__(self) -> "Factory":
        return self

    def __exit__(self, *_: object) -> None:
        for net in self._made:
            net.down()
