"""Words that several verbs share."""

import argparse
import re
from pathlib import Path
from typing import Any

from lan.cli.screen import spoken
from lan.control.launch import Launch
from lan.errors import UsageError
from lan.reasons import Sentence
from lan.topo.spec import Lan
from lan.trace.capture_file import Capturing
from lan.trace.packet_socket import ENTIRE_BYTES

LEAST_SNAPLEN_BYTES = 60
"""All headers down to TCP's, without options."""
LEAST_FILES = 2
LEAST_FILE_BYTES = 1 << 20
MOST_DIGITS = 18
UNITS = {"": 0, "K": 10, "M": 20, "G": 30}


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
    parser.add_argument("--snaplen", type=_snaplen, metavar="N", help="capture the first N bytes of each frame")
    parser.add_argument(
        "--trace-size", type=_size, metavar="SIZE", help="begin a new capture file at SIZE, such as 100M"
    )
    parser.add_argument("--trace-files", type=_files, metavar="N", help="keep the last N such files (default 2)")
    parser.add_argument("--no-keylog", action="store_true", help="keep no TLS secrets: HTTPS stays closed to the trace")
    json_word(parser)


def launch_of(options: argparse.Namespace, **how: Any) -> Launch:
    """The words of `building_words` as a Launch.  Raises UsageError where they don't fit together."""
    if options.no_trace and (options.snaplen or options.trace_size or options.trace_files):
        raise UsageError("--no-trace captures nothing: there is nothing to cut or to divide", todo="leave it out")
    if options.trace_files and not options.trace_size:
        raise UsageError(
            "--trace-files says how many, and nothing says when a file is full", todo="add --trace-size 100M"
        )
    return Launch(
        state=options.state,
        switch=options.switch,
        datapath=options.datapath,
        offload=options.offload,
        link=options.link,
        trace=not options.no_trace,
        capturing=Capturing(
            options.snaplen or ENTIRE_BYTES, options.trace_size or 0, options.trace_files or LEAST_FILES
        ),
        key_log=not options.no_keylog,
        **how,
    )


def whole_number(text: str) -> int:
    """A word of a command line that is a number from 0 on."""
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _snaplen(text: str) -> int:
    return _number(text, LEAST_SNAPLEN_BYTES, ENTIRE_BYTES, "bytes of each frame")


def _files(text: str) -> int:
    return _number(text, LEAST_FILES, 9999, "files")


def _size(text: str) -> int:
    """``100M`` → bytes."""
    match = re.fullmatch(r"(\d{1,12})([kKMG]?)B?", text)
    size = int(match[1]) << UNITS[match[2].upper()] if match else 0
    if size < LEAST_FILE_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is no size of a file from 1M on, such as 100M or 2G")
    return size


def _number(text: str, low: int, high: int, what: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of {what} from {low} to {high}")
    return number


def up_words(lan: Lan, name: str, described: dict[str, Any], up_s: float) -> Sentence:
    """What came up: ``LAN office · 5 devices · 4 links · kernel bridge   up in 0.8 s``."""
    return Sentence("LAN {name} · {devices} devices · {links} links · {switching}   up in {seconds:.1f} s",
                    name=name, devices=len(lan.devices), links=len(lan.links), switching=switch_words(described),
                    seconds=up_s)  # fmt: skip


def note_words(note: str) -> Sentence:
    """What is told of a LAN beside its being up, in the reader's language as far as it is known."""
    return Sentence("note: {note}", note=spoken().know_again(note))


def switch_words(description: dict[str, Any]) -> Sentence:
    """What forwards the frames, and what carries them where cables have options.

    ``Open vSwitch (userspace) + os-ken``, ``kernel bridge · userspace link``.
    """
    switching, means = _switching(description), description["link_means"]
    return Sentence("{switching} · {means} link", switching=switching, means=means) if means else switching


def _switching(description: dict[str, Any]) -> Sentence:
    ovs = Sentence("Open vSwitch ({datapath}) + os-ken", datapath=description["datapath"])
    switches = [device for device in description["lan"]["devices"] if device["is_switch"]]
    if not switches:
        return Sentence("no switch")
    if not description["ovs"]:
        return Sentence("kernel bridge")
    return (
        ovs if len(description["ovs"]) == len(switches) else Sentence("{switching}, and kernel bridge", switching=ovs)
    )
