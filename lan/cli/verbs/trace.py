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
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from lan.trace.views import decided, export, table
from lan.trace.views.decided import Decided

GROUP = "Look"
A_LONG_TIME_S = 3600.0


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on as frames come")
    parser.add_argument("--hops", action="store_true", help="every port a frame passed, not only where it set out")
    parser.add_argument("--why", action="store_true", help="between the frames, what switches and cables decided")
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
    decisions = Decisions(lan.state / "decisions.jsonl") if options.why else None
    while True:
        frames = timeline.all_frames if options.hops else timeline.all_first_sightings
        fresh = frames[shown:]
        if options.last is not None and shown == 0:
            fresh = fresh[-options.last :]
        news = decisions.fresh() if decisions else []
        if options.last is not None and shown == 0 and fresh:
            news = [one for one in news if one.time_ns >= fresh[0].time_ns]
        for one in decided.merge(fresh, news):
            _tell(one, timeline, screen)
        shown = len(frames)
        if not options.follow:
            break
        recording.wait_for_more(A_LONG_TIME_S)
    if recording.drops:
        screen.line(f"{recording.drops} frames were lost by the capture", "red")
    if not shown:
        screen.line("nothing has been captured yet")
    return 0


class Decisions:
    """The LAN's log of decisions, read on as it grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._rest = path, 0, ""

    def fresh(self) -> list[Decided]:
        """Those that were written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            data = file.read()
        self._read += len(data)
        *lines, self._rest = (self._rest + data.decode(errors="replace")).split("\n")
        return list(decided.read(lines))


def _tell(one: Frame | Decided, timeline: Timeline, screen: Screen) -> None:
    """A frame's line, or a decision's."""
    if isinstance(one, Frame):
        if screen.json:
            screen.data(export.frame(one, timeline))
        else:
            screen.line(str(table.row(one, timeline)))
    elif screen.json:
        screen.data({"decision": one.record})
    else:
        screen.line(one.line(timeline.all_frames[0].time_ns if timeline.all_frames else one.time_ns), "yellow")


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
