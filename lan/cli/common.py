"""Words that several verbs share."""

import argparse
from pathlib import Path
from typing import Any

from lan.control.launch import Launch


def lan_word(parser: argparse.ArgumentParser) -> None:
    """``-l NAME``: which of several LANs; and ``--json``."""
    parser.add_argument("-l", "--lan", metavar="NAME", help="which LAN, where several are up")
    json_word(parser)


def json_word(parser: argparse.ArgumentParser) -> None:
    """``--json``."""
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")


def building_words(parser: argparse.ArgumentParser) -> None:
    """How a LAN is built."""
    parser.add_argument("what", metavar="WHAT", help="office, a file, or single:N, linear:N, tree:DEPTH,FANOUT …")
    parser.add_argument("--name", help="another name for it")
    parser.add_argument("--switch", choices=["ovs", "bridge"], help="Open vSwitch, or the kernel's bridge")
    parser.add_argument("--datapath", choices=["kernel", "userspace"], help="of Open vSwitch; the best there is")
    parser.add_argument("--state", type=Path, metavar="DIR", help="go on with the leases and logs of DIR")
    parser.add_argument("--offload", action="store_true", help="keep segmentation offloads: fast, but frames look huge")
    parser.add_argument("--link", choices=["userspace", "kernel"], help="who carries frames on cables with options")
    parser.add_argument("--no-trace", action="store_true", help="capture nothing")
    parser.add_argument("--no-keylog", action="store_true", help="keep no TLS secrets: HTTPS stays closed to the trace")
    json_word(parser)


def launch_of(options: argparse.Namespace, **how: Any) -> Launch:
    """The words of `building_words` as a Launch."""
    return Launch(
        state=options.state,
        switch=options.switch,
        datapath=options.datapath,
        offload=options.offload,
        link=options.link,
        trace=not options.no_trace,
        key_log=not options.no_keylog,
        **how,
    )


def switch_words(description: dict[str, Any]) -> str:
    """What forwards the frames, and what carries them where cables have options.

    ``Open vSwitch (userspace) + os-ken``, ``kernel bridge · userspace link``.
    """
    means = description["link_means"]
    return _switching(description) + (f" · {means} link" if means else "")


def _switching(description: dict[str, Any]) -> str:
    ovs = f"Open vSwitch ({description['datapath']}) + os-ken"
    switches = [device for device in description["lan"]["devices"] if device["is_switch"]]
    if not switches:
        return "no switch"
    if not description["ovs"]:
        return "kernel bridge"
    return ovs if len(description["ovs"]) == len(switches) else f"{ovs}, and kernel bridge"
