"""The timeline of a LAN that is up, read from its capture file as it grows."""

import time
from collections.abc import Callable
from pathlib import Path

from lan.control.client import RunningLan
from lan.errors import UsageError
from lan.topo.spec import Lan
from lan.trace.keylog import LanKeys
from lan.trace.pcapng import Reader
from lan.trace.proxy_log import ProxyLogs
from lan.trace.rotation import Tail
from lan.trace.timeline import Timeline


def device_map(lan: Lan) -> dict[str, str]:
    """MAC address → device, for hosts."""
    switches = {device.name for device in lan.switches}
    ports = [port for link in lan.links for port in (link.a, link.b)]
    return {port.mac: port.device for port in ports if port.device not in switches}


class Recording:
    """Follows one LAN's capture.  `drops` counts frames that were seen and lost: then nothing is certain."""

    def __init__(self, lan: RunningLan) -> None:
        if lan.trace is None:
            raise UsageError(f"nothing is captured on LAN {lan.name}", todo="start it without --no-trace")
        self.lan = lan
        spec = lan.spec
        self.timeline = Timeline(device_map(spec), [device.name for device in spec.switches])
        self.drops = 0
        self._reader = Reader()
        self._file = Tail(Path(lan.trace))
        self._keys, self._proxies = LanKeys(lan.state), ProxyLogs(lan.state)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def sync(self) -> None:
        """Take in every frame that has passed until now."""
        self.drops = max(self.drops, self.lan.sync_trace()["drops"])
        self._read()

    def wait_until(self, condition: Callable[[], bool], deadline_s: float) -> bool:
        """Take in frames until the condition holds; False if it does not by the deadline."""
        limit = time.monotonic() + deadline_s
        self.sync()
        while not condition():
            left_ms = round((limit - time.monotonic()) * 1000)
            if left_ms <= 0:
                return False
            self.lan.wait_trace(self._reader.frames, left_ms)
            self._read()
        return True

    def wait_for_more(self, deadline_s: float) -> bool:
        """Take in whatever comes next; False if nothing does by the deadline."""
        seen = len(self.timeline.all_frames)
        return self.wait_until(lambda: len(self.timeline.all_frames) > seen, deadline_s)

    def _read(self) -> None:
        for piece in self._file.pieces():
            self.timeline.feed(self._reader.feed(piece))
        if any(session.decryption is None for session in self.timeline.tls):
            self.timeline.learn_secrets(self._keys.fresh())
        for device, log in self._proxies.fresh():
            self.timeline.learn_proxies(device, log)
