"""A recording as one HTML file: list, layers in and out with reasons, fields, bytes; no network, nothing to install.

What packets say reaches the page as JSON in a script element that is never run, with every ``<`` written as an escape,
and from there as text nodes alone.  The page's own policy lets it run its one script, by its hash, and load nothing.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from lan.language.catalogue import ENGLISH, Language
from lan.trace.frame import Frame
from lan.trace.journey import Journey, StopKind
from lan.trace.timeline import Timeline
from lan.trace.views import pdu, table
from lan.trace.views.osi import clear_layers, layers

PARTS = Path(__file__).with_name("page")
MOST_FRAMES = 20_000
"""More make a file that browsers open slowly; a filter chooses."""


PAGE_WORDS = {
    "filter": "filter",
    "example": "filter: http  src=pc1  -arp",
    "first": "first (Home)",
    "back": "back (←)",
    "play": "▶ play",
    "space": "play (space)",
    "next": "next (→)",
    "last": "last (End)",
    "speed": "speed",
    "events": "events",
    "event": "the event",
    "no_script": "This page shows its recording by a script.",
    "number": "no.",
    "time": "time ms",
    "source": "last device",
    "destination": "at device",
    "type": "type",
    "info": "info",
}
"""Places of page.html → what stands there."""
SCRIPT_SENTENCES = (
    "{count} events",
    "{count} of {all} events",
    "no event is meant by the filter",
    "In Layers",
    "Out Layers",
    "{title}: frame {numbers}",
    "nothing",
    "▶ play",
    "⏸ halt",
)
"""What page.js says."""


def page(
    frames: Iterable[Frame],
    timeline: Timeline,
    explain: pdu.Explain,
    *,
    name: str,
    notes: Iterable[str] = (),
    language: Language = ENGLISH,
) -> str:
    """The whole document; `name` stands above the list, and `notes` of what can't be seen."""
    style, script = _part("page.css"), _part("page.js")
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    words = {sentence: language.say(sentence) for sentence in (*SCRIPT_SENTENCES, *map(str, StopKind))}
    shown = {**recording(frames, timeline, explain, name=name, language=language), "notes": list(notes), "words": words}
    return _part("page.html").format(
        language=language.name,
        words={place: escape(language.say(text)) for place, text in PAGE_WORDS.items()},
        policy=escape(policy, quote=True),
        title=escape(name),
        style=style,
        script=script,
        recording=_embedded(shown),
    )


def recording(
    frames: Iterable[Frame], timeline: Timeline, explain: pdu.Explain, *, name: str, language: Language = ENGLISH
) -> dict[str, Any]:
    """What the page shows.  Packets with the same bytes and the windows of a journey are there once."""
    packets: dict[bytes, int] = {}
    contents: list[dict[str, Any]] = []
    journeys: dict[int, int] = {}
    windows: list[list[dict[str, Any]]] = []
    events = []
    for frame in frames:
        if frame.data not in packets:
            packets[frame.data] = len(contents)
            contents.append(_content(frame, timeline, language))
        journey = timeline.journey_of(frame)
        if journey.number not in journeys:
            journeys[journey.number] = len(windows)
            windows.append(_windows(journey, timeline, explain, language))
        row = table.row(frame, timeline, is_hop=True)
        events.append(
            {
                "number": frame.number,
                "time_ms": round(row.time_ms, 6),
                "last": row.source,
                "at": row.destination,
                "type": row.protocol,
                "info": row.words,
                "style": row.style,
                "packet": packets[frame.data],
                "journey": journeys[journey.number],
            }
        )
    return {"name": name, "events": events, "packets": contents, "journeys": windows}


def _content(frame: Frame, timeline: Timeline, language: Language) -> dict[str, Any]:
    """Its layers, outermost first; what TLS hid, where it can be read, comes last and has bytes of its own."""
    every = [*clear_layers(frame, timeline), *layers(frame, frame.port)]
    found = [layer for layer in reversed(every) if layer.header is not None]
    return {
        "data": frame.data.hex(),
        "layers": [
            {
                "layer": layer.number,
                "title": language.retell(layer.title),
                "data": None if layer.data is None else layer.data.hex(),
                "start": layer.header.start,
                "end": layer.header.end,
                "problems": list(layer.header.problems),
                "fields": [[each.name, each.text, each.start, each.end] for each in layer.header.fields],
            }
            for layer in found
            if layer.header is not None
        ],
    }


def _windows(journey: Journey, timeline: Timeline, explain: pdu.Explain, language: Language) -> list[dict[str, Any]]:
    found = pdu.as_json(pdu.windows(journey, timeline, explain))
    for window in found:
        for half in filter(None, (window["in"], *window["out"])):
            for layer in half["layers"]:
                layer["title"] = language.retell(layer["title"])
    return found


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: dict[str, Any]) -> str:
    """JSON that can't end the element it stands in, whatever packets say."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
