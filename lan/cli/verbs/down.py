"""Take a LAN down (nothing up is fine):  lan down"""

import argparse
import time

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import UsageError
from lan.reasons import Sentence

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="which LAN, where several are up")
    parser.add_argument("-a", "--all", action="store_true", help="all of yours")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    name = options.name or options.lan
    found = client.running()
    if name is not None or (len(found) > 1 and not options.all):
        if found or name is None:
            found = [client.connect(name)]
        else:
            raise UsageError(f"no LAN named {name!r} is up", todo="lan status shows what is up")
    done = []
    for lan in found:
        began = time.monotonic()
        lan.down()
        done.append(lan.name)
        took_s = time.monotonic() - began
        screen.line(Sentence("LAN {name} is down ({seconds:.2f} s); its leases and traces: {folder}",
                             name=lan.name, seconds=took_s, folder=lan.state))  # fmt: skip
    if not done:
        screen.line(Sentence("no LAN is up"))
    if screen.json:
        screen.data({"ok": True, "down": done})
    return 0
