"""The kernel's filter that lets segments pass which open, end or refuse connections: run here as the kernel runs it."""

import struct

import pytest

from lan.control import segment_trigger
from lan.wire import ethernet, icmp, ipv4, tcp, udp
from lan.wire.tcp import TcpFlags

HERE, THERE, MAC = "10.0.0.1", "10.0.0.2", "02:00:00:00:00:01"
OFFSET_OF_PIECE = 6


def run(frame: bytes) -> bool:
    """Whether the filter lets a frame pass.  A load beyond its end drops it, as in the kernel."""
    program = list(struct.iter_unpack("=HBBI", segment_trigger.filter_program()))
    accumulator = index = at = 0
    while True:
        code, if_so, if_not, operand = program[at]
        at += 1
        try:
            if code == 0x28:
                accumulator = struct.unpack_from("!H", frame, operand)[0]
            elif code == 0x30:
                accumulator = frame[operand]
            elif code == 0x50:
                accumulator = frame[operand + index]
            elif code == 0xB1:
                index = 4 * (frame[operand] & 0xF)
            elif code == 0x15:
                at += if_so if accumulator == operand else if_not
            elif code == 0x45:
                at += if_so if accumulator & operand else if_not
            else:
                assert code == 0x06
                return operand > 0
        except (struct.error, IndexError):
            return False


def packet(protocol: int, content: bytes, *, options: bytes = b"", offset: int = 0) -> bytes:
    built = bytearray(ipv4.build(HERE, THERE, protocol, content))
    built[0] += len(options) // 4
    struct.pack_into("!H", built, OFFSET_OF_PIECE, offset)
    return ethernet.build(MAC, MAC, ethernet.IPV4, bytes(built[:20]) + options + bytes(built[20:]))


def segment(flags: TcpFlags, data: bytes = b"") -> bytes:
    return tcp.build(HERE, THERE, 40000, 80, seq=1, ack=1, flags=flags, payload=data)


SYN, ACK, FIN, RST, PSH = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST, TcpFlags.PSH
IPV6 = b"\x60" + bytes(5) + bytes((ipv4.TCP, 64)) + bytes(32)


@pytest.mark.parametrize(
    ("frame", "passes"),
    [
        (packet(ipv4.TCP, segment(SYN)), True),
        (packet(ipv4.TCP, segment(SYN | ACK)), True),
        (packet(ipv4.TCP, segment(FIN | ACK)), True),
        (packet(ipv4.TCP, segment(RST)), True),
        (packet(ipv4.TCP, segment(SYN), options=b"\x01" * 8), True),
        (packet(ipv4.TCP, segment(PSH | ACK, b"\x07" * 40), options=b"\x01" * 8), False),
        (packet(ipv4.TCP, segment(PSH | ACK, b"\x07" * 40)), False),
        (packet(ipv4.TCP, segment(SYN), offset=100), False),
        (packet(ipv4.UDP, udp.build(HERE, THERE, 7, 7, b"\x07" * 40)), False),
        (packet(ipv4.ICMP, icmp.build_error(icmp.UNREACHABLE, 3, packet(ipv4.UDP, bytes(8))[14:])), True),
        (packet(ipv4.ICMP, icmp.build_echo(3, 3, b"abc")), False),
        (ethernet.build(MAC, MAC, 0x86DD, IPV6 + segment(SYN)), True),
        (ethernet.build(MAC, MAC, 0x86DD, IPV6 + segment(ACK, b"\x07" * 40)), False),
        (ethernet.build(MAC, MAC, 0x86DD, IPV6.replace(b"\x06", b"\x3a") + b"\x01\x04" + bytes(46)), True),
        (ethernet.build(MAC, MAC, 0x86DD, IPV6.replace(b"\x06", b"\x3a") + b"\x80\x01" + bytes(46)), False),
        (ethernet.build(MAC, MAC, 0x86DD, IPV6.replace(b"\x06", b"\x11") + b"\x01\x01" + bytes(46)), False),
        (ethernet.build(MAC, MAC, ethernet.ARP, b"\x07" * 46), False),
        (b"\x07" * 10, False),
    ],
)
def test_segments_that_change_sockets_pass_and_no_others(frame: bytes, passes: bool) -> None:
    assert run(frame) is passes
