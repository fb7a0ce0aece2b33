"""From facts to a verdict: ready, partly ready or blocked, and for each lack the one command that mends it."""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lan.doctor.facts import Facts
from lan.errors import MACHINE_CANNOT, OK

PYTHONS = ((3, 11), (3, 14))
FILES_PER_DEVICE = 8
"""Descriptors that the process of a LAN keeps for one device, at most."""
MANY_DEVICES = 400


class State(StrEnum):
    """What a check found: as it should be, something less, or no LAN at all."""

    OK, LACKING, BLOCKING = "ok", "lacking", "blocking"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `remedy` is the command that mends it, or what to change where no command does."""

    name: str
    state: State
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, in the order in which a user would mend them."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> str:
        """``ready``, ``partly ready`` or ``blocked``."""
        states = {check.state for check in self.checks}
        if State.BLOCKING in states:
            return "blocked"
        return "partly ready" if State.LACKING in states else "ready"

    @property
    def exit_code(self) -> int:
        """0, or 3 where no LAN can run."""
        return MACHINE_CANNOT if self.verdict == "blocked" else OK

    def as_json(self) -> dict[str, Any]:
        """The keys of `lan doctor --json` besides `schema`."""
        return {
            "ok": self.verdict != "blocked",
            "verdict": self.verdict,
            "checks": [asdict(check) for check in self.checks],
        }

    def lines(self, tell: Callable[[str], str] = str, cells: Callable[[str], int] = len) -> list[str]:
        """The whole report as text, a lack followed by its remedy; `tell` gives texts in the reader's language.

        `cells` is how wide a text is.
        """
        names = [tell(check.name) for check in self.checks]
        width, todo = max(map(cells, names)), tell("try")
        found = [tell(self.verdict)]
        for check, name in zip(self.checks, names, strict=True):
            state = tell(check.state)
            state, name = state + " " * (8 - cells(state)), name + " " * (width - cells(name))
            found.append(f"  {state}  {name}  {tell(check.detail)}")
            if check.remedy:
                found.append(f"  {' ' * (8 - cells(todo))}{todo}  {'':{width}}  {tell(check.remedy)}")
        return found


def diagnose(facts: Facts) -> Diagnosis:
    """Judge a machine."""
    return Diagnosis(tuple(check for judge in CHECKS for check in judge(facts)))


def _python(facts: Facts) -> Iterator[Check]:
    text = ".".join(map(str, facts.python))
    if PYTHONS[0] <= facts.python[:2] <= PYTHONS[1]:
        yield Check("Python", State.OK, text)
    else:
        yield Check("Python", State.BLOCKING, f"{text}; 3.11 to 3.14 are known to work", "a distribution that has one")


def _environment(facts: Facts) -> Iterator[Check]:
    if not facts.environment_faults:
        yield Check("environment", State.OK, facts.environment)
        return
    some = "; ".join(facts.environment_faults[:3]) + ("; …" if len(facts.environment_faults) > 3 else "")
    remedy = f"rm -r {shlex.quote(facts.environment)}, and the next bin/lan makes it anew"
    yield Check("environment", State.BLOCKING, some, remedy)


def _packages(facts: Facts) -> Iterator[Check]:
    for package in facts.packages:
        if package.installed:
            continue
        remedy = f"sudo apt-get install --no-install-recommends {package.name}"
        yield Check(package.name, State.LACKING, f"no {package.program}: {package.why}", remedy)
    if all(package.installed for package in facts.packages):
        yield Check("packages", State.OK, ", ".join(package.name for package in facts.packages) or "none needed")


def _namespaces(facts: Facts) -> Iterator[Check]:
    kind = "namespaces" if facts.is_root else "user namespaces"
    if facts.namespaces.fault is None:
        yield Check(kind, State.OK, "allowed to root" if facts.is_root else f"allowed to {facts.user}")
    else:
        why, remedy = _why_no_namespaces(facts)
        yield Check(kind, State.BLOCKING, f"refused ({facts.namespaces.fault}): {why}", remedy)


def _why_no_namespaces(facts: Facts) -> tuple[str, str]:
    """The likeliest cause, and its remedy."""
    if facts.is_root:
        return "this root may not make namespaces, as in most containers", "docker run --privileged …, or a VM"
    if facts.in_chroot:
        return "the kernel refuses them in a chroot", "enter the root by systemd-nspawn or bwrap, which use pivot_root"
    if facts.userns_clone == 0:
        return "switched off on this machine", "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    if facts.max_user_namespaces == 0:
        return "this machine allows none", "sudo sysctl -w user.max_user_namespaces=10000"
    if facts.confined_by_apparmor:
        return (
            "AppArmor wants a profile, which bin/lan installs where it may use sudo",
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        )
    return "for a reason that the kernel does not tell", "start lan by sudo"


def _user_ids(facts: Facts) -> Iterator[Check]:
    if facts.is_root:
        return
    if facts.subordinate_ids >= 65_536:
        yield Check("user ids", State.OK, f"{facts.subordinate_ids} of /etc/subuid")
        return
    last = facts.next_free_id + 65_535
    ids = f"{facts.next_free_id}-{last}"
    detail = "no range in /etc/subuid and /etc/subgid: nginx, sshd, squid and named cannot change their user in a LAN"
    remedy = f"sudo usermod --add-subuids {ids} --add-subgids {ids} {shlex.quote(facts.user)}"
    yield Check("user ids", State.LACKING, detail, remedy)


def _overlay(facts: Facts) -> Iterator[Check]:
    if not facts.overlay.tried:
        return
    if facts.overlay.fault is None:
        yield Check("overlayfs", State.OK, "a device may change its own /etc")
    else:
        detail = f"refused ({facts.overlay.fault}): devices cannot have an /etc of their own"
        yield Check("overlayfs", State.BLOCKING, detail, "Linux 5.11 or later with overlayfs, or start lan by sudo")


def _switch(facts: Facts) -> Iterator[Check]:
    if facts.datapath is not None:
        closed = (
            "" if facts.tun_opens or facts.datapath == "kernel" else "; /dev/net/tun is closed to you, and not needed"
        )
        yield Check("switch", State.OK, f"Open vSwitch, datapath: {facts.datapath}{closed}")
    elif facts.bridge.fault is None:
        yield Check("switch", State.OK, "the kernel's bridge; with Open vSwitch it would be an OpenFlow switch")
    else:
        detail = f"neither Open vSwitch nor the kernel's bridge ({facts.bridge.fault})"
        remedy = "sudo apt-get install --no-install-recommends openvswitch-switch"
        yield Check("switch", State.BLOCKING, detail, remedy)


def _netem(facts: Facts) -> Iterator[Check]:
    if not facts.netem.tried:
        return
    if facts.netem.fault is None:
        yield Check("cables", State.OK, "delay, loss and rate by the kernel's netem and tbf; --link userspace: by lan")
    else:
        why = facts.netem.fault.rstrip(".")
        yield Check("cables", State.OK, f"delay, loss and rate by lan's userspace link: the kernel says {why!r}")


def _open_files(facts: Facts) -> Iterator[Check]:
    fit = facts.open_files_limit // FILES_PER_DEVICE
    if fit >= MANY_DEVICES:
        yield Check("open files", State.OK, f"{facts.open_files_limit}, enough for some {fit} devices")
    else:
        detail = f"{facts.open_files_limit}, enough for some {fit} devices only"
        yield Check("open files", State.LACKING, detail, "sudo prlimit --pid $$ --nofile=65536:65536")


CHECKS: tuple[Callable[[Facts], Iterator[Check]], ...] = (
    _python,
    _environment,
    _packages,
    _namespaces,
    _user_ids,
    _overlay,
    _switch,
    _netem,
    _open_files,
)
