"""The process that carries the frames of all cables with options: the userspace link.

    python -m lan.links [--control FD] [--slots N]

It is started inside the network namespace that holds the inner ends of these cables (as root of
the user namespace that owns it) and reads frames from all of them by one packet socket.  The
descriptor FD (0) is a stream socket; both sides write JSON objects, one a line.  Each request has
one answer, in order; `id`, of any kind, comes back as it was.

    {"id": 1, "do": "add", "cable": "pc1-s1", "ends": ["c0a", "c0b"], "names": ["pc1", "s1"], "options": CABLE}
    {"id": 2, "do": "set", "cable": "pc1-s1", "options": CABLE}
    {"id": 3, "do": "cut", "cable": "pc1-s1"}
    {"id": 4, "do": "show"}                         or with "cable": one alone
    {"id": 5, "do": "remove", "cable": "pc1-s1"}

    {"id": 1, "ok": true}
    {"id": 4, "ok": true, "missed": 0, "priority": "real-time",
     "cables": {"pc1-s1": {"options": CABLE, "forward": STATE, "backward": STATE}}}        (in one line)
    {"id": 6, "ok": false, "error": "there is no cable 'pc9-s1'"}

CABLE is `lan.links.options.Cable.as_json()`: ``{"forward": {…}, "backward": {…}, "seed": 0}``, fields left
out are a perfect cable's.

- `ends` are the interfaces here; `forward` is what comes in at the first and leaves by the second.
  Both must exist, may be down, and are not touched: whoever made them pulls and plugs them.
- `names` are the devices beyond the ends, as decisions name them.  The cable's name, its seed and
  the direction are what chance depends on.
- `set` holds for every frame from now on and for those that wait for the wire; those that fly land
  when they would have.  No frame is lost by it.
- `cut` throws away what waits and flies: the cable has been pulled.
- `show` gives for each direction STATE: `Counters` by name (`frames` that came in, `passed` …: see
  lan/links/way.py), and ``waiting_frames``, ``waiting_bytes`` (for the wire), ``flying``.  `missed`
  counts the frames that came while this process could not keep up.
- `remove` closes what `add` opened; frames under way are gone.

It ends when the other side of FD closes, and on SIGTERM.  `LAN_READY_FD` hears when it is ready,
`LAN_DECISIONS` names the log of decisions: each frame that is lost, duplicated, corrupted, reordered
or dropped, with ``cable``, ``from``, ``to``, ``frame`` (its number in that direction, from 0), ``bytes`` and ``crc``
(CRC-32 of what was sent, as zlib has it); in a flood many together, with ``count`` and ``frames`` (``3-5,9``).

It asks for the real-time class SCHED_RR, lowest priority, then for a nice value: a cable's clock should
not wait for the programs whose frames it carries.  An ordinary user may have neither; `show` says under
``priority`` what it got: ``real-time``, ``raised`` or ``usual``.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import os
import socket
import sys
import time
from typing import Any

from lan.errors import LanError, MachineError
from lan.links import clocks
from lan.links.carrier import Carrier
from lan.links.options import Cable
from lan.links.ring import DEFAULT_SLOTS, Ring
from lan.links.telling import Teller
from lan.links.way import What
from lan.reasons import Reason
from lan.services.shell import DecisionLog, announce_ready

CHUNK_BYTES = 1 << 16
PR_SET_TIMERSLACK = 29
NICE = -11


class Log:
    """The log of decisions, which has each frame's own moment."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._log = DecisionLog("links", clock=lambda: self._time_s, echo=False)

    def append(self, at_ns: int, what: What, why: Reason, keys: dict[str, Any]) -> None:
        if self._log.is_wanted:
            ahead_ns = clocks.ahead_ns(time.monotonic_ns, time.time_ns)
            self._time_s = (at_ns - ahead_ns) / 1_000_000_000
            self._log.append(what.value, why, **keys)


class Control:
    """The requests of whoever started this process."""

    def __init__(self, stream: socket.socket, carrier: Carrier) -> None:
        self.stream, self.carrier = stream, carrier
        self._heard, self._answers = b"", bytearray()
        stream.setblocking(False)

    def has_answers(self) -> bool:
        return bool(self._answers)

    def serve(self) -> bool:
        """Hear and answer what there is; False when the other side is gone."""
        try:
            if not (chunk := self.stream.recv(CHUNK_BYTES)):
                return False
            *lines, self._heard = (self._heard + chunk).split(b"\n")
            for line in lines:
                self._answers += json.dumps(self._answer(line), ensure_ascii=False).encode() + b"\n"
        except BlockingIOError:
            pass
        except ConnectionError:
            return False
        return self._flush()

    def _flush(self) -> bool:
        try:
            del self._answers[: self.stream.send(self._answers)]
        except BlockingIOError:
            pass
        except ConnectionError:
            return False
        return True

    def _answer(self, line: bytes) -> dict[str, Any]:
        request: dict[str, Any] = {}
        try:
            request = json.loads(line)
            if request["do"] not in DOING:
                raise ValueError(f"there is no {request['do']!r}, but {', '.join(DOING)}")
            if request["do"] != "add" and request.get("cable", "") not in ("", *self.carrier.lines):
                raise ValueError(f"there is no cable {request['cable']!r}")
            return {"id": request.get("id"), "ok": True, **DOING[request["do"]](self.carrier, request)}
        except KeyError as fault:
            what = f"{fault.args[0]!r} is missing"
        except (AttributeError, TypeError, ValueError) as fault:
            what = str(fault)
        except OSError as fault:
            what = f"cable {request.get('cable')!r}: {fault.strerror or fault}"
        return {"id": request.get("id") if isinstance(request, dict) else None, "ok": False, "error": what}


def _add(carrier: Carrier, request: dict[str, Any]) -> dict[str, Any]:
    a, b = request["ends"]
    near, far = request.get("names", (a, b))
    if request["cable"] in carrier.lines:
        raise ValueError(f"cable {request['cable']!r} is there already")
    carrier.add(request["cable"], (a, b), (near, far), Cable.from_json(request.get("options", {})))
    return {}


def _set(carrier: Carrier, request: dict[str, Any]) -> dict[str, Any]:
    carrier.set(request["cable"], Cable.from_json(request["options"]))
    return {}


def _cut(carrier: Carrier, request: dict[str, Any]) -> dict[str, Any]:
    return {"cut": carrier.cut(request["cable"])}


def _show(carrier: Carrier, request: dict[str, Any]) -> dict[str, Any]:
    names = [request["cable"]] if "cable" in request else list(carrier.lines)
    return {"missed": carrier.missed(), "priority": priority(), "cables": {name: carrier.show(name) for name in names}}


def _remove(carrier: Carrier, request: dict[str, Any]) -> dict[str, Any]:
    carrier.remove(request["cable"])
    return {}


def take_priority() -> None:
    """Go before other programs as far as this user may."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICE)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(os.sched_get_priority_min(os.SCHED_RR)))


def priority() -> str:
    """What `take_priority` got."""
    if os.sched_getscheduler(0) == os.SCHED_RR:
        return "real-time"
    return "raised" if os.getpriority(os.PRIO_PROCESS, 0) < 0 else "usual"


DOING = {"add": _add, "set": _set, "cut": _cut, "show": _show, "remove": _remove}


def main(arguments: list[str]) -> int:
    """Carry frames until the control stream ends; the exit code."""
    parser = argparse.ArgumentParser("lan-links", description="The userspace link: carries the frames of cables.")
    parser.add_argument("--control", type=int, default=0, metavar="FD", help="stream socket of requests (0)")
    parser.add_argument(
        "--slots", type=int, default=DEFAULT_SLOTS, metavar="N", help="frames that may wait to be heard"
    )
    options = parser.parse_args(arguments)
    try:
        stream = socket.socket(fileno=options.control)
        carrier = _carrier(options.slots)
    except OSError as fault:
        error = MachineError(f"descriptor {options.control}: {fault.strerror}", expected="a stream socket")
        return _told(error)
    except LanError as fault:
        return _told(fault)
    control = Control(stream, carrier)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)
    take_priority()
    gc.disable()  # nothing here is a cycle, and a collection is a millisecond's delay
    announce_ready("cables")
    try:
        carrier.run(stream, control.serve, control.has_answers)
    except KeyboardInterrupt:
        return 130
    return 0


def _carrier(slots: int) -> Carrier:
    try:
        return Carrier(Ring(slots), Teller(Log().append))
    except OSError as fault:
        what = f"can't hear frames: {fault.strerror}"
        raise MachineError(what, expected="CAP_NET_RAW over this network namespace") from fault


def _told(error: LanError) -> int:
    print(f"lan-links: {error}", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
