"""The index of a disk store as bytes: records that say which bodies are kept, and of which responses.

Pure.  Each record carries its own checksum.  The file only grows, so whatever moment a process is
killed at, the records before the last are whole; `scan` stops at the first that is not.

    "LR" kind . length serial key-hash body-bytes body-crc crc  payload
    2    1    1 4      8      8        8          4        4    length bytes, in network order

The payload of a `PUT` is the entry in JSON, that of a `DROP` is empty.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator

from lan.services.http.cache.entry import Entry
from lan.services.http.protocol.messages import Headers, Response

MAGIC = b"lan cache index 1\n"
PUT, DROP = b"P", b"D"

_HEAD = struct.Struct("!2scxIQQQI")
_CRC = struct.Struct("!I")
HEAD_BYTES = _HEAD.size + _CRC.size


class Slot:
    """Where a stored response lies: its record in the index, and the size and checksum of its body.

    `is_verified`: this process wrote the body, or has compared its checksum.
    """

    __slots__ = ("body_bytes", "body_crc", "is_verified", "key_hash", "length", "offset", "serial")

    def __init__(self, serial: int, key_hash: int, offset: int, length: int, body_bytes: int, body_crc: int) -> None:
        self.serial, self.key_hash = serial, key_hash
        self.offset, self.length = offset, length
        self.body_bytes, self.body_crc = body_bytes, body_crc
        self.is_verified = False

    @property
    def weight_bytes(self) -> int:
        """What it counts in the store."""
        return self.length + self.body_bytes


def hash_of(key: str) -> int:
    """64 bits of a key; two keys may share them, so the key itself is compared too."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def put(entry: Entry, body_crc: int) -> bytes:
    """The record of a stored response."""
    described = {
        "key": entry.key,
        "variant": entry.variant,
        "status": entry.response.status,
        "phrase": entry.response.phrase,
        "fields": entry.response.headers.items,
        "requested_s": entry.requested_s,
        "received_s": entry.received_s,
        "is_invalid": entry.is_invalid,
    }
    payload = json.dumps(described, separators=(",", ":")).encode("ascii")
    return _record(PUT, entry.serial, hash_of(entry.key), entry.size_bytes, body_crc, payload)


def drop(serial: int) -> bytes:
    """The record that takes one back."""
    return _record(DROP, serial, 0, 0, 0, b"")


def _record(kind: bytes, serial: int, key_hash: int, body_bytes: int, body_crc: int, payload: bytes) -> bytes:
    head = _HEAD.pack(b"LR", kind, len(payload), serial, key_hash, body_bytes, body_crc)
    return head + _CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


def parse(record: bytes) -> Entry:
    """The entry of a `PUT` record that `scan` found whole.  Raises ValueError for what is none."""
    _, kind, _, serial, _, body_bytes, _ = _HEAD.unpack_from(record)
    if kind != PUT:
        raise ValueError("no record of a response")
    described = json.loads(record[HEAD_BYTES:])
    fields = Headers(tuple((name, value) for name, value in described["fields"]))
    return Entry(
        serial,
        described["key"],
        tuple((name, value) for name, value in described["variant"]),
        Response(described["status"], described["phrase"], headers=fields),
        body_bytes,
        described["requested_s"],
        described["received_s"],
        described["is_invalid"],
    )


def scan(data: bytes | memoryview) -> tuple[dict[int, Slot], int]:
    """What a log says in the end: the slots by serial, oldest record first, and where its whole records end.

    0: it is no index of ours.
    """
    slots: dict[int, Slot] = {}
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return slots, 0
    end = len(MAGIC)
    for kind, slot in _records(data, end):
        end = slot.offset + slot.length
        slots.pop(slot.serial, None)
        if kind == PUT:
            slots[slot.serial] = slot
    return slots, end


def _records(data: bytes | memoryview, at: int) -> Iterator[tuple[bytes, Slot]]:
    view, size = memoryview(data), len(data)
    unpack, crc32 = _HEAD.unpack_from, zlib.crc32
    while at + HEAD_BYTES <= size:
        mark, kind, length, serial, key_hash, body_bytes, body_crc = unpack(view, at)
        total = HEAD_BYTES + length
        if mark != b"LR" or at + total > size:
            return
        payload_at = at + HEAD_BYTES
        crc = crc32(view[payload_at : at + total], crc32(view[at : payload_at - 4]))
        if _CRC.unpack_from(view, payload_at - 4)[0] != crc:
            return
        yield kind, Slot(serial, key_hash, at, total, body_bytes, body_crc)
        at += total
