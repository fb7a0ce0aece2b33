"""The trace on a full screen: list, layers, bytes, map:  lan view [FILE]   (q ends it)

A LAN that is up is followed as it goes on; a capture file of any program is read.
"""

import argparse
import importlib
import sys
from pathlib import Path

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import OK, UsageError
from lan.scenario.recording import Recording
from lan.trace.filter import compile_filter
from lan.trace.opening import open_capture
from lan.tui.source import FileSource, LanSource, Source

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a pcap or pcapng file instead of a LAN")
    parser.add_argument("--filter", metavar="EXPR", default="", help="only these frames, as tcp.flags.syn and dst=web")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("lan view needs a terminal", todo="lan trace prints the list, lan trace --json all of it")
    source: Source
    if options.file is not None:
        source = FileSource(open_capture(options.file))
    else:
        recording = Recording(client.connect(options.lan))
        recording.sync()
        source = LanSource(recording)
    if options.filter:
        compile_filter(options.filter)  # a mistake is told before the screen is taken
    importlib.import_module("lan.tui.app").show(source, options.filter)  # Textual costs 300 ms, for this verb alone
    return OK
