"""Ping from a device:  lan ping pc1 web   (lan ping alone: every pair of hosts)"""

import argparse

from lan.cli.common import lan_word
from lan.cli.joined import run_joined
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import FAILED, OK, UsageError
from lan.reasons import Sentence
from lan.scenario.all_pairs import address_of, addresses_of, ping_all

GROUP = "Use"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("device", nargs="?")
    parser.add_argument("to", nargs="?", help="a device, a name or an address")
    parser.add_argument("-c", "--count", type=int, default=4, help="how often")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
    if options.device is None:
        return _all(lan, screen)
    if options.to is None:
        raise UsageError("lan ping: ping whom?", expected=f"lan ping {options.device} DEVICE|NAME|ADDRESS")
    device = lan.device(options.device)
    described = lan.describe()["devices"]
    to = options.to
    if to in described:
        to = address_of(lan, to, described[to])
        if to is None:
            raise UsageError(Sentence("{device} has no address", device=options.to), todo=f"lan inspect {options.to}")
    words = ["lan-ping", "-c", str(options.count), *(["--json"] if screen.json else []), to]
    return run_joined(device, words, folder=None, user=None, extra={})


def _all(lan: client.RunningLan, screen: Screen) -> int:
    """Mininet's pingall, with its words: people search for them."""
    addresses = addresses_of(lan)
    results = ping_all(lan, addresses)
    lost = sum(rtt is None for _, _, rtt in results)
    if screen.json:
        told = [{"from": one, "to": to, "rtt_ms": rtt and round(rtt, 3)} for one, to, rtt in results]
        screen.data({"ok": not lost, "results": told})
        return FAILED if lost else OK
    screen.line("*** Ping: testing ping reachability")
    for one in dict.fromkeys(one for one, _, _ in results):
        words = [other if rtt is not None else "X" for asking, other, rtt in results if asking == one]
        screen.line(f"{one} -> {' '.join(words)}")
    share = 100 * lost // len(results) if results else 0
    screen.line(f"*** Results: {share}% dropped ({len(results) - lost}/{len(results)} received)")
    for name in (name for name, address in addresses.items() if address is None):
        screen.line(Sentence("{device} has no address; try  lan inspect {device}", device=name), "red")
    return FAILED if lost else OK
