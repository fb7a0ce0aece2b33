"""Every frame of a large LAN in exactly one journey, as many at each port as the kernel's counters say.

    bin/lan python benchmarks/journeys.py [WHAT] [--switch bridge] [--times 1]

WHAT is a topology, `single:100` unless given.  Its scenario is performed (above 20 hosts the first pings all others,
and ARP floods each question to all).  The kernel's counters of every interface, hosts' and switches', are held against
the sightings that the journeys have there; then how fast frames are followed and explained.
Exit code 1 where anything differs.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.in_order import end_in_order
from lan.control import handover
from lan.control.client import RunningLan
from lan.control.launch import Launch
from lan.devices.kinds import schemas
from lan.scenario.perform import perform
from lan.scenario.recording import Recording
from lan.topo.load import load
from lan.trace.frame import Direction
from lan.trace.timeline import Timeline
from lan.trace.why import Decisions, Explainer

Counts = Counter[tuple[str, str]]
"""(``s1:eth1``, "in" or "out") → frames."""
PATIENCE_S = 30


def by_journeys(timeline: Timeline) -> Counts:
    """What each port saw; a cable that is seen at one end alone tells of both."""
    found, seen = Counts(), {frame.port for frame in timeline.frames}
    for journey in timeline.journeys:
        for frame in journey.frames:
            found[frame.port, frame.direction.value] += 1
            if frame.peer not in seen:
                other = Direction.IN if frame.direction is Direction.OUT else Direction.OUT
                found[frame.peer, other.value] += 1
    return found


def by_kernel(lan: RunningLan) -> Counts:
    """The counters of all interfaces of devices."""
    found = Counts()
    for name in lan.spec.devices:
        links = json.loads(lan.device(name).run(["ip", "-s", "-json", "link"]).stdout)
        for link in links:
            device, dash, port = link["ifname"].partition("-")
            if dash and device == name:
                for way, key in (("in", "rx"), ("out", "tx")):
                    found[f"{name}:{port}", way] += link["stats64"][key]["packets"]
    return +found


def differences(lan: RunningLan, recording: Recording) -> list[str]:
    """Ports at which the two differ, once nothing passes any more; [] for none."""
    limit_s = time.monotonic() + PATIENCE_S
    while True:
        kernel = by_kernel(lan)
        recording.sync()
        journeys = by_journeys(recording.timeline)
        found = [
            f"{port} {way}: {journeys[port, way]} in journeys, {kernel[port, way]} by the kernel"
            for port, way in sorted(kernel | journeys)
            if journeys[port, way] != kernel[port, way]
        ]
        if not found or time.monotonic() > limit_s:
            print(f"ports       {len(kernel)} counters of {len({port for port, _ in kernel})} ports")
            return found


def partition(timeline: Timeline) -> list[str]:
    """Sightings that are in no journey, or in more than one."""
    times = Counter(frame.number for journey in timeline.journeys for frame in journey.frames)
    return [
        f"frame {frame.number} is in {times[frame.number]} journeys"
        for frame in timeline.frames
        if times[frame.number] != 1
    ]


def measure(timeline: Timeline, switches: set[str], state: Path) -> None:
    again = Timeline(timeline.devices, switches)
    again.feed(timeline.frames)
    begun_s = time.process_time()
    journeys = again.journeys
    followed_s = time.process_time() - begun_s
    decisions = Decisions()
    decisions.read([state / "decisions.jsonl", *state.glob("devices/*/decisions.jsonl")])
    explainer = Explainer(again, decisions)
    begun_s = time.process_time()
    reasons = [one for journey in journeys for stop in journey.stops for one in explainer.explain(stop, journey)]
    explained_s = time.process_time() - begun_s
    frames = len(again.frames)
    print(f"following   {followed_s / frames * 1e6:.1f} µs a frame of the processor")
    print(f"explaining  {explained_s / frames * 1e6:.1f} µs a frame; {len(reasons)} reasons, ", end="")
    print(f"{sum(not one.is_derived for one in reasons)} read from logs")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="single:100")
    parser.add_argument("--switch", choices=("ovs", "bridge"))
    parser.add_argument("--times", type=int, default=1, help="how often the scenario is performed")
    options = parser.parse_args()
    end_in_order()
    spec = load(options.what, schemas())
    with tempfile.TemporaryDirectory(prefix="lan-journeys-") as folder:
        state = Path(folder)
        made = handover.up(spec.renamed(f"{spec.name}-{os.getpid()}"), Launch(state=state, switch=options.switch))
        try:
            recording = Recording(made.lan)
            verdicts = [one for _ in range(options.times) for one in perform(made.lan, recording)]
            faults = differences(made.lan, recording)
            timeline = recording.timeline
            faults += partition(timeline)
            faults += [f"{recording.drops} frames were lost by the capture"] * bool(recording.drops)
            kinds = Counter(stop.kind.value for journey in timeline.journeys for stop in journey.stops)
            print(f"scenario    {sum(one.ok for one in verdicts)} of {len(verdicts)} verdicts as they should be")
            print(f"frames      {len(timeline.frames)} sightings in {len(timeline.journeys)} journeys")
            print("stops       " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
            measure(timeline, {device.name for device in spec.switches}, state)
            recording.close()
        finally:
            made.lan.down()
    print("\n".join(faults) or "every port's counters agree; every sighting is in one journey")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
