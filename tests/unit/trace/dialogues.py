"""Connections with times: frames as the tap would see them, from lines such as ``0.1 web ACK 1448 win=0``.

A line is a time in ms, who speaks (pc1, web), flags joined by +, what it sends (so many bytes, or one of SAID), and
words: ``seq=`` and ``ack=`` as positions (the SYN is 0), ``win=`` in bytes, ``sack=FROM-TO``, ``head=N`` for the head
of a response with N bytes of content.  Without them each goes on from where it is.  Lines may be joined by " / ".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lan.trace.frame import Direction, Frame
from lan.trace.timeline import Timeline
from lan.wire import ethernet, ipv4, tcp, udp
from lan.wire.tcp import TcpFlags, TcpOptions

MACS = {
    "pc1": "02:00:00:00:00:01",
    "web": "02:00:00:00:00:04",
    "proxy": "02:00:00:00:00:03",
    "dns": "02:00:00:00:00:09",
}
IPS = {"pc1": "10.0.0.1", "web": "10.0.0.4", "proxy": "10.0.0.3", "dns": "10.0.0.9"}
ISN = {"pc1": 2**32 - 3, "proxy": 5000, "web": 1000}
WINDOW, MSS = 60000, 1460
SAID = {
    "request": "GET / HTTP/1.1\r\nHost: web\r\n\r\n",
    "half": "GET / HTTP/1.1\r\nHost: web\r\n",
    "end": "\r\n",
    "response": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
NAMED = ("seq", "ack", "win", "sack", "head")


def head_of(content: int) -> str:
    """The head of a response with so many bytes of content."""
    return f"HTTP/1.1 200 OK\r\nContent-Length: {content}\r\n\r\n"


@dataclass
class Talk:
    """One connection, client first."""

    client: str = "pc1"
    server: str = "web"
    ports: tuple[int, int] = (40000, 80)
    at: dict[str, int] = field(default_factory=dict)
    window: dict[str, int] = field(default_factory=dict)

    def frames(self, script: str) -> Iterator[tuple[int, bytes, str]]:
        """(time_ns, bytes, who) of each line."""
        for line in script.replace(" / ", "\n").splitlines():
            if line.strip():
                yield self._frame(line.split())

    def _frame(self, words: list[str]) -> tuple[int, bytes, str]:
        time_ms, who, flags, *rest = words
        peer = self.server if who == self.client else self.client
        named = dict(word.split("=", 1) for word in rest if word.split("=")[0] in NAMED)
        head = head_of(int(named["head"])) if "head" in named else ""
        said = [word for word in rest if word.split("=")[0] not in named]
        data = head.encode() + b"".join(b"x" * int(word) if word.isdigit() else SAID[word].encode() for word in said)
        bits = TcpFlags(0)
        for name in flags.split("+"):
            bits |= TcpFlags[name]
        seq = int(named.get("seq", self.at.get(who, 0)))
        ack = int(named.get("ack", self.at.get(peer, 0)))
        self.window[who] = int(named.get("win", self.window.get(who, WINDOW)))
        is_syn = bool(bits & TcpFlags.SYN)
        self.at[who] = max(self.at.get(who, 0), seq + len(data) + is_syn + bool(bits & TcpFlags.FIN))
        blocks = [tuple(map(int, each.split("-"))) for each in named.get("sack", "").split(",") if each]
        sack = tuple(((ISN[peer] + a) % 2**32, (ISN[peer] + b) % 2**32) for a, b in blocks)
        ports = self.ports if who == self.client else self.ports[::-1]
        segment = tcp.build(
            IPS[who], IPS[peer], *ports, seq=(ISN[who] + seq) % 2**32,
            ack=(ISN[peer] + ack) % 2**32 if bits & TcpFlags.ACK else 0, flags=bits, window=self.window[who],
            payload=data, options=TcpOptions(mss=MSS) if is_syn else TcpOptions(sack=sack),
        )  # fmt: skip
        packet = ipv4.build(IPS[who], IPS[peer], ipv4.TCP, segment)
        return round(float(time_ms) * 1e6), ethernet.build(MACS[peer], MACS[who], ethernet.IPV4, packet), who


def question(time_ms: float, *, answer_ms: float) -> list[tuple[int, bytes, str]]:
    """pc1 asks for web, and is told."""
    asked = dns_message(answered=False), "pc1", "dns", (50000, 53), time_ms
    told = dns_message(answered=True), "dns", "pc1", (53, 50000), answer_ms
    made = []
    for payload, who, peer, ports, at_ms in (asked, told):
        packet = ipv4.build(IPS[who], IPS[peer], ipv4.UDP, udp.build(IPS[who], IPS[peer], *ports, payload))
        made.append((round(at_ms * 1e6), ethernet.build(MACS[peer], MACS[who], ethernet.IPV4, packet), who))
    return made


def dns_message(*, answered: bool) -> bytes:
    """A? web.test."""
    name = b"\3web\4test\0\0\1\0\1"
    head = (
        b"\x12\x34" + (b"\x81\x80" if answered else b"\1\0") + b"\0\1" + (b"\0\1" if answered else b"\0\0") + b"\0" * 4
    )
    record = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4" + bytes(map(int, IPS["web"].split(".")))
    return head + name + (record if answered else b"")


def timeline(*parts: list[tuple[int, bytes, str]]) -> Timeline:
    """All frames of all parts in the order of their times."""
    made = Timeline({mac: name for name, mac in MACS.items()}, ["s1"])
    seen = sorted((each for part in parts for each in part), key=lambda each: each[0])
    for number, (time_ns, data, who) in enumerate(seen, 1):
        made.add(Frame(number, time_ns, f"s1:{who}", f"{who}:eth0", Direction.IN, data))
    return made


def told(script: str) -> Timeline:
    """One connection between pc1 and web."""
    return timeline(list(Talk().frames(script)))
