"""What a face can ask of a LAN that runs, one class a question.

An answer is a JSON object; `Enter` is answered with descriptors besides.  A refusal is the object
``{"error": {"what", "where", "expected", "try"}, "exit_code"}``.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from lan.errors import LanError

VERSION = 3
"""Of this protocol: face and agent of different versions part at once, with words."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first word: ``{"version", "name", "state", "home", "trace"}``."""

    version: int


@dataclass(frozen=True, slots=True)
class Describe:
    """The whole LAN: ``{"lan", "devices": {name: {…}}, "datapath", "started_s", …}``."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Descriptors to join a device: mnt of the bubble, then net, mnt, uts, pid of the device, then user if any.

    While the connection lasts, the program that its sender starts counts as its session: should the
    sender die, processes that carry `LAN_EXEC=session` in their environment end with it.
    """

    device: str


@dataclass(frozen=True, slots=True)
class RunModule:
    """Run ``main(arguments)`` of one of our modules on a device: ``{"code", "stdout", "stderr"}``.

    `device` "" runs it in the bubble itself.
    """

    device: str
    module: str
    arguments: list[str]


@dataclass(frozen=True, slots=True)
class ShowTable:
    """A device's table: as `RunModule`, the module chosen by the device's model."""

    device: str
    table: str


@dataclass(frozen=True, slots=True)
class Change:
    """``lan set``: ``{"done": […], "options": {…}}``."""

    device: str
    settings: dict[str, str]


@dataclass(frozen=True, slots=True)
class SetLink:
    """Plug (up) or pull the cables between two devices; up None only asks.  Answered as `Links`."""

    a: str
    b: str
    up: bool | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """The cables between two devices, or all ("" and ""), with what they have counted.

    ``{"means", "missed", "links": [{"a", "b", "up", "shaped", "broken", "seed", "ways"}]}``, a way for
    each direction: ``{"from", "to", "asked", "in_force", "counters"}``, what was asked, what its carrier
    does, and what that has counted, None where nobody counts.  `missed` are frames, on whatever cable,
    that came while the userspace link could not keep up.  ``relaid_ms`` is there where the cable was laid
    anew, for so long, ``coming`` where its schedule holds more.
    """

    a: str = ""
    b: str = ""


@dataclass(frozen=True, slots=True)
class ChangeLink:
    """Have the cables between two devices do something else.

    Answered as `Links`, with ``laid_anew_ms``: for how long each cable that was plain was out for it.
    `settings` are words of the command line by name, `sender` the device whose frames are meant, or
    None for both directions.  With `reset` they do nothing to frames any more.
    """

    a: str
    b: str
    settings: dict[str, str] = field(default_factory=dict)
    sender: str | None = None
    reset: bool = False


@dataclass(frozen=True, slots=True)
class FlapLink:
    """Pull and plug the cables between two devices so often, each state for `period`; answered at the end."""

    a: str
    b: str
    period: str
    times: str


@dataclass(frozen=True, slots=True)
class AddLink:
    """Lay a cable while the LAN runs: ``{"a": port, "b": port}``.

    Interfaces and their MAC addresses are the next free ones, unless named.
    """

    a: str
    b: str
    a_interface: str | None = None
    b_interface: str | None = None
    a_mac: str | None = None
    b_mac: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveLink:
    """Take the cables between two devices away for good, or the one at an interface of `a`."""

    a: str
    b: str
    interface: str | None = None


@dataclass(frozen=True, slots=True)
class AddHost:
    """One more device, a host or a switch as its kind says: its kind and options."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Take a device away for good, with its cables and all that runs on it."""

    name: str


@dataclass(frozen=True, slots=True)
class Services:
    """Stop or start what a device serves: ``{"done": [names]}``."""

    device: str
    start: bool


@dataclass(frozen=True, slots=True)
class SyncTrace:
    """Answered once all frames seen before it are in the capture file: ``{"frames", "drops"}``."""


@dataclass(frozen=True, slots=True)
class WaitTrace:
    """Answered once the capture file holds more than `frames`, or late: ``{"frames", "drops"}``."""

    frames: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class PingAll:
    """Every host pings every other (or the first pings all): ``{"results": [[from, to, rtt_ms or null]]}``.

    `addresses` are those of devices that the description knows no fixed address of, or another.
    """

    pairs: list[tuple[str, str]]
    timeout_s: float
    addresses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """The session of this connection has ended in order: what it left running may run on."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Live on after the one who made the LAN is gone."""


@dataclass(frozen=True, slots=True)
class Down:
    """Take the LAN down; the connection closes when it is gone."""


Message = (
    Hello
    | Describe
    | Enter
    | RunModule
    | ShowTable
    | Change
    | SetLink
    | Links
    | ChangeLink
    | FlapLink
    | AddLink
    | RemoveLink
    | AddHost
    | RemoveDevice
    | Services
    | SyncTrace
    | WaitTrace
    | PingAll
    | Leave
    | Stay
    | Down
)
_CLASSES: dict[str, type] = {kind.__name__: kind for kind in Message.__args__}


def refusal(error: LanError) -> dict[str, Any]:
    """An error as an answer."""
    return {"error": error.as_json(), "exit_code": error.exit_code}


def pack(message: Message) -> dict[str, Any]:
    """A message as JSON: its class's name under "ask", its fields beside."""
    return {"ask": type(message).__name__, **asdict(message)}


def unpack(data: dict[str, Any]) -> Message:
    """The message that `pack` made.  Raises ValueError for anything else."""
    fields = dict(data)
    kind = _CLASSES.get(str(fields.pop("ask", None)))
    if kind is None:
        raise ValueError("no such question")
    try:
        message: Message = kind(**fields)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return message
