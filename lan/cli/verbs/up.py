"""Bring a LAN up and leave it running:  lan up office"""

import argparse
import time

from lan.cli.common import building_words, launch_of, note_words, up_words
from lan.cli.ending import heeding
from lan.cli.screen import Screen, spoken
from lan.control import client, launch
from lan.devices.kinds import schemas
from lan.reasons import Sentence
from lan.topo.load import load

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    building_words(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    began = time.monotonic()
    lan = load(options.what, schemas(), name=options.name)
    with heeding():
        launched = launch.up(lan, launch_of(options, stay=True), lambda phase, _: screen.progress(phase))
    screen.progress("")
    taken_s = time.monotonic() - began
    description = launched.lan.describe()
    if screen.json:
        screen.data(
            {
                "ok": True,
                "lan": launched.lan.name,
                "times_ms": {**launched.times_ms, "total": round(taken_s * 1000, 1)},
                "notes": [*lan.warnings, *launched.notes],
                "state": str(launched.lan.state),
            }
        )
        return 0
    screen.line(up_words(lan, launched.lan.name, description, taken_s), "bold")
    if len(lan.devices) <= 30:
        screen.table(
            ["device", "kind", "address", "services"], [_row(name, of) for name, of in description["devices"].items()]
        )
    for note in (*lan.warnings, *launched.notes):
        screen.line(note_words(note), "yellow")
    host = next((device.name for device in lan.hosts), "h1")
    screen.line(
        Sentence("next: {commands}", commands=commands(host, None if len(client.names()) == 1 else lan.name)), "dim"
    )
    return 0


def commands(host: str, name: str | None) -> str:
    """What to type next; with the LAN's name, where others are up beside it."""
    one, down = ("", "") if name is None else (f" -l {name}", f" {name}")
    verbs = (f"console{one} {host}", f"exec{one} {host} -- ip a", f"inspect{one}", f"trace{one}", f"down{down}")
    return " · ".join(f"lan {verb}" for verb in verbs)


def _row(name: str, device: dict[str, object]) -> list[object]:
    services = device["services"]
    assert isinstance(services, list)
    words = ", ".join(f"{it['name']} {it['said'] or it['state']}" for it in services)
    return [name, device["kind"], device["address"] or (spoken().say("by DHCP") if device["dhcp"] else "—"), words]
