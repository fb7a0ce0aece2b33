"""The system calls that Python's own modules lack or have only since 3.12.  man 2 of each.

Every function raises OSError with the call's name.
"""

import ctypes
import os

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 4, 8, 32, 4096
MS_REC, MS_PRIVATE, MS_SLAVE = 16384, 1 << 18, 1 << 19
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_SET_NO_NEW_PRIVS = 1, 4, 15, 38

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
_MOVE_MOUNT_F_EMPTY_PATH = 4
_MOUNT_ATTR_RDONLY = 1
# the same on every architecture
_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_PIDFD_GETFD, _SYS_MOUNT_SETATTR = 428, 429, 438, 442
_SYS_FSOPEN, _SYS_FSCONFIG, _SYS_FSMOUNT = 430, 431, 432
_FSOPEN_CLOEXEC, _FSCONFIG_CMD_CREATE, _FSMOUNT_CLOEXEC = 1, 6, 1
_MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV, _MOUNT_ATTR_NOEXEC = 2, 4, 8

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int = 0) -> None:
    """Enter the namespace of a descriptor."""
    _check(_libc.setns(descriptor, flags), "setns")


def mount(source: str, target: str, fstype: str | None, flags: int = 0, data: str = "") -> None:
    """Mount; the target's name is in the error."""
    kind = fstype.encode() if fstype else None
    code = _libc.mount(source.encode(), target.encode(), kind, ctypes.c_ulong(flags), data.encode() or None)
    _check(code, f"mount {fstype or source} on {target}")


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """Unmount, lazily unless told otherwise."""
    _check(_libc.umount2(target.encode(), flags), f"umount {target}")


def set_read_only(target: str) -> None:
    """Make every mount at and below `target` read-only (mount_setattr, Linux 5.12)."""
    attributes = (ctypes.c_uint64 * 4)(_MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    _check(
        _libc.syscall(
            ctypes.c_long(_SYS_MOUNT_SETATTR),
            _AT_FDCWD,
            target.encode(),
            ctypes.c_uint(_AT_RECURSIVE),
            ctypes.byref(attributes),
            size,
        ),
        f"mount_setattr {target}",
    )


def open_tree(path: str) -> int:
    """A detached copy of the mounts at and below `path`, as a descriptor (Linux 5.2)."""
    flags = ctypes.c_uint(_OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | _AT_RECURSIVE)
    result: int = _libc.syscall(ctypes.c_long(_SYS_OPEN_TREE), _AT_FDCWD, path.encode(), flags)
    return _check(result, f"open_tree {path}")


def move_mount(tree: int, target: str) -> None:
    """Attach what `open_tree` copied."""
    flags = ctypes.c_uint(_MOVE_MOUNT_F_EMPTY_PATH)
    code = _libc.syscall(ctypes.c_long(_SYS_MOVE_MOUNT), tree, b"", _AT_FDCWD, target.encode(), flags)
    _check(code, f"move_mount {target}")


def new_proc() -> int:
    """A procfs of its own for the caller's PID namespace, mounted nowhere, as a descriptor (Linux 5.8)."""
    context = _check(_libc.syscall(ctypes.c_long(_SYS_FSOPEN), b"proc", ctypes.c_uint(_FSOPEN_CLOEXEC)), "fsopen proc")
    try:
        command = ctypes.c_uint(_FSCONFIG_CMD_CREATE)
        _check(_libc.syscall(ctypes.c_long(_SYS_FSCONFIG), context, command, None, None, 0), "fsconfig proc")
        flags = ctypes.c_uint(_MOUNT_ATTR_NOSUID | _MOUNT_ATTR_NODEV | _MOUNT_ATTR_NOEXEC)
        result: int = _libc.syscall(ctypes.c_long(_SYS_FSMOUNT), context, ctypes.c_uint(_FSMOUNT_CLOEXEC), flags)
        return _check(result, "fsmount proc")
    finally:
        os.close(context)


def pidfd_getfd(process: int, descriptor: int) -> int:
    """A copy of another process's descriptor; `process` is its pidfd (Linux 5.6)."""
    result: int = _libc.syscall(ctypes.c_long(_SYS_PIDFD_GETFD), process, descriptor, ctypes.c_uint(0))
    return _check(result, "pidfd_getfd")


def pivot_root(new_root: str) -> None:
    """Make `new_root`, a mount point, the root and drop the old one."""
    os.chdir(new_root)
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    unmount(".")
    os.chdir("/")


def prctl(option: int, value: int = 0) -> None:
    """One prctl with a number."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl")


def set_process_name(name: str) -> None:
    """The name that `ps -o comm` shows; 15 bytes."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    _check(_libc.prctl(PR_SET_NAME, buffer, 0, 0, 0), "prctl")


def set_process_title(title: str) -> None:
    """What `ps` shows as the command line: overwritten in place, so no longer than it was."""
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - fields 48 and 49 count from behind the name
        fields = file.read().rpartition(b")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    if end > start > 0:
        ctypes.memmove(start, title.encode()[: end - start - 1].ljust(end - start, b"\0"), end - start)
