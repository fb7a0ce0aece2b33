"""LLDP: what a neighbour says it is.  IEEE 802.1AB §8; 802.1 and 802.3 add TLVs of their own."""

from collections.abc import Callable, Iterator
from typing import ClassVar

from lan.wire.addresses import ipv4_text, ipv6_text, mac_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, preview, printable
from lan.wire.malformed import Malformed

GROUP_MACS = ("01:80:c2:00:00:0e", "01:80:c2:00:00:03", "01:80:c2:00:00:00")
END, CHASSIS, PORT, LIFETIME, PORT_WORDS, NAME, SYSTEM_WORDS, CAPABILITIES, MANAGEMENT, OWN = *range(9), 127
TLV_NAMES = {
    END: "end",
    CHASSIS: "chassis id",
    PORT: "port id",
    LIFETIME: "time to live",
    PORT_WORDS: "port description",
    NAME: "system name",
    SYSTEM_WORDS: "system description",
    CAPABILITIES: "capabilities",
    MANAGEMENT: "management address",
    OWN: "organization's own",
}
CAPABILITY_NAMES = (
    *("other", "repeater", "bridge", "WLAN access point", "router", "telephone", "DOCSIS cable device"),
    *("station only", "C-VLAN", "S-VLAN", "two-port MAC relay"),
)
CHASSIS_MAC, CHASSIS_ADDRESS, PORT_MAC, PORT_ADDRESS = 4, 5, 3, 4


@frozen
class Lldp:
    """One announcement; ids and names as text, `lifetime_s` how long it is to be kept."""

    chassis: str
    port: str
    lifetime_s: int | None
    system_name: str | None = None
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "LLDP"

    def summary(self) -> str:
        words = [f"LLDP {self.system_name or self.chassis}", f"port {self.port}"]
        words += [f"for {self.lifetime_s} s"] if self.lifetime_s is not None else []
        return ", ".join(words)

    def title(self) -> str:
        return f"LLDP, {self.system_name or self.chassis}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        for kind, at, after in _walk(data, start, end, []):
            name = TLV_NAMES.get(kind) or f"TLV {kind}"
            value = data[at + 2 : after]
            yield Field(name, _value(kind, value), words(kind, value), at, after)


def _value(kind: int, value: bytes) -> object:
    if kind == LIFETIME and len(value) == 2:
        return int.from_bytes(value, "big")
    return printable(value) if kind in (PORT_WORDS, NAME, SYSTEM_WORDS) else value


def _walk(data: bytes, at: int, end: int, problems: list[str]) -> Iterator[tuple[int, int, int]]:
    """(type, start, end) of each TLV, up to the end mark."""
    while at + 2 <= end:
        head = data[at] << 8 | data[at + 1]
        kind, after = head >> 9, at + 2 + (head & 0x1FF)
        if after > end:
            problems.append(f"LLDP {TLV_NAMES.get(kind) or f'TLV {kind}'} runs past the frame")
            return
        yield kind, at, after
        if kind == END:
            return
        at = after
    problems.append("LLDP announcement has no end")


def words(kind: int, value: bytes) -> str:
    """What a TLV says; never raises."""
    reader = READERS.get(kind)
    return (reader(value) if reader else None) or preview(value) or "empty"


def _chassis_words(value: bytes) -> str | None:
    return _id_words(value, CHASSIS_MAC, CHASSIS_ADDRESS)


def _port_words(value: bytes) -> str | None:
    return _id_words(value, PORT_MAC, PORT_ADDRESS)


def _id_words(value: bytes, mac: int, address: int) -> str | None:
    if len(value) < 2:
        return None
    kind, rest = value[0], value[1:]
    if kind == mac and len(rest) == 6:
        return mac_text(rest)
    return _address(rest) if kind == address else printable(rest)


def _address(value: bytes) -> str | None:
    """An address behind its family's number: 1 for IPv4, 2 for IPv6, 6 for a MAC."""
    family, rest = value[0], value[1:]
    if (family, len(rest)) == (1, 4):
        return ipv4_text(rest)
    if (family, len(rest)) == (2, 16):
        return ipv6_text(rest)
    return mac_text(rest) if (family, len(rest)) == (6, 6) else None


def _capabilities(value: bytes) -> str | None:
    if len(value) != 4:
        return None
    able, enabled = value[0] << 8 | value[1], value[2] << 8 | value[3]
    shown = [
        name + ("" if enabled >> bit & 1 else " (off)") for bit, name in enumerate(CAPABILITY_NAMES) if able >> bit & 1
    ]
    return ", ".join(shown) or "none"


def _management(value: bytes) -> str | None:
    length = value[0] if value else 0
    return _address(value[1 : 1 + length]) if 2 <= length < len(value) else None


def _own(value: bytes) -> str | None:
    if len(value) < 4:
        return None
    return f"{value[:3].hex('-')} type {value[3]}: {preview(value[4:]) or 'empty'}"


def _seconds(value: bytes) -> str | None:
    return f"{int.from_bytes(value, 'big')} s" if len(value) == 2 else None


READERS: dict[int, Callable[[bytes], str | None]] = {
    CHASSIS: _chassis_words,
    PORT: _port_words,
    LIFETIME: _seconds,
    PORT_WORDS: printable,
    NAME: printable,
    SYSTEM_WORDS: printable,
    CAPABILITIES: _capabilities,
    MANAGEMENT: _management,
    OWN: _own,
}


def read(data: bytes, start: int, end: int, *, whole: bool = True) -> tuple[Lldp, int]:
    """The announcement at `start`, and where it ends; raises Malformed where not even its chassis and port are here."""
    problems: list[str] = []
    found: dict[int, bytes] = {}
    after = start
    for kind, at, after in _walk(data, start, end, problems):
        found.setdefault(kind, data[at + 2 : after])
    if CHASSIS not in found or PORT not in found:
        raise Malformed(problems[0] if problems else "chassis id and port id are missing")
    lifetime = found.get(LIFETIME, b"")
    if len(lifetime) < 2:
        problems.append("LLDP announcement has no time to live")
    name = found.get(NAME)
    announcement = Lldp(
        words(CHASSIS, found[CHASSIS]),
        words(PORT, found[PORT]),
        int.from_bytes(lifetime[:2], "big") if len(lifetime) >= 2 else None,
        printable(name) if name else None,
        tuple(problems) if whole else (),
    )
    return announcement, after if not problems else end
