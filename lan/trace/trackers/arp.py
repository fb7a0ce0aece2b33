"""ARP: who asked for whose address, and who answered.  RFC 826, RFC 5227.  Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from lan.trace.frame import Frame
from lan.wire import arp


class Kind(StrEnum):
    """What a conversation is for."""

    QUESTION = "question"
    PROBE = "probe"
    ANNOUNCEMENT = "announcement"
    UNASKED = "unasked answer"


@dataclass(slots=True, eq=False, repr=False)
class Resolution:
    """One address asked for, with its repetitions, and the answers (several: a conflict)."""

    kind: Kind
    device: str
    sender_mac: str
    sender_ip: str
    target_ip: str
    requests: list[Frame] = field(default_factory=list)
    replies: list[Frame] = field(default_factory=list)
    macs: list[str] = field(default_factory=list)

    @property
    def frames(self) -> list[Frame]:
        return sorted([*self.requests, *self.replies], key=lambda frame: frame.number)

    @property
    def mac(self) -> str | None:
        """The address found; None while nobody answered."""
        return self.macs[0] if self.macs else None

    def is_conflict(self) -> bool:
        """Whether two devices answered for one address."""
        return len(set(self.macs)) > 1

    def __repr__(self) -> str:
        if self.kind in (Kind.ANNOUNCEMENT, Kind.UNASKED):
            return f"ARP {self.device}: {self.sender_ip} is at {self.sender_mac} ({self.kind})"
        answer = " and ".join(dict.fromkeys(self.macs)) or "no answer"
        return f"ARP {self.device}: who has {self.target_ip}? {answer}"


class Tracker:
    """Pairs answers with questions."""

    def __init__(self) -> None:
        self.resolutions: list[Resolution] = []
        self._asked: dict[tuple[str, str], Resolution] = {}

    def add(self, frame: Frame) -> Resolution | None:
        """The conversation that the frame belongs to; None where it is no ARP."""
        message = frame.packet.arp
        if message is None:
            return None
        if message.is_gratuitous():
            return self._begin(Kind.ANNOUNCEMENT, message, frame)
        if message.operation == arp.REQUEST:
            return self._ask(message, frame)
        asked = self._asked.get((message.target_mac, message.sender_ip))
        if asked is None:
            return self._begin(Kind.UNASKED, message, frame)
        asked.replies.append(frame)
        asked.macs.append(message.sender_mac)
        return asked

    def _ask(self, message: arp.Arp, frame: Frame) -> Resolution:
        key = message.sender_mac, message.target_ip
        asked = self._asked.get(key)
        if asked is None or asked.replies or asked.sender_ip != message.sender_ip:
            kind = Kind.PROBE if message.is_probe() else Kind.QUESTION
            asked = self._asked[key] = self._begin(kind, message, frame)
        else:
            asked.requests.append(frame)
        return asked

    def _begin(self, kind: Kind, message: arp.Arp, frame: Frame) -> Resolution:
        device = frame.from_device or message.sender_mac
        begun = Resolution(kind, device, message.sender_mac, message.sender_ip, message.target_ip, [frame])
        self.resolutions.append(begun)
        return begun
