"""OpenFlow messages within one TCP segment, to look at: how a switch and its controller talk.

OpenFlow Switch Specification 1.0.0 §5 and 1.3.5 §7.  Bodies are in `openflow_bodies`.
"""

import struct
from collections.abc import Iterator
from typing import ClassVar

from lan.wire import openflow_bodies as bodies
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count, preview

HEADER_BYTES = 8
VERSIONS = {1: "1.0", 2: "1.1", 3: "1.2", 4: "1.3", 5: "1.4", 6: "1.5"}
SHARED = (
    *("HELLO", "ERROR", "ECHO_REQUEST", "ECHO_REPLY", "EXPERIMENTER", "FEATURES_REQUEST", "FEATURES_REPLY"),
    *("GET_CONFIG_REQUEST", "GET_CONFIG_REPLY", "SET_CONFIG", "PACKET_IN", "FLOW_REMOVED", "PORT_STATUS"),
    *("PACKET_OUT", "FLOW_MOD"),
)
TYPES_1_0 = (
    *SHARED,
    *("PORT_MOD", "STATS_REQUEST", "STATS_REPLY", "BARRIER_REQUEST", "BARRIER_REPLY"),
    *("QUEUE_GET_CONFIG_REQUEST", "QUEUE_GET_CONFIG_REPLY"),
)
TYPES_1_3 = (
    *SHARED,
    *("GROUP_MOD", "PORT_MOD", "TABLE_MOD", "MULTIPART_REQUEST", "MULTIPART_REPLY", "BARRIER_REQUEST"),
    *("BARRIER_REPLY", "QUEUE_GET_CONFIG_REQUEST", "QUEUE_GET_CONFIG_REPLY", "ROLE_REQUEST", "ROLE_REPLY"),
    *("GET_ASYNC_REQUEST", "GET_ASYNC_REPLY", "SET_ASYNC", "METER_MOD"),
)


@frozen
class Message:
    """One message, or its beginning where `is_whole` is False; `length` counts its header."""

    version: int
    type: int
    length: int
    xid: int
    is_whole: bool
    start: int
    end: int
    problems: tuple[str, ...] = ()

    @property
    def type_name(self) -> str:
        """``FLOW_MOD``, or the number where it has no name here."""
        names = TYPES_1_0 if self.version == 1 else TYPES_1_3
        return names[self.type] if self.type < len(names) else f"type {self.type}"


@frozen
class OpenFlow:
    """The messages that begin in a segment; none where it is the middle of one."""

    messages: tuple[Message, ...]
    length: int = 0
    protocol_name: ClassVar[str] = "OpenFlow"

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem for message in self.messages for problem in message.problems)

    def summary(self) -> str:
        if not self.messages:
            return f"OpenFlow, middle of a message, {count(self.length, 'byte')}"
        version = self.messages[0].version
        names = ", ".join(message.type_name for message in self.messages)
        return f"OpenFlow {VERSIONS.get(version, version)} {names} xid={self.messages[0].xid}"

    def title(self) -> str:
        return self.summary()

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        after = start
        for message in self.messages:
            at, after = message.start, message.end
            version = VERSIONS.get(message.version, "unknown")
            yield Field("version", message.version, f"{version} (0x{message.version:02x})", at, at + 1)
            yield Field("type", message.type, f"{message.type_name} ({message.type})", at + 1, at + 2)
            words = count(message.length, "byte") + ("" if message.is_whole else ", goes on in the next segment")
            yield Field("length", message.length, words, at + 2, at + 4)
            yield Field("xid", message.xid, str(message.xid), at + 4, at + HEADER_BYTES)
            yield from bodies.fields(message.version, message.type_name, data, at + HEADER_BYTES, after)
        if after < end:
            yield Field("data", data[after:end], preview(data[after:end]), after, end)


def is_beginning(data: bytes, start: int, end: int) -> bool:
    """Whether a message's header stands at `start`: known version and type, a possible length."""
    if end - start < HEADER_BYTES or data[start] not in VERSIONS:
        return False
    names = TYPES_1_0 if data[start] == 1 else TYPES_1_3
    return data[start + 1] < len(names) and data[start + 2] << 8 | data[start + 3] >= HEADER_BYTES


def read(data: bytes, start: int, end: int) -> OpenFlow:
    """The messages that begin at `start`, one behind the other, as far as they are here; never raises."""
    messages, at = [], start
    while is_beginning(data, at, end):
        version, kind, length, xid = struct.unpack_from("!BBHL", data, at)
        after = min(at + length, end)
        message = Message(version, kind, length, xid, at + length <= end, at, after)
        least = bodies.least_bytes(version, message.type_name)
        if length - HEADER_BYTES < least:
            problem = f"OpenFlow {message.type_name} has {count(length, 'byte')}, expected {HEADER_BYTES + least}"
            message = Message(version, kind, length, xid, message.is_whole, at, after, (problem,))
        messages.append(message)
        at = after
    return OpenFlow(tuple(messages), end - start)
