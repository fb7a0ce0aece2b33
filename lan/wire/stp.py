"""Spanning-tree BPDUs: how switches agree on a tree without loops.  IEEE 802.1D §9.3."""

import struct
from collections.abc import Iterator
from typing import ClassVar

from lan.wire.addresses import mac_bytes, mac_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

GROUP_MAC = "01:80:c2:00:00:00"
"""Where BPDUs are sent to; a switch never forwards what comes for it."""
CONFIGURATION, RAPID, TOPOLOGY_CHANGE = 0x00, 0x02, 0x80
TYPE_NAMES = {CONFIGURATION: "configuration", RAPID: "rapid", TOPOLOGY_CHANGE: "topology change"}
NOTICE_BYTES, CONFIGURATION_BYTES = 4, 35
LLC = bytes((0x42, 0x42, 0x03))


@frozen
class BridgeId:
    """Who a switch is: the lower priority wins, then the lower MAC."""

    priority: int
    mac: str

    def __str__(self) -> str:
        return f"{self.priority}/{self.mac}"


NO_BRIDGE = BridgeId(0, "00:00:00:00:00:00")


@frozen
class Stp:
    """One BPDU; times in seconds.  Those of `type` TOPOLOGY_CHANGE have nothing but their type."""

    type: int
    flags: int = 0
    root: BridgeId = NO_BRIDGE
    root_path_cost: int = 0
    bridge: BridgeId = NO_BRIDGE
    port_id: int = 0
    message_age_s: float = 0
    max_age_s: float = 20
    hello_s: float = 2
    forward_delay_s: float = 15
    version: int = 0
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "STP"

    def summary(self) -> str:
        if self.type == TOPOLOGY_CHANGE:
            return "STP topology change notice"
        return f"STP root {self.root} cost {self.root_path_cost}, from {self.bridge} port {self.port_id & 0xFFF}"

    def title(self) -> str:
        return f"STP, {TYPE_NAMES.get(self.type, f'type {self.type}')}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        yield Field("protocol", 0, "spanning tree", start, start + 2)
        yield Field("version", self.version, str(self.version), start + 2, start + 3)
        yield Field("type", self.type, TYPE_NAMES.get(self.type, str(self.type)), start + 3, start + 4)
        if self.type == TOPOLOGY_CHANGE:
            return
        yield Field("flags", self.flags, f"0x{self.flags:02x}", start + 4, start + 5)
        yield Field("root bridge", str(self.root), str(self.root), start + 5, start + 13)
        yield Field("root path cost", self.root_path_cost, str(self.root_path_cost), start + 13, start + 17)
        yield Field("bridge", str(self.bridge), str(self.bridge), start + 17, start + 25)
        yield Field("port", self.port_id, f"0x{self.port_id:04x}", start + 25, start + 27)
        yield Field("message age", self.message_age_s, f"{self.message_age_s:g} s", start + 27, start + 29)
        yield Field("max age", self.max_age_s, f"{self.max_age_s:g} s", start + 29, start + 31)
        yield Field("hello time", self.hello_s, f"{self.hello_s:g} s", start + 31, start + 33)
        yield Field("forward delay", self.forward_delay_s, f"{self.forward_delay_s:g} s", start + 33, start + 35)


def read(data: bytes, start: int, end: int) -> Stp:
    """The BPDU behind an LLC header; raises Malformed where it is none, or not whole."""
    if end - start < NOTICE_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a BPDU has at least {NOTICE_BYTES}")
    protocol, version, kind = struct.unpack_from("!HBB", data, start)
    if protocol != 0 or kind not in TYPE_NAMES:
        raise Malformed(f"protocol {protocol}, type 0x{kind:02x}: no BPDU of 802.1D")
    if kind == TOPOLOGY_CHANGE:
        return Stp(kind, version=version)
    if end - start < CONFIGURATION_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, a configuration BPDU has {CONFIGURATION_BYTES}")
    flags, root, root_mac, cost, bridge, mac, port, *times = struct.unpack_from("!BH6sLH6sHHHHH", data, start + 4)
    age, max_age, hello, delay = (each / 256 for each in times)  # sent in 1/256 s
    return Stp(
        kind,
        flags,
        BridgeId(root, mac_text(root_mac)),
        cost,
        BridgeId(bridge, mac_text(mac)),
        port,
        age,
        max_age,
        hello,
        delay,
        version,
    )


def build(bpdu: Stp) -> bytes:
    """What follows the Ethernet header's length field, LLC header included; raises Malformed."""
    if bpdu.type == TOPOLOGY_CHANGE:
        return LLC + struct.pack("!HBB", 0, bpdu.version, bpdu.type)
    times = (bpdu.message_age_s, bpdu.max_age_s, bpdu.hello_s, bpdu.forward_delay_s)
    try:
        return (
            LLC
            + struct.pack(
                "!HBBBH6sLH6sHHHHH",
                0,
                bpdu.version,
                bpdu.type,
                bpdu.flags,
                bpdu.root.priority,
                mac_bytes(bpdu.root.mac),
                bpdu.root_path_cost,
                bpdu.bridge.priority,
                mac_bytes(bpdu.bridge.mac),
                bpdu.port_id,
                *(round(each * 256) for each in times),
            )
            + b"\0" * (bpdu.type == RAPID)
        )
    except struct.error as fault:
        raise Malformed(f"BPDU: {fault}") from fault
