"""What all devices of one LAN share of the host's files, prepared once in the bubble.

A device sees the host's programs read-only, and neither its /run, /tmp, /var, home folders nor its
/etc.  So that a device's root may write in /etc and /var, even where the host's real root owns them,
an overlay layer with the same empty folders, owned by the bubble's root, lies above the host's.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from lan.engine.bubble import HOME

COMMON = HOME / "common"
DEVICES = HOME / "devices"
PRIVATE = ("/run", "/tmp", "/root", "/home")
"""Folders of which a device has its own, empty ones; /etc and /var are overlays."""
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PROGRAMS = "/run/lan/bin"
"""On a device's PATH: lan-fetch, lan-ping and their like."""
_NSSWITCH = (
    "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n"
)
_MODULES = {
    "lan-fetch": "lan.services.http.fetch",
    "lan-ping": "lan.services.icmp",
    "lan-dhclient": "lan.services.dhcp.client_main",
    "lan-nslookup": "lan.services.dns.lookup",
    "lan-tcp-client": "lan.services.sockets.client",
    "lan-tcp-server": "lan.services.sockets.server",
}


def kept() -> list[str]:
    """Folders that a device must see though they may lie in hidden ones: this code and its Python."""
    code = Path(__file__).resolve().parents[2]
    wanted = {str(code), sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parent)}
    if sys.pycache_prefix:
        wanted.add(sys.pycache_prefix)
    return sorted(path for path in wanted if hidden(path) and Path(path).is_dir())


def hidden(path: str) -> bool:
    """Whether a path lies in a folder that devices have their own of."""
    own = (*PRIVATE, "/var") if (home := home_elsewhere()) is None else (*PRIVATE, "/var", home)
    return any(_lies_in(path, folder) for folder in own)


def home_elsewhere() -> str | None:
    """The caller's home folder where it lies outside of those hidden anyhow, or None."""
    home = os.path.realpath(Path.home())
    return None if home == "/" or any(_lies_in(home, folder) for folder in (*PRIVATE, "/var")) else home


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def prepare(hosts: Mapping[str, str], authority: str) -> None:
    """Make the common layers: folders of /etc and /var, names, trust.  `authority` is PEM text."""
    for folder in ("etc", "var", "bin"):
        (COMMON / folder).mkdir(parents=True, mode=0o755)
    DEVICES.mkdir(mode=0o755)
    _copy_folders(Path("/etc"), COMMON / "etc", depth=4)
    _copy_folders(Path("/var"), COMMON / "var", depth=3)
    etc = COMMON / "etc"
    (etc / "nsswitch.conf").write_text(_NSSWITCH)
    (etc / "resolv.conf").write_text("")
    (etc / "hosts").write_text("127.0.0.1\tlocalhost\n" + "".join(f"{ip}\t{name}\n" for name, ip in hosts.items()))
    bundle = COMMON / BUNDLE.lstrip("/")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    host_bundle = Path(BUNDLE)
    bundle.write_text((host_bundle.read_text() if host_bundle.is_file() else "") + authority)
    (bundle.parent / "lan-authority.pem").write_text(authority)
    _write_programs(COMMON / "bin")


def _write_programs(folder: Path) -> None:
    code = Path(__file__).resolve().parents[2]
    for name, module in _MODULES.items():
        program = folder / name
        text = f"#!{sys.executable} -sE\nimport sys\nsys.path.insert(0, {str(code)!r})\n"
        if sys.pycache_prefix:
            text += f"sys.pycache_prefix = {sys.pycache_prefix!r}\n"
        text += f"sys.dont_write_bytecode = True\nfrom {_entry(module)} import main\nsys.exit(main(sys.argv[1:]))\n"
        program.write_text(text)
        program.chmod(0o755)


def _entry(module: str) -> str:
    return f"{module}.__main__" if module.count(".") == 2 else module


def _copy_folders(source: Path, target: Path, depth: int) -> None:
    """The folders (and links) below `source`, empty, with their modes and, where possible, owners."""
    if depth == 0:
        return
    try:
        entries = list(os.scandir(source))
    except OSError:
        return
    for entry in entries:
        place = target / entry.name
        if entry.is_symlink():
            if source == Path("/var"):
                place.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir(follow_symlinks=False):
            status = entry.stat(follow_symlinks=False)
            place.mkdir(mode=0o755, exist_ok=True)
            _copy_folders(Path(entry.path), place, depth - 1)
            place.chmod(status.st_mode & 0o7777)
            _give(place, status.st_uid, status.st_gid)


def _give(place: Path, uid: int, gid: int) -> None:
    """Hand a folder to its owner; ids that the bubble does not map become root's."""
    overflow = 65534
    try:
        os.chown(place, 0 if uid == overflow else uid, 0 if gid == overflow else gid)
    except OSError:
        pass


def own_folders(device: str, names: Iterable[str]) -> Path:
    """The device's private folders in the bubble's tmpfs; returns the one that holds them."""
    base = DEVICES / device
    if base.exists():
        shutil.rmtree(base)
    for name in names:
        folder = base / name.strip("/")
        folder.mkdir(parents=True)
        folder.chmod(0o1777 if name == "/tmp" else 0o700 if name == "/root" else 0o755)
    return base
