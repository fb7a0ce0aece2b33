"""What is known of a source besides its frames: samples of kernels that lie beside the capture, ranges of ports."""

from collections.abc import Iterable
from pathlib import Path

from lan.cli.source import Source
from lan.control.client import RunningLan
from lan.trace import kernel_tcp
from lan.trace.ledger import Ledger, PortRange
from lan.trace.stalls.attribution import Facts

SAMPLES = "kernel_tcp.jsonl"
"""What `lan stalls --watch` wrote, in the LAN's folder."""
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def facts_of(source: Source) -> Facts:
    """Samples and the ledger of a source."""
    path = source.folder / SAMPLES
    samples = list(kernel_tcp.load(path.read_text().splitlines())) if path.is_file() else []
    return Facts(samples, ledger_of(source))


def ledger_of(source: Source) -> Ledger:
    """The ledger, with the ranges that clients of a LAN that is up have now; of a file, with Linux's own."""
    clients = dict.fromkeys(connection.client.device for connection in source.timeline.tcp)
    return Ledger(source.timeline, ranges_of(source.lan, clients) if source.lan else {})


def ranges_of(lan: RunningLan, devices: Iterable[str]) -> dict[str, PortRange]:
    """Each device's range, as its kernel says; what is no device of this LAN any more is left out."""
    found = {}
    for name in devices:
        if name in lan.spec.devices:
            low, high = lan.device(name).run(["cat", str(RANGE)]).stdout.split()
            found[name] = PortRange(int(low), int(high))
    return found
