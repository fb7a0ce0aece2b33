"""Our web server beside nginx, Apache, Node, uvicorn, granian and hypercorn, in one go.

    bin/lan python benchmarks/http.py --install            # once: the peers, from apt and pip
    bin/lan python benchmarks/http.py [--only ours,nginx] [--measures keep,close] [--rounds 3] [--seconds 1]

All run inside a bubble with a network of its own, over loopback: each server on core 0 with one worker,
the load on core 1.  They serve the same files under the same RSA-2048 certificate and log no requests; ours
is `lan serve http --root DIR` as its users start it.  Rounds are interleaved: each measure asks every
server in turn, then comes the next measure, then the next round.  Medians with their spread are shown,
and ratios are what counts: of the figures, and of the figures a second of the server's processor time.
The second one holds where the load's core is the bottleneck, as it is for nginx and for handshakes: there
a server is busy for less than nine tenths of its own core, and its figure is a lower bound.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from benchmarks import http_load as load
from benchmarks import http_servers
from benchmarks.http_load import Figure
from benchmarks.http_servers import HOUSE, SERVERS, Running, Server, find, install, make_files, started

INSIDE = "LAN_BENCHMARK_INSIDE"
Results = dict[str, dict[str, list[Figure]]]
"""Measure → server → a figure for each round."""
INSTALL = "bin/lan python benchmarks/http.py --install"
TOOLS = ("wrk", "curl", "openssl", "taskset")
SERVER_CORE, LOAD_CORE = 0, 1
FIRST_PORT = 8001

MEASURES = {
    "keep": ("1 KiB, keep-alive", "requests/s"),
    "close": ("1 KiB, Connection: close", "requests/s"),
    "files": ("1 KiB, keep-alive, one of a thousand files, one browser's heads", "requests/s"),
    "many": ("1 KiB, keep-alive, one of a thousand files, each head another", "requests/s"),
    "wide": ("1 KiB, keep-alive, one of twenty thousand files, each head another", "requests/s"),
    "pipeline": ("1 KiB, pipelined by 16", "requests/s"),
    "100k": ("100 KiB, keep-alive", "requests/s"),
    "100m": ("100 MiB, one download", "MB/s"),
    "tls": ("1 KiB over TLS, keep-alive", "requests/s"),
    "handshakes": ("full TLS handshakes", "handshakes/s"),
    "idle": ("memory of an idle connection", "KiB"),
}
"""Name → (what is measured, unit)."""
OVER_TLS = {"tls", "handshakes"}


def measure(name: str, running: Running, options: argparse.Namespace, folder: Path) -> Figure:
    """One figure of one server."""
    core = core_of(LOAD_CORE)

    wrk = partial(load.wrk, running, connections=options.connections, seconds=options.seconds, core=core, folder=folder)
    do: dict[str, Callable[[], Figure]] = {
        "keep": wrk,
        "close": lambda: wrk(close=True),
        "files": lambda: wrk(many=1),
        "many": lambda: wrk(many=10**9),
        "wide": lambda: wrk(many=10**9, among="wide"),
        "pipeline": lambda: wrk(pipeline=16),
        "100k": lambda: wrk(path="100k"),
        "100m": lambda: load.download(running, core=core),
        "tls": lambda: wrk(tls=True),
        "handshakes": lambda: load.handshakes(running, seconds=options.seconds, core=core),
        "idle": lambda: load.idle(running, options.idle),
    }
    return do[name]()


def run(options: argparse.Namespace) -> None:
    """All rounds, inside the bubble; prints the results."""
    servers = present(options)
    measures = [name for name in MEASURES if name in options.measures.split(",")]
    found: Results = {name: {one.name: [] for one in servers} for name in measures}
    widen_ports()
    with tempfile.TemporaryDirectory(prefix="lan-http-") as place, ExitStack() as stack:
        folder = Path(place)
        up = start_all(stack, servers, {name in OVER_TLS for name in measures}, folder)
        for (_, tls), running in up.items():
            load.wrk(running, connections=options.connections, seconds=1, tls=tls)  # caches and compilers get warm
        for at in range(options.rounds):
            for name in measures:
                if name == "idle" and at > 0:
                    continue  # a heap that has grown once tells no more
                for one in servers:
                    progress(f"{at + 1}/{options.rounds} {name} {one.name}")
                    figure = measure(name, up[one.name, name in OVER_TLS], options, folder)
                    found[name][one.name].append(figure)
    progress("")
    if options.json:
        print(
            json.dumps(
                {name: {who: [asdict(it) for it in its] for who, its in by.items()} for name, by in found.items()}
            )
        )
        return
    for one in servers:
        print(f"{one.name:10} {one.note}")
    for name in measures:
        print_table(*MEASURES[name], found[name], 1 if name == "idle" else options.rounds)


def present(options: argparse.Namespace) -> list[Server]:
    """The servers asked for that this machine has; says which are left out."""
    words = partial(http_servers.ours, more=options.ours.split())
    known = {**SERVERS, "ours": replace(SERVERS["ours"], words=words)}
    asked = [one for one in known.values() if one.name in options.only.split(",")]
    for one in asked:
        if find(one.program) is None:
            print(f"{one.name} is left out: no {one.program} here; {INSTALL}", file=sys.stderr)
    return [one for one in asked if find(one.program) is not None]


def start_all(
    stack: ExitStack, servers: list[Server], kinds: set[bool], folder: Path
) -> dict[tuple[str, bool], Running]:
    """Every server, plain and over TLS as asked, checked to serve the right bytes."""
    core, www = core_of(SERVER_CORE), make_files(folder)
    up = {}
    for at, one in enumerate(servers):
        for tls in sorted(kinds):
            port = FIRST_PORT + 2 * at + tls
            up[one.name, tls] = stack.enter_context(started(one, folder, www, port, tls=tls, core=core))
    for (name, tls), running in up.items():
        scheme = "https" if tls else "http"
        words = ["curl", "-sS", "--fail", "--cacert", f"{folder}/certificate.pem"]
        done = subprocess.run([*words, f"{scheme}://127.0.0.1:{running.port}/1k"], capture_output=True, check=False)
        if done.stdout != (www / "1k").read_bytes():
            sys.exit(f"{name} over {scheme} serves something else: {done.stdout[:200]!r} {done.stderr.decode()}")
    return up


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install the peers, and wrk")
    parser.add_argument("--only", default=",".join(SERVERS), help="servers, by name")
    parser.add_argument("--measures", default=",".join(MEASURES), help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of load for each figure")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--idle", type=int, default=10_000, help="how many idle connections")
    parser.add_argument("--ours", default="", metavar="WORDS", help="more words for lan serve http")
    parser.add_argument("--json", action="store_true", help="all figures of all rounds, for programs")
    options = parser.parse_args()
    for word, known in ((options.only, SERVERS), (options.measures, MEASURES)):
        if unknown := set(word.split(",")) - set(known):
            parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if options.install:
        install()
    elif INSIDE in os.environ:
        os.sched_setaffinity(0, {core_of(LOAD_CORE) or 0})
        run(options)
    else:
        missing = [one for one in TOOLS if shutil.which(one) is None]
        if missing:
            sys.exit(f"no {', '.join(missing)} here; {INSTALL}")
        os.environ |= {INSIDE: "yes", "PYTHONPATH": str(HOUSE)}
        bubble = [sys.executable, "-m", "lan.cli", "sandbox", "--", sys.executable, "-P"]
        os.execv(sys.executable, [*bubble, __file__, *sys.argv[1:]])


if __name__ == "__main__":
    main()
