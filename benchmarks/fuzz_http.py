"""Mutated inputs for each parser of services/http: does one crash it, or keep it busy?

    bin/lan python benchmarks/fuzz_http.py [--parsers server,client] [--inputs 10000000] [--seed 1] [--within-s 600]
        [--log FILE]

Inputs are made from a corpus of likely ones by cutting, doubling, swapping, splicing, and by putting in lines,
fields and bytes that such parsers have tripped over.  One in four starts from what a parser has taken lately.
A crash is any exception but the documented one, or an answer that breaks the parser's own promises: events in
order, nothing after a fault, the same in two pieces as whole.  A hang is an input that costs a second of
processor time.  The same seed gives the same inputs.  Each parser has a line: inputs, inputs to a second of processor
time, how many were taken, crashes, hangs; each crash is shown as the bytes that make it.  With `--log` a run that was
stopped goes on where it was.  Exit code 1 where there was a crash or a hang.

`fuzz_parsers.py` has the parsers.
"""

import sys

from benchmarks.fuzz_parsers import PARSERS
from benchmarks.fuzz_runner import run


def main() -> int:
    return run("parser", PARSERS, PARSERS.__getitem__, __doc__)


if __name__ == "__main__":
    sys.exit(main())
