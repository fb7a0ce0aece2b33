"""Capture files written: one interface a port, directions and our reasons in the packets' options.

Pure: what `Writer` returns is to be appended to the file in that order.  `pcapng.Reader` reads it.
Source: draft-ietf-opsawg-pcapng, whose section numbers stand below.
"""

import struct
from collections.abc import Iterable

from lan.trace.frame import Direction, Frame, device_of_port
from lan.trace.pcapng_format import (
    BYTE_ORDER_MAGIC,
    COMMENT,
    DECRYPTION_SECRETS,
    ENHANCED_PACKET,
    FLAGS_AND_END,
    FRAMES_BEFORE,
    INTERFACE,
    INTERFACE_DESCRIPTION,
    INTERFACE_HARDWARE,
    INTERFACE_NAME,
    INTERFACE_RESOLUTION,
    INTERFACE_STATISTICS,
    LINKTYPE_ETHERNET,
    NANOSECONDS,
    SECTION_HEADER,
    SECTION_PROGRAM,
    SNAPLEN_BYTES,
    STATISTICS_DROPS,
    SWITCH,
    TLS_KEY_LOG,
)

_HEADER = struct.Struct("<IIIIIII")
_HEADER_BYTES, _TRAILER_BYTES = _HEADER.size, 4
MOST_SECRETS_BYTES = 1 << 20
"""Of one block; a longer key log takes several, as readers refuse blocks that are very long."""
LONGEST_OPTION_BYTES = 0xFFFF
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Tails(dict[int, tuple[int, bytes]]):
    """Of a direction: size of a packet's data → the block's length, and what comes behind the data."""

    def __init__(self, direction: Direction) -> None:
        super().__init__()
        self.options = FLAGS_AND_END[direction]

    def __missing__(self, size: int) -> tuple[int, bytes]:
        behind = _PADDING[size & 3] + self.options
        total = _HEADER_BYTES + size + len(behind) + _TRAILER_BYTES
        found = self[size] = total, behind + total.to_bytes(4, "little")
        return found


Way = tuple[int, Tails]
"""Interface and direction, as `Writer.packets` wants them."""


class Writer:
    """Makes a capture block by block; what it returns is to be appended to the file in that order."""

    def __init__(self, program: str = "lan", *, snaplen_bytes: int = SNAPLEN_BYTES) -> None:
        self.program, self.snaplen_bytes = program, snaplen_bytes
        self._interfaces: dict[tuple[str, str], int] = {}
        self._tails = {direction: Tails(direction) for direction in Direction}

    def start(self, *, frames_before: int = 0) -> bytes:
        """The section header; first in the file.  `frames_before` are in earlier files of the same capture."""
        body = struct.pack("<IHHq", BYTE_ORDER_MAGIC, 1, 0, -1)
        options = [(COMMENT, b"%d%b" % (frames_before, FRAMES_BEFORE))] if frames_before else []
        return _block(SECTION_HEADER, body + _options([*options, (SECTION_PROGRAM, self.program.encode())]))

    def interface(self, port: str, peer: str, *, hardware: str = "") -> tuple[int, bytes]:
        """The id of a port's interface, and its block: b"" where the file has it already.

        `hardware` says what the port belongs to: ``switch`` or ``host``.
        """
        known = self._interfaces.get((port, peer))
        if known is not None:
            return known, b""
        number = self._interfaces[port, peer] = len(self._interfaces)
        options = [(INTERFACE_NAME, port.encode())]
        if peer:
            options.append((INTERFACE_DESCRIPTION, f"to {peer}".encode()))
        options.append((INTERFACE_RESOLUTION, NANOSECONDS))
        if hardware:
            options.append((INTERFACE_HARDWARE, hardware.encode()))
        body = struct.pack("<HHI", LINKTYPE_ETHERNET, 0, self.snaplen_bytes)
        return number, _block(INTERFACE, body + _options(options))

    def statistics(self, interface: int, time_ns: int, drops: int) -> bytes:
        """At the end of an interface's capture, how many frames were lost (§4.6)."""
        at = time_ns >> 32, time_ns & 0xFFFF_FFFF
        body = struct.pack("<III", interface, *at) + _options([(STATISTICS_DROPS, struct.pack("<Q", drops))])
        return _block(INTERFACE_STATISTICS, body)

    def way(self, interface: int, direction: Direction) -> Way:
        """How `packets` is told an interface and a direction."""
        return interface, self._tails[direction]

    def packets(self, seen: Iterable[tuple[int, Way, bytes, int]]) -> bytes:
        """As `packet` for each (time in ns, `way`, data, length on the cable): for those who have many."""
        parts: list[bytes] = []
        add, pack = parts.append, _HEADER.pack
        for time_ns, (interface, tails), data, length in seen:
            size = len(data)
            total, tail = tails[size]
            add(pack(ENHANCED_PACKET, total, interface, time_ns >> 32, time_ns & 0xFFFF_FFFF, size, length))
            add(data)
            add(tail)
        return b"".join(parts)

    def secrets(self, key_log: str) -> bytes:
        """The TLS secrets of frames that come behind it: lines of a key log (§4.7); b"" where there are none."""
        parts, size_bytes = list[list[bytes]](), MOST_SECRETS_BYTES
        for line in key_log.encode().splitlines(keepends=True):
            if (size_bytes := size_bytes + len(line)) > MOST_SECRETS_BYTES:
                parts.append([])
                size_bytes = len(line)
            parts[-1].append(line)
        return b"".join(map(_secrets, map(b"".join, parts)))

    def packet(
        self,
        interface: int,
        time_ns: int,
        direction: Direction,
        data: bytes,
        *,
        length: int | None = None,
        comment: str = "",
    ) -> bytes:
        """One packet block; `length` is that on the cable where `data` was cut."""
        tail = FLAGS_AND_END[direction]
        if comment:
            told = comment.encode()[:LONGEST_OPTION_BYTES].decode(errors="ignore").encode()  # whole characters
            tail = _options([(COMMENT, told)])[:-4] + tail
        size = len(data)
        padding = _PADDING[size & 3]
        total = _HEADER_BYTES + size + len(padding) + len(tail) + _TRAILER_BYTES
        on_cable = size if length is None else length
        return b"".join((
            _HEADER.pack(ENHANCED_PACKET, total, interface, time_ns >> 32, time_ns & 0xFFFF_FFFF, size, on_cable),
            data, padding, tail, total.to_bytes(4, "little"),
        ))  # fmt: skip


def dump(frames: Iterable[Frame], *, program: str = "lan", switches: Iterable[str] = ()) -> bytes:
    """A whole capture file of these frames, comments and all."""
    writer, blocks, at_switch = Writer(program), [], frozenset(switches)
    blocks.append(writer.start())
    for frame in frames:
        hardware = SWITCH if device_of_port(frame.port) in at_switch else ""
        interface, block = writer.interface(frame.port, frame.peer, hardware=hardware)
        blocks.append(block)
        blocks.append(
            writer.packet(
                interface, frame.time_ns, frame.direction, frame.data, length=frame.length, comment=frame.comment
            )
        )
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    """A block around its body, whose length is a multiple of four (§3.1)."""
    total = (len(body) + 12).to_bytes(4, "little")
    return kind.to_bytes(4, "little") + total + body + total


def _secrets(key_log: bytes) -> bytes:
    return _block(
        DECRYPTION_SECRETS, struct.pack("<II", TLS_KEY_LOG, len(key_log)) + key_log + _PADDING[len(key_log) & 3]
    )


def _options(options: list[tuple[int, bytes]]) -> bytes:
    """Options with their end mark (§3.5)."""
    parts = [struct.pack("<HH", code, len(value)) + value + _PADDING[len(value) & 3] for code, value in options]
    return b"".join(parts) + b"\0\0\0\0"
