"""The internet checksum.  RFC 1071.

The one's complement sum of 16-bit words is the remainder of the whole, taken as one big number,
by 65535: Python divides in one go what a loop would add word by word.  A long number is first laid
upon itself, which keeps the remainder (2^16 ≡ 1) and costs less than to divide it.
"""

import struct

CARRIES = 0xFFFF
LONG_BYTES = 740
FOLDS = tuple((bits, (1 << bits) - 1) for bits in (16 * 370, 16 * 185))
"""Where a long number is cut, and the mask of what lies below; fit for a frame of 1500 bytes."""


def ones_sum(data: bytes) -> int:
    """The one's complement sum of `data`'s words (an odd last byte is padded with zero)."""
    number = int.from_bytes(data, "big")
    if len(data) % 2:
        number <<= 8
    if len(data) > LONG_BYTES:
        for bits, below in FOLDS:
            number = (number >> bits) + (number & below)
    return (number % CARRIES or CARRIES) if number else 0


def checksum(data: bytes) -> int:
    """What to write into the (zeroed) checksum field within `data`."""
    return CARRIES - ones_sum(data)


def is_good(data: bytes) -> bool:
    """Whether data that contains its checksum sums up as it should."""
    return ones_sum(data) == CARRIES


def pseudo_header(addresses: bytes, protocol: int, length: int) -> bytes:
    """What TCP and UDP sum besides themselves: both IP addresses, protocol, length.  RFC 9293 §3.1."""
    return addresses + struct.pack("!LHH", length, 0, protocol)


def is_unfinished(pseudo: bytes, field: int) -> bool:
    """Whether the field holds only the pseudo header's sum: the network card was to do the rest.

    A frame captured on its sender with checksum offload on looks so; it is not damaged.
    """
    return field == ones_sum(pseudo)


def verify(pseudo: bytes, segment: bytes, field: int) -> bool | None:
    """Whether a whole TCP or UDP segment's checksum is right; None where it is unfinished."""
    if ones_sum(pseudo + segment) == CARRIES:
        return True
    return None if is_unfinished(pseudo, field) else False


def words(field: int, is_right: bool | None) -> str:
    """``0x1c46 (good)``."""
    return f"0x{field:04x} ({'not checked' if is_right is None else 'good' if is_right else 'bad'})"
