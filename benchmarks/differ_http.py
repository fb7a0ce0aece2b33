"""Do two HTTP programs in a row understand the same requests?  Ours with ours, and with nginx, Apache, Squid, Node.

    bin/lan python benchmarks/differ_http.py [--cases 300] [--seed 1] [--json FILE]

Each case is bytes from `differ_requests.py`.  They go to every proxy, and a recorder behind it notes what it
passed on: what the recorder reads there is what this proxy understood.  Then exactly these bytes go to every
next program: to all of them where the first is ours, to ours where it is another's.  What their recorders
read must be the same requests, in the same order; fewer are right too (the next one refused).  Our origin
server takes part as a next program, by its decision log.

Found, and printed with the bytes: `unclear`, where a proxy of ours passed on what a strict reader refuses
(and nobody can say what it understood); `differs`, where the next one read another request, or more of them;
`another target` and `another spelling of the method`, where only these words changed.  The exit code is 1
for either of the first two; the dumb proxy knows no framing by design (the book, 4.5.6) and is counted apart.
"""

import argparse
import json
import os
import random
import re
import resource
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import differ_requests
from benchmarks.differ_chain import Recorder, Seen, Stream, commands
from benchmarks.http import INSIDE, INSTALL, progress
from benchmarks.http_servers import HOUSE, find, launched

OURS = ("smart", "cache", "dumb", "origin")
FIRST_PORT, FIRST_ORIGIN, OWN_PORT = 8001, 9001, 8100
QUIET_S, AT_MOST_S = 0.06, 0.6


@dataclass
class Findings:
    """What was found, by kind and pair; the first bytes of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def add(self, what: str, **facts: object) -> None:
        self.counts[what] += 1
        if self.counts[what] <= 3:
            self.examples.setdefault(what, []).append(facts)


class Field:
    """All programs, running, and the recorder behind them."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.ports: dict[str, int] = {}
        self.origins: dict[str, int] = {}
        found = list(commands(folder, FIRST_PORT, FIRST_ORIGIN))
        self.recorder = Recorder([FIRST_ORIGIN + at for at in range(len(found))])
        self.recorder.start()
        folder.chmod(0o777)  # Squid writes there as another user
        for at, (name, program, words) in enumerate(found):
            if find(program) is None:
                print(f"{name} is left out: no {program} here; {INSTALL}", file=sys.stderr)
                continue
            self.ports[name], self.origins[name] = FIRST_PORT + at, FIRST_ORIGIN + at
            own = folder / name
            own.mkdir()
            stack.enter_context(launched(name, words, FIRST_PORT + at, own))
        self._log = folder / "decisions"
        own = folder / "origin"
        own.mkdir()
        words = [sys.executable, "-m", "lan.cli", "serve", "http", "--app", "echo", "--listen", f"127.0.0.1:{OWN_PORT}"]
        self.ports["origin"] = OWN_PORT
        stack.enter_context(launched("origin", words, OWN_PORT, own, more={"LAN_DECISIONS": str(self._log)}))
        self._read = 0

    def ask(self, names: list[str], data: bytes) -> dict[str, list[Stream]]:
        """The same bytes to each of these programs; → what came to its recorder, until all is quiet."""
        self.recorder.take()
        sockets = [_sent(self.ports[name], data) for name in names]
        began = heard = time.monotonic()
        open_ones = {one for one in sockets if one is not None}
        while open_ones and time.monotonic() < min(max(heard, self.recorder.heard_s) + QUIET_S, began + AT_MOST_S):
            for sock in select.select(list(open_ones), [], [], 0.01)[0]:
                heard = time.monotonic()
                if not _drained(sock):
                    open_ones.discard(sock)
        for one in sockets:
            if one is not None:
                one.close()
        time.sleep(0.005)
        came = self.recorder.take()
        taken = {name: came[self.origins[name]] for name in names if name in self.origins}
        if "origin" in names:
            taken["origin"] = [Stream(seen=self._decided())]
        return taken

    def _decided(self) -> list[Seen]:
        """Method and target of each request that our origin server read since the last time."""
        with self._log.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        lines = data[: data.rfind(b"\n") + 1]
        self._read += len(lines)
        told = [json.loads(line) for line in lines.splitlines()]
        return [Seen(one["method"], one["target"], b"") for one in told if one["what"] == "request"]


def _sent(port: int, data: bytes) -> socket.socket | None:
    try:
        sock = socket.create_connection(("127.0.0.1", port), 5)
        sock.sendall(data)
    except OSError:
        return None
    sock.setblocking(False)
    return sock


def _drained(sock: socket.socket) -> bool:
    try:
        return bool(sock.recv(65536))
    except BlockingIOError:
        return True
    except OSError:
        return False


def differ(programs: Field, data: bytes, found: Findings) -> None:
    """One case, through all pairs."""
    fronts = [name for name in programs.ports if name != "origin"]
    passed: dict[bytes, tuple[Stream, list[str]]] = {}
    for name, streams in programs.ask(fronts, data).items():
        for stream in streams:
            if stream.fault and name in OURS:
                found.add(f"unclear: {name}", case=data, passed=stream.data, why=stream.fault)
            elif stream.data:
                passed.setdefault(stream.data, (stream, []))[1].append(name)
    for sent, (stream, firsts) in passed.items():
        has_ours = any(name in OURS for name in firsts)
        backs = list(programs.ports) if has_ours else [name for name in programs.ports if name in OURS]
        for back, streams in programs.ask(backs, sent).items():
            read = [one for it in streams for one in it.seen]
            for front in [name for name in firsts if name in OURS or back in OURS]:
                found.counts["compared"] += 1
                if what := compare(stream, read, heads_alone=back == "origin"):
                    said = [str(one) for one in stream.seen]
                    facts = {"understood": said, "read": [str(one) for one in read]}
                    found.add(f"{what}: {front} then {back}", case=data, passed=sent, **facts)


def compare(first: Stream, read: list[Seen], *, heads_alone: bool) -> str:
    """What is not the same in what the next one read; "" for nothing.  Fewer requests are right: it refused.

    `heads_alone`: only heads are known of what was read, and those of unfinished requests too.
    """
    understood = first.seen
    if heads_alone:
        understood = [Seen(one.method, one.target, b"") for one in understood + first.begun]
    pairs = list(zip(understood, read, strict=False))
    if len(read) > len(understood) or any(one.body != other.body for one, other in pairs):
        return "differs"
    if any(one.method != other.method for one, other in pairs):
        same = all(one.method.upper() == other.method.upper() for one, other in pairs)
        return "another spelling of the method" if same else "differs"
    return "another target" if any(path(one) != path(other) for one, other in pairs) else ""


def path(seen: Seen) -> str:
    """The target without scheme and host: a URL and its path mean the same to an origin (RFC 9112 §3.2.2)."""
    found = re.match(r"(?i)https?://[^/?#]*", seen.target)
    rest = seen.target[found.end() :] if found else seen.target
    return rest if rest.startswith("/") or not found else "/" + rest


def run(options: argparse.Namespace) -> int:
    """All cases, inside the bubble."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    chance, found, began = random.Random(options.seed), Findings(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lan-differ-") as place, ExitStack() as stack:
        programs = Field(stack, Path(place))
        for at in range(options.cases):
            progress(f"{at}/{options.cases} {sum(found.counts.values()) - found.counts['compared']} found")
            differ(programs, differ_requests.case(chance), found)
    progress("")
    compared = found.counts.pop("compared", 0)
    print(f"{options.cases} cases, {compared} comparisons, {time.monotonic() - began:.0f} s")
    for what, count in sorted(found.counts.items()):
        print(f"\n{what}: {count} times")
        for example in found.examples[what][: options.show]:
            for key, value in example.items():
                print(f"    {key:10} {value}")
    if options.json:
        options.json.write_text(json.dumps({"counts": found.counts, "examples": found.examples}, default=repr) + "\n")
    return 1 if any(not what.startswith("another") and "dumb" not in what for what in found.counts) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=1, help="so many examples of each finding, at most 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all counts and examples")
    options = parser.parse_args()
    if INSIDE in os.environ:
        return run(options)
    environment = {**os.environ, INSIDE: "yes", "PYTHONPATH": str(HOUSE)}
    words = [sys.executable, "-m", "lan.cli", "sandbox", "--", sys.executable, "-P", __file__, *sys.argv[1:]]
    return subprocess.run(words, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
