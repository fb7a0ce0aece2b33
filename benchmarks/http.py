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
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks import http_load as load
from benchmarks import http_servers
from benchmarks.http_load import Figure
from benchmarks.http_rounds import (
    INSTALL,
    LOAD_CORE,
    SERVER_CORE,
    Results,
    core_of,
    go_inside,
    is_inside,
    parser,
    print_json,
    print_table,
    progress,
    read,
    widen_ports,
)
from benchmarks.http_servers import SERVERS, Running, Server, find, install, make_files, started

TOOLS = ("wrk", "curl", "openssl", "taskset")
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
        print_json(found)
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


def main() -> None:
    made = parser(__doc__, SERVERS, MEASURES)
    made.add_argument("--install", action="store_true", help="install the peers, and wrk")
    made.add_argument("--idle", type=int, default=10_000, help="how many idle connections")
    made.add_argument("--ours", default="", metavar="WORDS", help="more words for lan serve http")
    options = read(made, SERVERS, MEASURES)
    if options.install:
        install()
    elif is_inside():
        run(options)
    elif missing := [one for one in TOOLS if shutil.which(one) is None]:
        sys.exit(f"no {', '.join(missing)} here; {INSTALL}")
    else:
        go_inside(__file__)


if __name__ == "__main__":
    main()
