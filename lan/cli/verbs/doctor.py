"""Whether this machine can run a LAN, and for each lack the command that mends it:  lan doctor"""

import argparse

from lan.cli.common import json_word
from lan.cli.screen import Screen, spoken
from lan.doctor.diagnosis import diagnose
from lan.doctor.probe import probe
from lan.trace.views.cells import cells

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    json_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    diagnosis = diagnose(probe())
    if screen.json:
        screen.data(diagnosis.as_json())
    else:
        for line in diagnosis.lines(spoken().know_again, cells):
            screen.line(line)
    return diagnosis.exit_code
