"""DHCP client, the shell: asks for an address, sets it, keeps it.  lan-dhclient on a device.

Before there is an address all goes by a raw socket, for the kernel takes no datagram to an address
that it has not; renewal goes the plain way.  SIGTERM ends it and leaves the address for the rest of
its lease (``--release`` gives it back); SIGHUP renews now.
"""

import random
import signal
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from lan.errors import OK, LanError, RunError, UsageError
from lan.services.dhcp import configure
from lan.services.dhcp.arguments import Parser
from lan.services.dhcp.binding import Binding
from lan.services.dhcp.client import EVERYONE, Action, Client, Configure, Deconfigure, Ignore, Probe, Send
from lan.services.dhcp.sockets import (
    keep_nothing,
    keep_only_udp_to,
    mac_of,
    open_packet,
    open_udp,
    set_up,
    udp_frame,
    udp_payload,
)
from lan.services.dhcp.waiting import Waiter
from lan.services.shell import Clock, DecisionLog, announce_ready
from lan.wire import arp, ethernet
from lan.wire.addresses import BROADCAST_MAC, NULL_MAC
from lan.wire.dhcp import ANY
from lan.wire.malformed import Malformed
from lan.wire.ports import BOOTP_CLIENT, BOOTP_SERVER


class Wire:
    """The client's sockets: raw for DHCP and, if wanted, for ARP; UDP once there is an address."""

    def __init__(self, interface: str, *, probing: bool) -> None:
        set_up(interface)
        self.raw = open_packet(interface, ethernet.IPV4)
        keep_only_udp_to(self.raw, BOOTP_CLIENT)
        self.udp = open_udp(interface, BOOTP_CLIENT)
        keep_nothing(self.udp)
        self.arp = open_packet(interface, ethernet.ARP) if probing else None
        self.mac = mac_of(self.raw)
        self._server_mac = BROADCAST_MAC

    def receive(self) -> bytes | None:
        """The next payload for a DHCP client; None when nothing is here."""
        while True:
            try:
                frame = self.raw.recv(65535)
            except (BlockingIOError, OSError):                  # ENETDOWN: the cable is gone
                return None
            if (found := udp_payload(frame, BOOTP_CLIENT)) is not None:
                self._server_mac, payload = found
                return payload

    def broadcast(self, message: bytes) -> None:
        """From nowhere to everyone.  RFC 2131 §4.1."""
        ports = BOOTP_CLIENT, BOOTP_SERVER
        self.raw.send(udp_frame((self.mac, BROADCAST_MAC), (ANY, EVERYONE), ports, message))

    def unicast(self, message: bytes, source: IPv4Address | None, server: IPv4Address) -> None:
        """To the server; a last word (`source` set) is not to wait for ARP while its address goes away."""
        if source is None:
            self.udp.sendto(message, (str(server), BOOTP_SERVER))
        else:
            ports = BOOTP_CLIENT, BOOTP_SERVER
            self.raw.send(udp_frame((self.mac, self._server_mac), (source, server), ports, message))

    def probe(self, ip: IPv4Address) -> None:
        """RFC 5227 §2.1.1: a question with the sender's address left out, which fills nobody's cache."""
        assert self.arp is not None
        question = arp.build(arp.REQUEST, self.mac, ANY, NULL_MAC, ip)
        self.arp.send(ethernet.build(BROADCAST_MAC, self.mac, ethernet.ARP, question))

    def holders(self, ip: IPv4Address) -> list[str]:
        """The MACs of those that said by ARP that they have the address."""
        found: list[str] = []
        while self.arp is not None:
            try:
                data = self.arp.recv(2048)
                message = arp.read(data, ethernet.HEADER_BYTES, len(data))
            except Malformed:
                continue
            except (BlockingIOError, OSError):
                break
            if message.sender_ip == str(ip) and message.sender_mac != self.mac:
                found.append(message.sender_mac)
        return found

    def close(self) -> None:
        for sock in (self.raw, self.udp, self.arp):
            if sock is not None:
                sock.close()


class Host:
    """Carries out what the client decides, on one interface."""

    def __init__(self, client: Client, wire: Wire, options: Any, log: DecisionLog, clock: Clock) -> None:
        self.client, self.wire, self.options, self.log, self.clock = client, wire, options, log, clock
        self.probed: IPv4Address | None = None
        self.announced: Binding | None = None

    def carry_out(self, actions: Sequence[Action]) -> None:
        """All of them, in order.  Raises MachineError."""
        for action in actions:
            match action:
                case Send(why=why, type=kind, xid=xid):
                    self.log.append(kind, why, xid=xid, client=self.client.mac, state=self.client.state.value)
                    self._send(action)
                case Configure(binding, before, why):
                    self.log.append("bound", why, ip=str(binding.interface), client=self.client.mac)
                    self._configure(binding, before)
                case Deconfigure(binding, why):
                    configure.take(self.options.interface, binding)
                    if self.options.lease_file:
                        self.options.lease_file.unlink(missing_ok=True)
                    self.announced = None
                    self.log.append("unbound", why, ip=str(binding.interface), client=self.client.mac)
                case Probe(ip, why):
                    self.probed = ip
                    self.wire.probe(ip)
                    self.log.append("probed", why, ip=str(ip), client=self.client.mac)
                case Ignore(why):
                    self.log.append("ignored", why, client=self.client.mac)

    def _send(self, action: Send) -> None:
        try:
            if action.to == EVERYONE:
                self.wire.broadcast(action.message)
            else:
                self.wire.unicast(action.message, action.source, action.to)
        except OSError as fault:                                # the cable is out: the timer tries again
            print(f"dhcp client: {action.type} not sent: {fault.strerror}", file=sys.stderr, flush=True)

    def _configure(self, binding: Binding, before: Binding | None) -> None:
        options = self.options
        configure.give(options.interface, binding, before, self.clock())
        if text := configure.resolv_text(binding):
            configure.write_file(options.resolv, text)
        if options.lease_file:
            state = self.client.state.value
            configure.write_lease(
                options.lease_file, options.interface, self.client.mac, self.client.hostname, state, binding
            )
        if self.announced is None or self.announced.interface != binding.interface:
            announce_ready(f"bound {binding.interface}")
        self.announced = binding

    def run(self, give_up_s: float | None) -> int:
        """Until SIGTERM, or with --once until there is an address; the exit code."""
        client, wire = self.client, self.wire
        descriptors = [sock.fileno() for sock in (wire.raw, wire.arp) if sock is not None]
        with Waiter(descriptors, [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], self.clock) as waiter:
            self.carry_out(client.start(now_s=self.clock()))
            while not (self.options.once and client.binding):
                deadlines = [when_s for when_s in (client.deadline_s(), give_up_s) if when_s is not None]
                ready, signals = waiter.wait(min(deadlines, default=None))
                if signal.SIGTERM in signals or signal.SIGINT in signals:
                    self.carry_out(client.release(now_s=self.clock()) if self.options.release else [])
                    return OK
                if signal.SIGHUP in signals:
                    self.carry_out(client.renew(now_s=self.clock()))
                if wire.raw.fileno() in ready and (data := wire.receive()) is not None:
                    self.carry_out(client.receive(data, now_s=self.clock()))
                if wire.arp is not None and wire.arp.fileno() in ready and self.probed is not None:
                    for mac in wire.holders(self.probed):
                        self.carry_out(client.conflict(now_s=self.clock(), mac=mac))
                self.carry_out(client.wake(now_s=self.clock()))
                if give_up_s is not None and client.binding is None and self.clock() >= give_up_s:
                    raise RunError("no DHCP server gave an address", where=self.options.interface,
                                   expected="an offer and an ACK", todo="is a server on this LAN, and the cable in?")
                if client.binding:
                    give_up_s = None
        return OK


def _parse(arguments: Sequence[str]) -> Any:
    parser = Parser(prog="lan-dhclient", description="A DHCP client for one interface.  RFC 2131.")
    parser.add_argument("--interface", required=True, metavar="IF", help="the interface to give an address")
    parser.add_argument("--once", action="store_true", help="end when there is an address, instead of renewing it")
    parser.add_argument("--hostname", metavar="H", help="the name told to the server (option 12)")
    parser.add_argument("--resolv", metavar="FILE", type=Path, default=Path("/etc/resolv.conf"),
                        help="where the DNS servers are written")
    parser.add_argument("--lease-file", metavar="F", type=Path, help="keep the lease there, as JSON; asked for again")
    parser.add_argument("--release", action="store_true", help="give the address back on SIGTERM")
    parser.add_argument("--probe-s", metavar="S", type=float, default=0.0,
                        help="before use, ask by ARP for so long whether somebody has the address (default 0: no)")
    parser.add_argument("--first-retry-s", metavar="S", type=float, default=4.0,
                        help="ask again after so long, then twice that and so on (default 4)")
    parser.add_argument("--timeout-s", metavar="S", type=float, help="fail when there is no address after so long")
    options = parser.parse_args(arguments)
    for name in ("probe_s", "first_retry_s", "timeout_s"):
        value = getattr(options, name)
        if value is not None and not (0 < value < 1e9 or (value == 0 and name == "probe_s")):
            raise UsageError(f"--{name.replace('_', '-')} {value}: no such time", expected="seconds, such as 1.5")
    if options.hostname is not None and not (options.hostname.isascii() and 0 < len(options.hostname) <= 255):
        raise UsageError(f"--hostname {options.hostname!r} is no name", expected="ASCII letters, such as pc1")
    return options


def main(arguments: Sequence[str], clock: Clock = time.time) -> int:
    """Ask for an address and keep it; the exit code."""
    wire = None
    try:
        options = _parse(arguments)
        wire = Wire(options.interface, probing=options.probe_s > 0)
        client = Client(
            wire.mac,
            chance=random.random,
            hostname=options.hostname,
            previous=configure.read_lease(options.lease_file) if options.lease_file else None,
            probe_s=options.probe_s,
            first_retry_s=options.first_retry_s,
        )
        give_up_s = None if options.timeout_s is None else clock() + options.timeout_s
        return Host(client, wire, options, DecisionLog("dhcp-client", clock), clock).run(give_up_s)
    except LanError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    finally:
        if wire is not None:
            wire.close()


def program() -> None:
    """The command lan-dhclient."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
