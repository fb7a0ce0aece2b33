"""What a process that writes a record is told by whoever steers it: JSON messages over a SOCK_SEQPACKET socket."""

import json
import socket
from typing import Any

MESSAGE_BYTES = 1 << 18
"""More than a message may have (a socket's buffer, 208 KiB): those about a device with many cables are long."""


def told(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next message, with a descriptor if one came beside it; None at the end of the socket."""
    try:
        data, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 1)
    except ConnectionError:
        return None
    return (json.loads(data), descriptors) if data else None
