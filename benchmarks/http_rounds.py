"""What benchmarks of HTTP share: words, a bubble to run in, cores, and tables of the figures of many rounds."""

import argparse
import json
import os
import resource
import statistics
import sys
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from benchmarks.http_load import Figure
from benchmarks.http_servers import HOUSE

INSIDE = "LAN_BENCHMARK_INSIDE"
Results = dict[str, dict[str, list[Figure]]]
"""Measure → server → a figure for each round."""
INSTALL = "bin/lan python benchmarks/http.py --install"
SERVER_CORE, LOAD_CORE = 0, 1


def parser(page: str | None, names: Collection[str], measures: Collection[str]) -> argparse.ArgumentParser:
    """The words that all of them take; `page` is the module's docstring."""
    made = argparse.ArgumentParser(description=page, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--only", default=",".join(names), help="of these, by name")
    made.add_argument("--measures", default=",".join(measures), help=f"of {', '.join(measures)}")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--seconds", type=int, default=1, help="of load for each figure")
    made.add_argument("--connections", type=int, default=64)
    made.add_argument("--json", action="store_true", help="all figures of all rounds, for programs")
    return made


def read(made: argparse.ArgumentParser, names: Collection[str], measures: Collection[str]) -> argparse.Namespace:
    """The words of this run; ends where one is unknown."""
    options = made.parse_args()
    for word, known in ((options.only, names), (options.measures, measures)):
        if unknown := set(word.split(",")) - set(known):
            made.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return options


def is_inside() -> bool:
    """Whether this is the run inside the bubble; the load's core is its own then."""
    if INSIDE not in os.environ:
        return False
    os.sched_setaffinity(0, {core_of(LOAD_CORE) or 0})
    return True


def go_inside(program: str) -> NoReturn:
    """Run this program again with the same words, in a bubble with a network of its own."""
    os.environ |= {INSIDE: "yes", "PYTHONPATH": str(HOUSE)}
    bubble = [sys.executable, "-m", "lan.cli", "sandbox", "--", sys.executable, "-P"]
    os.execv(sys.executable, [*bubble, program, *sys.argv[1:]])


def print_json(found: Results) -> None:
    """All figures."""
    print(
        json.dumps({name: {who: [asdict(it) for it in its] for who, its in by.items()} for name, by in found.items()})
    )


def core_of(number: int) -> int | None:
    """The core to pin to; none where there is but one."""
    return number if (os.cpu_count() or 1) > 1 else None


def widen_ports() -> None:
    """Room for all the connections that linger in TIME_WAIT; only this network's own setting changes."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65000")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:40}\r", end="", file=sys.stderr, flush=True)


def print_table(what: str, unit: str, found: dict[str, list[Figure]], rounds: int) -> None:
    """One measure: every server's median, spread and cost, and ours as a share of it."""
    print(f"\n{what}: {unit}, median (least–most) of {rounds}")
    ours = found.get("ours", [])
    for who, figures in found.items():
        values = [one.value for one in figures]
        digits = 0 if max(values) >= 100 else 1
        spread = f"({min(values):.{digits}f}–{max(values):.{digits}f})"
        line = f"  {who:10} {median(values):9.{digits}f} {spread:17}"
        if costs := [one.per_cpu_s for one in figures if one.per_cpu_s]:
            busy = [one.cpu for one in figures if one.cpu is not None]
            line += f" {median(busy):4.0%} CPU {median(costs):9.0f} a CPU s"
        if slow := [one.latency_ms["99"] for one in figures if "99" in one.latency_ms]:
            line += f"  p99 {median(slow):6.1f} ms"
        if ours and who != "ours":
            line += f"  ours/{who}" + " and".join(ratios(ours, figures))
        print(line, "; ".join(sorted({one.errors for one in figures if one.errors})))


def ratios(ours: list[Figure], theirs: list[Figure]) -> list[str]:
    """Ours as a share of theirs: the figure, and the figure a CPU second where there is one."""
    pairs = [([one.value for one in ours], [one.value for one in theirs])]
    pairs.append(([one.per_cpu_s or 0 for one in ours], [one.per_cpu_s or 0 for one in theirs]))
    return [f" {median(mine) / median(its):.2f}" for mine, its in pairs if median(its)]


def median(values: list[float]) -> float:
    return statistics.median(values)
