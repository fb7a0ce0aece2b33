"""DHCP server, the shell: carries datagrams in and replies out, and keeps the leases on disk.

Leases are written and synced before the replies of the same round leave; a round takes all that
the socket holds, so that one sync serves many clients.  SIGHUP reads --config again.
"""

import json
import signal
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from lan.errors import OK, LanError, MachineError, UsageError
from lan.services.dhcp.arguments import Parser
from lan.services.dhcp.journal import Journal, load
from lan.services.dhcp.leases import Leases
from lan.services.dhcp.server import Action, Drop, Keep, Reply, Server
from lan.services.dhcp.settings import Settings, parse_settings
from lan.services.dhcp.sockets import mac_of, open_packet, open_udp, own_address, udp_frame
from lan.services.dhcp.waiting import Waiter
from lan.services.shell import Clock, DecisionLog, announce_ready
from lan.wire.ports import BOOTP_SERVER

ROUND = 64
"""Datagrams taken before their replies are sent."""


class Wire:
    """The server's two sockets on its interface: UDP for most, raw for clients without an address yet."""

    def __init__(self, interface: str) -> None:
        self.udp, self._raw = open_udp(interface, BOOTP_SERVER), open_packet(interface, 0)
        self._mac = mac_of(self._raw)

    def receive(self) -> list[bytes]:
        """All datagrams that are here, `ROUND` at most."""
        datagrams: list[bytes] = []
        try:
            while len(datagrams) < ROUND:
                datagrams.append(self.udp.recv(65535))
        except BlockingIOError:
            pass
        return datagrams

    def send(self, reply: Reply, server_ip: IPv4Address) -> None:
        """Send one reply; raises OSError."""
        to = reply.to
        if to.mac is None:
            self.udp.sendto(reply.message, (str(to.ip), to.port))
        else:
            ports = BOOTP_SERVER, to.port
            self._raw.send(udp_frame((self._mac, to.mac), (server_ip, to.ip), ports, reply.message))

    def close(self) -> None:
        self.udp.close()
        self._raw.close()


def serve(server: Server, wire: Wire, journal: Journal, log: DecisionLog, reload: "Reload", clock: Clock) -> None:
    """Answer until SIGTERM or SIGINT."""
    with Waiter([wire.udp.fileno()], [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], clock) as waiter:
        announce_ready(f"udp {server.settings.server_ip}:{BOOTP_SERVER}")
        while True:
            ready, signals = waiter.wait(server.deadline_s())
            if signal.SIGTERM in signals or signal.SIGINT in signals:
                return
            if signal.SIGHUP in signals:
                reload(server)
            now_s = clock()
            datagrams = wire.receive() if ready else []
            actions = [action for data in datagrams for action in server.receive(data, now_s=now_s)]
            carry_out(actions or server.expire(now_s=now_s), server, wire, journal, log)


def carry_out(actions: Sequence[Action], server: Server, wire: Wire, journal: Journal, log: DecisionLog) -> None:
    """Leases to the disk, then decisions to the log, then replies to the wire."""
    journal.append(action.lease for action in actions if isinstance(action, Keep))
    for action in actions:
        match action:
            case Drop(why, client, xid):
                log.append("ignored", why, client=client, xid=xid)
            case Keep(lease, why):
                log.append(lease.state.value.lower(), why, client=lease.mac, ip=str(lease.ip), until_s=lease.until_s)
            case Reply(what, _, _, why, client, xid, ip):
                log.append(what, why, client=client, xid=xid, ip=None if ip is None else str(ip))
                try:
                    wire.send(action, server.settings.server_ip)
                except OSError as fault:                        # unplugged, or the client is gone: it asks again
                    print(f"dhcp: reply to {client} not sent: {fault.strerror}", file=sys.stderr, flush=True)


class Reload:
    """Reads the settings again; wrong ones are said, and the old ones stay."""

    def __init__(self, values: dict[str, Any], config: Path | None, interface: str) -> None:
        self.values, self.config, self.interface = values, config, interface

    def settings(self) -> Settings:
        """The command line's values, overlaid by the file's.  Raises UsageError, MachineError."""
        values = self.values | (_read_config(self.config) if self.config else {})
        return parse_settings(values, self._server_ip(values.get("subnet")), self.config)

    def __call__(self, server: Server) -> None:
        try:
            server.settings = self.settings()
        except LanError as fault:
            print(fault, file=sys.stderr, flush=True)
        announce_ready(f"udp {server.settings.server_ip}:{BOOTP_SERVER}")

    def _server_ip(self, subnet_text: object) -> IPv4Address:
        try:
            subnet = IPv4Network(str(subnet_text), strict=False)
        except ValueError as fault:
            raise UsageError(f"subnet {subnet_text!r}: {fault}", expected="CIDR, such as 192.168.100.0/24") from fault
        address = own_address(self.interface, subnet.broadcast_address)
        if address is None or address not in subnet:
            example = f"{subnet.broadcast_address - 1}/{subnet.prefixlen}"
            raise MachineError(
                f"has no address in {subnet}, the server needs one",
                where=self.interface,
                todo=f"ip address add {example} dev {self.interface}",
            )
        return address


def _read_config(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except OSError as fault:
        raise UsageError(f"the settings can't be read: {fault.strerror}", where=path) from fault
    except ValueError as fault:
        raise UsageError(f"the settings are no JSON: {fault}", where=path, expected="one JSON object") from fault
    if not isinstance(values, dict):
        raise UsageError("the settings are no object", where=path, expected='such as {"pool": "192.168.100.1-100"}')
    return values


def _parse(arguments: Sequence[str]) -> Any:
    parser = Parser(prog="lan serve dhcp", description="A DHCP server for one subnet.  RFC 2131.")
    parser.add_argument("--interface", required=True, metavar="IF", help="where to serve; it must have its address")
    parser.add_argument("--subnet", metavar="CIDR", help="the subnet, such as 192.168.100.0/24")
    parser.add_argument("--pool", metavar="FIRST-LAST", help="addresses to lease, such as 192.168.100.1-100")
    parser.add_argument("--router", metavar="IP", help="default gateway for the clients")
    parser.add_argument("--dns", metavar="IP[,IP]", help="DNS servers for the clients")
    parser.add_argument("--domain", metavar="NAME", help="the clients' domain name")
    parser.add_argument("--lease-s", metavar="N", help="seconds that a lease runs (default 3600)")
    parser.add_argument("--leases", metavar="FILE", type=Path, help="keep the leases there; without it, in memory")
    parser.add_argument("--config", metavar="FILE", type=Path,
                        help="JSON object of subnet, pool, router, dns, domain, lease_s, reservations; "
                             "comes before the command line; read again on SIGHUP")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str], clock: Clock = time.time) -> int:
    """Serve until SIGTERM; the exit code."""
    try:
        options = _parse(arguments)
        keys = ("subnet", "pool", "router", "dns", "domain", "lease_s")
        values = {key: value for key in keys if (value := getattr(options, key)) is not None}
        reload = Reload(values, options.config, options.interface)
        settings = reload.settings()
        leases: Leases = load(options.leases)
        wire = Wire(options.interface)
        journal = Journal(options.leases, leases)
        try:
            serve(Server(settings, leases), wire, journal, DecisionLog("dhcp", clock), reload, clock)
        finally:
            journal.close()
            wire.close()
    except LanError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
