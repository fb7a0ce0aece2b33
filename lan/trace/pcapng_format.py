"""Capture files in numbers: block types, option codes, link types, and what stands in a packet's flags.

Source: draft-ietf-opsawg-pcapng, whose section numbers stand below, and draft-ietf-opsawg-pcap.
"""

import struct

from lan.trace.frame import Direction

SECTION_HEADER, INTERFACE, SIMPLE_PACKET, OLD_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 3, 2, 6
DECRYPTION_SECRETS, TLS_KEY_LOG = 10, 0x544C534B
BYTE_ORDER_MAGIC = 0x1A2B3C4D
LINKTYPE_ETHERNET = 1
SNAPLEN_BYTES = 262_144
END_OF_OPTIONS, COMMENT = 0, 1
SECTION_PROGRAM = 4
INTERFACE_NAME, INTERFACE_DESCRIPTION, INTERFACE_RESOLUTION, INTERFACE_OFFSET, INTERFACE_HARDWARE = 2, 3, 9, 14, 15
PACKET_FLAGS = 2
INTERFACE_STATISTICS, STATISTICS_DROPS = 5, 5
SWITCH, HOST = "switch", "host"
"""What a port belongs to, in the interface's if_hardware."""
NANOSECONDS = b"\x09"
"""Resolution 10^-9 s (§4.2, if_tsresol)."""

DIRECTION_BITS = {Direction.UNKNOWN: 0, Direction.IN: 1, Direction.OUT: 2}
"""The flags word of a packet, bits 0 and 1 (§4.3.1)."""

DIRECTIONS = {bits: way for way, bits in DIRECTION_BITS.items()}

LARGEST_BLOCK_BYTES = 16 << 20
"""A length above it is damage, not a block worth waiting for."""

CLASSIC_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
"""First bytes of a classic pcap → byte order, nanoseconds a tick."""

CLASSIC_HEADER_BYTES, CLASSIC_PACKET_BYTES = 24, 16

FLAGS_AND_END = {way: struct.pack("<HHIHH", PACKET_FLAGS, 4, bits, 0, 0) for way, bits in DIRECTION_BITS.items()}
ONLY_FLAGS = {tail: way for way, tail in FLAGS_AND_END.items()} | {b"": Direction.UNKNOWN}
"""The options of a packet that says its direction and no more."""
FRAMES_BEFORE = b" frames before this file"
"""Behind a number, the comment of a section that goes on with a capture."""
