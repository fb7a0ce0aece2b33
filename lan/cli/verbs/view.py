"""The trace on a full screen: list, layers, way, bytes:  lan view [FILE]   (q ends it)

A LAN that is up is followed as it goes on; a capture file of any program is read.
"""

import argparse
import importlib
import sys

from lan.cli.recorded_source import open_recorded
from lan.cli.screen import Screen
from lan.cli.source import filter_word, source_words
from lan.errors import OK, UsageError

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    filter_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if screen.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("lan view needs a terminal", todo="lan trace prints the list, lan trace --json all of it")
    source = open_recorded(options)
    source.compile(options.filter)  # a mistake is told before the screen is taken
    importlib.import_module("lan.tui.app").show(source, options.filter or "")  # Textual costs 300 ms, for this alone
    return OK
