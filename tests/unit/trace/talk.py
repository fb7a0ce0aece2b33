"""Two devices that speak: frames as the tap would see them, from a few words."""

from itertools import count

from lan.trace.frame import Direction, Frame
from lan.wire import ethernet, ipv4, tcp, udp
from lan.wire.tcp import NO_OPTIONS, TcpFlags, TcpOptions

MACS = {"pc1": "02:00:00:00:00:01", "web": "02:00:00:00:00:04", "r1": "02:00:00:00:00:09"}
IPS = {"pc1": "192.168.100.1", "web": "192.168.100.253"}
FIRST_SEQ = {"pc1": 2**32 - 3, "web": 1000}
"""The initial sequence numbers; the client's soon wraps round."""


class Talk:
    """A TCP dialogue; keeps sequence numbers as the two would."""

    def __init__(self, client_port: int = 40000, server_port: int = 80) -> None:
        self.ports = {"pc1": client_port, "web": server_port}
        self.next = dict(FIRST_SEQ)
        self.numbers = count(1)

    def say(
        self,
        who: str,
        flags: str,
        data: bytes = b"",
        *,
        seq: int | None = None,
        ack: int | None = None,
        via: str = "",
        window: int = 64240,
        options: TcpOptions = NO_OPTIONS,
    ) -> Frame:
        """One segment; `seq` and `ack` go on from where the two are unless given."""
        peer = "web" if who == "pc1" else "pc1"
        bits = TcpFlags(0)
        for name in flags.split("+"):
            bits |= TcpFlags[name]
        at = self.next[who] if seq is None else seq % 2**32
        acked = (self.next[peer] if ack is None else ack % 2**32) if bits & TcpFlags.ACK else 0
        src, dst = IPS[who], IPS[peer]
        ports = self.ports[who], self.ports[peer]
        segment = tcp.build(
            src, dst, *ports, seq=at, ack=acked, flags=bits, window=window, options=options, payload=data
        )
        if seq is None:
            self.next[who] = (at + len(data) + bool(bits & (TcpFlags.SYN | TcpFlags.FIN))) % 2**32
        return self.send(who, peer, ipv4.build(src, dst, ipv4.TCP, segment), via=via)

    def open(self) -> list[Frame]:
        return [self.say("pc1", "SYN"), self.say("web", "SYN+ACK"), self.say("pc1", "ACK")]

    def datagram(self, who: str, src_port: int, dst_port: int, payload: bytes) -> Frame:
        peer = "web" if who == "pc1" else "pc1"
        body = udp.build(IPS[who], IPS[peer], src_port, dst_port, payload)
        return self.send(who, peer, ipv4.build(IPS[who], IPS[peer], ipv4.UDP, body))

    def send(self, who: str, to: str, packet: bytes, *, ethertype: int = ethernet.IPV4, via: str = "") -> Frame:
        number, device = next(self.numbers), via or who
        data = ethernet.build(MACS[to], MACS[device], ethertype, packet)
        return Frame(number, number * 1_000_000, f"s1:{device}", f"{device}:eth0", Direction.IN, data)


def play(talk: Talk, script: str) -> list[Frame]:
    """``"pc1 SYN, web SYN+ACK, pc1 ACK 5"``: who, flags, data bytes; ``old`` acknowledges as before."""
    frames, acked = [], {"pc1": FIRST_SEQ["web"] + 1, "web": FIRST_SEQ["pc1"] + 1}
    for words in script.split(","):
        who, flags, *more = words.split()
        size = sum(int(word) for word in more if word.isdigit())
        peer = "web" if who == "pc1" else "pc1"
        ack = acked[who] if "old" in more else None
        frames.append(talk.say(who, flags, b"x" * size, ack=ack))
        acked[who] = talk.next[peer] if ack is None else ack
    return frames
