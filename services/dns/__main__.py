"""The DNS server as a program:  python -m lan.services.dns --zone FILE --listen ADDR:PORT

SIGHUP reads the zone file again; a file with a mistake changes nothing.  SIGTERM ends it.
"""

import argparse
import os
import selectors
import signal
import sys
from pathlib import Path

from lan.errors import LanError, UsageError
from lan.services.dns import zone_file
from lan.services.dns.answer import Answer, Responder
from lan.services.dns.cache import AnswerCache
from lan.services.dns.server import DnsServer
from lan.services.dns.zone import TTL_S
from lan.services.shell import DecisionLog, announce_ready, parse_listen

PORT = 53
LONGEST_TTL_S = zone_file.LONGEST_TTL_S


def load(path: Path, ttl_s: int) -> AnswerCache:
    """Answers from the zone file as it is now; its time of change is the zone's serial number."""
    try:
        text, serial = path.read_text(encoding="utf-8"), int(path.stat().st_mtime)
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"can't read the zone file: {fault}", where=path) from fault
    return AnswerCache(Responder(zone_file.parse(text, where=str(path), ttl_s=ttl_s, serial=serial)))


def serve(server: DnsServer, options: argparse.Namespace) -> None:
    """Carry queries in and answers out until SIGTERM or SIGINT."""
    reads, writes = os.pipe()
    os.set_blocking(writes, False)
    signal.set_wakeup_fd(writes)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # only to be woken: what was sent is read from the pipe
    told: list[int] = []
    server.selector.register(reads, selectors.EVENT_READ, lambda: told.extend(os.read(reads, 64)))
    announce(server)
    while signal.SIGTERM not in told and signal.SIGINT not in told:
        server.step()
        if signal.SIGHUP in told:
            told.remove(signal.SIGHUP)
            reload(server, options)


def reload(server: DnsServer, options: argparse.Namespace) -> None:
    try:
        server.answers = load(options.zone, options.ttl)
    except LanError as fault:
        print(f"lan-dns: the zone stays as it was: {fault}", file=sys.stderr, flush=True)
    else:
        announce(server)


def announce(server: DnsServer) -> None:
    announce_ready(f"dns udp and tcp {server.where()}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("lan-dns", description="An authoritative DNS server for the zones of one file.")
    parser.add_argument("--zone", type=Path, required=True, metavar="FILE", help="JSON, or a master file")
    parser.add_argument("--listen", default=f"0.0.0.0:{PORT}", metavar="ADDR:PORT", help="where queries come")
    parser.add_argument("--ttl", type=int, default=TTL_S, metavar="SECONDS", help="of records that have none")
    parser.add_argument("--no-log", action="store_true", help="do not log each decision")
    options = parser.parse_args(arguments)
    if not 0 <= options.ttl <= LONGEST_TTL_S:
        raise UsageError(f"--ttl {options.ttl}", expected=f"seconds from 0 to {LONGEST_TTL_S} (RFC 2181 §8)")
    return options


def main(arguments: list[str]) -> int:
    """Serve until told to end; the exit code."""
    try:
        options = parse(arguments)
        server = DnsServer(load(options.zone, options.ttl), parse_listen(options.listen, PORT), _silent)
    except LanError as fault:
        print(f"lan-dns: {fault}", file=sys.stderr)
        return fault.exit_code
    log = DecisionLog("dns")

    def record(number: int | None, answer: Answer, client: str) -> None:
        log.append(answer.what, answer.why, id=number, name=answer.name, type=answer.type, client=client)

    if not options.no_log:
        server.record = record
    serve(server, options)
    server.stop()
    return 0


def _silent(number: int | None, answer: Answer, client: str) -> None:
    """Logs nothing."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
