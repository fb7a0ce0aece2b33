"""Pull a cable, plug it, look at it:  lan link pc1 s1 down"""

import argparse

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client

GROUP = "Break"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="DEVICE")
    parser.add_argument("b", metavar="DEVICE")
    parser.add_argument("what", nargs="?", choices=["up", "down", "show"], default="show")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
    for name in (options.a, options.b):
        lan.device(name)
    links = lan.set_link(options.a, options.b, up=None if options.what == "show" else options.what == "up")
    if screen.json:
        screen.data({"ok": True, "links": links})
        return 0
    screen.table(["cable", "to", "state"], [[link["a"], link["b"], "up" if link["up"] else "down"] for link in links])
    return 0
