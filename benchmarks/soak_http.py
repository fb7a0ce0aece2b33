"""Our web server and our proxies under all that clients do, for long: memory and descriptors, flat or not.

    bin/lan python benchmarks/soak_http.py [--requests 100000] [--at-most SECONDS] [--through origin,smart]

Inside a bubble: `lan serve http --app echo --faults` with TLS, and each of our proxies before it.  Clients,
each a process with its own chance, hold the dialogues of `http_dialogues.py`, good and bad, until so many
requests have been sent to each target.  Printed every few seconds: memory (RSS) and descriptors of each
server; at the end, when all connections are gone: what is left of both, and each answer that was wrong.

Flat means: from the second quarter of the run to its last (from the first, where there are few samples) the median
memory grew by less than 2 %, and at the end no more descriptors are open than at the start.  A proxy may answer 502
to a POST where the server closed its kept connection just then: to one in two thousand at most.  No server may write
more on its standard error than that it is ready: an exception of ours ends one connection and no server, and would be
overlooked.  The exit code is 1 when something is not so.
"""

import argparse
import json
import math
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks import http_dialogues as dialogues
from benchmarks.http_dialogues import Target
from benchmarks.http_servers import HOUSE, Running, launched, make_certificate

INSIDE = "LAN_BENCHMARK_INSIDE"
LAN = [sys.executable, "-m", "lan.cli"]
ORIGIN_PORT, TLS_PORT = 8001, 8002
PROXY_PORTS = {"dumb": 8011, "smart": 8012, "cache": 8013}
SETTLED_WITHIN_S = 90
GROWTH = 0.02
RACES = 0.0005


@dataclass
class Tally:
    """What the clients of one target found."""

    requests: int = 0
    connections: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    longest_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """One look at a server."""

    requests: int
    memory_kib: int
    descriptors: int


def look(running: Running, requests: int) -> Sample:
    """Memory and descriptors of all processes of a server."""
    memory = descriptors = 0
    for process in running.processes():
        for line in (process / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                memory += int(line.split()[1])
        descriptors += len(list((process / "fd").iterdir()))
    return Sample(requests, memory, descriptors)


def start(stack: ExitStack, names: list[str], folder: Path) -> dict[str, tuple[Target, Running]]:
    """The origin, and the proxies asked for: name → (how to ask it, its processes)."""
    make_certificate(folder)
    pem = ["--certificate", str(folder / "certificate.pem"), "--key", str(folder / "key.pem")]
    both = ["--listen", f"127.0.0.1:{ORIGIN_PORT}", "--tls", "--tls-listen", f"127.0.0.1:{TLS_PORT}"]
    words = [*LAN, "serve", "http", "--app", "echo", "--faults", *both, *pem]
    found = {}
    for name in ["origin", *(one for one in PROXY_PORTS if one in names)]:
        own = folder / name
        own.mkdir()
        port = PROXY_PORTS.get(name, ORIGIN_PORT)
        if name == "origin":
            target = Target(name, port, tls_port=TLS_PORT)
        else:
            words = [*LAN, "serve", "proxy", "--kind", name, "--listen", f"127.0.0.1:{port}", "--allow-loopback"]
            words += ["--connect-port", str(TLS_PORT), "--store", str(own / "store")] if name == "cache" else []
            words += ["--connect-port", str(TLS_PORT)] if name == "smart" else []
            tunnel = TLS_PORT if name != "dumb" else None
            prefix = f"http://127.0.0.1:{ORIGIN_PORT}"
            target = Target(name, port, prefix, tunnel_to=tunnel, is_dumb=name == "dumb")
        found[name] = (target, stack.enter_context(launched(name, words, port, own)))
    return found


def client(target: Target, share: int, until_s: float, seed: int, report: Connection) -> None:
    """One client's process: dialogues until its share is done, or the time over.

    It reports (requests, name, what was wrong, seconds) by lists.
    """
    os.nice(19)
    chance, sent, told = random.Random(seed), 0, []
    while sent < share and time.monotonic() < until_s:
        began = time.monotonic()
        name, count, wrong = dialogues.one(target, chance)
        sent += count
        told.append((count, name, wrong, time.monotonic() - began))
        if len(told) >= 50:
            report.send(told)
            told = []
    report.send(told)
    report.close()


def soak(target: Target, running: Running, options: argparse.Namespace) -> tuple[Tally, list[Sample]]:
    """All clients of one target, to the end; samples of its server on the way."""
    fork = multiprocessing.get_context("fork")
    readers: list[Connection] = []
    many, until_s = [], time.monotonic() + options.at_most
    for at in range(options.clients):
        reader, writer = fork.Pipe(duplex=False)
        share = options.requests // options.clients
        one = fork.Process(target=client, args=(target, share, until_s, options.seed * 1000 + at, writer))
        one.start()
        writer.close()
        readers.append(reader)
        many.append(one)
    tally, samples, due = Tally(), [look(running, 0)], time.monotonic() + options.every
    while readers:
        ready = wait(readers, timeout=max(0.0, due - time.monotonic()))
        for reader in [one for one in readers if one in ready]:
            try:
                add(tally, reader.recv())
            except EOFError:
                readers.remove(reader)
        if time.monotonic() >= due:
            due += options.every
            samples.append(look(running, tally.requests))
            print_sample(target.name, samples[-1])
        if running.process.poll() is not None:
            sys.exit(f"{target.name} ended with {running.process.returncode} after {tally.requests} requests")
    for one in many:
        one.join()
    return tally, samples


def add(tally: Tally, told: list[tuple[int, str, str, float]]) -> None:
    for count, name, wrong, took_s in told:
        tally.longest_s[name] = max(took_s, tally.longest_s.get(name, 0))
        tally.requests += count
        tally.connections += 1
        tally.kinds[name] += 1
        if wrong:
            tally.wrong[f"{name}: {wrong}"] += 1


def print_sample(name: str, sample: Sample) -> None:
    memory = f"{sample.memory_kib / 1024:7.1f} MiB"
    print(f"  {name:7} {sample.requests:9} requests {memory} {sample.descriptors:5} descriptors", flush=True)


def settled(running: Running, requests: int, wanted: int) -> Sample:
    """The look when all connections are gone, or have had long enough to go."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while (sample := look(running, requests)).descriptors > wanted and time.monotonic() < until:
        time.sleep(0.5)
    return sample


def judge(name: str, before: Sample, tally: Tally, samples: list[Sample], after: Sample, took_s: float) -> bool:
    """Print what a target's run came to; True when it was flat and nothing was wrong."""
    rate = tally.requests / took_s
    print(f"\n{name}: {tally.requests} requests on {tally.connections} connections in {took_s:.0f} s ({rate:.0f}/s)")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in sorted(tally.kinds.items())))
    slowest = sorted(tally.longest_s.items(), key=lambda pair: -pair[1])[:5]
    print("  slowest: " + ", ".join(f"{kind} {longest_s:.2f} s" for kind, longest_s in slowest))
    quarter = max(1, len(samples) // 4)
    first, last = (
        statistics.median(one.memory_kib for one in part) for part in (samples[:quarter], samples[-quarter:])
    )
    if len(samples) >= 8:  # the very first samples are of a server that has not seen everything yet
        first = statistics.median(one.memory_kib for one in samples[quarter : 2 * quarter])
    grown = last / first - 1
    flat = grown < GROWTH and after.descriptors <= before.descriptors
    print(
        f"  memory {before.memory_kib} KiB at the start, {first:.0f} in the second quarter, {last:.0f} in the last "
        f"({grown:+.1%}), {after.memory_kib} at rest; descriptors {before.descriptors} → {after.descriptors}: "
        + ("flat" if flat else "NOT FLAT")
    )
    lost = sum(count for kind, count in tally.kinds.items() if kind.endswith(dialogues.LOST))
    among = sum(count for kind, count in tally.kinds.items() if kind.startswith(dialogues.WITH_CONTENT))
    is_rare = lost <= 1 + among * RACES
    if lost:
        print(
            f"  {lost} of {among} dialogues with content lost a race with a server that closed: 502"
            + " TOO OFTEN" * (not is_rare)
        )
    for what, count in tally.wrong.most_common(15):
        print(f"  WRONG {count} times: {what}")
    return flat and is_rare and not tally.wrong


def complaints(errors: Path) -> list[str]:
    """What a server has written on its standard error, but for that it is ready."""
    return [line for line in errors.read_text(errors="replace").splitlines() if not line.startswith("ready: ")]


def run(options: argparse.Namespace) -> int:
    """Every target in turn, inside the bubble."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("10000 65000")
    names, good = options.through.split(","), True
    found = {}
    with tempfile.TemporaryDirectory(prefix="lan-soak-") as place, ExitStack() as stack:
        up = start(stack, names, Path(place))
        resting = {name: look(running, 0) for name, (_, running) in up.items()}
        for name in names:
            target, running = up[name]
            before, began = look(running, 0), time.monotonic()
            tally, samples = soak(target, running, options)
            took_s = time.monotonic() - began
            after = settled(running, tally.requests, resting[name].descriptors)
            good &= judge(name, before, tally, samples, after, took_s)
            found[name] = {
                "requests": tally.requests, "connections": tally.connections, "took_s": took_s, "kinds": tally.kinds,
                "wrong": tally.wrong, "memory_kib": [one.memory_kib for one in samples] + [after.memory_kib],
                "descriptors": [one.descriptors for one in samples] + [after.descriptors],
            }  # fmt: skip
        for name in up:
            if words := complaints(Path(place) / name / "errors"):
                good = False
                print(f"{name} WROTE {len(words)} lines on its standard error:", *words[:60], sep="\n  ")
    if options.json:
        options.json.write_text(json.dumps(found) + "\n")
    return 0 if good else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000, help="for each target")
    parser.add_argument("--through", default="origin,dumb,smart,cache", help="targets, in this order")
    parser.add_argument("--at-most", type=float, default=math.inf, metavar="SECONDS", help="for each target")
    parser.add_argument("--clients", type=int, default=8, help="how many at once")
    parser.add_argument("--seed", type=int, default=1, help="of the clients' chance")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="between two samples")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all samples and counts")
    options = parser.parse_args()
    known = {"origin", *PROXY_PORTS}
    if unknown := set(options.through.split(",")) - known:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
    if INSIDE not in os.environ:
        environment = {**os.environ, INSIDE: "yes", "PYTHONPATH": str(HOUSE)}
        words = [*LAN, "sandbox", "--", sys.executable, "-P", __file__, *sys.argv[1:]]
        os.execve(sys.executable, words, environment)
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
