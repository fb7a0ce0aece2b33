"""IPv6's extension headers: which there are, and what their bytes say.  RFC 8200 §4, RFC 4302 (AH)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from lan.wire.addresses import ipv6_text
from lan.wire.layer import Field, count, preview

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
NAMES = {
    HOP_BY_HOP: "hop-by-hop options",
    ROUTING: "routing",
    FRAGMENT: "fragment",
    AUTHENTICATION: "authentication",
    DESTINATION: "destination options",
}
PAD_1, PAD_N, ROUTER_ALERT, JUMBO = 0, 1, 5, 0xC2
OPTION_NAMES = {
    PAD_1: "padding (Pad1)",
    PAD_N: "padding (PadN)",
    0x04: "tunnel encapsulation limit",
    ROUTER_ALERT: "router alert",
    0x26: "quick start",
    0x63: "RPL option",
    JUMBO: "jumbo payload",
    0xC9: "home address",
}
ALERTS = {0: "a message of multicast listener discovery", 1: "RSVP", 2: "active networks"}
ROUTING_NAMES = {0: "source route (forbidden by RFC 5095)", 2: "home address of mobile IPv6", 3: "RPL", 4: "segments"}


class Extension(NamedTuple):
    """One extension header: its number, the bytes it has, and the number of what follows it."""

    number: int
    start: int
    end: int
    next_header: int


class Fragment(NamedTuple):
    """What a fragment header says; `offset` in bytes."""

    offset: int
    more: bool
    identification: int


def walk(data: bytes, number: int, at: int, end: int, problems: list[str]) -> Iterator[Extension]:
    """The extension headers from `at` on; behind a fragment that is not the first, there are none."""
    while number in NAMES:
        size = 8
        if at + 8 <= end and number != FRAGMENT:
            size = 4 * (data[at + 1] + 2) if number == AUTHENTICATION else 8 * (data[at + 1] + 1)
        if at + size > end:
            problems.append(f"IPv6 {NAMES[number]} header runs past the packet")
            return
        yield Extension(number, at, at + size, data[at])
        if number == FRAGMENT and fragment(data, at).offset:
            return
        number, at = data[at], at + size


def fragment(data: bytes, at: int) -> Fragment:
    """What the whole fragment header at `at` says.  RFC 8200 §4.5."""
    bits = data[at + 2] << 8 | data[at + 3]
    return Fragment(bits & 0xFFF8, bool(bits & 1), int.from_bytes(data[at + 4 : at + 8], "big"))


def fields(data: bytes, extension: Extension, name_of: Callable[[int], str]) -> Iterator[Field]:
    """The fields of one extension header; `name_of` says a protocol number in words."""
    number, start, end, following = extension
    name = NAMES[number]
    yield Field(f"{name}: next header", following, f"{name_of(following)} ({following})", start, start + 1)
    if number == FRAGMENT:
        found = fragment(data, start)
        yield Field("fragment offset", found.offset, str(found.offset), start + 2, start + 4)
        yield Field("more fragments", found.more, "yes" if found.more else "no", start + 3, start + 4)
        words = f"0x{found.identification:08x}"
        yield Field("fragment identification", found.identification, words, start + 4, start + 8)
        return
    yield Field(f"{name}: length", end - start, count(end - start, "byte"), start + 1, start + 2)
    if number == ROUTING:
        yield from _routing_fields(data, start, end)
    elif number == AUTHENTICATION:
        yield from _authentication_fields(data, start, end)
    else:
        yield from _option_fields(data, start + 2, end)


def _routing_fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    kind, left = data[start + 2], data[start + 3]
    yield Field("routing: type", kind, f"{kind} ({ROUTING_NAMES.get(kind, 'unknown')})", start + 2, start + 3)
    yield Field("routing: segments left", left, str(left), start + 3, start + 4)
    if kind in (0, 2) and (end - start) % 16 == 8:
        for at in range(start + 8, end, 16):
            address = ipv6_text(data[at : at + 16])
            yield Field("routing: address", address, address, at, at + 16)
    else:
        yield Field("routing: data", data[start + 4 : end], preview(data[start + 4 : end]), start + 4, end)


def _authentication_fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    if end - start < 12:
        return
    spi, sequence = (int.from_bytes(data[at : at + 4], "big") for at in (start + 4, start + 8))
    yield Field("authentication: SPI", spi, f"0x{spi:08x}", start + 4, start + 8)
    yield Field("authentication: sequence", sequence, str(sequence), start + 8, start + 12)
    if end > start + 12:
        yield Field("authentication: value", data[start + 12 : end], preview(data[start + 12 : end]), start + 12, end)


def _option_fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    while at < end:
        kind = data[at]
        after = at + 1 if kind == PAD_1 else at + 2 + data[at + 1] if at + 1 < end else end + 1
        name = OPTION_NAMES.get(kind) or f"option 0x{kind:02x}"
        if after > end:
            yield Field(f"{name} (cut)", data[at:end], preview(data[at:end]), at, end)
            return
        yield Field(name, data[at:after], option_words(kind, data[at + 2 : after]), at, after)
        at = after


def option_words(kind: int, value: bytes) -> str:
    """An option's value, without type and length, in words."""
    number = int.from_bytes(value, "big")
    if kind in (PAD_1, PAD_N):
        return count(len(value) + 2 if kind == PAD_N else 1, "byte")
    if kind == ROUTER_ALERT and len(value) == 2:
        return ALERTS.get(number) or f"value {number}"
    if kind == JUMBO and len(value) == 4:
        return count(number, "byte")
    return preview(value) or "empty"
