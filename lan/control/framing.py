"""JSON objects over a stream socket: a length of four bytes, then UTF-8; descriptors may ride along."""

import array
import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_MOST = 64 << 20
_MOST_DESCRIPTORS = 16


class ClosedError(ConnectionError):
    """The other side is gone."""


def send(sock: socket.socket, data: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one object, whole.  Raises OSError where the other side is gone."""
    payload = json.dumps(data).encode()
    message = _LENGTH.pack(len(payload)) + payload
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    sent = sock.sendmsg([message], ancillary)
    if sent < len(message):
        sock.sendall(message[sent:])


def receive(sock: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next object and its descriptors.  Raises ClosedError at the end, ValueError for what is no object."""
    descriptors: list[int] = []
    head = _exactly(sock, _LENGTH.size, descriptors)
    (length,) = _LENGTH.unpack(head)
    if length > _MOST:
        raise ValueError(f"a message of {length} bytes")
    data = json.loads(_exactly(sock, length, descriptors))
    if not isinstance(data, dict):
        raise ValueError("no object")
    return data, descriptors


def _exactly(sock: socket.socket, length: int, descriptors: list[int]) -> bytes:
    parts: list[bytes] = []
    while length:
        data, ancillary, _, _ = sock.recvmsg(min(length, 1 << 20), socket.CMSG_SPACE(4 * _MOST_DESCRIPTORS))
        for level, kind, value in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                received = array.array("i")
                received.frombytes(value[: len(value) - len(value) % received.itemsize])
                descriptors.extend(received)
        if not data:
            raise ClosedError("the other side is gone")
        parts.append(data)
        length -= len(data)
    return b"".join(parts)
