"""The cable between two devices in a test: pull it, shape it, read what it has counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lan.control.client import RunningLan
from lan.errors import UsageError


@dataclass(frozen=True, slots=True)
class Link:
    """One cable of a LAN that runs."""

    lan: RunningLan
    a: str
    b: str

    def set(self, *, sender: str | None = None, **options: str) -> None:
        """Have it do something else from now on, as ``lan link A B NAME=VALUE``; `sender` for one direction."""
        self.lan.change_link(self.a, self.b, options, sender=sender)

    def reset(self, *, sender: str | None = None) -> None:
        """Make it a perfect cable."""
        self.lan.change_link(self.a, self.b, {}, sender=sender, reset=True)

    def unplug(self) -> None:
        """Pull it."""
        self.lan.set_link(self.a, self.b, up=False)

    def plug(self) -> None:
        """Plug it; frames pass when this returns."""
        self.lan.set_link(self.a, self.b, up=True)

    def flap(self, period: str, times: int) -> None:
        """Pull and plug it so often; returns when it is over."""
        self.lan.flap_link(self.a, self.b, period, str(times))

    @property
    def told(self) -> dict[str, Any]:
        """What ``lan link A B --json`` tells of it; see `lan.control.messages.Links`."""
        [link] = self.lan.links(self.a, self.b)["links"]
        told: dict[str, Any] = link
        return told

    @property
    def is_up(self) -> bool:
        """Whether it is plugged, and carries frames."""
        return bool(self.told["up"])

    def counters(self, sender: str) -> Mapping[str, int]:
        """What has become of the frames that `sender` sent: frames, passed, lost, dropped …

        Raises UsageError for a plain cable, on which nobody counts.
        """
        [way] = [way for way in self.told["ways"] if way["from"] == sender]
        if way["counters"] is None:
            raise UsageError(
                f"nobody counts on the cable {self.a} – {self.b}: it is a plain one, or its carrier is gone"
            )
        counters: Mapping[str, int] = way["counters"]
        return counters
