"""Check a topology file, make nothing:  lan validate FILE   (lan test checks a LAN that runs)"""

import argparse

from lan.cli.common import json_word
from lan.cli.screen import Screen, spoken
from lan.devices.kinds import schemas
from lan.errors import MISUSED, OK
from lan.reasons import Sentence
from lan.topo.load import inspect

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="FILE", help="a file, or a LAN's name")
    json_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan, problems = inspect(options.what, schemas())
    mistakes = [problem for problem in problems if not problem.is_warning]
    if screen.json:
        screen.data(
            {
                "ok": not mistakes,
                "lan": lan.name,
                "devices": len(lan.devices),
                "links": len(lan.links),
                "problems": [
                    {
                        "what": problem.what,
                        "where": str(problem.where) if problem.where else None,
                        "expected": problem.expected,
                        "try": problem.todo,
                        "is_warning": problem.is_warning,
                    }
                    for problem in problems
                ],
            }
        )
        return MISUSED if mistakes else OK
    language = spoken()
    for problem in problems:
        screen.line(problem.told(language.know_again), "yellow" if problem.is_warning else "red")
    warned = len(problems) - len(mistakes)
    devices, cables = len(lan.devices), len(lan.links)
    size = [
        counted(devices, Sentence("1 device"), Sentence("{count} devices", count=devices)),
        counted(cables, Sentence("1 cable"), Sentence("{count} cables", count=cables)),
    ]
    faults = [
        counted(len(mistakes), Sentence("1 mistake"), Sentence("{count} mistakes", count=len(mistakes))),
        counted(warned, Sentence("1 warning"), Sentence("{count} warnings", count=warned)),
    ]
    told = [each for each in (*([] if mistakes else size), *faults) if each]
    if not problems:
        told.append(Sentence("nothing wrong"))
    screen.line(f"{options.what}: " + ", ".join(language.retell(each) for each in told))
    return MISUSED if mistakes else OK


def counted(count: int, one: Sentence, many: Sentence) -> Sentence | None:
    """So many of them; None for none."""
    return (one if count == 1 else many) if count else None
