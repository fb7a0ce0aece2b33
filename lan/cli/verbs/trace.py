"""What was captured, a line a frame, from the first on:  lan trace   (-f follows)

The capture itself is a pcapng file with one interface a port; Wireshark opens it.
"""

import argparse
import shutil
from pathlib import Path

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import UsageError
from lan.scenario.recording import Recording
from lan.trace.views import export, table

GROUP = "Look"
A_LONG_TIME_S = 3600.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on as frames come")
    parser.add_argument("--hops", action="store_true", help="every port a frame passed, not only where it set out")
    parser.add_argument("-n", "--last", type=int, metavar="N", help="only the last N")
    parser.add_argument("--pcap", type=Path, metavar="FILE", help="write the capture there instead")
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    lan = client.connect(options.lan)
    recording = Recording(lan)
    recording.sync()
    if options.pcap is not None:
        return _copy(lan, recording, options.pcap, screen)
    timeline, shown = recording.timeline, 0
    while True:
        frames = timeline.all_frames if options.hops else timeline.all_first_sightings
        fresh = frames[shown:]
        if options.last is not None and shown == 0:
            fresh = fresh[-options.last :]
        if screen.json:
            for frame in fresh:
                screen.data(export.frame(frame, timeline))
        else:
            for frame in fresh:
                screen.line(str(table.row(frame, timeline)))
        shown = len(frames)
        if not options.follow:
            break
        recording.wait_for_more(A_LONG_TIME_S)
    if recording.drops:
        screen.line(f"{recording.drops} frames were lost by the capture", "red")
    if not shown:
        screen.line("nothing has been captured yet")
    return 0


def _copy(lan: client.RunningLan, recording: Recording, target: Path, screen: Screen) -> int:
    if lan.trace is None:
        raise UsageError(f"nothing is captured on LAN {lan.name}")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"--pcap {target}: no such folder")
    shutil.copyfile(lan.trace, target)
    if screen.json:
        screen.data({"ok": True, "pcapng": str(target), "frames": len(recording.timeline.all_frames)})
    else:
        screen.line(f"{len(recording.timeline.all_frames)} frames written to {target}")
    return 0
