"""`lan step` on a terminal: the events around this one, its window below, keys at the bottom."""

import os
import re
import select
import shutil
import sys
import termios
import tty
from collections.abc import Iterator

from lan.cli.screen import harmless
from lan.cli.source import Source
from lan.errors import LanError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.frame import Frame
from lan.trace.recorded import taken_up
from lan.trace.stepping import Halt
from lan.trace.stepping_words import ACTS, Ask, Commands, Done
from lan.trace.views import pdu, pdu_text, table
from lan.trace.views.cells import cut, pad
from lan.wire.malformed import Malformed

END = "\x04"
"""Ctrl-D; a terminal that is gone counts as that too."""
KEYS = {
    "\x1b[C": "next", " ": "next", "\r": "next", "\n": "next", "n": "next", "\x1b[B": "next",
    "\x1b[D": "back", "b": "back", "\x7f": "back", "\x1b[A": "back",
    "\x1b[6~": "next 10", "\x1b[5~": "back 10", "\x1b[H": "first", "\x1b[1~": "first", "g": "first",
    "\x1b[F": "last", "\x1b[4~": "last", "G": "last",
    "r": "run", "p": "play", "q": "quit", END: "quit", "?": "help", "h": "help",
}  # fmt: skip
"""What a terminal sends for a key → the command that it stands for."""
PROMPTS = {"/": "to ", "t": "to ", "B": "break ", ":": ""}
"""Keys that ask for the rest of a command."""
LINE_ENDS = {"\r", "\n", "\x1b", END}
"""Keys that end a line which is being typed."""
FASTER, SLOWER = {"+", "="}, {"-"}
NO_BREAKPOINT, BEFORE = Sentence("no breakpoint is set"), Sentence("before the first event")
SENTENCES = (
    "? help  q quit  → next  ← back  / to  B break  r run  p play  + - speed",
    "space → n  next · ← b  back · PgDn PgUp  ten events · g G  first, last",
    "/ N  to, and to the same again · B  breakpoint · :  any of these commands",
)
FOOT, *HELP = SENTENCES
KEY = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
"""One key, as a terminal sends it."""
STYLES = {"yellow": "33", "magenta": "35", "cyan": "36", "green": "32", "blue": "34", "red": "31", "dim": "2"}
KNOWN_EVENTS = 50_000
"""So many more events of a file are made known while no key comes."""
LIST_SHARE = 3
"""The list of events takes a third of the screen."""


def run(source: Source, commands: Commands) -> int:
    """Keys until `quit`; the terminal is as before afterwards, however it ends."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    sys.stdout.write("\x1b[?1049h\x1b[?25l")
    try:
        tty.setcbreak(descriptor)
        _Screen(source, commands, descriptor).loop()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.write("\x1b[?25h\x1b[?1049l")
        sys.stdout.flush()
    return 0


def recorded_on(count: int) -> Sentence:
    """What is told at a stop of a LAN that is up."""
    return Sentence("+1 frame recorded") if count == 1 else Sentence("+{count} frames recorded", count=count)


class _Screen:
    def __init__(self, source: Source, commands: Commands, descriptor: int) -> None:
        self.source, self.commands, self.descriptor = source, commands, descriptor
        self.stepper = commands.stepper
        self.language = language_of(os.environ)
        self.columns = table.columns(source.timeline, self.language)
        self.said, self.is_playing, self.is_helping = "", False, False
        self.last_to = ""
        self._is_more = not source.is_live
        """Whether a file may have more events than are known."""
        self._typed = ""
        """What was typed and is not taken up yet."""

    def loop(self) -> None:
        self.stepper.first()
        while True:
            self._draw()
            key = self._key(self._patience_s())
            if key is None and self.is_playing:
                self._tick()
            elif key is None:
                self._is_more = self.source.recorded.know(len(self.stepper.events) + KNOWN_EVENTS)
            elif not self._press(key):
                return

    # ---- keys

    def _patience_s(self) -> float | None:
        if self.is_playing:
            return self.stepper.pause_s()
        return 0 if self._is_more else None

    def _key(self, patience_s: float | None) -> str | None:
        """The next key; None where none comes in that time."""
        if not self._typed:
            if not select.select([self.descriptor], [], [], patience_s)[0]:
                return None
            self._typed = self._read() or END
        key = KEY.match(self._typed)
        assert key is not None
        self._typed = self._typed[key.end() :]
        return key[0].replace("\x1bO", "\x1b[")

    def _read(self) -> str:
        try:
            return os.read(self.descriptor, 1024).decode(errors="replace")
        except OSError:  # the terminal has hung up
            return ""

    def _tick(self) -> None:
        """While it plays: the next event is due."""
        self.stepper.forward()
        hit = self.stepper.hit()
        if hit is not None:
            self.is_playing, self.said = False, self.language.retell(hit.said)
        elif self.stepper.is_at_end:
            self._take_in()
            if self.stepper.is_at_end:
                self.is_playing, self.said = False, self.language.say(Halt.END)

    def _take_in(self) -> str:
        """Take in what a LAN that is up has recorded on; what is to be told of it."""
        if not self.source.is_live:
            return ""
        try:
            self.source.sync()
        except (LanError, OSError) as fault:
            return self.language.retell(Sentence("the LAN is gone: {why}", why=self.language.fault(fault)))
        count = self.stepper.news()
        return self.language.retell(recorded_on(count)) if count else ""

    def _press(self, key: str) -> bool:
        """What one key does; False to leave."""
        was_playing, self.is_playing, self.is_helping = self.is_playing, False, False
        self.said = ""
        if key in FASTER or key in SLOWER:
            self.is_playing = was_playing
            line = f"speed {self.stepper.speed * (2 if key in FASTER else 0.5):g}"
        elif key == "p" and was_playing:
            return True
        elif key in PROMPTS:
            line = self._ask(PROMPTS[key])
        elif key == "N" and self.last_to:
            line = self.last_to
        elif key in KEYS:
            line = KEYS[key]
        else:
            self.said = self.language.say("? tells the keys")
            return True
        return self._do(line)

    def _do(self, line: str) -> bool:
        if not line:
            return True
        news = self._take_in()
        try:
            done = self.commands.do(line)
        except (LanError, Malformed) as error:
            self.said = self.language.fault(error)
            return True
        except KeyboardInterrupt:  # of a search that takes too long
            self.said = self.language.say("stopped")
            return True
        if line.startswith("to "):
            self.last_to = line
        is_on = self._took(done)
        self.said = "\n".join(filter(None, (self.said, news)))
        return is_on

    def _took(self, done: Done) -> bool:
        self.said = self.language.retell(done.said)
        if done.ask is Ask.PLAY:
            self.is_playing = True
        elif done.ask is Ask.SHOW_HELP:
            self.is_helping = True
        elif done.ask is Ask.SHOW_BREAKPOINTS:
            told = [self.language.retell(each.said) for each in self.stepper.breakpoints]
            self.said = "\n".join(told) or self.language.retell(NO_BREAKPOINT)
        elif done.moved is not None and done.moved.hit is not None:
            self.said = self.language.retell(done.moved.hit.said)
        elif done.moved is not None and done.moved.halt is not Halt.DONE:
            self.said = self.language.say(done.moved.halt)
        return done.ask is not Ask.QUIT

    def _ask(self, begun: str) -> str:
        """A line typed at the foot; "" where it was left with Esc."""
        typed = ""
        while True:
            _, height = _size()
            sys.stdout.write(f"\x1b[{height};1H\x1b[2K{begun}{typed}\x1b[?25h")
            sys.stdout.flush()
            key = self._key(None) or ""
            if key in LINE_ENDS:
                sys.stdout.write("\x1b[?25l")
                return begun + typed if typed.strip() and key in "\r\n" else ""
            if key in ("\x7f", "\b"):
                typed = typed[:-1]
            elif key.isprintable():
                typed += key

    # ---- drawing

    def _draw(self) -> None:
        width, height = _size()
        lines: list[tuple[str, str]] = []
        below = self._help()
        if not self.is_helping:
            lines = [*self._events(width, max(height // LIST_SHARE, 3)), ("─" * width, "2")]
            below = self._window(width)
        said = [(line, "1") for line in self.said.split("\n")] if self.said else []
        room = height - len(lines) - len(said) - 1
        lines += below[: max(room, 0)]
        lines += [("", "")] * max(height - 1 - len(said) - len(lines), 0) + said
        fitting = ((cut(harmless(text), width), style) for text, style in lines[: height - 1])
        drawn = "".join(f"\x1b[2K{_styled(text, style)}\r\n" for text, style in fitting)
        sys.stdout.write(f"\x1b[H{drawn}\x1b[2K{_styled(self._foot(width), '7')}")
        sys.stdout.flush()

    def _foot(self, width: int) -> str:
        stepper = self.stepper
        state = f"▶ ×{stepper.speed:g}" if self.is_playing else f"×{stepper.speed:g}" if stepper.speed != 1 else ""
        place = f" {stepper.at + 1}/{len(stepper.events)}{'+' if self._is_more else ''} {state}".rstrip()
        return pad(cut(f"{place}  {self.language.say(FOOT)}", width), width)

    def _events(self, width: int, rows: int) -> Iterator[tuple[str, str]]:
        """The head of the list, and events with the one it stands at in the middle."""
        yield self.columns.head, "1"
        if (frame := self.stepper.frame) is not None:
            self.source.recorded.timeline_of(frame)
        events, at = self.stepper.events, max(self.stepper.at, 0)
        first = max(min(at - (rows - 1) // 2, len(events) - (rows - 1)), 0)
        for place in range(first, first + rows - 1):
            if place >= len(events):
                yield "", ""
                continue
            row = table.row(events[place], self.source.timeline, is_hop=True)
            style = STYLES.get(row.style, "")
            yield pad(self.columns.line(row), width), f"{style};7" if place == self.stepper.at else style

    def _window(self, width: int) -> list[tuple[str, str]]:
        frame = self.stepper.frame
        if frame is None:
            return [(self.language.retell(BEFORE), "2")]
        return [(line, "") for window in self._windows(frame) for line in pdu_text.window(window, width, self.language)]

    def _windows(self, frame: Frame) -> list[pdu.Window]:
        """The device that the event comes to, then the one that it left."""
        frame, timeline = taken_up(self.source.recorded, frame)
        found = pdu.windows(timeline.journey_of(frame), timeline, self.source.explain)
        here = [each for each in found if each.inside and frame in each.inside.frames]
        left = [each for each in found if any(frame in half.frames for half in each.outside)]
        return here + left

    def _help(self) -> list[tuple[str, str]]:
        say = self.language.say
        return [*((say(line), "1") for line in HELP), ("", ""), *((say(text), "") for _, text, _ in ACTS.values())]


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def _styled(text: str, style: str) -> str:
    return f"\x1b[{style.strip(';')}m{text}\x1b[0m" if style.strip(";") else text
