"""Stop what a device serves, as if its programs had crashed:  lan stop dns"""

import argparse

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client, messages
from lan.reasons import Sentence

GROUP = "Break"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    return serve(options, screen, start=False)


def serve(options: argparse.Namespace, screen: Screen, *, start: bool) -> int:
    """Stop or start; says which services."""
    lan = client.connect(options.lan)
    lan.device(options.device)
    done = lan.ask(messages.Services(options.device, start))["done"]
    if screen.json:
        screen.data({"ok": True, "done": done})
    else:
        facts = {"device": options.device, "services": ", ".join(done)}
        if not done and start:
            said = Sentence("{device}: all that it serves runs already", **facts)
        elif not done:
            said = Sentence("{device} serves nothing now", **facts)
        elif start:
            said = Sentence("{device}: {services} started", **facts)
        else:
            said = Sentence("{device}: {services} stopped", **facts)
        screen.line(said)
    return 0
