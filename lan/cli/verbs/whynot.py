"""Why something does not work, and what mends it:  lan whynot http pc1 www.ark-inflearn.com

lan whynot http|https pc1 NAME[:PORT][/PATH]     lan whynot ping pc1 web
lan whynot dns pc1 NAME                          lan whynot lease pc1

Tries it, asks every device on the way, and names the first broken piece, with evidence and remedy.  Exit code 0
where nothing is broken, 1 where something is.  docs/whynot.md
"""

import argparse
import os
import re
import shutil

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import UsageError, nearest
from lan.language.catalogue import Language, language_of
from lan.reasons import Sentence
from lan.trace.views.cells import cells, pad, wrap
from lan.whynot.chain import CHAINS, diagnose
from lan.whynot.collect import PATIENCE_S, collect, question_of
from lan.whynot.finding import Diagnosis

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("asked", metavar="WHAT", help="http, https, ping, dns or lease")
    parser.add_argument("device", help="who asks")
    parser.add_argument("target", nargs="?", default="", help="a name, an address, with http also :PORT and /PATH")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_S, metavar="S", help="seconds to wait for each answer (default 4)"
    )
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.asked not in CHAINS:
        near = nearest(options.asked, CHAINS)
        raise UsageError(
            f"lan whynot: {options.asked!r} is nothing to ask for" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(CHAINS),
        )
    if not 0 < options.patience <= 60:
        raise UsageError(f"--patience {options.patience:g}", expected="seconds, more than 0, 60 at most")
    lan = client.connect(options.lan)
    question = question_of(lan, options.asked, options.device, options.target)
    language = language_of(os.environ)
    facts = {"device": question.client, "kind": question.kind, "target": question.target}
    screen.progress(" " + language.retell(Sentence("{device} tries {kind} {target} …", **facts)))
    try:
        found = diagnose(collect(lan, question, patience_s=options.patience))
    finally:
        screen.progress("")
    if screen.json:
        screen.data(found.as_json(language.retell))
    else:
        _show(found, options.lan, screen, language)
    return found.exit_code


def _show(found: Diagnosis, lan: str | None, screen: Screen, language: Language) -> None:
    """The chain, a line a piece; the broken one with all that is known of it."""
    pieces = [language.say(step.piece) for step in found.steps]
    see, mend = language.say("see"), language.say("try")
    width = max(map(cells, pieces), default=0)
    for piece, step in zip(pieces, found.steps, strict=True):
        if not step.code:
            _line("✓", piece, width, language.retell(step.said), "dim", screen)
    if found.broken is None:
        screen.line(language.say("nothing is broken"), "green")
        return
    step = found.broken
    _line("✗", pieces[-1], width, language.retell(step.said), "red bold", screen)
    for line in step.evidence:
        _line(" ", "", width, language.retell(line), "", screen)
    for word, command, style in ((see, step.look, ""), (mend, language.retell(step.remedy), "cyan")):
        if command:
            said = re.sub(r"\blan ([a-z]+) ", rf"lan \1 -l {lan} ", command) if lan else command
            screen.line(f"  {pad(word, width)}  {said}", style)  # whole, so that it can be copied


def _line(mark: str, word: str, width: int, text: str, style: str, screen: Screen) -> None:
    """A line of three columns; on a terminal what is too long goes on below its own column."""
    head = f"{mark} {pad(word, width)}  "
    room = shutil.get_terminal_size().columns - cells(head) if screen.is_terminal else 0
    parts = wrap(text, room) if 20 < room < cells(text) else [text]
    for number, part in enumerate(parts):
        screen.line((head if number == 0 else " " * cells(head)) + part, style)
