"""When a device was listened to, and when something that it told got lost.  Pure."""

from bisect import bisect_right


class Gaps:
    """Of all devices."""

    def __init__(self) -> None:
        self._begun: dict[str, list[int]] = {}
        self._lost: list[tuple[int, int, str]] = []

    def begin(self, device: str, time_ns: int) -> None:
        """All that its kernel tells is heard from now on; another device of the same name may have been before."""
        self._begun.setdefault(device, []).append(time_ns)

    def lose(self, of: str, since_ns: int, until_ns: int) -> None:
        """Something was not heard between two moments: of "tables", of "firewall", or of "all"."""
        self._lost.append((since_ns, until_ns, of))

    def is_unbroken(self, of: str, until_ns: int, *, since_ns: int = 0) -> bool:
        """Whether nothing was lost between two moments (by default, since the beginning)."""
        return not any(
            kind in (of, "all") and begun_ns <= until_ns and ended_ns >= since_ns
            for begun_ns, ended_ns, kind in self._lost
        )

    def is_whole(self, device: str, of: str, until_ns: int, *, since_ns: int = 0) -> bool:
        """Whether all that a device told between two moments is here (by default, since it came to be)."""
        begun = self._begun.get(device, [])
        at = bisect_right(begun, until_ns)
        return at > 0 and self.is_unbroken(of, until_ns, since_ns=max(since_ns, begun[at - 1]))
