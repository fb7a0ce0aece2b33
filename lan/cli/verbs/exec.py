"""Run a program on a device, as if sitting at it:  lan exec pc1 -- curl https://www.ark-inflearn.com/

Any program of this machine, unmodified.  Its exit code is this command's; lan's own failures are
125 (no such device …), 126 (it can't be run) and 127 (no such program), as docker's.
"""

import argparse
from pathlib import Path

from lan.cli.joined import CANNOT, run_joined
from lan.cli.screen import Screen
from lan.control import client
from lan.errors import LanError, UsageError

GROUP = "Use"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-l", "--lan", metavar="NAME", help="which LAN, where several are up")
    parser.add_argument("--user", help="as another user, for programs that refuse root")
    parser.add_argument("--env", action="append", default=[], metavar="K=V", help="one more variable")
    parser.add_argument("--no-cwd", action="store_true", help="without this folder: in the device's home")
    parser.add_argument("device")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- PROGRAM …", help="after --")


def run(options: argparse.Namespace, screen: Screen) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        if not command:
            raise UsageError("lan exec: no program given", expected=f"lan exec {options.device} -- PROGRAM …")
        for pair in options.env:
            if "=" not in pair:
                raise UsageError(f"--env {pair}: no value", expected="--env NAME=VALUE")
        device = client.connect(options.lan).device(options.device)
        extra = dict(pair.split("=", 1) for pair in options.env)
        folder = None if options.no_cwd else str(Path.cwd())
        return run_joined(device, command, folder=folder, user=options.user, extra=extra)
    except LanError as error:
        screen.error(error)
        return CANNOT
