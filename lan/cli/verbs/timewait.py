"""Who holds which connection in TIME-WAIT, and whose ports run out:  lan timewait [FILE]

From packets: of a LAN that is up, or of a capture file.  --at WHEN looks at that moment of the capture; --kernel asks
the kernels of the LAN too, and says where they differ.  lan show timewait is the same.
"""

import argparse
import os
import time
from collections.abc import Iterable

from lan.cli.facts import ledger_of
from lan.cli.screen import Screen
from lan.cli.source import Source, open_source, part_word, source_words
from lan.control.client import RunningLan
from lan.errors import UsageError, nearest
from lan.language.catalogue import Language, language_of
from lan.reasons import Sentence
from lan.trace import kernel_tcp
from lan.trace.kernel_tcp import Sample
from lan.trace.ledger import Exhaustion, Gauge, Hold
from lan.trace.tables.history import History
from lan.trace.tables.rebuild import instant
from lan.trace.trackers.flow import endpoint

GROUP = "Look"
MODULE = "lan.trace.kernel_tcp"
MOST_ROWS = 40
HOLD_HEADINGS = ("device", "local", "peer", "seconds left", "since frame")
PORT_HEADINGS = ("client", "server", "taken", "of", "waiting", "open", "opens/s", "used up")


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    part_word(parser)
    parser.add_argument("--device", metavar="DEVICE", help="what one device holds")
    parser.add_argument("--at", metavar="WHEN", help="at 3.214s after the first frame, or at frame:120; else now")
    parser.add_argument("--kernel", action="store_true", help="ask the devices' kernels too")


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.kernel and (options.file is not None or options.at is not None):
        raise UsageError("--kernel asks a LAN that is up, as it is now", todo="leave out the FILE and --at")
    source = open_source(options, screen)
    if options.device is not None:
        _check(options.device, source)
    if source.timeline.all_frames:
        return _show(source, screen, at=options.at, device=options.device, is_checked=options.kernel)
    if screen.json:
        screen.data({"ok": True, "holds": [], "ports": []})
    else:
        screen.line(language_of(os.environ).say("nothing has been captured yet"))
    return 0


def of_table(options: argparse.Namespace, screen: Screen) -> int:
    """`lan show timewait [DEVICE]`, with the words of that verb."""
    words = {"file": options.file, "what": None, "lan": options.lan, "at": options.at, "device": options.device}
    return run(argparse.Namespace(**words, part=options.part, kernel=False), screen)


def _check(device: str, source: Source) -> None:
    """Refuse a device that is not there: nothing is what a misspelt one would hold.  Raises UsageError."""
    if source.lan is not None:
        source.lan.device(device)
        return
    known = {*source.timeline.devices.values(), *_ends(source)}
    if device not in known:
        near = nearest(device, known)
        raise UsageError(
            f"{source.name} knows no device {device!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one such as " + ", ".join(sorted(known)[:20]),
        )


def _ends(source: Source) -> set[str]:
    """The devices at the ends of its TCP connections."""
    return {side.device for each in source.timeline.tcp for side in (each.client, each.server)}


def _show(source: Source, screen: Screen, *, at: str | None, device: str | None, is_checked: bool) -> int:
    """The ledger of a source that has a frame; 1 where a kernel says otherwise."""
    frames, ledger = source.timeline.all_frames, ledger_of(source)
    at_ns = frames[-1].time_ns
    if at is not None:
        at_ns = instant(at, History(source.timeline))
    elif source.is_live:
        at_ns = max(at_ns, time.time_ns())
    holds = ledger.held(at_ns, device)
    gauges = [gauge for gauge in ledger.gauges(at_ns) if device in (None, gauge.device)]
    full = {gauge: ledger.exhaustions(gauge.device, *gauge.server) for gauge in gauges}
    asked = [device] if device else sorted(_ends(source))
    language = language_of(os.environ)
    found = _differences(source.lan, holds, at_ns, asked) if is_checked and source.lan else []
    differences = [language.retell(each) for each in found]
    if screen.json:
        screen.data({
            "ok": not differences, "at_ns": at_ns,
            "holds": [_hold_json(hold, at_ns) for hold in holds],
            "ports": [_gauge_json(gauge, full[gauge]) for gauge in gauges],
            **({"differences": differences} if is_checked else {}),
        })  # fmt: skip
        return int(bool(differences))
    if holds:
        rows = [[hold.device, endpoint(*hold.local), endpoint(*hold.peer), f"{hold.seconds_left(at_ns):.1f}",
                 hold.frame.number] for hold in holds]  # fmt: skip
        screen.table([language.say(each) for each in HOLD_HEADINGS], rows[:MOST_ROWS])
        if len(rows) > MOST_ROWS:
            more = Sentence("… and {count} more; --json has them all", count=len(rows) - MOST_ROWS)
            screen.line(language.retell(more), "dim")
    elif device is None:
        screen.line(language.say("nobody holds a connection in TIME-WAIT"))
    else:
        screen.line(language.retell(Sentence("{device} holds nothing in TIME-WAIT", device=device)))
    if gauges:
        told = [_row(gauge, full[gauge], language) for gauge in gauges]
        screen.table([language.say(each) for each in PORT_HEADINGS], told, language.say("Ports"))
    for words in differences:
        screen.line(words, "red")
    if is_checked and not differences:
        screen.line(language.say("the kernels say the same"), "dim")
    return int(bool(differences))


def _row(gauge: Gauge, full: list[Exhaustion], language: Language) -> list[object]:
    if gauge.is_exhausted:
        coming = language.say("now")
    elif gauge.exhausts_in_s is not None:
        coming = language.retell(Sentence("in {seconds:.0f} s", seconds=gauge.exhausts_in_s))
    else:
        coming = "—"
    if len(full) > 1:
        coming += language.retell(Sentence(" ({count} times so far)", count=len(full)))
    taken = [gauge.taken, gauge.range.size, gauge.waiting, gauge.open]
    return [gauge.device, endpoint(*gauge.server), *taken, f"{gauge.rate_per_s:.1f}", coming]


def _hold_json(hold: Hold, at_ns: int) -> dict[str, object]:
    return {
        "device": hold.device, "local": list(hold.local), "peer": list(hold.peer), "since_ns": hold.since_ns,
        "seconds_left": hold.seconds_left(at_ns), "frame": hold.frame.number,
    }  # fmt: skip


def _gauge_json(gauge: Gauge, full: list[Exhaustion]) -> dict[str, object]:
    return {
        "device": gauge.device, "server": list(gauge.server), "range": [gauge.range.low, gauge.range.high],
        "waiting": gauge.waiting, "open": gauge.open, "left": gauge.left, "rate_per_s": gauge.rate_per_s,
        "exhausts_in_s": gauge.exhausts_in_s,
        "exhausted": [{"start_ns": each.start_ns, "end_ns": each.end_ns} for each in full],
    }  # fmt: skip


def _differences(lan: RunningLan, holds: list[Hold], at_ns: int, names: Iterable[str]) -> list[Sentence]:
    """What packets and the kernels of these devices do not both say."""
    found = []
    for name in names:
        if name not in lan.spec.devices:
            continue
        done = lan.run_module(name, MODULE, ["--once"])
        told = {_pair(each): each for each in kernel_tcp.load(done.stdout.splitlines()) if each.state == "TIME-WAIT"}
        seen = {(hold.local, hold.peer): hold for hold in holds if hold.device == name}
        for local, peer in told.keys() - seen.keys():
            ends = {"device": name, "local": endpoint(*local), "peer": endpoint(*peer)}
            found.append(Sentence("{device}: the kernel holds {local} → {peer}, packets don't say so", **ends))
        for local, peer in seen.keys() - told.keys():
            if seen[local, peer].seconds_left(at_ns) > 1:
                ends = {"device": name, "local": endpoint(*local), "peer": endpoint(*peer)}
                found.append(Sentence("{device}: {local} → {peer} should be held, the kernel has it no more", **ends))
    return found


def _pair(sample: Sample) -> tuple[tuple[str, int], tuple[str, int]]:
    return (sample.local_ip, sample.local_port), (sample.peer_ip, sample.peer_port)
