"""When a device was listened to, and when something that it told got lost.  Pure."""


class Gaps:
    """Of all devices."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._lost: list[tuple[int, str]] = []

    def begin(self, device: str, time_ns: int) -> None:
        """All that its kernel tells is heard from now on."""
        self._since[device] = time_ns

    def lose(self, of: str, time_ns: int) -> None:
        """Something was not heard: of "tables", of "firewall", or of "all"."""
        self._lost.append((time_ns, of))

    def is_unbroken(self, of: str, until_ns: int) -> bool:
        """Whether nothing was lost until then."""
        return not any(kind in (of, "all") and time_ns <= until_ns for time_ns, kind in self._lost)

    def is_whole(self, device: str, of: str, until_ns: int, *, since_ns: int = 0) -> bool:
        """Whether all that a device told between two moments is here (by default, since it came to be)."""
        since = self._since.get(device)
        return (
            since is not None
            and since <= until_ns
            and not any(kind in (of, "all") and since_ns <= time_ns <= until_ns for time_ns, kind in self._lost)
        )
