"""Go through a recording event by event, back too:  lan step   (a FILE, or a LAN that is up)

A LAN records on meanwhile: what came is taken in at each stop, and told.  On a terminal by keys (? tells them); else by
commands on standard input, a line each:  lan step FILE < commands
"""

import argparse
import os
import sys
from typing import Any

from lan.cli import step_screen
from lan.cli.recorded_source import open_recorded
from lan.cli.screen import Screen, fitting, width
from lan.cli.source import STANDARD_INPUT, Source, source_words, tell_notes
from lan.errors import UsageError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.recorded import taken_up
from lan.trace.stepping import Halt, Moved, Stepper
from lan.trace.stepping_words import ACTS, Ask, Commands, Done
from lan.trace.views import export, pdu, pdu_text, table

GROUP = "Look"


def arguments(parser: argparse.ArgumentParser) -> None:
    source_words(parser)
    parser.add_argument("-b", "--break", dest="breaks", action="append", default=[], metavar="EXPR",
                        help="halt there: 'tcp.flags.fin and dst=web' (may be said again)")  # fmt: skip


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.file == STANDARD_INPUT:
        raise UsageError("standard input has the commands of lan step, or its keys", todo="give the capture as a FILE")
    source = open_recorded(options)
    stepper = Stepper(source.recorded)
    commands = Commands(stepper, source.device_names)
    for text in options.breaks:
        commands.do(f"break {text}")
    if sys.stdin.isatty() and screen.is_terminal:
        return step_screen.run(source, commands)
    code = _script(source, commands, screen)
    tell_notes(source.notes, screen)
    return code


def _script(source: Source, commands: Commands, screen: Screen) -> int:
    """Carry out standard input; a line that is wrong ends it, with its number."""
    teller = _Teller(source, commands, screen)
    for number, line in enumerate(sys.stdin, start=1):
        teller.tell_news()
        try:
            done = commands.do(line)
        except UsageError as error:
            error.where = f"line {number}"
            raise
        if done.ask is Ask.QUIT:
            break
        teller.tell(done)
    return 0


class _Teller:
    """Says what commands did: where it is now as a line of the table, or as JSON."""

    def __init__(self, source: Source, commands: Commands, screen: Screen) -> None:
        self.source, self.stepper, self.commands, self.screen = source, commands.stepper, commands, screen
        self.language = language_of(os.environ)
        self.columns = table.columns(source.timeline, self.language)
        commands.passed = self._event

    def tell_news(self) -> None:
        """Take in what a LAN that is up has recorded on."""
        if self.source.is_live:
            self.source.sync()
            if count := self.stepper.news():
                self._say(step_screen.recorded_on(count), {"said": step_screen.recorded_on(count), "recorded": count})

    def tell(self, done: Done) -> None:
        """Lines for what one command did."""
        if done.ask is Ask.PLAY:  # nobody watches: it is `run`
            done = self.commands.do("run")
        if done.said:
            self._say(done.said, {"said": done.said})
        if done.ask is Ask.SHOW_MOVE:
            self._moved(done.moved or Moved(self.stepper.frame, Halt.DONE))
        elif done.ask is Ask.SHOW_PDU:
            self._pdu(done.device)
        elif done.ask is Ask.SHOW_BREAKPOINTS:
            for each in self.stepper.breakpoints:
                self._say(each.said, {"breakpoint": each.number, "filter": each.text})
            if not self.stepper.breakpoints:
                self._say(step_screen.NO_BREAKPOINT, {"said": step_screen.NO_BREAKPOINT})
        elif done.ask is Ask.SHOW_HELP:
            for _, text, _ in ACTS.values():
                self._say(self.language.say(text), {"said": text})

    def _moved(self, moved: Moved) -> None:
        if moved.frame is None:
            self._say(step_screen.BEFORE, {"halt": moved.halt.value, "number": None})
            return
        if moved.halt is Halt.NOT_FOUND:
            still = Sentence(
                "{halt}; still at frame {number}", halt=self.language.say(moved.halt), number=moved.frame.number
            )
            self._say(still, {"halt": moved.halt.value})
            return
        self._event(moved.frame, moved)
        if moved.hit is not None:
            self._say(f"      {self.language.retell(moved.hit.said)}", None)
        elif moved.halt is not Halt.DONE:
            self._say(f"      {self.language.say(moved.halt)}", None)

    def _event(self, frame: Frame, moved: Moved | None = None) -> None:
        if self.screen.json:
            how: dict[str, Any] = {}
            if moved is not None:
                how = {"halt": moved.halt.value, "breakpoint": moved.hit.number if moved.hit else None}
            self.screen.data({**export.event(*taken_up(self.source.recorded, frame), is_hop=True), **how})
            return
        row = table.row(frame, self.source.recorded.timeline_of(frame), is_hop=True)
        self.screen.line(fitting(self.columns.line(row), self.screen), row.style)

    def _pdu(self, device: str | None) -> None:
        assert self.stepper.frame is not None
        found = windows_at(self.source, self.stepper.frame, device)
        if self.screen.json:
            self.screen.data({"number": self.stepper.frame.number, "devices": pdu.as_json(found)})
            return
        for window in found:
            for line in pdu_text.window(window, width(self.screen), self.language):
                self.screen.line(line)

    def _say(self, text: str, data: dict[str, Any] | None) -> None:
        if self.screen.json:
            if data is not None:
                self.screen.data(data)
        else:
            self.screen.line(text, "dim")


def windows_at(source: Source, frame: Frame, device: str | None = None) -> list[pdu.Window]:
    """The windows of the event's two devices, or of one by name.  Raises UsageError."""
    frame, timeline = taken_up(source.recorded, frame)
    found = pdu.windows(timeline.journey_of(frame), timeline, source.explain)
    if device is not None:
        meant = [window for window in found if window.device == device]
        if not meant:
            names = ", ".join(window.device for window in found)
            raise UsageError(f"frame {frame.number} did not come to {device!r}", expected=f"one of {names}")
        return meant
    return [window for window in found if frame in window.frames] or found[:1]
