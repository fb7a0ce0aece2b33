"""Look at a cable, pull it, make it long, narrow or lossy:  lan link pc1 s1 delay=50ms loss=1%

lan link pc1 s1 [show]                what it does, and what it has counted
lan link pc1 s1 delay=50ms bw=2mbit   from now on; --from pc1 for the frames that pc1 sends alone
lan link pc1 s1 reset                 a perfect cable again
lan link pc1 s1 down | up | flap 200ms 5
options: bw delay jitter distribution loss duplicate corrupt reorder gap max_queue_size seed (docs/links.md)
"""

import argparse
from typing import Any

from lan.cli.common import lan_word
from lan.cli.screen import Screen, spoken
from lan.control import client
from lan.control.client import RunningLan
from lan.errors import UsageError, nearest
from lan.links import words
from lan.reasons import Sentence

GROUP = "Break"
VERBS = ("show", "up", "down", "reset", "flap")
COUNTED = (
    ("came", "frames"), ("passed", "passed"), ("delayed", "delayed"), ("lost", "lost"), ("corrupted", "corrupted"),
    ("duplicated", "duplicated"), ("reordered", "reordered"), ("dropped", "dropped"), ("cut", "cut"),
    ("unsent", "unsent"), ("waiting now", "waiting_frames"), ("flying now", "flying"),
)  # fmt: skip
"""What is shown of each direction's frames, and the name of its counter (docs/links.md)."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", nargs="?", metavar="DEVICE")
    parser.add_argument("b", nargs="?", metavar="DEVICE")
    parser.add_argument("change", nargs="*", metavar="WHAT", help="show, up, down, reset, flap TIME N, or NAME=VALUE …")
    parser.add_argument("--from", dest="sender", metavar="DEVICE", help="only the frames that this end sends")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.b is None:
        raise UsageError(
            "lan link: which cable?", expected="the devices at its ends", todo="lan inspect shows the cables"
        )
    what = options.change or ["show"]
    check(what, options.sender)
    lan = client.connect(options.lan)
    for name in (options.a, options.b, *([options.sender] if options.sender else [])):
        lan.device(name)
    answer = _do(lan, options.a, options.b, what, options.sender)
    if screen.json:
        screen.data({"ok": True, **answer})
        return 0
    for link in answer["links"]:
        if what == ["show"]:
            _show(link, answer["means"], screen)
        else:
            _say(link, screen)
    if answer["missed"]:
        lost = Sentence(
            "{count} frames came faster than the userspace link could take them, and are lost", count=answer["missed"]
        )
        screen.line(lost, "red")
    for out_ms in answer.get("laid_anew_ms", []):
        anew = Sentence("laid anew for this: out for {ms:g} ms; later changes of it lose nothing", ms=out_ms)
        screen.line(anew, "dim")
    if any("=" in word for word in what):
        kept = Sentence("until lan down; to keep it, write it into the file's addLink: see docs/links.md")
        screen.line(kept, "dim")
    return 0


def check(what: list[str], sender: str | None) -> None:
    """Refuse words that can't be meant, before a LAN is looked for.  Raises UsageError."""
    verb, *rest = what
    if "=" in verb:
        words.read_words(what)
        return
    expected = f"one of {', '.join(VERBS)}, or NAME=VALUE such as delay=50ms; the names are {', '.join(words.NAMES)}"
    if verb not in VERBS:
        near = nearest(verb, (*VERBS, *words.NAMES))
        meant = f"{near}=…" if near in words.NAMES else near
        raise UsageError(f"{verb!r} is nothing that a cable can be told" + (f"; did you mean {meant}?" if near else ""),
                         expected=expected)  # fmt: skip
    if verb == "flap" and len(rest) != 2:
        raise UsageError("flap takes a time and a number", expected="flap 200ms 5: five times, each state for 200 ms")
    if verb != "flap" and rest:
        raise UsageError(f"{rest[0]!r} is a word too many after {verb}", expected="one thing at a time")
    if sender is not None and verb != "reset":
        raise UsageError(f"--from does not go with {verb}", expected="--from with NAME=VALUE or reset")


def _do(lan: RunningLan, a: str, b: str, what: list[str], sender: str | None) -> dict[str, Any]:
    verb = what[0]
    if verb == "show":
        return lan.links(a, b)
    if verb in ("up", "down"):
        lan.set_link(a, b, up=verb == "up")
        return lan.links(a, b)
    if verb == "flap":
        return lan.flap_link(a, b, what[1], what[2])
    if verb == "reset":
        return lan.change_link(a, b, {}, sender=sender, reset=True)
    return lan.change_link(a, b, words.read_words(what), sender=sender)


def state(link: dict[str, Any]) -> str:
    """One word for a cable: up, down, or broken where its carrier is gone."""
    return "broken" if link["broken"] else "up" if link["up"] else "down"


def option_line(asked: dict[str, str]) -> str:
    """``delay=50ms bw=2mbit``, or a dash."""
    return " ".join(f"{name}={value}" for name, value in asked.items()) or "—"


def both_ways(link: dict[str, Any]) -> str:
    """What a cable does: once where both directions do the same, else each by name."""
    out, back = (option_line(way["asked"]) for way in link["ways"])
    if out == back:
        return out
    return " · ".join(f"{way['from']}→{way['to']} {option_line(way['asked'])}" for way in link["ways"])


def _say(link: dict[str, Any], screen: Screen) -> None:
    """A cable in a line: its ends, its state, what it does each way."""
    does = both_ways(link)
    screen.line(f"{link['a']} – {link['b']}  {spoken().say(state(link))}" + ("" if does == "—" else f"  {does}"))


def _show(link: dict[str, Any], means: str, screen: Screen) -> None:
    plain = Sentence("a plain cable, which nothing is done to")
    by = Sentence("carried by the {means} link", means=spoken().say(means)) if link["shaped"] else plain
    language = spoken()
    screen.line(f"{link['a']} – {link['b']}  {language.say(state(link))} · {language.retell(by)}", "bold")
    if link["shaped"]:
        columns = ["from", "to", "asked", "in force"]
        rows = [
            [way["from"], way["to"], option_line(way["asked"]), option_line(way["in_force"])] for way in link["ways"]
        ]
        screen.table(columns, rows)
        if any(way["counters"] for way in link["ways"]):
            screen.table(["frames", *(f"{way['from']} → {way['to']}" for way in link["ways"])], _counted(link["ways"]))
    for out_ms in link.get("relaid_ms", []):
        screen.line(Sentence("laid anew while it was in use: out for {ms:g} ms", ms=out_ms))
    for event in link.get("coming", []):
        at, what = words.time_text(event["at_s"]), language.say(_coming(event))
        screen.line(Sentence("at {time} by its schedule: {what}", time=at, what=what))


def _counted(ways: list[dict[str, Any]]) -> list[list[object]]:
    """A row for each counter that somebody keeps, with a column for each direction."""
    rows = ([spoken().say(word), *((way["counters"] or {}).get(name) for way in ways)] for word, name in COUNTED)
    return [row for row in rows if any(cell is not None for cell in row[1:])]


def _coming(event: dict[str, Any]) -> str:
    if "up" in event:
        return "up" if event["up"] else "down"
    out, back = (option_line(event["words"][way]) for way in words.BOTH)
    return out if out == back else f"→ {out}  ← {back}"
