"""What is up:  lan status"""

import argparse
import time

from lan.cli.common import json_word, switch_words
from lan.cli.screen import Screen, spoken
from lan.control import client
from lan.reasons import Sentence

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    json_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    rows, lans = [], []
    for lan in client.running():
        described = lan.describe()
        devices = described["devices"]
        broken = [
            f"{name}'s {it['name']}" for name, of in devices.items() for it in of["services"] if it["state"] == "ended"
        ]
        broken += described["lost"]
        up_s = round(time.time() - described["started_s"])
        state = "broken: " + ", ".join(broken) if broken else "up"
        switching = switch_words(described)
        rows.append(
            [lan.name, described["lan"]["source"], len(devices), spoken().retell(switching), f"{up_s} s", state]
        )
        lans.append({"name": lan.name, "source": described["lan"]["source"], "devices": len(devices), "up_s": up_s,
                     "pid": lan.pid, "state": str(lan.state), "broken": broken, "switching": switching})  # fmt: skip
    if screen.json:
        screen.data({"ok": True, "lans": lans})
    elif rows:
        screen.table(["LAN", "from", "devices", "switching", "for", "state"], rows)
    else:
        screen.line(Sentence("no LAN is up; try  lan up office"))
    return 0
