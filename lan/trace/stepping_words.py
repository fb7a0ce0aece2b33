"""The commands of `lan step`, a line each: what they are called, what they need, what they do.  Pure.

next 3        back          go 38         first          last
to dns        to dst=web    to back arp   (any filter)
break tcp.flags.fin and dst=web           breaks         clear 1
run           play 10       speed 0.5     where          pdu web       quit
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from lan.errors import UsageError, nearest
from lan.reasons import Sentence
from lan.trace.filter import Filter, compile_filter
from lan.trace.frame import Frame
from lan.trace.stepping import Moved, Stepper


class Ask(StrEnum):
    """What the face is to do after a command."""

    SHOW_MOVE = "show where it is now"
    SHOW_PDU = "show the window of the event"
    SHOW_BREAKPOINTS = "show the breakpoints"
    SHOW_HELP = "show the commands"
    PLAY = "play"
    NOTHING = "nothing"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Done:
    """What a command did; `said` is a line about it."""

    ask: Ask
    moved: Moved | None = None
    said: str = ""
    device: str | None = None


Act = Callable[["Commands", str], Done]


class Commands:
    """Carries out lines on one stepper; `devices` are the names that a filter may use, None for any.

    `passed` is told the events that `run` goes by, but not the one that it halts at.
    """

    def __init__(self, stepper: Stepper, devices: Collection[str] | None = None) -> None:
        self.stepper, self.devices = stepper, devices
        self.passed: Callable[[Frame], None] = lambda frame: None

    def do(self, line: str) -> Done:
        """One line; an empty one is `next`, one that begins with # a comment.  Raises UsageError."""
        word, _, rest = line.strip().partition(" ")
        if word.startswith("#"):
            return Done(Ask.NOTHING)
        name = SHORT.get(word.lower(), word.lower())
        if name not in ACTS:
            near = nearest(name, ACTS)
            raise UsageError(
                f"{word!r} is no command of lan step" + (f"; did you mean {near!r}?" if near else ""),
                expected=", ".join(ACTS),
            )
        act, _, takes_words = ACTS[name]
        if rest.strip() and not takes_words:
            raise UsageError(f"{name} takes no word, so not {rest.strip()!r}")
        return act(self, rest.strip())

    def filter(self, text: str, what: str) -> Filter:
        """The words behind a command as a filter."""
        if not text:
            raise UsageError(f"{what} which event?", expected=f"a filter, such as {what} dns, or {what} dst=web")
        return compile_filter(text, devices=self.devices)


def _number(text: str, otherwise: int, what: str) -> int:
    if not text:
        return otherwise
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise UsageError(f"{what} {text}: that is no number", expected=f"such as {what} 3")
    return int(text)


def _moved(moved: Moved) -> Done:
    return Done(Ask.SHOW_MOVE, moved)


def _next(commands: Commands, words: str) -> Done:
    return _moved(commands.stepper.forward(_number(words, 1, "next")))


def _back(commands: Commands, words: str) -> Done:
    return _moved(commands.stepper.back(_number(words, 1, "back")))


def _go(commands: Commands, words: str) -> Done:
    if not words:
        raise UsageError("go to which frame?", expected="a number of lan trace, such as go 38")
    return _moved(commands.stepper.go(_number(words, 0, "go")))


def _first(commands: Commands, words: str) -> Done:
    return _moved(commands.stepper.first())


def _last(commands: Commands, words: str) -> Done:
    return _moved(commands.stepper.last())


def _to(commands: Commands, words: str) -> Done:
    first, _, rest = words.partition(" ")
    if first == "back" and rest.strip():
        return _moved(commands.stepper.find(commands.filter(rest.strip(), "to back"), backward=True))
    return _moved(commands.stepper.find(commands.filter(words, "to")))


def _break(commands: Commands, words: str) -> Done:
    made = commands.stepper.add_breakpoint(words, commands.filter(words, "break"))
    return Done(Ask.NOTHING, said=made.said)


def _breaks(commands: Commands, words: str) -> Done:
    return Done(Ask.SHOW_BREAKPOINTS)


def _clear(commands: Commands, words: str) -> Done:
    count = commands.stepper.clear(_number(words, 0, "clear") if words else None)
    one, many = Sentence("1 breakpoint cleared"), Sentence("{count} breakpoints cleared", count=count)
    return Done(Ask.NOTHING, said=one if count == 1 else many)


def _run(commands: Commands, words: str) -> Done:
    behind: list[Frame] = []

    def came(frame: Frame) -> None:
        if behind:
            commands.passed(behind.pop())
        behind.append(frame)

    return _moved(commands.stepper.run(came))


def _play(commands: Commands, words: str) -> Done:
    if words:
        _speed(commands, words)
    return Done(Ask.PLAY)


def _speed(commands: Commands, words: str) -> Done:
    try:
        speed = float(words.rstrip("x×"))
    except ValueError:
        raise UsageError(f"speed {words}: that is no number", expected="such as speed 10; 1 is as it was") from None
    commands.stepper.set_speed(speed)
    return Done(Ask.NOTHING, said=Sentence("speed {speed:g}", speed=speed))


def _where(commands: Commands, words: str) -> Done:
    return Done(Ask.SHOW_MOVE)


def _pdu(commands: Commands, words: str) -> Done:
    if commands.stepper.frame is None:
        raise UsageError("it stands before the first event", todo="next")
    return Done(Ask.SHOW_PDU, device=words or None)


def _help(commands: Commands, words: str) -> Done:
    return Done(Ask.SHOW_HELP)


def _quit(commands: Commands, words: str) -> Done:
    return Done(Ask.QUIT)


ACTS: dict[str, tuple[Act, str, bool]] = {
    "next": (_next, "next [N]: the next event, or the Nth from here", True),
    "back": (_back, "back [N]: the event before", True),
    "go": (_go, "go N: to the frame of that number", True),
    "first": (_first, "first: to the first event", False),
    "last": (_last, "last: to the last", False),
    "to": (_to, "to [back] FILTER: to the next event of a kind: to dns, to tcp.flags.fin and dst=web", True),
    "break": (_break, "break FILTER: where run and play are to halt", True),
    "breaks": (_breaks, "breaks: the breakpoints", False),
    "clear": (_clear, "clear [N]: take a breakpoint away, or all", True),
    "run": (_run, "run: to the next breakpoint, or the end", False),
    "play": (_play, "play [SPEED]: run in the time of the recording", True),
    "speed": (_speed, "speed X: 1 is as it was, 10 ten times as fast", True),
    "where": (_where, "where: the event it stands at", False),
    "pdu": (_pdu, "pdu [DEVICE]: its layers in and out, with reasons", True),
    "help": (_help, "help: these lines", False),
    "quit": (_quit, "quit", False),
}
"""Every command: what it does, its line of help, whether words may follow."""

SHORT = {"": "next", "n": "next", "b": "back", "g": "go", "t": "to", "r": "run", "p": "play", "w": "where", "q": "quit",
         "h": "help", "?": "help", "exit": "quit", "prev": "back", "continue": "run", "c": "run"}  # fmt: skip
