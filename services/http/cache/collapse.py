"""Collapsed requests: one goes to the origin, those for the same wait for its answer.  RFC 9111 §4.

Pure.  `who` is whatever the proxy knows a waiting client by.  A follower gets nothing from the leader
but the news that it is worth looking again: its own lookup decides whether the answer is for it, so
that sharing never shows anyone what was not meant for them.
"""

from typing import Generic, TypeVar

from lan.reasons import Reason

Who = TypeVar("Who")

LEADS = Reason("RFC 9111 §4", "the first to ask: goes to the origin")
FOLLOWS = Reason("RFC 9111 §4", "the same is being asked for: waits for that answer")
TIRED = Reason("RFC 9111 §4", "that answer takes long: whoever gets it first may be slow on purpose")
WAITED = Reason("RFC 9111 §4", "waited once in vain: goes on its own")


class Collapse(Generic[Who]):
    """Who leads and who waits, by `Forward.collapse_key`."""

    def __init__(self) -> None:
        self._followers: dict[str, list[Who]] = {}

    def join(self, key: str | None, who: Who, *, has_waited: bool = False) -> Reason:
        """Go (`LEADS`, `WAITED`) or wait (`FOLLOWS`).

        No key: the request is about its client alone.  `has_waited`: it followed already and found
        nothing for it; waiting again would put clients in a queue.
        """
        if key is None or has_waited:
            return WAITED if has_waited else LEADS
        if key in self._followers:
            self._followers[key].append(who)
            return FOLLOWS
        self._followers[key] = []
        return LEADS

    def release(self, key: str | None) -> list[Who]:
        """The leader is done: its answer is stored, or won't be, or it failed.  These look again, in order.

        Called as soon as that is known: for an answer that is not stored, when its head came.
        """
        return self._followers.pop(key, []) if key is not None else []

    def leave(self, key: str, who: Who) -> None:
        """A follower's client went away, or was tired of waiting."""
        if who in self._followers.get(key, ()):
            self._followers[key].remove(who)

    def waiting(self, key: str) -> int:
        """How many wait for this."""
        return len(self._followers.get(key, ()))
