"""Sit down at a device: a shell on it, with its prompt:  lan console pc1"""

import argparse
from pathlib import Path

from lan.cli.joined import run_joined
from lan.cli.screen import Screen
from lan.control import client

GROUP = "Use"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-l", "--lan", metavar="NAME", help="which LAN, where several are up")
    parser.add_argument("device")


def run(options: argparse.Namespace, screen: Screen) -> int:
    device = client.connect(options.lan).device(options.device)
    shell = ["bash", "--norc", "--noprofile"] if Path("/bin/bash").exists() else ["sh"]
    return run_joined(device, [*shell, "-i"], folder=str(Path.cwd()), user=None, extra={})
