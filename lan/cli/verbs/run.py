"""Bring a LAN up, run its scenario, judge it by its packets, take it down:  lan run office"""

import argparse
import time
from pathlib import Path

from lan.cli.common import building_words, launch_of, note_words, up_words
from lan.cli.ending import heeding
from lan.cli.exporting import write_pcapng
from lan.cli.screen import Screen, spoken
from lan.cli.source import Source
from lan.cli.telling import Teller
from lan.control import launch
from lan.control.launch import Launched
from lan.devices.kinds import schemas
from lan.errors import FAILED, OK, UsageError
from lan.reasons import Sentence
from lan.scenario.perform import perform
from lan.scenario.recording import Recording
from lan.topo.load import load
from lan.topo.spec import Lan
from lan.trace.opening import open_capture

GROUP = "Build"


def arguments(parser: argparse.ArgumentParser) -> None:
    building_words(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="one line a frame under each step")
    parser.add_argument("--pcap", type=Path, metavar="FILE", help="write a file for Wireshark, with reasons")


def run(options: argparse.Namespace, screen: Screen) -> int:
    began = time.monotonic()
    if options.no_trace:
        raise UsageError("lan run judges by packets, so it can't do without the capture", todo="leave out --no-trace")
    if options.snaplen is not None:
        raise UsageError("lan run judges by what packets carry, so it needs them whole", todo="leave out --snaplen")
    if options.pcap is not None and not options.pcap.absolute().parent.is_dir():
        raise UsageError(f"--pcap {options.pcap}: no such folder")
    lan = load(options.what, schemas(), name=options.name)
    times = {"load": _ms(began)}
    with heeding():
        launched = launch.up(lan, launch_of(options, another=True), lambda phase, _: screen.progress(phase))
        try:
            times |= {"up": _ms(began) - times["load"]}
            screen.progress("")
            return _judge(options, screen, lan, launched, times, began)
        finally:
            launched.lan.burst()  # Ctrl-C, or an error: nothing is left when the prompt is back


def _judge(
    options: argparse.Namespace, screen: Screen, lan: Lan, launched: Launched, times: dict[str, float], began: float
) -> int:
    running = launched.lan
    described = running.describe()
    up_s = (times["load"] + times["up"]) / 1000
    screen.line(" " + spoken().retell(up_words(lan, running.name, described, up_s)), "bold")
    for note in (*lan.warnings, *launched.notes):
        screen.line(" " + spoken().retell(note_words(note)), "yellow")
    recording = Recording(running)
    teller = Teller(screen, recording, verbose=options.verbose)
    performed = time.monotonic()
    teller.tell_all(perform(running, recording))
    times["scenario"] = _ms(performed)
    recording.close()
    ended = time.monotonic()
    running.down()
    times |= {"down": _ms(ended), "total": _ms(began)}
    pcap = running.state / "trace.pcapng"
    if options.pcap is not None:
        timeline = open_capture(pcap).timeline
        source = Source(timeline, running.name, running.state, pcap)
        write_pcapng(source, timeline.all_frames, options.pcap)
        pcap = options.pcap
    if screen.json:
        screen.data(
            {
                "lan": running.name,
                "ok": teller.ok,
                "times_ms": {key: round(value, 1) for key, value in {**times, **_phases(launched.times_ms)}.items()},
                "steps": [verdict.as_json(number) for number, verdict in enumerate(teller.told, 1)],
                "pcapng": str(pcap),
                "notes": [*lan.warnings, *launched.notes],
            }
        )
    fine = Sentence(" all as it should be · {seconds:.1f} s · trace: {file}", seconds=times["total"] / 1000, file=pcap)
    bad = Sentence(" NOT as it should be · {seconds:.1f} s · trace: {file}", seconds=times["total"] / 1000, file=pcap)
    style = "green bold" if teller.ok else "red bold"
    screen.line(fine if teller.ok else bad, style)
    return OK if teller.ok else FAILED


def _ms(since: float) -> float:
    return (time.monotonic() - since) * 1000


def _phases(phases: dict[str, float]) -> dict[str, float]:
    return {f"up: {phase}": ms for phase, ms in phases.items()}
