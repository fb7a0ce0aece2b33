"""Cables with options by the kernel's own means: netem and tbf on the inner ends, set up by tc(8).

Nothing is carried here: a frame that comes in at one inner end is redirected to the other's queueing
disciplines.  What is said to tc stands in qdisc_words.py.
"""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterable
from typing import Any

from lan.engine import netns, qdisc_words
from lan.engine.carrier import Answer
from lan.engine.hidden import Inner
from lan.errors import MachineError, RunError
from lan.links.options import Cable


def fault(namespace: int, home: int) -> str | None:
    """Why this kernel can't do it, in its own words; None where it can.  Tried on `lo` of the namespace."""
    if shutil.which("tc") is None:
        return "no tc"
    try:
        _tc(namespace, home, qdisc_words.PROBE)
    except RunError as error:
        for words in qdisc_words.UNPROBE:
            with contextlib.suppress(RunError):
                _tc(namespace, home, [words])
        return error.what
    return None


class Kernel:
    """The disciplines of all cables of one LAN."""

    means = "kernel"

    def __init__(self, namespace: int, home: int) -> None:
        """Raises MachineError where the kernel lacks what it takes."""
        self._namespace, self._home = namespace, home
        self._cables: dict[str, tuple[Inner, Cable]] = {}
        if (why := fault(namespace, home)) is not None:
            raise MachineError(
                f"this kernel can't shape cables: {why}",
                expected="the kernel's netem, tbf, ingress, matchall and mirred",
                todo="sudo modprobe sch_netem sch_tbf sch_ingress cls_matchall act_mirred; or --link userspace",
            )

    def add(self, key: str, inner: Inner, names: tuple[str, str], cable: Cable) -> None:
        self._cables[key] = (inner, cable)
        redirects = [*qdisc_words.redirect(inner.a, inner.b), *qdisc_words.redirect(inner.b, inner.a)]
        self._do([*redirects, *_shape(inner, Cable(), cable)])

    def set(self, key: str, cable: Cable, answer: Answer) -> None:
        inner, before = self._cables[key]
        self._cables[key] = (inner, cable)
        self._do(_shape(inner, before, cable))
        answer({"ok": True})

    def cut(self, key: str) -> None:
        """An interface that goes down loses what waits in it."""

    def count(self, answer: Answer) -> None:
        found = {}
        for key, (inner, cable) in self._cables.items():
            ways = {"forward": self._counted(inner.b), "backward": self._counted(inner.a)}
            found[key] = {"options": cable.as_json(), **ways}
        answer({"ok": True, "cables": found})

    def remove(self, key: str) -> None:
        """The disciplines went with their interfaces."""
        self._cables.pop(key, None)

    def settle(self) -> None:
        """All is done at once."""

    def _counted(self, interface: str) -> dict[str, Any]:
        with netns.inside(self._namespace, self._home):
            words = ["tc", "-s", "-j", "qdisc", "show", "dev", interface]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        return counters(json.loads(done.stdout or "[]"))

    def _do(self, commands: Iterable[qdisc_words.Words]) -> None:
        _tc(self._namespace, self._home, commands)


def _shape(inner: Inner, before: Cable, after: Cable) -> list[qdisc_words.Words]:
    """Both directions; the frames of one leave at the other's end."""
    ways = ((inner.b, before.forward, after.forward), (inner.a, before.backward, after.backward))
    return [
        words
        for interface, old, new in ways
        for words in qdisc_words.shape(interface, new, was_limited=old.rate_bps is not None)
    ]


def counters(told: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``tc -s -j qdisc show`` counted, in the words of the userspace link; the kernel tells less.

    netem's drops are what it lost; those of the disciplines below are what found the queue full.
    """
    kinds = {one["kind"]: one for one in told}
    netem, tbf = kinds.get("netem", {}), kinds.get("tbf", {})
    full = tbf.get("drops", 0)
    passed = netem.get("packets", 0)
    return {
        "frames": passed + netem.get("drops", 0),
        "passed": passed,
        "lost": max(0, netem.get("drops", 0) - full),
        "dropped": full,
        "waiting_frames": tbf.get("qlen", 0),
        "flying": max(0, netem.get("qlen", 0) - tbf.get("qlen", 0)),
    }


def _tc(namespace: int, home: int, commands: Iterable[qdisc_words.Words]) -> None:
    """Have one tc carry out all of these: a cable that is laid anew is out meanwhile.  Raises RunError."""
    lines = "".join(f"{' '.join(words)}\n" for words in commands)
    with netns.inside(namespace, home):
        done = subprocess.run(["tc", "-batch", "-"], input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError((done.stderr.strip() or f"tc ended with {done.returncode}").splitlines()[0])
