"""A frame at each device on its way: layers in and out, why, its fields and bytes:  lan pdu 38

N is a number of `lan trace`.  --layer shows another layer's fields (its number, its protocol, or all).
"""

import argparse
import os

from lan.cli.common import whole_number
from lan.cli.recorded_source import open_recorded
from lan.cli.screen import Screen, width
from lan.cli.source import Source, source_words, tell_notes
from lan.errors import UsageError, nearest
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.recorded import place_of, taken_up
from lan.trace.timeline import Timeline
from lan.trace.views import export, pdu, pdu_text
from lan.trace.views.osi import OsiLayer
from lan.trace.views.pdu import Window

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=whole_number, metavar="N", help="the frame's number")
    source_words(parser)
    parser.add_argument("--device", metavar="NAME", help="at one device alone; its fields are of N, or of what came in")
    parser.add_argument("--layer", metavar="LAYER", help="whose fields: 2 to 7, a protocol such as tcp, or all")


def run(options: argparse.Namespace, screen: Screen) -> int:
    source = open_recorded(options)
    frame = frame_of(source, options.number)
    tell_notes(source.notes, screen)
    journey = source.timeline.journey_of(frame)
    found = pdu.windows(journey, source.timeline, source.explain)
    shown = found if options.device is None else _at(found, options.device, frame)
    if options.device is not None:
        frames = [each for window in shown for each in window.frames]
        frame = frame if frame in frames else frames[0]
    if screen.json:
        screen.data(
            {
                "ok": True,
                "number": frame.number,
                "journey": journey.number,
                "devices": pdu.as_json(shown),
                "frame": export.event(frame, source.timeline),
            }
        )
        return 0
    chosen, language = _chosen(frame, options.layer, source.timeline), language_of(os.environ)
    screen.line(pdu_text.head(frame, source.timeline), "bold")
    for window in shown:
        for line in pdu_text.window(window, width(screen), language):
            screen.line(line)
    for layer in chosen:
        _details(frame, layer, screen)
    there = pdu_text.chosen(frame, "all", source.timeline)
    if options.layer is None and len(there) > 1:
        screen.line()
        screen.line(Sentence("--layer shows another: {names}; or all", names=_names(there)), "dim")
    return 0


def frame_of(source: Source, number: int) -> Frame:
    """The frame of a number.  Raises UsageError."""
    recorded = source.recorded
    place, frames = place_of(recorded, number), recorded.sightings
    if place is not None:
        return taken_up(recorded, frames[place])[0]
    if not frames:
        raise UsageError(f"{source.name} has no frame yet", todo="lan trace shows what passes")
    raise UsageError(
        f"{source.name} has no frame {number}",
        expected=f"{frames[0].number} to {frames[-1].number}",
        todo="lan trace numbers them",
    )


def _at(found: list[Window], device: str, frame: Frame) -> list[Window]:
    """The windows of one device: a frame may come to it again, as to the switch between a proxy and its servers."""
    if meant := [window for window in found if window.device == device]:
        return meant
    names = list(dict.fromkeys(window.device for window in found))
    near = nearest(device, names)
    raise UsageError(
        f"frame {frame.number} did not come to {device!r}" + (f"; did you mean {near!r}?" if near else ""),
        expected="one of " + ", ".join(names),
    )


def _chosen(frame: Frame, layer: str | None, timeline: Timeline) -> list[OsiLayer]:
    """The layers whose fields are to be shown.  Raises UsageError."""
    chosen, there = (pdu_text.chosen(frame, each, timeline) for each in (layer, "all"))
    if layer is not None and not chosen:
        near = nearest(layer.lower(), [one.header.protocol.lower() for one in there if one.header])
        raise UsageError(
            f"frame {frame.number} has no layer {layer!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected=f"one of {_names(there)}; or all",
        )
    return chosen


def _names(layers: list[OsiLayer]) -> str:
    return ", ".join(f"{one.number} {one.header.protocol}" for one in layers if one.header)


def _details(frame: Frame, layer: OsiLayer, screen: Screen) -> None:
    assert layer.header is not None
    screen.line()
    title, *lines = pdu_text.fields(layer, width(screen))
    screen.line(title, "bold")
    data = frame.data if layer.data is None else layer.data
    for line in [*lines, *pdu_text.hexdump(data, layer.header.start, layer.header.end)]:
        screen.line(line)
