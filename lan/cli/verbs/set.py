"""Change a setting while the LAN runs, as on Packet Tracer's screens:  lan set pc1 ip=dhcp

lan set pc1 ip=192.168.100.9/24      lan set dns record=www.x.test:192.168.100.253
lan set web https=off                lan set dhcp pool=192.168.100.50-192.168.100.60
"""

import argparse

from lan.cli.common import lan_word
from lan.cli.screen import Screen, spoken
from lan.control import client
from lan.devices.kinds import model_of
from lan.errors import UsageError
from lan.reasons import Sentence

GROUP = "Use"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    settings = {}
    for pair in options.settings:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{pair!r} is no setting", expected="KEY=VALUE, such as ip=dhcp")
        settings[key] = value
    lan = client.connect(options.lan)
    lan.device(options.device)
    if not settings:
        known = model_of(lan.spec.devices[options.device], lan.spec).settable()
        raise UsageError(
            f"lan set {options.device}: which setting?", expected=f"KEY=VALUE; the keys are {', '.join(sorted(known))}"
        )
    answer = lan.change(options.device, settings)
    if screen.json:
        screen.data({"ok": True, "done": answer["done"], "options": answer["options"]})
        return 0
    for line in answer["done"] or ["nothing changed"]:
        screen.line(spoken().know_again(line))
    words = ", ".join(f"{key}={value!r}" for key, value in answer["options"].items())
    if answer["where"]:
        kept = Sentence("until lan down; to keep it, write {words} for {device} at {place}",
                        words=words, device=options.device, place=answer["where"])  # fmt: skip
    else:
        kept = Sentence("until lan down; to keep it, write {words} for {device}", words=words, device=options.device)
    screen.line(kept, "dim")
    return 0
