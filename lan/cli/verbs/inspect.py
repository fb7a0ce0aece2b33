"""What a LAN or one of its devices is, as it runs:  lan inspect pc1"""

import argparse
import contextlib
import re
from typing import Any

from lan.cli.common import lan_word, switch_words
from lan.cli.screen import Screen, spoken
from lan.cli.verbs.link import both_ways, state
from lan.control import client
from lan.control.client import RunningLan
from lan.errors import LanError
from lan.reasons import Sentence
from lan.scenario.all_pairs import address_of

GROUP = "Look"
MOST_ASKED = 40
"""Devices that are asked which address they leased, some 10 ms each."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", nargs="?", help="one device: what Packet Tracer's IP Configuration shows, and more")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
    described = lan.describe()
    if options.device is not None:
        lan.device(options.device)
        return _device(lan, described, options.device, screen)
    if screen.json:
        screen.data({"ok": True, **described})
        return 0
    head = Sentence("LAN {name} · {switching} · process {pid} · {folder}",
                    name=lan.name, switching=switch_words(described), pid=lan.pid, folder=lan.state)  # fmt: skip
    screen.line(head, "bold")
    leased = _leased(lan, described["devices"])
    rows = [_row(name, of, leased.get(name)) for name, of in described["devices"].items()]
    screen.table(["device", "kind", "address", "services"], rows)
    cables = [
        [_port(link["a"]), _port(link["b"]), state(told), both_ways(told)]
        for link, told in zip(described["lan"]["links"], described["cables"], strict=True)
    ]
    screen.table(["cable", "to", "state", "does"], cables[:40])
    if len(cables) > 40:
        screen.line(Sentence("… and {count} more cables; --json has them all", count=len(cables) - 40), "dim")
    return 0


def _port(end: dict[str, Any]) -> str:
    return f"{end['device']}:{end['interface']}"


def _leased(lan: RunningLan, devices: dict[str, Any]) -> dict[str, str]:
    """Device → the address that it has by DHCP, of so many as can be asked in a moment."""
    found = {}
    for name in [name for name, device in devices.items() if device["dhcp"]][:MOST_ASKED]:
        with contextlib.suppress(LanError):  # of one that can't be read now, all the rest is told
            if (address := address_of(lan, name, devices[name])) is not None:
                found[name] = address
    return found


def _row(name: str, device: dict[str, Any], leased: str | None) -> list[str]:
    words = ", ".join(f"{it['name']} {it['state']}" for it in device["services"])
    by_dhcp = f"{leased or ''} {spoken().say('by DHCP')}".strip() if device["dhcp"] else "—"
    return [name, device["kind"], device["address"] or by_dhcp, words]


def _ports(described: dict[str, Any], name: str) -> list[list[str]]:
    """A switch's ports: each, what its cable leads to, and whether that is plugged."""
    rows = []
    for link, told in zip(described["lan"]["links"], described["cables"], strict=True):
        for own, other in ((link["a"], link["b"]), (link["b"], link["a"])):
            if own["device"] == name:
                rows.append([_port(own), _port(other), state(told), both_ways(told)])
    return sorted(rows, key=lambda row: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row[0])])


def _device(lan: RunningLan, described: dict[str, Any], name: str, screen: Screen) -> int:
    device = described["devices"][name]
    tables = {table: lan.table(name, table) for table in ("configuration", "interfaces")}
    if screen.json:
        configuration = dict(tables["configuration"]["rows"])
        screen.data({"ok": True, "device": {"name": name, **device}, "configuration": configuration, "tables": tables})
        return 0
    screen.line(f"{name} · {device['kind']}", "bold")
    if any(item["name"] == name and item["is_switch"] for item in described["lan"]["devices"]):
        screen.table(["cable", "to", "state", "does"], _ports(described, name))
    else:
        rows = [[spoken().say(setting), value] for setting, value in tables["configuration"]["rows"]]
        screen.table(tables["configuration"]["columns"], rows, spoken().say("IP configuration"))
        screen.table(tables["interfaces"]["columns"], tables["interfaces"]["rows"], spoken().say("Interfaces"))
    for it in device["services"]:
        screen.line(
            Sentence(
                "service {name}: {state}  {said}", name=it["name"], state=spoken().say(it["state"]), said=it["said"]
            )
        )
    shown = ", ".join(f"lan show {table} {name}" for table in device["tables"] if table != "configuration")
    screen.line(Sentence("tables: {commands}", commands=shown), "dim")
    return 0
