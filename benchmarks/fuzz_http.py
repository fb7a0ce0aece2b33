"""Mutated inputs for each parser of services/http: does one crash it, or keep it busy?

    bin/lan python benchmarks/fuzz_http.py [--parsers server,client] [--inputs 10000000] [--seed 1] [--within-s 600]

Inputs are made from a corpus of likely ones by cutting, doubling, swapping, splicing, and by putting in lines,
fields and bytes that such parsers have tripped over.  One in four starts from what a parser has taken lately.
A crash is any exception but the documented one, or an answer that breaks the parser's own promises: events in
order, nothing after a fault, the same in two pieces as whole.  A hang is an input that costs a second of
processor time.  The same seed gives the same inputs.  Each parser has a line: inputs, inputs/s, how many were
taken, crashes, hangs; each crash is shown as the bytes that make it.  Exit code 1 where there was one.

`fuzz_parsers.py` has the parsers.
"""

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from benchmarks.fuzz_inputs import mutated
from benchmarks.fuzz_parsers import PARSERS, Parser

SHOWN_CRASHES = 10
POOL = 256
BATCH = 1000


class Hang(BaseException):
    """An input keeps a parser busy.  No parser may catch it, so it is no Exception."""


@dataclass
class Tally:
    """What came of one parser."""

    name: str
    inputs: int = 0
    taken: int = 0
    seconds: float = 0.0
    crashes: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)

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


def fuzz(parser: Parser, *, inputs: int, seed: int, within_s: float = float("inf")) -> Tally:
    """Give a parser so many inputs, or fewer where the time is up."""
    tally, random, pool = Tally(parser.name), Random(f"{parser.name} {seed}"), list(parser.corpus)
    began_s = time.monotonic()
    data = b""
    with Watchdog(tally):
        while tally.inputs < inputs and not (tally.inputs % BATCH == 0 and time.monotonic() - began_s > within_s):
            tally.inputs += 1
            try:
                data = mutated(random.choice(pool if random.random() < 0.25 else parser.corpus), random, parser.corpus)
                if parser.run(data, random):
                    tally.taken += 1
                    if len(pool) < POOL:
                        pool.append(data)
                    elif random.random() < 0.1:
                        pool[int(random.random() * POOL)] = data
            except parser.may_raise:
                pass
            except Hang:
                tally.hangs.append(repr(data))
            except Exception:
                tally.crashes.append(f"{data!r}\n{traceback.format_exc()}")
                if len(tally.crashes) >= SHOWN_CRASHES:
                    break
    tally.seconds = time.monotonic() - began_s
    return tally


def run(what: str, names: Iterable[str], fuzz_one: Callable[..., Tally], description: str | None) -> int:
    """A fuzzer's command line: ``--WHATs --inputs --seed --within-s``; 1 where something crashed or hung.

    `fuzz_one` takes a name, and the three numbers by keyword.
    """
    known = list(names)
    words = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument(f"--{what}s", dest="names", default=",".join(known), help="names, commas between: all of them")
    words.add_argument("--inputs", type=int, default=100_000, help=f"for each {what} (default 100000)")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--within-s", type=float, default=float("inf"), help=f"for each {what}")
    options = words.parse_args()
    wanted = options.names.split(",")
    if unknown := [name for name in wanted if name not in known]:
        words.error(f"no {what} is called {', '.join(unknown)}; there are {', '.join(known)}")
    is_clean = True
    for name in wanted:
        tally = fuzz_one(name, inputs=options.inputs, seed=options.seed, within_s=options.within_s)
        print(tally, flush=True)
        for found in [*tally.crashes, *tally.hangs]:
            is_clean = False
            print(found, flush=True)
    return 0 if is_clean else 1


def main() -> int:
    return run("parser", PARSERS, lambda name, **how: fuzz(PARSERS[name], **how), __doc__)


if __name__ == "__main__":
    sys.exit(main())
