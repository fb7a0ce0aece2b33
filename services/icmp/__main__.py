"""lan-ping: echo requests to one host, in the words of the field's ping.

A raw socket where that is allowed, else the ICMP socket that the kernel gives to ordinary users
(icmp(7), ping_group_range); there the kernel chooses the identifier and keeps errors in a queue.
"""

import argparse
import json
import random
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

from lan.errors import FAILED, OK, LanError, MachineError, UsageError
from lan.services.icmp.ping import Answer, Ping, report
from lan.services.shell import Clock

_IP_RECVERR, _IP_RECVTTL, _IP_TTL, _ICMP_FILTER = 11, 12, 2, 1
_SO_EE_ORIGIN_ICMP = 2
_HOST_UNREACHABLE = (3, 1)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", todo=f"{self.prog} --help")


class EchoSocket:
    """A socket that sends echo requests to one address and gives what comes back to a Ping."""

    def __init__(self, ttl: int | None) -> None:
        try:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
            self.is_raw = True
            deaf_to = 1 << 8                                    # requests of others
            self.sock.setsockopt(socket.IPPROTO_RAW, _ICMP_FILTER, struct.pack("=I", deaf_to))
        except PermissionError:
            self.sock, self.is_raw = self._plain(), False
            self.sock.setsockopt(socket.SOL_IP, _IP_RECVERR, 1)
            self.sock.setsockopt(socket.SOL_IP, _IP_RECVTTL, 1)
            self.sock.bind(("", 0))
        self.sock.setblocking(False)
        if ttl is not None:
            self.sock.setsockopt(socket.SOL_IP, _IP_TTL, ttl)

    @staticmethod
    def _plain() -> socket.socket:
        try:
            return socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
        except PermissionError as fault:
            raise MachineError(
                "this user may not open ICMP sockets",
                expected="root, or a group within net.ipv4.ping_group_range",
                todo="sysctl net.ipv4.ping_group_range='0 2147483647', or run it on a device of a LAN",
            ) from fault

    def identifier(self, own: int) -> int:
        """`own` where we choose it, else the kernel's."""
        return own if self.is_raw else int(self.sock.getsockname()[1])

    def receive(self, ping: Ping, clock: Clock) -> list[Answer]:
        """All that is here and about this ping."""
        answers: list[Answer | None] = []
        while (answer := self._receive_one(ping, clock)) is not _NOTHING_HERE:
            answers.append(answer)
        return [answer for answer in answers if answer is not None]

    def _receive_one(self, ping: Ping, clock: Clock) -> Answer | None:
        try:
            data, ancillary, _, sender = self.sock.recvmsg(65535, 256)
        except BlockingIOError:
            return self._error(ping) if not self.is_raw else _NOTHING_HERE
        except OSError:                                         # an error that waits in the queue
            return self._error(ping) if not self.is_raw else None
        now_s = clock()
        if self.is_raw:
            return ping.receive_datagram(data, now_s=now_s)
        ttl = next((struct.unpack("=i", value)[0] for _, kind, value in ancillary if kind == _IP_TTL), None)
        return ping.receive(data, sender[0], now_s=now_s, ttl=ttl)

    def _error(self, ping: Ping) -> Answer | None:
        """The next of the error queue.  ip(7), IP_RECVERR."""
        try:
            data, ancillary, _, _ = self.sock.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return _NOTHING_HERE
        for _, kind, value in ancillary:
            if kind == _IP_RECVERR and len(value) >= 24:
                _, origin, icmp_type, code = struct.unpack_from("=IBBB", value)
                source = socket.inet_ntoa(value[20:24])
                if origin != _SO_EE_ORIGIN_ICMP:
                    (icmp_type, code), source = _HOST_UNREACHABLE, "this host"
                return ping.receive_error(data, source, icmp_type, code)
        return None


_NOTHING_HERE = Answer(0, "")


def run(ping: Ping, echo: EchoSocket, show: "Screen", clock: Clock) -> None:
    """Send and receive until all is answered, waited for, or Ctrl-C.

    An answer that came in time counts though we were not run meanwhile: no wait is over before what came is read.
    """
    poll = select.poll()
    poll.register(echo.sock, select.POLLIN | select.POLLERR)
    try:
        while True:
            now_s = clock()
            for answer in echo.receive(ping, clock):
                show.answer(answer)
            if ping.is_over(now_s=now_s):
                return
            if (request := ping.wake(now_s=clock())) is not None:
                try:
                    echo.sock.sendto(request, (ping.address, 0))
                except OSError as fault:
                    show.answer(ping.fail(fault.strerror or "it can't be sent"))
                    continue
            deadline_s = ping.deadline_s() or 0.0
            poll.poll(max(0.0, deadline_s - clock()) * 1000 + 1)
    except KeyboardInterrupt:
        pass


class Screen:
    """Prints each answer as it comes, or keeps all for JSON."""

    def __init__(self, ping: Ping, destination: str, *, as_json: bool, quiet: bool) -> None:
        self.ping, self.destination, self.as_json, self.quiet = ping, destination, as_json, quiet
        self.name = destination if destination != ping.address else None
        self.answers: list[Answer] = []

    def begin(self) -> None:
        if not self.as_json:
            size = self.ping.size
            print(f"PING {self.destination} ({self.ping.address}) {size}({size + 28}) bytes of data.", flush=True)

    def answer(self, answer: Answer) -> None:
        if self.as_json:
            self.answers.append(answer)
        elif not self.quiet:
            print(answer.line(self.name), flush=True)

    def end(self) -> None:
        if self.as_json:
            print(json.dumps(report(self.ping, self.destination, self.answers)))
            return
        print(f"\n--- {self.destination} ping statistics ---")
        for line in self.ping.statistics.lines(self.ping.elapsed_s()):
            print(line)
        sys.stdout.flush()


def resolve(destination: str) -> str:
    """The IPv4 address of a name.  Raises UsageError."""
    try:
        found = socket.getaddrinfo(destination, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as fault:
        said = fault.strerror if isinstance(fault, OSError) and fault.strerror else "no such name"
        raise UsageError(f"lan-ping: {destination}: {said}", expected="a host's name or IPv4 address") from fault
    return str(found[0][4][0])


def _parse(arguments: Sequence[str]) -> Any:
    parser = _Parser(prog="lan-ping", description="Ask a host for echoes.  RFC 792.")
    parser.add_argument("destination", help="name or IPv4 address")
    parser.add_argument("-c", dest="count", type=int, metavar="N", help="stop after N requests")
    parser.add_argument("-i", dest="interval_s", type=float, default=1.0, metavar="S", help="seconds between requests")
    parser.add_argument("-W", dest="timeout_s", type=float, metavar="S", help="seconds to wait for the last answer")
    parser.add_argument("-s", dest="size", type=int, default=56, metavar="BYTES", help="data in each request")
    parser.add_argument("-t", dest="ttl", type=int, metavar="TTL", help="hops that a request may take")
    parser.add_argument("-q", dest="quiet", action="store_true", help="print the statistics alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    for flag, value, low, high in (
        ("-c", options.count, 1, 2**31),
        ("-i", options.interval_s, 0.001, 86400),
        ("-W", options.timeout_s, 0, 86400),
        ("-s", options.size, 0, 65507),
        ("-t", options.ttl, 1, 255),
    ):
        if value is not None and not low <= value <= high:
            raise UsageError(f"lan-ping: {flag} {value} is out of range", expected=f"{low} to {high}")
    return options


def main(arguments: Sequence[str], clock: Clock = time.monotonic) -> int:
    """Ping; 0 with any reply, 1 with none, 2 for a wrong word or unknown host."""
    try:
        options = _parse(arguments)
        address = resolve(options.destination)
        echo = EchoSocket(options.ttl)
    except LanError as fault:
        print(fault, file=sys.stderr)
        return fault.exit_code
    ping = Ping(
        address,
        identifier=echo.identifier(random.randrange(1, 0x10000)),
        count=options.count,
        interval_s=options.interval_s,
        timeout_s=options.timeout_s,
        size=options.size,
    )
    screen = Screen(ping, options.destination, as_json=options.json, quiet=options.quiet)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        screen.begin()
        run(ping, echo, screen, clock)
        screen.end()
    except BrokenPipeError:
        pass                                                    # ``lan-ping web | head -1``
    finally:
        signal.signal(signal.SIGINT, before)
        echo.sock.close()
    return OK if ping.statistics.received else FAILED


def program() -> None:
    """The command lan-ping."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
