"""What the fuzzers share: inputs for a parser, what came of them, and a log that a stopped run goes on from.

A crash is any exception but those that a parser documents; a hang is an input that costs a second of processor time.
The same seed makes the same inputs.  A run is made of parts of PART inputs, each with a chance of its own, and each
whole part is a line of the log: a run that was stopped goes on behind its last.  A line says of which code it is
(`fuzz_code.py`): once that has changed, it counts no more.
"""

import argparse
import json
import signal
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from benchmarks.fuzz_code import digest
from benchmarks.fuzz_inputs import Mutants, mutants

SHOWN_CRASHES = 10
POOL = 256
KEPT_BYTES = 16
"""An input that was taken is kept as a base of others with this chance for each of its bytes: once in so many."""
BATCH = 256
PART = 250_000

Run = Callable[[bytes, Random], bool]


class Broken(Exception):  # noqa: N818 - what the fuzzer looks for
    """A parser broke its own promise."""


class Hang(BaseException):
    """An input keeps a parser busy.  No parser may catch it, so it is no Exception."""


@dataclass(frozen=True)
class Parser:
    """`run` gives one input and says whether it was taken; what it `may_raise` is documented."""

    name: str
    corpus: list[bytes]
    run: Run
    may_raise: tuple[type[Exception], ...] = ()
    mutants: Mutants = mutants


@dataclass
class Tally:
    """What came of one parser; `seconds` of processor time."""

    name: str
    inputs: int = 0
    taken: int = 0
    seconds: float = 0.0
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.inputs += other.inputs
        self.taken += other.taken
        self.seconds += other.seconds
        self.crashes += other.crashes
        self.hangs += other.hangs

    def __str__(self) -> str:
        rate = self.inputs / self.seconds if self.seconds else 0
        share = 100 * self.taken / self.inputs if self.inputs else 0
        return (
            f"{self.name:16} {self.inputs:>11,} inputs {rate:>9,.0f}/s  taken {share:4.1f} %"
            f"  crashes {len(self.crashes)}  hangs {len(self.hangs)}"
        )


class Watchdog:
    """Raises `Hang` in an input that runs for a second of processor time: two ticks without a new input."""

    def __init__(self, tally: Tally) -> None:
        self.tally, self._seen = tally, -1

    def __enter__(self) -> None:
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, 1, 1)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _tick(self, *_: object) -> None:
        if self._seen == self.tally.inputs:
            raise Hang
        self._seen = self.tally.inputs


def fuzz(parser: Parser, *, inputs: int, seed: int | str, until_s: float = float("inf")) -> Tally:
    """Give a parser so many inputs, or fewer where the monotonic time `until_s` comes or it crashes all the time."""
    tally, random, pool = Tally(parser.name), Random(f"{parser.name} {seed}"), list(parser.corpus)
    made = parser.mutants(parser.corpus, pool, random)
    began_s = time.process_time()
    with Watchdog(tally):
        while tally.inputs < inputs and time.monotonic() < until_s and len(tally.crashes) < SHOWN_CRASHES:
            _try(parser, list(islice(made, min(BATCH, inputs - tally.inputs))), tally, pool, random)
    tally.seconds = time.process_time() - began_s
    return tally


def _try(parser: Parser, batch: list[bytes], tally: Tally, pool: list[bytes], random: Random) -> None:
    """Give a parser these inputs; some that it takes go to the pool, long ones more seldom, or it would grow longer."""
    run, may_raise, chance = parser.run, parser.may_raise, random.random
    for data in batch:
        tally.inputs += 1
        try:
            if run(data, random):
                tally.taken += 1
                if chance() * len(data) < KEPT_BYTES:
                    if len(pool) < POOL:
                        pool.append(data)
                    else:
                        pool[int(chance() * POOL)] = data
        except may_raise:
            pass
        except Hang:
            tally.hangs.append(repr(data))
        except Exception:
            tally.crashes.append(f"{data!r}\n{traceback.format_exc()}")


class Log:
    """The parts that were done, a JSON line each."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._done: dict[tuple[str, str, str], Tally] = {}
        if path is not None and path.exists():
            for line in path.read_text().splitlines():
                told = json.loads(line)
                of_code, seed = told.pop("code"), told.pop("seed")
                self._done[told["name"], of_code, seed] = Tally(**told)

    def done(self, name: str, code: str, seed: str, inputs: int) -> Tally | None:
        """What came of this part, where it was done whole, of this code."""
        found = self._done.get((name, code, seed))
        return found if found is not None and found.inputs >= inputs else None

    def add(self, tally: Tally, code: str, seed: str) -> None:
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps({"code": code, "seed": seed, **asdict(tally)}) + "\n")


def run(what: str, parsers: Iterable[str], made: Callable[[str], Parser], description: str | None) -> int:
    """A fuzzer's command line; 1 where something crashed or hung.

    `parsers` are the names of each `what`, `made` gives one by its name.
    """
    known = list(parsers)
    words = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument(f"--{what}s", dest="names", default=",".join(known), help="names, commas between: all of them")
    words.add_argument("--inputs", type=int, default=100_000, help=f"for each {what} (default 100000)")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--within-s", type=float, default=float("inf"), help=f"for each {what}")
    words.add_argument("--log", type=Path, metavar="FILE", help="a JSON line for each part that is done; goes on there")
    options = words.parse_args()
    wanted = options.names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        words.error(f"no {what} is called {', '.join(unknown)}; there are {', '.join(known)}")
    log, is_clean = Log(options.log), True
    for name in wanted:
        until_s = time.monotonic() + options.within_s
        tally = whole(made(name), log, inputs=options.inputs, seed=options.seed, until_s=until_s)
        print(tally, flush=True)
        for found in [*tally.crashes, *tally.hangs]:
            is_clean = False
            print(found, flush=True)
    return 0 if is_clean else 1


def whole(parser: Parser, log: Log, *, inputs: int, seed: int, until_s: float = float("inf")) -> Tally:
    """All parts of a parser's run; those that the log has are not done again."""
    tally, code = Tally(parser.name), digest(parser.corpus, (parser.run, parser.mutants))
    for at in range(0, inputs, PART):
        count, own = min(PART, inputs - at), f"{seed}.{at // PART}"
        part = log.done(parser.name, code, own, count)
        if part is None:
            part = fuzz(parser, inputs=count, seed=own, until_s=until_s)
            if part.inputs == count or part.crashes:
                log.add(part, code, own)
        tally.add(part)
        if part.inputs < count:
            break
    return tally
