"""A command line: finds the verb, parses its words, runs it, ends with its code."""

import argparse
import signal
from collections.abc import Sequence
from types import ModuleType

import lan
from lan.cli.dispatch import Parser, load, verbs
from lan.cli.screen import Screen, silence
from lan.engine import search_path
from lan.errors import MISUSED, LanError, UsageError, nearest

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


def overview() -> str:
    """What `lan --help` says: every verb with its first line, by group; fits a screen."""
    lines = ["lan: a LAN of real network stacks on this machine, described in code, checked by packets.", ""]
    modules = [(verb, load(verb)) for verb in verbs()]
    for group in GROUPS:
        lines.append(group)
        for verb, module in modules:
            if group == module.GROUP:
                lines.append(f"  {verb:<10} {(module.__doc__ or '').splitlines()[0]}")
    lines += ["", "lan VERB --help tells more; every verb that prints data takes --json.  First: lan run office"]
    return "\n".join(lines)


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
    parser = Parser(f"lan {word}", description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    module.arguments(parser)
    return module, parser.read(arguments[1:])


def main(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code: 0 ok, 1 failed checks, 2 wrong usage, 3 this machine can't."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(overview())
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
        screen.line("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output had enough: `lan trace | head`
        silence()
        return 128 + signal.SIGPIPE
    return code
