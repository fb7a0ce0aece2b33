"""Start again what a device serves:  lan start dns"""

import argparse

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.cli.verbs.stop import serve

GROUP = "Break"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    return serve(options, screen, start=True)
