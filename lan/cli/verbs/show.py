"""A table of one device or all:  lan show mac   (also arp, dns, leases, queues, routes, sockets and more)

lan show mac --at 3.214s           as it was then, counted from the first frame; or --at frame:120
lan show arp pc1 --at 3s --file trace.pcapng     of a LAN that is down
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

from lan.cli.common import lan_word
from lan.cli.screen import Screen
from lan.cli.source import Source, open_source, part_word
from lan.cli.verbs import timewait
from lan.control import client
from lan.control.client import RunningLan
from lan.errors import UsageError, nearest
from lan.language.catalogue import language_of
from lan.links.options import DEFAULT_QUEUE_FRAMES
from lan.reasons import Sentence
from lan.trace.kernel.record import FILE as KERNEL
from lan.trace.kernel.record import KernelRecord
from lan.trace.tables.history import SECOND_NS, History
from lan.trace.tables.rebuild import instant, rebuild
from lan.trace.tables.table import Table

GROUP = "Look"
QUEUES, TIMEWAIT = "queues", "timewait"
"""No device's tables: what waits at the cables, and the ledger of who holds which connection."""
DNS, ZONES = "dns", "lan.services.dns.show"
"""A zone is read by its server's own module, which is started by its name."""
DESCRIPTION = "lan.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "table", help="arp, cache, configuration, dns, interfaces, leases, mac, queues, routes, sockets, timewait"
    )
    parser.add_argument("device", nargs="?", help="of one device alone")
    parser.add_argument("--at", metavar="WHEN", help="as it was at 3.214s after the first frame, or at frame:120")
    parser.add_argument("--file", type=Path, metavar="FILE", help="with --at: a capture instead of a LAN that is up")
    part_word(parser)
    lan_word(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    if options.table == TIMEWAIT:
        return timewait.of_table(options, screen)
    if options.at is not None:
        return _then(options, screen)
    for word, what in (("file", "a capture has a table"), ("part", "a recording has a table")):
        if getattr(options, word) is not None:
            raise UsageError(f"--{word}: {what} at an instant", expected="--at WHEN too, such as --at 3.214s")
    lan = client.connect(options.lan)
    if options.table == QUEUES:
        return _queues(lan, options.device, screen)
    described = lan.describe()["devices"]
    names = [options.device] if options.device else _having(described, options.table)
    if options.device:
        lan.device(options.device)
    if len(names) > 40:
        raise UsageError(f"{len(names)} devices have a table {options.table}", expected="one of them by name")
    tables: dict[str, dict[str, Any]] = {name: lan.table(name, options.table) for name in names}
    if screen.json:
        screen.data({"ok": True, "table": options.table, "devices": tables})
        return 0
    for name, table in tables.items():
        if table["rows"]:
            screen.table(table["columns"], table["rows"], name)
        else:
            screen.line(Sentence("{device}: {table} is empty", device=name, table=options.table), "dim")
    return 0


def _then(options: argparse.Namespace, screen: Screen) -> int:
    """A table as it was."""
    source = open_source(argparse.Namespace(file=options.file, what=None, lan=options.lan, part=options.part), screen)
    history = _history(source)
    at_ns = instant(options.at, history)
    last_ns = time.time_ns() if source.is_live else history.ended_ns
    if at_ns > last_ns:
        why = "that is yet to come" if source.is_live else "the capture ends before that"
        raise UsageError(
            f"--at {options.at}: {why}",
            expected=f"at most {(last_ns - history.begun_ns) / SECOND_NS:.3f}s",
        )
    if options.table == DNS:
        tables = _names(history, options.device, at_ns)
    else:
        tables = rebuild(history, options.table, options.device, at_ns)
    seconds, language = (at_ns - history.begun_ns) / SECOND_NS, language_of(os.environ)
    if screen.json:
        devices = {
            name: {
                "columns": it.columns,
                "rows": it.rows,
                "derived": it.is_derived,
                "made_from": language.retell(it.made_from),
            }
            for name, it in tables.items()
        }
        screen.data({"ok": True, "table": options.table, "at_s": seconds, "devices": devices})
        return 0
    for name, table in tables.items():
        if table.rows:
            screen.table(table.columns, table.rows, name)
        else:
            empty = Sentence("{device}: {table} was empty", device=name, table=options.table)
            screen.line(language.retell(empty), "dim")
    for words in dict.fromkeys(language.retell(_made_from(table, seconds)) for table in tables.values()):
        screen.line(words, "dim")
    return 0


def _made_from(table: Table, seconds: float) -> Sentence:
    """What the table rests on."""
    if table.is_derived:
        return Sentence("at {seconds:.3f} s, derived from {what}", seconds=seconds, what=table.made_from)
    return Sentence("at {seconds:.3f} s, from {what}", seconds=seconds, what=table.made_from)


def _history(source: Source) -> History:
    """The frames, logs and description that lie in one folder."""
    folder, described = source.folder, {}
    try:
        described = json.loads((folder / DESCRIPTION).read_text())
    except (OSError, ValueError):
        pass  # a foreign capture
    logs = {path.parent.name if path.parent != folder else "": _lines(path) for path in source.decision_logs()}
    kernel = KernelRecord()
    if (told := folder / KERNEL).is_file():
        kernel.add(_lines(told))
    return History(source.timeline, logs.pop("", ()), logs, described, kernel)


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def _names(history: History, device: str | None, at_ns: int) -> dict[str, Table]:
    """DNS: zones by the servers' settings as they were; of any other device, and without settings, by the answers."""
    servers = history.devices("dns-server")
    wanted = [name for name in servers if device in (None, name)]
    if not wanted:
        return rebuild(history, DNS, device, at_ns)
    return {name: _zone(history.options(name, at_ns).get("zone", {})) for name in wanted}


def _zone(zone: dict[str, Any]) -> Table:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        importlib.import_module(ZONES).main([json.dumps(zone)])
    read = json.loads(said.getvalue())
    return Table(read["columns"], read["rows"], Sentence("its settings as they were"), is_derived=False)


def _queues(lan: RunningLan, device: str | None, screen: Screen) -> int:
    """What waits for a wire with a bandwidth, at the end that sends."""
    if device is not None:
        lan.device(device)
    rows = [
        [way["from"], way["to"], way["in_force"]["bw"], way["in_force"].get("max_queue_size", DEFAULT_QUEUE_FRAMES)]
        + [(way["counters"] or {}).get(name, "—") for name in ("waiting_frames", "waiting_bytes", "dropped")]
        for link in lan.links()["links"]
        for way in link["ways"]
        if "bw" in way["in_force"] and device in (None, way["from"])
    ]
    columns = ["from", "to", "bw", "limit", "waiting", "bytes", "dropped"]
    if screen.json:
        screen.data({"ok": True, "table": QUEUES, "queues": [dict(zip(columns, row, strict=True)) for row in rows]})
    elif rows:
        screen.table(columns, rows)
    else:
        screen.line(Sentence("no cable has a bandwidth, so nothing waits; try  lan link A B bw=10mbit"), "dim")
    return 0


def _having(described: dict[str, Any], table: str) -> list[str]:
    found = [name for name, device in described.items() if table in device["tables"]]
    if not found:
        known = sorted({name for device in described.values() for name in device["tables"]} | {QUEUES, TIMEWAIT})
        near = nearest(table, known)
        raise UsageError(
            f"no device has a table {table!r}" + (f"; did you mean {near!r}?" if near else ""),
            expected="one of " + ", ".join(known),
        )
    return found
