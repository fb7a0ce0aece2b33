"""The LAN's authority for browsers: Chromium trusts what `~/.pki/nssdb` holds, no bundle and no variable.

NSS keeps that database in SQLite files of its own kind, which certutil(1) alone writes: made once in
a bubble, when somebody first comes to a device, and copied to each device that is visited.  Without
certutil there is none, and Chromium warns of the certificate as it would at home.
"""

import os
import shutil
import subprocess
from pathlib import Path

from lan.engine import house

FOLDER = ".pki"
"""In a home folder."""
_TEMPLATE = house.COMMON / "pki"
_AUTHORITY = house.COMMON / "etc/ssl/certs/lan-authority.pem"
_TRUSTED_FOR_SERVERS = "C,,"


def trust(device: str) -> None:
    """Put the database into the home of the device's root, once.  Called by the bubble's PID 1."""
    base = house.DEVICES / device
    if os.path.lexists(base / "root" / FOLDER) or not _made():
        return
    shutil.copytree(_TEMPLATE, base / "pki")  # where the device can't reach, so that no link of its leads us astray
    (base / "pki").rename(base / "root" / FOLDER)


def _made() -> bool:
    """Whether there is a database to copy; makes it the first time."""
    database = _TEMPLATE / "nssdb"
    if not database.exists():
        database.mkdir(mode=0o700, parents=True)
        _TEMPLATE.chmod(0o700)
        if _AUTHORITY.stat().st_size and (certutil := shutil.which("certutil")):
            words = ["-A", "-d", f"sql:{database}", "-n", "LAN authority", "-t", _TRUSTED_FOR_SERVERS]
            words += ["-i", str(_AUTHORITY)]
            subprocess.run([certutil, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return (database / "cert9.db").exists()


def share(home: Path, uid: int, gid: int) -> None:
    """Give another user of a device what its root has.  Called on the device, by its root."""
    source, target = Path("/root") / FOLDER, home / FOLDER
    if not source.is_dir() or os.path.lexists(target):
        return
    shutil.copytree(source, target)
    for path in (target, *target.rglob("*")):
        os.chown(path, uid, gid)
