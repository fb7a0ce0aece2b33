"""lan-nslookup: asks a DNS server, as nslookup does.

    lan-nslookup www.ark-inflearn.com                      A and AAAA, of the servers in resolv.conf
    lan-nslookup www.ark-inflearn.com 192.168.100.254 -type=MX --json

UDP first, tried again when nothing comes; TCP where the answer says that it was cut (RFC 7766 §5).  An
answer counts only from the server that was asked, with the id and the question that were sent (RFC 5452 §9).
"""

import ipaddress
import random
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnslib import EDNS0, QTYPE, RCODE, DNSHeader, DNSLabel, DNSQuestion, DNSRecord

from lan import readable
from lan.errors import FAILED, OK, LanError, RunError, UsageError, nearest
from lan.services.dns.answer import FAULTS, LARGEST_UDP_BYTES, NOERROR
from lan.services.dns.stream import PREFIX_BYTES, framed
from lan.services.dns.zone_file import TYPES

PORT = 53
RESOLV_CONF = Path("/etc/resolv.conf")
MOST_SERVERS = 3
ASKABLE = (*TYPES, "ANY")


@dataclass(frozen=True, slots=True)
class Settings:
    """What resolv.conf says: servers to ask, suffixes to try, and how patiently.  resolv.conf(5)."""

    servers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout_s: float = 5.0
    attempts: int = 2


def read_settings(text: str) -> Settings:
    """The text of a resolv.conf; what can't be read in it is passed over, as resolvers do."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: dict[str, int] = {}
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            servers.append(words[1])
        elif words[:1] in (["search"], ["domain"]):
            search = tuple(words[1:])
        elif words[:1] == ["options"]:
            options |= {key: int(value) for key, _, value in (word.partition(":") for word in words) if value.isdigit()}
    return Settings(
        tuple(servers[:MOST_SERVERS]) or Settings().servers,
        search,
        min(options.get("ndots", 1), 15),
        min(max(options.get("timeout", 5), 1), 30),
        min(max(options.get("attempts", 2), 1), 5),
    )


def candidates(name: str, settings: Settings) -> list[str]:
    """The whole names to try for one that was typed, in order.  resolv.conf(5), `search` and `ndots`."""
    if name.endswith("."):
        return [name]
    longer = [f"{name}.{suffix.strip('.')}." for suffix in settings.search]
    return [f"{name}.", *longer] if name.count(".") >= settings.ndots else [*longer, f"{name}."]


def build_query(name: str, kind: str, number: int) -> bytes:
    """A query with recursion desired and room for a large answer (RFC 6891).  Raises UsageError."""
    header = DNSHeader(id=number, bitmap=0x0100)
    try:
        question = DNSQuestion(DNSLabel(name), getattr(QTYPE, kind))
        return bytes(DNSRecord(header, [question], ar=[EDNS0(udp_len=LARGEST_UDP_BYTES)]).pack())
    except FAULTS as fault:
        raise UsageError(f"{name!r} is not a name", expected="labels of 1 to 63 characters") from fault


def check_answer(query: bytes, data: bytes) -> DNSRecord | None:
    """The answer, if these bytes are one to this query.  RFC 5452 §9.1."""
    try:
        asked, answer = DNSRecord.parse(query), DNSRecord.parse(data)
    except FAULTS:
        return None
    if not answer.header.qr or answer.header.id != asked.header.id:
        return None
    if answer.questions and answer.q != asked.q:
        return None
    return answer if answer.questions or answer.header.rcode else None


def ask(server: str, port: int, query: bytes, settings: Settings) -> tuple[DNSRecord, str]:
    """The server's answer and "udp" or "tcp"; raises RunError when none comes."""
    answer = ask_udp(server, port, query, settings)
    if answer.header.tc:
        return ask_tcp(server, port, query, settings.timeout_s), "tcp"
    return answer, "udp"


def ask_udp(server: str, port: int, query: bytes, settings: Settings) -> DNSRecord:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    fault: OSError | None = None
    for _ in range(settings.attempts):
        with socket.socket(family, socket.SOCK_DGRAM) as sock:  # a new one, for a new source port (RFC 5452 §9.2)
            try:
                sock.connect((server, port))  # so that the kernel takes answers from there alone
                sock.send(query)
                for data in _arrivals(sock, settings.timeout_s):
                    if (answer := check_answer(query, data)) is not None:
                        return answer
            except OSError as what:
                fault = what
    raise RunError(_silence(server, port, fault), todo="ask another server: lan-nslookup NAME SERVER")


def _silence(server: str, port: int, fault: OSError | None) -> str:
    why = "" if fault is None or isinstance(fault, TimeoutError) else f": {fault.strerror}"
    return f"no answer from {server}#{port}{why}"


def _arrivals(sock: socket.socket, timeout_s: float) -> Iterator[bytes]:
    """Datagrams until the time is up; raises TimeoutError then."""
    until_s = time.monotonic() + timeout_s
    while (left_s := until_s - time.monotonic()) > 0:
        sock.settimeout(left_s)
        yield sock.recv(65535)
    raise TimeoutError


def ask_tcp(server: str, port: int, query: bytes, timeout_s: float) -> DNSRecord:
    try:
        with socket.create_connection((server, port), timeout_s) as sock:
            sock.sendall(framed(query))
            data = _read(sock, int.from_bytes(_read(sock, PREFIX_BYTES)))
    except OSError as fault:
        raise RunError(_silence(server, port, fault), where="tcp") from fault
    answer = check_answer(query, data)
    if answer is None:
        raise RunError(f"{server}#{port} answered something else than was asked", where="tcp")
    return answer


def _read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise ConnectionResetError(104, "the connection was closed")
        data += piece
    return data


@dataclass(frozen=True, slots=True)
class Request:
    """The words of a command."""

    name: str
    server: str | None = None
    kinds: tuple[str, ...] = ("A", "AAAA")
    port: int = PORT
    timeout_s: float | None = None
    as_json: bool = False


USAGE = "lan-nslookup NAME [SERVER] [-type=A] [-port=53] [-timeout=SECONDS] [--json]"


def parse(arguments: list[str]) -> Request:
    """Raises UsageError."""
    words = [word for word in arguments if not word.startswith("-")]
    options = dict(_option(word) for word in arguments if word.startswith("-"))
    if not 1 <= len(words) <= 2:
        raise UsageError("a name to look up, and perhaps a server", expected=USAGE)
    kinds = (options["type"].upper(),) if "type" in options else ("PTR",) if _is_address(words[0]) else ("A", "AAAA")
    for kind in kinds:
        if kind not in ASKABLE:
            raise UsageError(f"-type={kind}", expected=nearest(kind, ASKABLE) or f"one of {', '.join(ASKABLE)}")
    port, timeout = options.get("port", str(PORT)), options.get("timeout", "")
    if not port.isdigit() or not 1 <= int(port) <= 65535:
        raise UsageError(f"-port={port}", expected="a number from 1 to 65535")
    if timeout and not timeout.replace(".", "", 1).isdigit():
        raise UsageError(f"-timeout={timeout}", expected="seconds")
    server = words[1] if len(words) > 1 else None
    return Request(words[0], server, kinds, int(port), float(timeout) if timeout else None, "json" in options)


def _option(word: str) -> tuple[str, str]:
    key, _, value = word.lstrip("-").partition("=")
    key = {"query": "type", "q": "type", "querytype": "type"}.get(key, key)
    if key not in ("type", "port", "timeout", "json"):
        near = nearest(key, ("type", "port", "timeout", "json"))
        raise UsageError(f"{word}: no such option", expected=f"-{near}" if near else USAGE)
    return key, value


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one question, from the server that answered."""

    server: str
    name: str
    kind: str
    transport: str
    answer: DNSRecord
    took_ms: float

    def as_json(self) -> dict[str, Any]:
        header = self.answer.header
        return {
            "name": self.name,
            "type": self.kind,
            "rcode": RCODE.get(header.rcode),
            "authoritative": bool(header.aa),
            "transport": self.transport,
            "took_ms": round(self.took_ms, 3),
            "answers": [_record(record) for record in self.answer.rr],
        }


def _record(record: Any) -> dict[str, Any]:
    kind = QTYPE.get(record.rtype)
    return {"name": str(record.rname), "type": kind, "ttl_s": record.ttl, "data": str(record.rdata)}


def look_up(request: Request, settings: Settings) -> list[Outcome]:
    """One outcome for each type asked for, of the first server that answers.  Raises RunError."""
    name = ipaddress.ip_address(request.name).reverse_pointer if _is_address(request.name) else request.name
    fault: RunError | None = None
    for server in [_address(request.server)] if request.server else settings.servers:
        try:
            whole, first = _first_known(server, request, candidates(name, settings), settings)
            return [first, *(_ask_once(server, request.port, whole, kind, settings) for kind in request.kinds[1:])]
        except RunError as what:
            fault = what
    assert fault is not None
    raise fault


def _first_known(server: str, request: Request, names: Iterable[str], settings: Settings) -> tuple[str, Outcome]:
    """The first of the names that exists; the last where none does."""
    for name in names:
        outcome = _ask_once(server, request.port, name, request.kinds[0], settings)
        if outcome.answer.header.rcode == NOERROR:
            break
    return name, outcome


def _ask_once(server: str, port: int, name: str, kind: str, settings: Settings) -> Outcome:
    start_s = time.monotonic()
    query = build_query(name, kind, random.SystemRandom().randrange(1 << 16))
    answer, transport = ask(server, port, query, settings)
    return Outcome(server, name, kind, transport, answer, (time.monotonic() - start_s) * 1000)


def _address(server: str) -> str:
    """A server may be given by name, which the machine's own resolver then knows."""
    try:
        return str(socket.getaddrinfo(server, None)[0][4][0])
    except OSError as fault:
        raise UsageError(f"{server}: no such server", expected="an address, such as 192.168.100.254") from fault


def lines(outcomes: list[Outcome], port: int) -> Iterator[str]:
    """As nslookup prints it."""
    server, name = outcomes[0].server, outcomes[0].name.rstrip(".")
    yield from (f"Server:\t\t{server}", f"Address:\t{server}#{port}", "")
    rcode = outcomes[0].answer.header.rcode
    records = [record for outcome in outcomes for record in outcome.answer.rr]
    if records and not outcomes[0].answer.header.aa:
        yield "Non-authoritative answer:"
    yield from dict.fromkeys(line for record in records for line in _record_lines(record))
    if rcode != NOERROR:
        yield f"** server can't find {name}: {RCODE.get(rcode)}"
    elif not records:
        yield f"*** Can't find {name}: No answer"


def _record_lines(record: Any) -> list[str]:
    kind, owner, data = QTYPE.get(record.rtype), str(record.rname).rstrip("."), str(record.rdata)
    if kind in ("A", "AAAA"):
        return [f"Name:\t{owner}\nAddress: {data}"]
    words = {
        "CNAME": "canonical name",
        "NS": "nameserver",
        "PTR": "name",
        "MX": "mail exchanger",
        "TXT": "text",
        "SOA": "origin",
    }
    return [f"{owner}\t{words.get(kind, kind)} = {data}"]


def main(arguments: list[str]) -> int:
    """The exit code: 0 with an answer, 1 without."""
    try:
        request = parse(arguments)
        settings = _settings(request)
        outcomes = look_up(request, settings)
    except LanError as fault:
        if "--json" in arguments:
            print(readable.as_json({"schema": 1, "ok": False, "error": fault.as_json()}))
        else:
            print(f"lan-nslookup: {fault}", file=sys.stderr)
        return fault.exit_code
    found = any(outcome.answer.rr for outcome in outcomes)
    if request.as_json:
        document = {"schema": 1, "ok": found, "server": outcomes[0].server, "port": request.port}
        print(readable.as_json(document | {"questions": [outcome.as_json() for outcome in outcomes]}))
    else:
        print("\n".join(lines(outcomes, request.port)))
    return OK if found else FAILED


def _settings(request: Request) -> Settings:
    settings = read_settings(RESOLV_CONF.read_text(errors="replace") if RESOLV_CONF.exists() else "")
    if request.timeout_s is None:
        return settings
    return Settings(settings.servers, settings.search, settings.ndots, request.timeout_s, settings.attempts)


def program() -> None:
    """The installed `lan-nslookup`."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    program()
