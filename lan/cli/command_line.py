"""A command line: finds the verb, parses its words, runs it, ends with its code."""

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

import lan
from lan.cli.dispatch import Parser, load, verbs
from lan.cli.screen import Screen, silence, spoken
from lan.engine import search_path
from lan.errors import MISUSED, LanError, UsageError, nearest
from lan.trace.views.cells import cells

GROUPS = ("Build", "Use", "Look", "Break", "Learn")
ALIASES = {
    "deploy": "up",
    "destroy": "down",
    "list": "status",
    "capture": "trace",
    "check": "test",
    "connect": "console",
}
"""Words that users of containerlab, netlab and Kathara type for the same thing."""
INTERRUPTED = 130
FIRST = "lan: a LAN of real network stacks on this machine, described in code, checked by packets."
LAST = "lan VERB --help tells more; every verb that prints data takes --json.  First: lan run office"


def overview(width: int | None = None) -> str:
    """What `lan --help` says: every verb with its first line, by group; fits a screen.

    Where a line is wider than `width`, what is to be typed stands below what it does.
    """
    say = spoken().say
    lines = [say(FIRST), ""]
    modules = [(verb, load(verb)) for verb in verbs()]
    for group in GROUPS:
        lines.append(say(group))
        for verb, module in modules:
            if group == module.GROUP:
                lines += _entry(verb, say((module.__doc__ or "").splitlines()[0]), width)
    lines += ["", say(LAST)]
    return "\n".join(lines)


def _entry(verb: str, line: str, width: int | None) -> list[str]:
    entry = f"  {verb:<10} {line}"
    if width is None or cells(entry) <= width:
        return [entry]
    does, _, typed = line.partition(":  ")
    return [f"  {verb:<10} {does}:", f"{'':13}{typed}"]


def parse(arguments: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """The verb's module and its options.  Raises UsageError."""
    word = ALIASES.get(arguments[0], arguments[0])
    if word not in verbs():
        near = nearest(word, verbs())
        raise UsageError(
            f"lan has no verb {arguments[0]!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(verbs()),
            todo="lan --help",
        )
    module = load(word)
    parser = Parser(f"lan {word}", description=module.__doc__)
    module.arguments(parser)
    return module, parser.read(arguments[1:])


def main(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code: 0 ok, 1 failed checks, 2 wrong usage, 3 this machine can't."""
    if len(arguments) > 1 and arguments[0] == "help":
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview(shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
        return 0 if arguments else MISUSED
    if arguments[0] in ("-V", "--version", "version"):
        print(f"lan {lan.__version__}")
        return 0
    screen = Screen(json="--json" in arguments[: arguments.index("--") if "--" in arguments else None])
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        search_path.extend()
        module, options = parse(arguments)
        code: int = module.run(options, screen)
    except LanError as error:
        screen.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        screen.progress("")
        screen.line(spoken().know_again("interrupted"))
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output had enough: `lan trace | head`
        silence()
        return 128 + signal.SIGPIPE
    return code
