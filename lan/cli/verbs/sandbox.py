"""Run a program in a bubble of its own that ends with it:  lan sandbox -- mn --test pingall

Root inside, no network but its own, and nothing it makes stays behind.
"""

import argparse
import os
import socket
from pathlib import Path
from typing import NoReturn

from lan.cli.ending import heeding
from lan.cli.screen import Screen
from lan.engine import bubble, openvswitch, syscalls
from lan.engine.bubble import Lifeline
from lan.engine.netlink import Netlink
from lan.engine.openvswitch import OpenVswitch
from lan.errors import UsageError
from lan.wire import rtnetlink

GROUP = "Use"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ovs", action="store_true", help="with an Open vSwitch of its own running")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- PROGRAM …")


def run(options: argparse.Namespace, screen: Screen) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise UsageError("lan sandbox: no program given", expected="lan sandbox -- PROGRAM …")

    def first(channel: socket.socket, lifeline: Lifeline) -> None:
        syscalls.set_process_name("lan-sandbox")
        with Netlink() as here:
            here.do([rtnetlink.set_link(1, up=True)])
        if options.ovs:
            OpenVswitch(openvswitch.require(None), Path("/run/openvswitch")).start()
        child = os.fork()
        if child == 0:
            _become(command)
        while True:
            ended, status = os.wait()
            if ended == child:
                code = os.waitstatus_to_exitcode(status)
                channel.sendall(str(code if code >= 0 else 128 - code).encode())
                return

    with heeding():
        blown = bubble.blow(first)
        try:
            answer = blown.channel.recv(16)
        finally:
            blown.burst()
    return int(answer or b"125")


def _become(command: list[str]) -> NoReturn:
    try:
        syscalls.prctl(syscalls.PR_SET_PDEATHSIG, 9)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"lan: {command[0]!r} can't be run: {error.strerror}\n".encode())
    finally:
        os._exit(127)
