"""The controller process: owns the socket, the clock, the log and the table file.

    python -m lan.openflow.controller --listen 127.0.0.1:6653 --datapaths 1 --tables mac.json

The socket is open before the OpenFlow library is imported, which takes a quarter of a second: a
datapath that connects meanwhile waits in the backlog, where a refusal would cost it a second.
"""

import argparse
import gc
import importlib
import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from lan.errors import LanError, MachineError, UsageError
from lan.openflow import rows
from lan.openflow.fabric import Fabric
from lan.openflow.mac_table import AGE_S
from lan.openflow.switch import Note
from lan.services.shell import DecisionLog, announce_ready, parse_listen

PORT = 6653
SETTLE_S = 0.05
"""How long changes gather before the table file is written anew."""
LONGEST_AGE_S = 0xFFFF
"""OpenFlow's idle timeout has sixteen bits."""


class TableFile:
    """Writes the tables soon after a change, and many changes once."""

    def __init__(self, path: Path | None, fabric: Fabric) -> None:
        self.path, self.fabric = path, fabric
        self._changed = threading.Event()

    def mark(self) -> None:
        self._changed.set()

    def write_forever(self) -> None:
        while self.path is not None and self._changed.wait():
            time.sleep(SETTLE_S)
            self._changed.clear()
            rows.write(self.path, list(self.fabric.switches.values()), time.time())


def listen(text: str) -> socket.socket:
    """A listening socket; raises UsageError, and MachineError where the port is taken."""
    address, port = parse_listen(text, PORT)
    try:
        return socket.create_server((address, port), backlog=128)
    except OSError as fault:
        raise MachineError(f"can't listen on {text}: {fault.strerror}", todo="--listen with another port") from fault


def age_of(name: str, options: argparse.Namespace) -> int:
    """The ageing time of a switch that connects: what the file says, or else what the command line does."""
    known = json.loads(options.ages.read_text()) if options.ages else {}
    return int(known.get(name, options.age_s))


def build_fabric(options: argparse.Namespace, where: str) -> tuple[Fabric, TableFile]:
    log = DecisionLog("switch")

    def record(switch: str, note: Note) -> None:
        log.append(note.what, note.why, switch=switch, **note.keys)

    def ready(datapaths: int) -> None:
        announce_ready(f"{datapaths} datapaths on tcp {where}")

    fabric = Fabric(record, lambda: None, ready, datapaths=options.datapaths, age_of=lambda name: age_of(name, options))
    table_file = TableFile(options.tables, fabric)
    fabric.changed = table_file.mark
    return fabric, table_file


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("lan-controller", description="A learning switch for OpenFlow 1.3 datapaths.")
    parser.add_argument("--listen", default=f"127.0.0.1:{PORT}", metavar="ADDR:PORT", help="where datapaths connect")
    parser.add_argument("--datapaths", type=int, default=1, metavar="N", help="ready when so many are connected")
    parser.add_argument("--tables", type=Path, metavar="FILE", help="where the MAC address tables are written")
    parser.add_argument("--age-s", type=int, default=AGE_S, metavar="SECONDS", help="forget a silent station after")
    parser.add_argument("--ages", type=Path, metavar="FILE", help="JSON: the same for switches by name")
    options = parser.parse_args(arguments)
    if not 1 <= options.age_s <= LONGEST_AGE_S:
        raise UsageError(f"--age-s {options.age_s}", expected=f"seconds from 1 to {LONGEST_AGE_S}")
    return options


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # the library's threads inherit this: we alone take them
    try:
        options = parse(arguments)
        listener = listen(options.listen)
    except LanError as fault:
        print(f"lan-controller: {fault}", file=sys.stderr)
        return fault.exit_code
    address, port = listener.getsockname()[:2]
    fabric, table_file = build_fabric(options, f"{address}:{port}")
    threading.Thread(target=table_file.write_forever, daemon=True).start()
    # By name and late, since the import is slow; in a daemon thread, whose threads then are daemons too.
    gc.disable()  # a quarter of that import is the collector, which finds nothing
    library = importlib.import_module("lan.openflow.ryu")
    gc.enable()
    threading.Thread(target=library.run, args=(fabric, listener, time.time), daemon=True).start()
    signal.sigwait(signals)
    return 0


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # the library's threads can't be joined, and Ryu's crash a dying interpreter
