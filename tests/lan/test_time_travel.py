"""Tables as they were: at moments of a run the live table is read, and afterwards rebuilt for the same instant."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import PIPE

import pytest

from lan.engine import openvswitch
from lan.testing.factory import Factory
from lan.testing.net import Net
from lan.trace.kernel.record import KernelRecord
from lan.trace.opening import open_capture
from lan.trace.tables.history import History
from lan.trace.tables.rebuild import rebuild

PATIENCE_S = 60.0
"""How long the LAN may take to fall silent."""
FOREVER = 1 << 40
"""More frames than ever come."""
OPEN = """
import socket, sys
held = socket.create_connection(("www.ark-inflearn.com", 80))
print("open", flush=True)
sys.stdin.read()
"""
"""Keeps a connection open until its standard input ends."""
COMPARED = {
    "mac": (("s1",), ("mac", "port", "type")),
    "leases": (("dhcp",), ("address", "mac", "hostname", "state")),
    "arp": (("pc1", "dns", "web"), ("address", "mac", "interface")),
    "interfaces": (("pc1", "web"), ("interface", "state", "mac", "addresses", "received", "sent")),
    "routes": (("pc1", "dns"), ("destination", "gateway", "interface", "source")),
    "sockets": (("pc1", "web"), ("protocol", "state", "local", "peer")),
}
"""Table → devices, and the columns that stand still while they are read."""
Rows = frozenset[tuple[str, ...]]
Lived = tuple[History, History, "list[Moment]"]
"""What was left: without what kernels told, with it; and the moments."""


@dataclass(frozen=True)
class Moment:
    """An instant, and the tables that were read then."""

    name: str
    at_ns: int
    tables: dict[tuple[str, str], Rows]


def chosen(columns: list[str], rows: list[list[str]], wanted: tuple[str, ...]) -> Rows:
    """The compared columns, without what no cable shows: loopback, and sockets that only wait."""
    picked = [dict(zip(columns, row, strict=True)) for row in rows]
    kept = [row for row in picked if row.get("interface") != "lo" and row.get("state") not in ("LISTEN", "UNCONN")]
    return frozenset(tuple(row[name] for name in wanted) for row in kept)


def look(net: Net, name: str, *, knows: tuple[str, ...]) -> Moment:
    """Read all tables now, after all that has passed is recorded, and the switch has told whom it knows.

    What `lan show mac` reads of Open vSwitch is written anew a moment after the switch's decision.  Reading takes a
    while, on a busy machine a long one: where a frame passes meanwhile, such as a neighbour's probe, all is read again.
    """
    wanted_macs = {port.mac for device in knows for port in net.running.spec.ports(device)}
    limit_s = time.monotonic() + PATIENCE_S
    while {row.mac for row in net["s1"].table("mac")} != wanted_macs and time.monotonic() < limit_s:
        net.running.wait_trace(FOREVER, timeout_ms=100)
    while True:
        frames, at_ns = net.running.sync_trace()["frames"], time.time_ns()
        found = {}
        for table, (devices, wanted) in COMPARED.items():
            for device in devices:
                read = net.running.table(device, table)
                found[device, table] = chosen(read["columns"], read["rows"], wanted)
        if net.running.sync_trace()["frames"] == frames:
            break
        assert time.monotonic() < limit_s, f"{name}: something passes whenever the tables are read"
    return Moment(name, at_ns, found)


@pytest.fixture(scope="module", params=["ovs", "bridge"] if openvswitch.installed() else ["bridge"])
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A short life of the office, and what it left in its folder."""
    with Factory(tmp_path_factory) as lan, lan.up("office", switch=request.param) as net:
        moments = [look(net, "after up", knows=("pc1", "dhcp"))]
        net["pc1"].ping("web")
        moments.append(look(net, "after a ping", knows=("pc1", "dhcp", "web")))
        with net["pc1"].popen(sys.executable, "-c", OPEN, stdin=PIPE, stdout=PIPE, text=True) as holding:
            assert holding.stdout is not None and holding.stdout.readline() == "open\n"
            moments.append(look(net, "while a connection is open", knows=("pc1", "dhcp", "web", "dns")))
            holding.communicate()
        assert net.wait(lambda trace: trace.tcp and trace.tcp[-1].is_closed())
        moments.append(look(net, "after it", knows=("pc1", "dhcp", "web", "dns")))
        net.link("web", "s1").unplug()
        moments.append(look(net, "web unplugged", knows=("pc1", "dhcp", "dns")))
        net.link("web", "s1").plug()
        net["pc1"].set(ip="192.168.100.77/24")
        net["pc1"].ping("web")
        moments.append(look(net, "pc1 has another address", knows=("pc1", "dhcp", "dns", "web")))
        folder = net.state
        net.running.sync_trace()
    opened = open_capture(folder / "trace.pcapng")
    logs = {path.parent.name: path.read_text().splitlines() for path in folder.glob("devices/*/decisions.jsonl")}
    described = json.loads((folder / "lan.json").read_text())
    kernel = KernelRecord()
    kernel.add((folder / "kernel.jsonl").read_text().splitlines())
    own = (folder / "decisions.jsonl").read_text().splitlines()
    yield (
        History(opened.timeline, own, logs, described),
        History(opened.timeline, own, logs, described, kernel),
        moments,
    )


@pytest.mark.parametrize("table", COMPARED)
def test_the_rebuilt_table_is_the_live_one(lived: Lived, table: str) -> None:
    """By what kernels told, and without it."""
    *histories, moments = lived
    devices, wanted = COMPARED[table]
    for history in histories:
        for moment in moments:
            for device in devices:
                made = rebuild(history, table, device, moment.at_ns)[device]
                found = chosen(made.columns, made.rows, wanted)
                assert found == moment.tables[device, table], f"{device}, {moment.name}, {made.made_from}"


@pytest.mark.parametrize("table", ["arp", "routes"])
def test_what_kernels_told_is_read_and_not_derived(lived: Lived, table: str) -> None:
    derived, read, moments = lived
    for history, is_derived in ((derived, True), (read, False)):
        assert rebuild(history, table, "pc1", moments[-1].at_ns)["pc1"].is_derived is is_derived


def test_the_tables_change_between_the_moments(lived: Lived) -> None:
    """Else their being equal would say little."""
    *_, moments = lived
    for key in moments[0].tables:
        if key[0] != "dhcp" and key[1] != "routes":
            assert len({moment.tables[key] for moment in moments}) > 1, key
