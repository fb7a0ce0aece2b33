"""The kernel settings that every device starts with, whatever the host's are.

A new network namespace takes some of its settings from the host (congestion control, buffers), so
one topology would behave differently on two machines.  This table is the documented baseline; a
device's `sysctls` option changes it, and labs pin what their claims rest on.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from lan.engine import syscalls
from lan.errors import RunError

BASELINE: Mapping[str, str] = {
    "net.ipv6.conf.all.disable_ipv6": "1",  # a first trace shows only what the user asked for
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.tcp_congestion_control": "cubic",
    "net.ipv4.tcp_rmem": "4096 131072 6291456",
    "net.ipv4.tcp_wmem": "4096 16384 4194304",
    "net.ipv4.ip_local_port_range": "32768 60999",
    "net.ipv4.tcp_slow_start_after_idle": "1",
    "net.ipv4.tcp_tw_reuse": "2",
    "net.ipv4.tcp_fin_timeout": "60",
    "net.ipv4.tcp_ecn": "2",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.ping_group_range": "0 2147483647",  # ping without root, as on today's distributions
}
_PROC_SYS = Path("/proc/sys")
_NAMESPACES_A_PROC = 32
"""How many namespaces are set through one procfs."""


def path_of(name: str) -> Path:
    """``net.ipv4.tcp_ecn`` → its file; a dot within a name is written as a slash, as sysctl(8) does."""
    return _PROC_SYS / name.translate(str.maketrans("./", "/."))


def differing(baseline: Mapping[str, str] = BASELINE) -> dict[str, str]:
    """What of the baseline the current namespace lacks; settings this kernel has not are left out."""
    found: dict[str, str] = {}
    for name, wanted in baseline.items():
        with contextlib.suppress(OSError):
            if path_of(name).read_text().split() != wanted.split():
                found[name] = wanted
    return found


def establish(baseline: Mapping[str, str] = BASELINE) -> dict[str, str]:
    """Bring the current namespace to the baseline; returns the settings that it took.

    A setting that another one brought along (disabling IPv6 for all does it for new interfaces too)
    is not among them, nor one that the kernel refuses: for the next namespace of the kind, what is
    returned is enough.
    """
    taken: dict[str, str] = {}
    for name in differing(baseline):
        if one := differing({name: baseline[name]}):
            apply(one)
            if not differing(one):
                taken |= one
    return taken


class Establishing:
    """Brings one new namespace after the other to the baseline, each from inside it.

    They are alike, so what the first took the others get unasked.  The kernel keeps what has been
    looked up in /proc/sys/net of all namespaces in one list, and each look from a new one goes through
    it several times: with hundreds that cost more than half of making the namespace.  A procfs of our
    own that serves but a few keeps the list short.
    """

    def __init__(self) -> None:
        self._lacking: list[tuple[str, bytes]] | None = None
        self._proc: int | None = None
        self._served = 0

    def establish(self) -> None:
        """Bring the current namespace to the baseline."""
        if self._lacking is None:
            self._lacking = [
                (str(path_of(name))[len("/proc/") :], value.encode()) for name, value in establish().items()
            ]
            return
        if self._proc is None or self._served == _NAMESPACES_A_PROC:
            self.release()
            self._proc = _own_proc()
        self._served += 1
        for path, value in self._lacking:
            file = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._proc)
            try:
                os.write(file, value)
            finally:
                os.close(file)

    def release(self) -> None:
        """Let go of what it holds until the next namespace."""
        if self._proc is not None:
            os.close(self._proc)
            self._proc, self._served = None, 0


def _own_proc() -> int:
    try:
        return syscalls.new_proc()
    except OSError:  # an old kernel, or one that does not let us: the list grows
        return os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def apply(settings: Mapping[str, str], *, device: str | None = None) -> None:
    """Set kernel settings in the current namespace.  Raises RunError with the device's name if told one.

    Without a device the baseline is meant, and a kernel that refuses one (a congestion control it
    was built without) keeps its own.
    """
    for name, value in settings.items():
        try:
            path_of(name).write_text(value)
        except OSError as error:
            if device is not None:
                raise RunError(
                    f"{device}: the kernel refuses {name}={value}: {error.strerror}",
                    expected="a setting of the device's own network namespace (net.ipv4.…, net.ipv6.…)",
                ) from error
