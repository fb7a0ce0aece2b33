"""Check a topology file, make nothing:  lan validate FILE   (lan test checks a LAN that runs)"""

import argparse

from lan.cli.common import json_word
from lan.cli.screen import Screen
from lan.devices.kinds import schemas
from lan.errors import MISUSED, OK
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
    for problem in problems:
        screen.line(str(problem), "yellow" if problem.is_warning else "red")
    counts = f"{len(lan.devices)} devices, {len(lan.links)} links"
    screen.line(f"{options.what}: {len(mistakes)} mistakes" if mistakes else f"{options.what}: {counts}, nothing wrong")
    return MISUSED if mistakes else OK
