"""The file system of one device, laid by the device's own PID 1.  mount_namespaces(7), overlayfs.

The host's root is read-only; /run, /tmp, /root and /home are the device's own; /etc and /var are
overlays whose upper layer is its own; /proc and /sys show its processes and interfaces.
"""

import contextlib
import os
import socket
from collections.abc import Mapping
from pathlib import Path

from lan.engine import house, syscalls

_OVERLAID = ("/etc", "/var")
_DEV_FLAGS = syscalls.MS_NOSUID | syscalls.MS_NOEXEC


def lay(device: str, *, address: str | None, state: str | None, etc: Mapping[str, str]) -> None:
    """Make this mount and UTS namespace the device's.

    `state` is a folder outside the bubble that outlives it (the device's /var/lib/lan); `etc` are
    files of its own for /etc.  Raises OSError where the kernel refuses a mount.
    """
    layers = [f"{path}-{part}" for path in _OVERLAID for part in ("upper", "work", "merged")]
    base = house.own_folders(device, (*house.PRIVATE, *layers))
    socket.sethostname(device)
    _write_own_etc(base / "etc-upper", device, address, etc)
    for folder in ("lock", "user", "sshd", "lan/bin"):
        (base / "run" / folder).mkdir(parents=True, mode=0o755)
    own = {path: syscalls.open_tree(_overlay(base, path)) for path in _OVERLAID}
    own |= {path: syscalls.open_tree(str(base / path.lstrip("/"))) for path in house.PRIVATE}
    state_tree = syscalls.open_tree(state) if state is not None else None
    programs = syscalls.open_tree(str(house.COMMON / "bin"))
    syscalls.set_read_only("/")
    kept = {path: syscalls.open_tree(path) for path in house.kept()}
    for path, tree in own.items():
        _attach(tree, path)
    if (home := house.home_elsewhere()) is not None:
        syscalls.mount("tmpfs", home, "tmpfs", 0, "mode=700")
    for path, tree in kept.items():
        Path(path).mkdir(parents=True, exist_ok=True)
        _attach(tree, path)
    _attach(programs, house.PROGRAMS)
    if state_tree is not None:
        Path("/var/lib/lan").mkdir(parents=True, exist_ok=True)
        _attach(state_tree, "/var/lib/lan")
    _kernel_file_systems()


def _attach(tree: int, path: str) -> None:
    syscalls.move_mount(tree, path)
    os.close(tree)


def _overlay(base: Path, path: str) -> str:
    """Lay an overlay over `path`, beside it: it must be made while its upper layer is writable here."""
    place = str(base) + path
    lower = str(house.COMMON) + path + (":/etc" if path == "/etc" else "")
    layers = f"lowerdir={lower},upperdir={place}-upper,workdir={place}-work"
    try:
        syscalls.mount("overlay", f"{place}-merged", "overlay", 0, layers + ",userxattr")
    except OSError:  # a kernel or an upper layer without user attributes
        syscalls.mount("overlay", f"{place}-merged", "overlay", 0, layers)
    return f"{place}-merged"


def _kernel_file_systems() -> None:
    plain = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    syscalls.mount("proc", "/proc", "proc", plain)
    with contextlib.suppress(OSError):  # busy where the network is the bubble's own, whose /sys is there
        syscalls.mount("sysfs", "/sys", "sysfs", plain)
    syscalls.mount("devpts", "/dev/pts", "devpts", _DEV_FLAGS, "newinstance,ptmxmode=0666,mode=620")
    syscalls.mount("tmpfs", "/dev/shm", "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NODEV, "mode=1777")


def _write_own_etc(upper: Path, device: str, address: str | None, etc: Mapping[str, str]) -> None:
    (upper / "hostname").write_text(f"{device}\n")
    hosts = (house.COMMON / "etc/hosts").read_text()
    if address is None:
        hosts += f"127.0.1.1\t{device}\n"
    (upper / "hosts").write_text(hosts)
    for name, text in etc.items():
        place = upper / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
