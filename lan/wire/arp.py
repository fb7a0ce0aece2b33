"""ARP for IPv4 over Ethernet: who has this address?  RFC 826."""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import ClassVar

from lan.wire.addresses import NULL_MAC, ipv4_bytes, ipv4_text, mac_bytes, mac_text
from lan.wire.frozen import frozen
from lan.wire.layer import Field, count
from lan.wire.malformed import Malformed

ARP_BYTES = 28
REQUEST, REPLY = 1, 2
OPERATIONS = {REQUEST: "request", REPLY: "reply", 3: "reverse request", 4: "reverse reply"}
ETHERNET, IPV4 = 1, 0x0800


@frozen
class Arp:
    """One ARP message; `operation` 1 asks, 2 answers."""

    operation: int
    sender_mac: str
    sender_ip: str
    target_mac: str
    target_ip: str
    problems: tuple[str, ...] = ()
    protocol_name: ClassVar[str] = "ARP"

    def is_gratuitous(self) -> bool:
        """Whether it tells everyone the sender's own address.  RFC 5227 §3."""
        return self.sender_ip == self.target_ip and self.sender_ip != "0.0.0.0"

    def is_probe(self) -> bool:
        """Whether it asks if an address is free before taking it.  RFC 5227 §2.1.1."""
        return self.operation == REQUEST and self.sender_ip == "0.0.0.0"

    def summary(self) -> str:
        if self.is_gratuitous():
            return f"ARP {self.sender_ip} is at {self.sender_mac} (announcement)"
        if self.operation == REQUEST:
            return f"ARP who has {self.target_ip}? tell {self.sender_ip if not self.is_probe() else self.sender_mac}"
        if self.operation == REPLY:
            return f"ARP {self.sender_ip} is at {self.sender_mac}"
        return f"ARP {OPERATIONS.get(self.operation, f'operation {self.operation}')}"

    def title(self) -> str:
        return f"ARP, {OPERATIONS.get(self.operation, f'operation {self.operation}')}"

    def fields(self, data: bytes, start: int, end: int) -> Iterator[Field]:
        hardware, ethertype, hardware_length, address_length = struct.unpack_from("!HHBB", data, start)
        words = "Ethernet" if hardware == ETHERNET else str(hardware)
        yield Field("hardware type", hardware, words, start, start + 2)
        words = "IPv4" if ethertype == IPV4 else f"0x{ethertype:04x}"
        yield Field("protocol type", ethertype, words, start + 2, start + 4)
        yield Field("hardware length", hardware_length, count(hardware_length, "byte"), start + 4, start + 5)
        yield Field("protocol length", address_length, count(address_length, "byte"), start + 5, start + 6)
        words = f"{OPERATIONS.get(self.operation, 'unknown')} ({self.operation})"
        yield Field("operation", self.operation, words, start + 6, start + 8)
        yield Field("sender MAC", self.sender_mac, self.sender_mac, start + 8, start + 14)
        yield Field("sender IP", self.sender_ip, self.sender_ip, start + 14, start + 18)
        words = f"{self.target_mac} (not known)" if self.target_mac == NULL_MAC else self.target_mac
        yield Field("target MAC", self.target_mac, words, start + 18, start + 24)
        yield Field("target IP", self.target_ip, self.target_ip, start + 24, start + 28)


def read(data: bytes, start: int, end: int) -> Arp:
    """The message at `start`; raises Malformed where it is not whole or not for IPv4 over Ethernet."""
    if end - start < ARP_BYTES:
        raise Malformed(f"{count(end - start, 'byte')}, ARP for IPv4 has {ARP_BYTES}")
    hardware, ethertype, hardware_length, address_length, operation = struct.unpack_from("!HHBBH", data, start)
    if (hardware_length, address_length) != (6, 4):
        raise Malformed(f"address lengths {hardware_length} and {address_length}, expected 6 and 4")
    problems = []
    if (hardware, ethertype) != (ETHERNET, IPV4):
        problems.append(f"ARP types {hardware} and 0x{ethertype:04x} are not Ethernet and IPv4")
    if operation not in OPERATIONS:
        problems.append(f"ARP operation {operation} is unknown")
    return Arp(
        operation,
        mac_text(data[start + 8 : start + 14]),
        ipv4_text(data[start + 14 : start + 18]),
        mac_text(data[start + 18 : start + 24]),
        ipv4_text(data[start + 24 : start + 28]),
        tuple(problems),
    )


def build(
    operation: int,
    sender_mac: str,
    sender_ip: str | IPv4Address,
    target_mac: str,
    target_ip: str | IPv4Address,
) -> bytes:
    """The 28 bytes that follow the Ethernet header; raises Malformed."""
    if not 0 <= operation <= 0xFFFF:
        raise Malformed(f"ARP operation {operation} does not fit 16 bits")
    head = struct.pack("!HHBBH", ETHERNET, IPV4, 6, 4, operation)
    sender, target = mac_bytes(sender_mac) + ipv4_bytes(sender_ip), mac_bytes(target_mac) + ipv4_bytes(target_ip)
    return head + sender + target
