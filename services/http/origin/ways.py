"""The ways to files: which folders lead there, none of them a link, and whether they still do.

A folder may be moved out of the root and a link be left in its place, while `stat` says of each file below
what it always said.  So a file in memory is given again only while its way is the same too.
"""

import os
import stat

from lan.services.http.origin.resource import Signature


class Ways:
    """What `lstat` says of the folders from the root on, each asked once in a turn of the server's loop."""

    def __init__(self, root: str) -> None:
        self._root_end = len(root.rstrip("/"))
        self._seen: dict[str, Signature] = {}
        self._turn_s: float | None = None

    def look(self, folder: str, turn_s: float | None = None) -> Signature:
        """What `lstat` says of this folder (`resource.Place`); `turn_s` names the turn, None: look anew.

        Raises OSError where a folder is none, or a link.
        """
        if turn_s is None or turn_s != self._turn_s:
            self._turn_s = turn_s
            self._seen.clear()
        way = self._seen.get(folder)
        if way is None:
            way = self._seen[folder] = self._look(folder)
        return way

    def _look(self, folder: str) -> Signature:
        at = self._root_end
        while True:
            facts = os.lstat(folder[:at] or "/")
            if not stat.S_ISDIR(facts.st_mode):
                raise NotADirectoryError(folder[:at])
            if at >= len(folder):
                return (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns)
            at = folder.find("/", at + 1)
            at = len(folder) if at < 0 else at
