"""Do two HTTP programs in a row understand the same requests?  Ours with ours, and with nginx, Apache, Squid, Node.

    bin/lan python benchmarks/differ_http.py [--cases 300] [--seed 1] [--json FILE] [--mutants]

Each case is bytes from `differ_requests.py`: a right request, a known trick, or either broken by chance, often with
another request behind it.  A strict reader that shares no code with ours (`differ_reader.py`) says what they mean,
or that nobody can be sure.  They go to every program, and a recorder behind each proxy notes all that it passes on.
Then exactly those bytes go to every next program: to all of them where the first is ours, to ours where it is
another's.  Our origin server takes part by what its echo application says that it read (`origin`), and by files
that contain their own path (`site`): there it remembers answers, as the cache does for what may be kept.

`differ_judge.py` compares all that was understood: how many requests, method, target, fields, content, trailers,
what follows on the connection, whether it is kept, and whether each answer belongs to its request.  Fewer requests
are right too: a program may refuse.  The exit code is 1 for any finding that a program of ours is part of, but
for `another target` and `another spelling of the method`, which some of the others change; the dumb proxy knows no
framing by design (the book, 4.5.6) and is counted apart.

`--mutants` asks whether the fuzzer itself is any good: our proxies and our server run as they are, and with each
rule of `differ_mutants.py` taken out.  Each of those must be found within so many cases, and none that is whole.
"""

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import differ_requests
from benchmarks.differ_field import OURS, QUIET_S, Came, Field
from benchmarks.differ_judge import Finding, judge, judge_origin, judge_other, judge_site
from benchmarks.differ_reader import Reading, read_all, read_answers
from benchmarks.http_rounds import INSIDE, progress
from benchmarks.http_servers import HOUSE


@dataclass
class Findings:
    """What was found, by kind and pair; the first bytes of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    compared: int = 0
    requests: int = 0
    """How many requests the cases have, by the strict reader, and `taken` how many of them our proxy passed on."""
    taken: int = 0

    def add(self, what: str, **facts: object) -> None:
        self.counts[what] += 1
        if self.counts[what] <= 3:
            self.examples.setdefault(what, []).append(facts)


def found_in(name: str, kind: str, said: Reading, came: Came, *, is_ours: bool) -> list[Finding]:
    """What a program made of bytes that say this."""
    if not is_ours or kind == "dumb":
        return judge_other(said, came.streams)
    answers = read_answers(came.answered, [one.method for one in said.seen])
    if kind == "origin":
        return judge_origin(said, answers)
    if kind == "site":
        return judge_site(said, answers)
    return judge(said, came.streams, answers, is_cache=kind == "cache")


def differ(programs: Field, data: bytes, found: Findings) -> None:
    """One case, through all pairs."""
    said = read_all(data)
    found.requests += len(said.seen)
    passed: dict[bytes, list[str]] = {}
    for name, came in programs.ask(list(programs.ports), data).items():
        if name == "smart":
            found.taken += sum(len(stream.reading.seen) for stream in came.streams)
        if name in OURS:
            found.compared += 1
            for what, why in found_in(name, name, said, came, is_ours=True):
                found.add(f"{what}: {name}", case=data, passed=[one.data for one in came.streams], why=why)
        for stream in came.streams:
            passed.setdefault(stream.data, []).append(name)
    for sent, firsts in passed.items():
        has_ours = any(name in OURS for name in firsts)
        backs = list(programs.ports) if has_ours else [name for name in programs.ports if name in OURS]
        said = read_all(sent)
        for back, came in programs.ask(backs, sent).items():
            faults = found_in(back, back, said, came, is_ours=back in OURS)
            if faults and back not in OURS:  # or was it the case before, late?  Others are not waited for to their end
                time.sleep(QUIET_S * 5)
                again = found_in(back, back, said, programs.ask([back], sent)[back], is_ours=False)
                faults = [one for one in faults if one[0] in {what for what, _ in again}]
            for front in [name for name in firsts if name in OURS or back in OURS]:
                found.compared += 1
                for what, why in faults:
                    facts = {"passed": sent, "on": [one.data for one in came.streams], "why": why}
                    found.add(f"{what}: {front} then {back}", case=data, **facts)


def hunt(programs: Field, cases: int, chance: random.Random) -> dict[str, tuple[int, Finding, bytes]]:
    """Mutant → the case that finds it, and how; those that are whole are asked as long as one is left."""
    found: dict[str, tuple[int, Finding, bytes]] = {}
    source = differ_requests.cases(chance)
    for at in range(1, cases + 1):
        left = [name for name in programs.ports if name not in found]
        if all(name.endswith(":") for name in left):
            break
        progress(f"{at}/{cases} {len(found)} found")
        data = next(source)
        said = read_all(data)
        for name, came in programs.ask(left, data).items():
            if findings := found_in(name, name.partition(":")[0], said, came, is_ours=True):
                found[name] = (at, findings[0], data)
    return found


def run_mutants(options: argparse.Namespace) -> int:
    """Is each mutant found, and nothing else?"""
    began = time.monotonic()
    programs = Field()
    with tempfile.TemporaryDirectory(prefix="lan-differ-") as place, ExitStack() as stack:
        programs.start_mutants(stack, Path(place))
        found = hunt(programs, options.cases, random.Random(options.seed))
    progress("")
    whole = [name for name in programs.ports if name.endswith(":")]
    missed = [name for name in programs.ports if name not in found and name not in whole]
    wrong = [name for name in whole if name in found]
    for name, (at, (what, why), data) in sorted(found.items(), key=lambda pair: pair[1][0]):
        print(f"{at:5} {name:45} {what}: {why[:90]}")
        if options.show > 1 or name in wrong:
            print(f"      {data!r}")
    mutants = len(programs.ports) - len(whole)
    print(f"{len(found) - len(wrong)} of {mutants} mutants found, {time.monotonic() - began:.0f} s")
    for what, names in (("NOT FOUND", missed), ("FOUND, AND WHOLE", wrong)):
        print("".join(f"{what}: {name}\n" for name in names), end="")
    if options.json:
        told = {"found": {name: at for name, (at, *_) in found.items()}, "missed": missed, "wrong": wrong}
        options.json.write_text(json.dumps(told) + "\n")
    return 1 if missed or wrong else 0


def run(options: argparse.Namespace) -> int:
    """All cases, inside the bubble."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.mutants:
        return run_mutants(options)
    source, found, began = differ_requests.cases(random.Random(options.seed)), Findings(), time.monotonic()
    programs = Field()
    with tempfile.TemporaryDirectory(prefix="lan-differ-") as place, ExitStack() as stack:
        programs.start_all(stack, Path(place))
        at = 0
        while at < options.cases and time.monotonic() - began < options.at_most:
            progress(f"{at}/{options.cases} {sum(found.counts.values())} found")
            differ(programs, next(source), found)
            at += 1
    progress("")
    print(f"{at} cases, {found.requests} requests in them, {found.taken} passed on by the smart proxy,", end=" ")
    print(f"{found.compared} comparisons, {time.monotonic() - began:.0f} s")
    for what, count in sorted(found.counts.items()):
        print(f"\n{what}: {count} times")
        for example in found.examples[what][: options.show]:
            for key, value in example.items():
                print(f"    {key:10} {value}")
    if options.json:
        told = {"cases": at, "requests": found.requests, "taken": found.taken, "compared": found.compared}
        text = json.dumps({**told, "counts": found.counts, "examples": found.examples}, default=repr)
        options.json.write_text(text + "\n")
    return 1 if any(not what.startswith("another") and "dumb" not in what for what in found.counts) else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--at-most", type=float, default=float("inf"), metavar="SECONDS")
    parser.add_argument("--show", type=int, default=1, help="so many examples of each finding, at most 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all counts and examples")
    parser.add_argument("--mutants", action="store_true", help="find our programs with a rule taken out")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        environment = {**os.environ, INSIDE: "yes", "PYTHONPATH": str(HOUSE)}
        words = [sys.executable, "-m", "lan.cli", "sandbox", "--", sys.executable, "-P", __file__, *sys.argv[1:]]
        os.execve(sys.executable, words, environment)
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
