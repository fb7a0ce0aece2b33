"""DHCP messages.  RFC 2131 §2; their options are in `dhcp_options`.

`parse` and `build` are the strict reading, for clients and servers; `read` is the lenient one, for
looking.  Both share one walk over the bytes; what the lenient one notes, the strict one refuses.
"""

import struct
from collections.abc import Iterator
from dataclasses import field
from ipaddress import IPv4Address
from typing import Any, ClassVar

from lan.wire import dhcp_options as opt
from lan.wire.dhcp_options import MessageType, options
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, printable
from lan.wire.malformed import Malformed

__all__ = [
    "ACK",
    "ANY",
    "BOOTREPLY",
    "BOOTREQUEST",
    "BROADCAST",
    "DECLINE",
    "DISCOVER",
    "INFORM",
    "NAK",
    "OFFER",
    "RELEASE",
    "REQUEST",
    "Malformed",
    "Message",
    "MessageType",
    "build",
    "options",
    "parse",
    "read",
]

BOOTREQUEST, BOOTREPLY = 1, 2
BROADCAST = 0x8000
"""The one flag: the answer is to be broadcast, the client can't take unicast yet.  RFC 2131 §4.1."""
DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = MessageType
ANY = IPv4Address(0)
ETHERNET = 1

HEAD_BYTES, OPTIONS_AT, LEAST_BYTES = 236, 240, 300
SNAME_AT, FILE_AT, COOKIE = 44, 108, bytes((99, 130, 83, 99))
SNAME_RANGE, FILE_RANGE = (SNAME_AT, FILE_AT), (FILE_AT, HEAD_BYTES)
OVERLOADED_FIELDS = {1: [FILE_RANGE], 2: [SNAME_RANGE], 3: [FILE_RANGE, SNAME_RANGE]}


@frozen
class Message:
    """One DHCP message.

    `chaddr` is the client's MAC, `secs` seconds since it began, `options` code → bytes as sent
    (joined where they came split, and with those of overloaded fields).  The properties are the
    options' values; None or () where an option is missing or its bytes make no sense.
    """

    op: int
    xid: int
    flags: int = 0
    ciaddr: IPv4Address = ANY
    yiaddr: IPv4Address = ANY
    siaddr: IPv4Address = ANY
    giaddr: IPv4Address = ANY
    chaddr: str = "00:00:00:00:00:00"
    options: dict[int, bytes] = field(default_factory=dict)
    secs: int = 0
    hops: int = 0
    htype: int = ETHERNET
    sname: str = ""
    file: str = ""
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "DHCP"

    def value(self, code: int, default: Any = None) -> Any:
        """An option's value, as `dhcp_options.decode` makes it; `default` where there is none."""
        data = self.options.get(code)
        return default if data is None or opt.fault_of(code, data) else opt.decode(code, data)

    @property
    def type(self) -> MessageType | None:
        number = self.value(opt.MESSAGE_TYPE, 0)
        return MessageType(number) if 1 <= number <= len(MessageType) else None

    @property
    def server_id(self) -> IPv4Address | None:
        address: IPv4Address | None = self.value(opt.SERVER_ID)
        return address

    @property
    def requested_ip(self) -> IPv4Address | None:
        address: IPv4Address | None = self.value(opt.REQUESTED_IP)
        return address

    @property
    def subnet_mask(self) -> IPv4Address | None:
        mask: IPv4Address | None = self.value(opt.SUBNET_MASK)
        return mask

    @property
    def routers(self) -> tuple[IPv4Address, ...]:
        addresses: tuple[IPv4Address, ...] = self.value(opt.ROUTERS, ())
        return addresses

    @property
    def dns_servers(self) -> tuple[IPv4Address, ...]:
        addresses: tuple[IPv4Address, ...] = self.value(opt.DNS_SERVERS, ())
        return addresses

    @property
    def lease_s(self) -> int | None:
        seconds: int | None = self.value(opt.LEASE_TIME)
        return seconds

    @property
    def t1_s(self) -> int | None:
        seconds: int | None = self.value(opt.T1)
        return seconds

    @property
    def t2_s(self) -> int | None:
        seconds: int | None = self.value(opt.T2)
        return seconds

    @property
    def domain_name(self) -> str | None:
        text: str | None = self.value(opt.DOMAIN_NAME)
        return text

    @property
    def hostname(self) -> str | None:
        text: str | None = self.value(opt.HOSTNAME)
        return text

    @property
    def message(self) -> str | None:
        text: str | None = self.value(opt.MESSAGE)
        return text

    @property
    def vendor_class(self) -> str | None:
        text: str | None = self.value(opt.VENDOR_CLASS)
        return text

    @property
    def client_id(self) -> bytes | None:
        return self.options.get(opt.CLIENT_ID)

    @property
    def parameters(self) -> tuple[int, ...]:
        codes: tuple[int, ...] = self.value(opt.PARAMETERS, ())
        return codes

    @property
    def max_size(self) -> int | None:
        size: int | None = self.value(opt.MAX_SIZE)
        return size

    def is_broadcast(self) -> bool:
        """Whether the client wants its answer broadcast."""
        return bool(self.flags & BROADCAST)

    def summary(self) -> str:
        words = [f"DHCP {self._type_words()}"]
        if self.op == BOOTREPLY:
            words += [f"{self.yiaddr}"] if self.yiaddr != ANY else []
            words += [f"to {self.chaddr}"]
            words += [f"from {self.server_id}"] if self.server_id else []
            words += [f"lease {self.lease_s} s"] if self.lease_s is not None else []
            words += [f'"{printable(self.message.encode("latin-1"))}"'] if self.message else []
        else:
            words += [f"{self.requested_ip}"] if self.requested_ip else [f"{self.ciaddr}"] if self.ciaddr != ANY else []
            words += [f"from {self.chaddr}"]
        return " ".join([*words, f"xid=0x{self.xid:08x}"])

    def title(self) -> str:
        return f"DHCP, {self._type_words()}"

    def _type_words(self) -> str:
        return self.type.name if self.type else "message without type" if self.options else "BOOTP message"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        words = {BOOTREQUEST: "request (1)", BOOTREPLY: "reply (2)"}.get(self.op, str(self.op))
        yield Field("op", self.op, words, start, start + 1)
        words = "Ethernet" if self.htype == ETHERNET else str(self.htype)
        yield Field("htype", self.htype, words, start + 1, start + 2)
        yield Field("hlen", data[start + 2], count(data[start + 2], "byte"), start + 2, start + 3)
        yield Field("hops", self.hops, str(self.hops), start + 3, start + 4)
        yield Field("xid", self.xid, f"0x{self.xid:08x}", start + 4, start + 8)
        yield Field("secs", self.secs, f"{self.secs} s", start + 8, start + 10)
        words = "broadcast the answer" if self.is_broadcast() else "none"
        yield Field("flags", self.flags, f"0x{self.flags:04x} ({words})", start + 10, start + 12)
        for at, name in ((12, "ciaddr"), (16, "yiaddr"), (20, "siaddr"), (24, "giaddr")):
            address = str(getattr(self, name))
            yield Field(name, address, address, start + at, start + at + 4)
        yield Field("chaddr", self.chaddr, self.chaddr, start + 28, start + SNAME_AT)
        yield Field("sname", self.sname, _shown(self.sname), start + SNAME_AT, start + FILE_AT)
        yield Field("file", self.file, _shown(self.file), start + FILE_AT, start + HEAD_BYTES)
        yield Field("magic cookie", COOKIE, "DHCP options follow", start + HEAD_BYTES, start + OPTIONS_AT)
        for first, last in _areas(data, start, end):
            for code, at, after in opt.walk(data, first, last, []):
                yield _option_field(data, code, at, after)


def _option_field(data: bytes, code: int, at: int, after: int) -> Field:
    if code == opt.END:
        return Field("end of options", code, "", at, after)
    value = data[at + 2 : after]
    name = f"option {code}, {opt.option_name(code)}" if code in opt.OPTIONS else opt.option_name(code)
    return Field(name, value, opt.words(code, value), at, after)


def _areas(data: bytes, start: int, end: int) -> list[tuple[int, int]]:
    """Where options stand: the options field, then `file` and `sname` if overloaded.  RFC 2131 §4.1."""
    areas = [(start + OPTIONS_AT, end)]
    for code, at, after in opt.walk(data, *areas[0], []):
        if code == opt.OVERLOAD and after - at == 3:
            return areas + [(start + first, start + last) for first, last in OVERLOADED_FIELDS.get(data[at + 2], [])]
    return areas


def _shown(text: str) -> str:
    return printable(text.encode("latin-1")) or "empty"


def _text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("latin-1")


def _problems(op: int, hlen: int, htype: int, values: dict[int, bytes]) -> Iterator[str]:
    if op not in (BOOTREQUEST, BOOTREPLY):
        yield f"DHCP op {op} is neither request nor reply"
    if hlen > 16 or (htype == ETHERNET and hlen != 6):
        yield f"DHCP hardware address length {hlen} under hardware type {htype}"
    for code, value in values.items():
        if fault := opt.fault_of(code, value):
            yield fault
    kind = values.get(opt.MESSAGE_TYPE)
    if kind is not None and len(kind) == 1 and not 1 <= kind[0] <= len(MessageType):
        yield f"DHCP message type {kind[0]} is unknown"
    overload = values.get(opt.OVERLOAD)
    if overload is not None and len(overload) == 1 and overload[0] not in OVERLOADED_FIELDS:
        yield f"DHCP option overload is {overload[0]}, expected 1, 2 or 3"


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> Message:
    """The message at `start`, with what is wrong in `problems`; raises Malformed where nothing can be read.

    `whole` is False where bytes behind `end` are not here.
    """
    if end - start < OPTIONS_AT:
        raise Malformed(f"{count(end - start, 'byte')}, a DHCP message has at least {OPTIONS_AT}")
    if data[start + HEAD_BYTES : start + OPTIONS_AT] != COOKIE:
        raise Malformed("no DHCP magic cookie (99.130.83.99)")
    op, htype, hlen, hops, xid, secs, flags = struct.unpack_from("!BBBBLHH", data, start)
    problems: list[str] = []
    values: dict[int, bytes] = {}
    areas = _areas(data, start, end)
    for first, last in areas:
        for code, at, after in opt.walk(data, first, last, problems):
            if code != opt.END:
                values[code] = values.get(code, b"") + data[at + 2 : after]
    problems += _problems(op, hlen, htype, values)
    taken = {first - start for first, _ in areas}
    for name, first, last in (("sname", SNAME_AT, FILE_AT), ("file", FILE_AT, HEAD_BYTES)):
        if first not in taken and 0 not in data[start + first : start + last]:
            problems.append(f"DHCP {name} is not ended by a zero byte")
    if len(areas) > 1:
        del values[opt.OVERLOAD]
    ciaddr, yiaddr, siaddr, giaddr = (IPv4Address(data[at : at + 4]) for at in range(start + 12, start + 28, 4))
    return Message(
        op,
        xid,
        flags,
        ciaddr,
        yiaddr,
        siaddr,
        giaddr,
        data[start + 28 : start + 28 + min(hlen, 16)].hex(":"),
        values,
        secs=secs,
        hops=hops,
        htype=htype,
        sname="" if SNAME_AT in taken else _text(data[start + SNAME_AT : start + FILE_AT]),
        file="" if FILE_AT in taken else _text(data[start + FILE_AT : start + HEAD_BYTES]),
        problems=tuple(problems) if whole else (),
    )


def parse(data: bytes) -> Message:
    """A UDP payload, taken only if RFC 2131 and 2132 allow all of it; raises Malformed."""
    message = read(bytes(data), 0, len(data))
    if message.problems:
        raise Malformed(message.problems[0])
    if message.type is None:
        raise Malformed("no DHCP message type (option 53)")
    return message


def build(message: Message) -> bytes:
    """A UDP payload of at least 300 bytes, the least that BOOTP relays carry; raises Malformed.

    RFC 1542 §2.1.  `problems` is not sent.
    """
    try:
        hardware = bytes.fromhex(message.chaddr.replace(":", ""))
        head = struct.pack(
            "!BBBBLHH",
            message.op,
            message.htype,
            len(hardware),
            message.hops,
            message.xid,
            message.secs,
            message.flags,
        )
        addresses = b"".join(each.packed for each in (message.ciaddr, message.yiaddr, message.siaddr, message.giaddr))
        names = _padded("sname", message.sname, 64) + _padded("file", message.file, 128)
    except (struct.error, ValueError) as fault:
        raise Malformed(f"DHCP message: {fault}") from fault
    for problem in _problems(message.op, len(hardware), message.htype, message.options):
        raise Malformed(problem)
    made = head + addresses + hardware.ljust(16, b"\0") + names + COOKIE + opt.build(message.options)
    return made.ljust(LEAST_BYTES, b"\0")


def _padded(name: str, text: str, size: int) -> bytes:
    data = text.encode("latin-1")
    if len(data) >= size or 0 in data:
        raise Malformed(f"DHCP {name} {text!r}: at most {size - 1} bytes, none of them zero")
    return data.ljust(size, b"\0")
