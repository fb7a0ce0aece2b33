"""What both programs do with an event: a line or a JSON object on standard output, and the decision log."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from lan import readable
from lan.errors import FAILED, LanError
from lan.services.shell import DecisionLog
from lan.services.sockets.steps import Event

INTERRUPTED = 130


def teller(*, as_json: bool) -> Callable[[Event], None]:
    """Print each event at once; with LAN_DECISIONS set, log it too."""
    log = DecisionLog("sockets") if "LAN_DECISIONS" in os.environ else None

    def tell(event: Event) -> None:
        facts = event.as_json()
        print(readable.as_json(facts) if as_json else event.line(), flush=True)
        if log is not None:
            reason, call = event.why, facts.pop("call")
            facts.pop("reason")
            log.append(call, reason, **facts)

    return tell


def run(program: str, body: Callable[[], int]) -> int:
    """The exit code of a program's body: its errors in words, Ctrl-C without a traceback."""
    try:
        return body()
    except LanError as fault:
        print(f"{program}: {fault}", file=sys.stderr)
        return fault.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # ``lan-tcp-client web 80 | head -1``
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        return FAILED
