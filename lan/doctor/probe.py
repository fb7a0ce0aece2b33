"""Looks at the machine.  What can be tried is tried, in a child with namespaces of its own.

The host is not changed: the child's user, mount and network namespaces go with it.
"""

import json
import os
import pwd
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from lan import environment
from lan.doctor.facts import Facts, Package, Trial
from lan.engine import idmap, openvswitch, qdisc_words, syscalls

_LAN = Path(__file__).resolve().parents[1]
_PLACES = "/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/bin:/usr/local/sbin"
_UNTRIED = Trial(tried=False)


def probe() -> Facts:
    """This machine, for the calling user."""
    uid = os.geteuid()
    trials = _try_in_child()
    return Facts(
        python=sys.version_info[:3],
        user=_user(uid),
        is_root=uid == 0,
        packages=packages({"run"} if uid == 0 else {"run", "user"}),
        environment=sys.prefix,
        environment_faults=tuple(_environment_faults()),
        namespaces=trials.get("namespaces", Trial("the trial ended early")),
        overlay=trials.get("overlay", _UNTRIED),
        bridge=trials.get("bridge", _UNTRIED),
        netem=trials.get("netem", _UNTRIED),
        in_chroot=_in_chroot(),
        confined_by_apparmor=_setting("kernel/apparmor_restrict_unprivileged_userns") == 1,
        userns_clone=_setting("kernel/unprivileged_userns_clone"),
        max_user_namespaces=_setting("user/max_user_namespaces"),
        subordinate_ids=_subordinate_ids(uid),
        next_free_id=_next_free_id(),
        tun_opens=_opens(Path("/dev/net/tun")),
        open_files_limit=_open_files_limit(),
        datapath=openvswitch.datapath() if openvswitch.installed() else None,
    )


def packages(groups: set[str]) -> tuple[Package, ...]:
    """The lines of `lan/packages` for some groups, and whether each is installed: as bin/lan looks."""
    found = []
    for line in (_LAN / "packages").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            group, name, program, _, why = line.split(maxsplit=4)
            if group in groups:
                found.append(Package(group, name, program, why, shutil.which(program, path=_PLACES) is not None))
    return tuple(found)


def _environment_faults() -> list[str]:
    """Compared with its locks where bin/lan made it; an installation by pip is pip's affair."""
    prefix = Path(sys.prefix)
    locks = [_LAN.parent / name for name in ("requirements.lock", "requirements-dev.lock")]
    if not (prefix / "complete").is_file() or not locks[0].is_file():
        return []
    [site] = (prefix / "lib").glob("python3*/site-packages")
    return environment.faults(site, environment.wanted(locks[0]))


def _try_in_child() -> dict[str, Trial]:
    """Namespaces, then what a LAN does within them; a trial that was not reached is missing."""
    reader, writer = os.pipe()
    with tempfile.TemporaryDirectory(prefix="lan-doctor-") as folder:
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                _trials(Path(folder), lambda name, fault: os.write(writer, f"{json.dumps([name, fault])}\n".encode()))
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as lines:
            found = {name: Trial(fault) for name, fault in map(json.loads, lines)}
        os.waitpid(child, 0)
    return found


def _trials(folder: Path, tell: Callable[[str, str | None], object]) -> None:
    uid, gid = os.geteuid(), os.getegid()
    fault = _fault(lambda: _enter_namespaces(uid, gid))
    tell("namespaces", fault)
    if fault is not None:
        return
    tell("overlay", _fault(lambda: _mount_overlay(folder)))
    ip, tc = (shutil.which(name, path=_PLACES) for name in ("ip", "tc"))
    if ip is not None:
        tell("bridge", _fault(lambda: _run([ip, "link", "add", "br0", "type", "bridge"])))
    if tc is not None:
        tell("netem", _fault(lambda: _run_all([tc, *words] for words in qdisc_words.PROBE)))


def _enter_namespaces(uid: int, gid: int) -> None:
    flags = syscalls.CLONE_NEWNS | syscalls.CLONE_NEWNET | syscalls.CLONE_NEWUTS | syscalls.CLONE_NEWIPC
    syscalls.unshare(flags if uid == 0 else flags | syscalls.CLONE_NEWUSER)
    if uid != 0:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)


def _mount_overlay(folder: Path) -> None:
    syscalls.mount("tmpfs", str(folder), "tmpfs")
    for name in ("upper", "work", "merged"):
        (folder / name).mkdir()
    options = f"lowerdir=/etc,upperdir={folder}/upper,workdir={folder}/work"
    syscalls.mount("overlay", str(folder / "merged"), "overlay", 0, options)


def _run(command: list[str]) -> None:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=10)
    if ended.returncode != 0:
        raise OSError(ended.stderr.strip().partition("\n")[0] or f"{command[0]} failed")


def _run_all(commands: Iterable[list[str]]) -> None:
    for command in commands:
        _run(command)


def _fault(action: Callable[[], object]) -> str | None:
    try:
        action()
    except (OSError, subprocess.TimeoutExpired) as fault:
        return str(fault.strerror if isinstance(fault, OSError) and fault.strerror else fault)
    return None


def _in_chroot() -> bool:
    """A chroot's root is no mount point, or is not PID 1's root, where we may look."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        here, first = Path("/").stat(), Path("/proc/1/root/.").stat()
    except PermissionError:
        return all(line.split()[4] != "/" for line in mounts)
    except OSError:
        return False
    return (here.st_dev, here.st_ino) != (first.st_dev, first.st_ino)


def _setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", name).read_text())
    except (OSError, ValueError):
        return None


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _subordinate_ids(uid: int) -> int:
    ranges = [idmap.subordinate_range(Path("/etc", name), uid) for name in ("subuid", "subgid")]
    return min(0 if found is None else found[1] for found in ranges)


def _next_free_id() -> int:
    """The first id after every range that is given already."""
    ends = [100_000]
    for name in ("subuid", "subgid"):
        try:
            lines = Path("/etc", name).read_text().splitlines()
        except OSError:
            continue
        parts = [line.split(":") for line in lines]
        ends += [int(part[1]) + int(part[2]) for part in parts if len(part) == 3 and (part[1] + part[2]).isdigit()]
    return max(ends)


def _opens(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _open_files_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 2**31 - 1 if hard == resource.RLIM_INFINITY else hard
