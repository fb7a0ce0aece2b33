"""What was found on a machine; plain data, so that every diagnosis can be tested on any machine."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Package:
    """One line of `lan/packages`: a package of the distribution, and the program that shows it is there."""

    group: str
    name: str
    program: str
    why: str
    installed: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What happened when it was tried; `fault` is the kernel's or the program's own word, None when it worked."""

    fault: str | None = None
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """A machine, as its caller finds it."""

    python: tuple[int, int, int]
    user: str
    is_root: bool
    packages: tuple[Package, ...] = ()
    environment_faults: tuple[str, ...] = ()
    environment: str = ""
    namespaces: Trial = field(default_factory=Trial)
    overlay: Trial = field(default_factory=Trial)
    bridge: Trial = field(default_factory=Trial)
    netem: Trial = field(default_factory=Trial)
    in_chroot: bool = False
    confined_by_apparmor: bool = False
    userns_clone: int | None = None
    """kernel.unprivileged_userns_clone, a setting of Debian's kernels; None where there is none."""
    max_user_namespaces: int | None = None
    subordinate_ids: int = 0
    """How many user ids /etc/subuid and /etc/subgid both grant to the caller."""
    next_free_id: int = 100_000
    tun_opens: bool = True
    open_files_limit: int = 1_048_576
    """RLIMIT_NOFILE, hard."""
    datapath: str | None = "kernel"
    """Open vSwitch's, None where Open vSwitch is not installed."""
