"""What switches and cables decided, a line each, to stand between the frames: ``lan trace --why``.

Pure: lines of the LAN's ``decisions.jsonl`` come in.  A cable's decision names the frame by its number in
that direction; its CRC-32, in the log, ties it to the frame that was sent.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lan.language.catalogue import ENGLISH, Language
from lan.trace.frame import Frame
from lan.trace.views.table import place


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision: when, in ns since 1970, who decided, what, and why."""

    time_ns: int
    who: str
    what: str
    why: str
    record: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """``{"schema", "decision": the log's own object}``."""
        return {"decision": self.record}

    def line(self, begun_ns: int) -> str:
        """Its line, in the columns of the frames' lines; `begun_ns` is the first frame's time."""
        said = self.why if self.what in self.why else f"{self.what}: {self.why}"  # no word twice
        return f"{place('·', (self.time_ns - begun_ns) / 1e6)} ms  {self.who:<18} {said}"


def read(lines: Iterable[str], language: Language = ENGLISH) -> Iterator[Decided]:
    """The decisions of whole lines, told in a language; a line that is none is passed over."""
    for line in lines:
        try:
            record = json.loads(line)
            why = _why(record["reason"], language)
            yield Decided(round(record["time_s"] * 1e9), _who(record), _what(record), why, record)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue


def merge(frames: Iterable[Frame], decided: Iterable[Decided]) -> Iterator[Frame | Decided]:
    """Both by their times; of the same moment the frame first."""
    waiting = sorted(decided, key=lambda one: one.time_ns)
    at = 0
    for frame in frames:
        while at < len(waiting) and waiting[at].time_ns < frame.time_ns:
            yield waiting[at]
            at += 1
        yield frame
    yield from waiting[at:]


def _who(record: dict[str, Any]) -> str:
    if "cable" in record:
        return f"{record['from']} → {record['to']}"
    return str(record.get("switch", record["service"]))


def _what(record: dict[str, Any]) -> str:
    if "frame" not in record:
        return str(record["what"])
    return f"{record['what']} frame {record['frame']}, {record['bytes']} bytes"


def _why(reason: dict[str, Any], language: Language) -> str:
    text, facts = language.hear(reason["text"]), ", ".join(f"{key} {value}" for key, value in reason["facts"].items())
    return f"{text} ({facts}; {reason['source']})" if facts else f"{text} ({reason['source']})"
