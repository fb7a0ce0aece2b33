"""What a cache is told about itself: shared or private, how bold its guesses are, how large an object may be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations in seconds, sizes in bytes.

    `is_shared`: it answers several users (RFC 9111 §1).  `heuristic_fraction` of the time since the
    last change is how long a response without a lifetime of its own is fresh, never more than
    `heuristic_most_s` (§4.2.2).  `stale_when_disconnected`: a stale answer rather than none while the
    origin can't be reached and nobody forbids it (§4.2.4).  `most_variants` are kept for one URI.
    `written`: request fields, in lower case, that our proxy writes anew for each client.
    """

    name: str = "lan"
    is_shared: bool = True
    heuristic_fraction: float = 0.1
    heuristic_most_s: float = 86_400.0
    stale_when_disconnected: bool = True
    max_object_bytes: int = 64 * 1024 * 1024
    most_variants: int = 64
    written: frozenset[str] = frozenset()
