"""Chooses and performs the scenario of a LAN: the seed's flow where its players are there, else ping."""

from collections.abc import Iterator

from lan.control.client import RunningLan
from lan.scenario import all_pairs, browse
from lan.scenario.recording import Recording
from lan.scenario.verdict import Verdict


def perform(
    lan: RunningLan, recording: Recording, *, fresh: bool = False, patience_s: float = browse.PATIENCE_S
) -> Iterator[Verdict]:
    """The verdicts, as they come; a last one if frames were lost, for then nothing is certain.

    Packets that should come are waited for until `patience_s` is over.
    """
    cast = browse.cast_of(lan.spec)
    if cast is not None:
        yield from browse.Browse(lan, recording, cast, fresh=fresh, patience_s=patience_s).verdicts()
    else:
        yield from all_pairs.verdicts(lan, recording)
    recording.sync()
    if recording.drops:
        detail = f"{recording.drops} frames were lost by the capture; what is missing above may have passed"
        yield Verdict("Capture", "tap", "see every frame", False, detail, is_check=True)
