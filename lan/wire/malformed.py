"""The one exception of the strict readings: these bytes are not what they claim to be."""


class Malformed(ValueError):  # noqa: N818 - "dhcp.Malformed" reads as what the bytes are
    """Bytes, or values to be made bytes, that the protocol's document forbids; says which and why."""
