"""Draw a LAN from its file alone:  lan graph office   (--mermaid, --dot, --svg)"""

import argparse

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.devices.kinds import schemas
from lan.errors import UsageError
from lan.topo import graph, svg
from lan.topo.load import load

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="?", metavar="WHAT", help="office, a file, single:N …; else the LAN is up")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--mermaid", action="store_const", dest="way", const="mermaid", help="for Markdown pages")
    way.add_argument("--dot", action="store_const", dest="way", const="dot", help="for Graphviz")
    way.add_argument("--svg", action="store_const", dest="way", const="svg", help="a picture")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.what is not None and options.lan is not None:
        raise UsageError("WHAT or a LAN that is up (-l), not both")
    lan = client.connect(options.lan).spec if options.what is None else load(options.what, schemas())
    if screen.json:
        screen.data({"ok": True, **lan.as_json()})
        return 0
    draw = {"mermaid": graph.mermaid, "dot": graph.dot, "svg": svg.svg, None: graph.unicode}[options.way]
    screen.line(draw(lan).rstrip("\n"))
    return 0
