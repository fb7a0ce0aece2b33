"""Run a LAN's scenario as tests (lan test office); alone, the project's own tests:  lan test [--peers]

With a LAN that is up, its scenario is performed on it, the lease taken anew; otherwise it is brought
up for the test.  `bin/lan test` without a name runs what this project tests itself with: files that
need no LAN on all cores, then the others one after another; with further words all one after another.
"""

import argparse
import os
import sys
from pathlib import Path

from lan.cli.common import json_word
from lan.cli.screen import Screen
from lan.cli.telling import Teller
from lan.cli.verbs import run as run_verb
from lan.control import client
from lan.errors import FAILED, OK, UsageError
from lan.scenario.perform import perform
from lan.scenario.recording import Recording

GROUP = "Learn"
LAYERS = ("tests/unit", "tests/lan", "tests/e2e")
SIDE_BY_SIDE = ("-p", "tests.side_by_side", "-n", "auto", "--maxprocesses", "4")
"""See tests/side_by_side.py.  Each worker reads all tests first: with more of them little more is won."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", metavar="LAN", help="one that is up, or what lan run takes")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line a frame under each step")
    parser.add_argument("--peers", action="store_true", help="the project's tests against real programs")
    parser.add_argument("-k", metavar="WORDS", help="only the project's tests whose names match")
    parser.add_argument(
        "-n", type=_workers, metavar="N", help="so many files of the project's tests beside each other, or auto"
    )
    parser.add_argument("-x", action="store_true", help="end the project's tests at the first that fails")
    json_word(parser)


def _workers(text: str) -> str:
    if text != "auto" and not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on, nor 'auto'")
    return text


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.what is None:
        return _own(options)
    for lan in client.running():
        if lan.name == options.what:
            return _on(lan, options, screen)
    words = argparse.ArgumentParser()
    run_verb.arguments(words)
    given = [options.what, *(["-v"] if options.verbose else []), *(["--json"] if options.json else [])]
    return run_verb.run(words.parse_args(given), screen)


def _on(lan: client.RunningLan, options: argparse.Namespace, screen: Screen) -> int:
    recording = Recording(lan)
    teller = Teller(screen, recording, verbose=options.verbose)
    teller.tell_all(perform(lan, recording, fresh=True))
    if screen.json:
        steps = [verdict.as_json(number) for number, verdict in enumerate(teller.told, 1)]
        screen.data({"lan": lan.name, "ok": teller.ok, "steps": steps, "pcapng": str(lan.trace)})
    return OK if teller.ok else FAILED


def _own(options: argparse.Namespace) -> int:
    """pytest over the project's layers, in this process's place."""
    checkout = Path(__file__).resolve().parents[3]
    if not (checkout / "tests").is_dir():
        raise UsageError(
            "the project's own tests are in its checkout only", expected="lan test LAN, such as lan test office"
        )
    layers = ("tests/peers",) if options.peers else LAYERS
    words = [sys.executable, "-m", "pytest", *(layer for layer in layers if (checkout / layer).is_dir())]
    if options.n:
        words += ["-n", options.n, "--dist", "loadfile"]
    elif not (options.k or options.x or options.verbose):
        words += SIDE_BY_SIDE
    words += ["-k", options.k] if options.k else []
    words += ["-x"] if options.x else []
    words += ["-v"] if options.verbose else []
    os.chdir(checkout)
    sys.stdout.flush()
    os.execv(sys.executable, words)
